"""Secrets: the configuration says where they are, never what they are."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from monitor.config.faults import refused

HIDDEN = "********"

_REMEDY = '{ env = "NAME" } or { file = "PATH" }'
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_ENV_SCHEMA = {
    "type": "object",
    "properties": {"env": {"type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}},
    "required": ["env"],
    "additionalProperties": False,
}
_FILE_SCHEMA = {
    "type": "object",
    "properties": {"file": {"type": "string", "minLength": 1}},
    "required": ["file"],
    "additionalProperties": False,
}


class SecretUnavailable(LookupError):
    """The place that should hold a secret is empty or cannot be read; the message names it."""


@dataclass(frozen=True, slots=True)
class SecretInEnvironment:
    """A secret in an environment variable."""

    name: str

    def reveal(self, environ: Mapping[str, str]) -> str:
        """Return the secret; raises SecretUnavailable."""
        if not (value := environ.get(self.name, "")):
            raise SecretUnavailable(f"the environment variable {self.name} is not set")
        return value

    def shown(self) -> dict[str, str]:
        return {"env": self.name, "value": HIDDEN}


@dataclass(frozen=True, slots=True)
class SecretInFile:
    """A secret in a file, read anew each time, so that it can be rotated."""

    path: Path

    def reveal(self, _environ: Mapping[str, str]) -> str:
        """Return the file's text without its last line break; raises SecretUnavailable."""
        try:
            value = self.path.read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as error:
            raise SecretUnavailable(f"{self.path} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError:
            # The error that is hidden here would carry the file's bytes.
            raise SecretUnavailable(f"{self.path} is not UTF-8 text") from None
        if not value:
            raise SecretUnavailable(f"{self.path} is empty")
        return value

    def shown(self) -> dict[str, str]:
        return {"file": str(self.path), "value": HIDDEN}


Reference: TypeAlias = SecretInEnvironment | SecretInFile


@dataclass(frozen=True, slots=True, repr=False)
class GivenUrl:
    """A URL written down in the configuration; mostly, what follows its scheme is a token."""

    url: str
    is_secret: bool = True

    def reveal(self, _environ: Mapping[str, str]) -> str:
        return self.url

    def shown(self) -> str:
        return f"{self.url.partition(':')[0]}://{HIDDEN}" if self.is_secret else self.url

    def __repr__(self) -> str:
        return f"GivenUrl({self.shown()!r})"


def parse_secret(written: object) -> Reference:
    """Return where the secret is; a secret written down is refused, and never repeated."""
    match written:
        case SecretInEnvironment() | SecretInFile():
            return written
        case {"env": str(name), **rest} if not rest:
            return _in_environment(name)
        case {"file": str(path), **rest} if not rest and path.strip():
            return SecretInFile(Path(path))
        case str():
            raise refused(
                "must not be written down here",
                f"this file is copied, logged and committed; write {_REMEDY}",
            )
        case _:
            raise refused("must say where the secret is", f"write {_REMEDY}, and nothing else")


def parse_notice_url(written: object) -> Reference | GivenUrl:
    """Return a URL that may carry a token, or the reference that hides it."""
    match written:
        case GivenUrl():
            return written
        case str() if _has_scheme(written):
            return GivenUrl(written)
        case str():
            raise refused(
                "is no URL (not shown: it may be a secret)",
                f"write one such as dingtalk://..., feishu://... or webhooks://..., or {_REMEDY}",
            )
        case _:
            return parse_secret(written)


def parse_service_url(written: object) -> Reference | GivenUrl:
    """Return an http(s) URL; one with a password is accepted only as a reference."""
    match written:
        case GivenUrl():
            return written
        case str():
            return _plain_url(written)
        case _:
            return parse_secret(written)


def _plain_url(url: str) -> GivenUrl:
    scheme, separator, rest = url.partition("://")
    host = rest.partition("/")[0]
    if "@" in rest:  # a password with a slash in it ends what a URL takes for the host
        raise refused("must not hold a password", f"write {_REMEDY} for the whole URL")
    if scheme not in {"http", "https"} or not (separator and host):
        raise refused("must be an http or https URL", 'write one such as "http://127.0.0.1:9093"')
    return GivenUrl(url, is_secret="?" in rest)  # a parameter may be a token


def _in_environment(name: str) -> SecretInEnvironment:
    if not _VARIABLE.fullmatch(name):
        raise refused(
            "is no name of an environment variable (not shown: it may be a secret)",
            "env takes the variable's name, such as OSS_ACCESS_KEY_SECRET, not its value",
        )
    return SecretInEnvironment(name)


def _has_scheme(url: str) -> bool:
    scheme, separator, rest = url.partition("://")
    return bool(separator and rest) and _SCHEME.fullmatch(scheme) is not None


def _shown(secret: Reference | GivenUrl) -> dict[str, str] | str:
    return secret.shown()


Secret: TypeAlias = Annotated[
    SecretInEnvironment | SecretInFile,
    PlainValidator(parse_secret),
    PlainSerializer(_shown),
    WithJsonSchema({"oneOf": [_ENV_SCHEMA, _FILE_SCHEMA]}),
]

_URL_SCHEMA = {"oneOf": [{"type": "string", "format": "uri"}, _ENV_SCHEMA, _FILE_SCHEMA]}

NoticeUrl: TypeAlias = Annotated[
    SecretInEnvironment | SecretInFile | GivenUrl,
    PlainValidator(parse_notice_url),
    PlainSerializer(_shown),
    WithJsonSchema(_URL_SCHEMA),
]

ServiceUrl: TypeAlias = Annotated[
    SecretInEnvironment | SecretInFile | GivenUrl,
    PlainValidator(parse_service_url),
    PlainSerializer(_shown),
    WithJsonSchema(_URL_SCHEMA),
]
