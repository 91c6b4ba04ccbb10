"""`credentials` of an account: where its access key comes from."""

from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, Field
from pydantic.config import JsonDict

from monitor.config.faults import refused
from monitor.config.fields import FilePath, Text, WebUrl
from monitor.config.secret import Secret
from monitor.config.section import Section

_METADATA = "http://100.100.100.200"


class EnvCredentials(Section):
    """The access key in the environment, under the names that the vendor's tools use."""

    kind: Literal["env"] = "env"


class FileCredentials(Section):
    """The access key in a credentials file."""

    kind: Literal["file"]
    path: FilePath = Field(description="The file, read anew at each refresh.")


class EcsRoleCredentials(Section):
    """Short-lived keys of the role of the instance that we run on."""

    kind: Literal["ecs_role"]
    role: Text = Field(description="The role's name.")
    metadata_url: WebUrl = Field(_METADATA, description="Where the instance tells its keys.")


class StaticCredentials(Section):
    """An access key of which each part is a reference."""

    kind: Literal["static"]
    access_key_id: Secret
    access_key_secret: Secret
    security_token: Secret | None = None


def _named_kind(written: object) -> object:
    match written:
        case "env":
            return {"kind": "env"}
        case str():
            raise refused(
                'must be "env" or a table (not shown: it may be a secret)',
                'write credentials = "env" or { kind = "file", path = "PATH" }',
            )
        case _:
            return written


def _or_env(schema: JsonDict) -> None:
    table = dict(schema)
    schema.clear()
    schema["anyOf"] = [{"const": "env"}, table]


AnyCredentials: TypeAlias = (
    EnvCredentials | FileCredentials | EcsRoleCredentials | StaticCredentials
)
Credentials: TypeAlias = Annotated[
    AnyCredentials,
    Field(discriminator="kind", json_schema_extra=_or_env),
    BeforeValidator(_named_kind),
]
