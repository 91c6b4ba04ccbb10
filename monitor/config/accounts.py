"""`[[accounts]]`: the accounts whose buckets and custom domains are discovered."""

from datetime import timedelta
from typing import Annotated, TypeAlias
from urllib.parse import urlsplit

from pydantic import Field, PlainValidator, ValidationInfo, WithJsonSchema, field_validator

from monitor.config.credentials import Credentials, EnvCredentials
from monitor.config.durations import Interval
from monitor.config.faults import quoted, refused
from monitor.config.fields import Word, parse_exact_domain, parse_text, split_url
from monitor.config.globs import BucketGlob, Glob
from monitor.config.section import Section
from monitor.config.sockets import SocketAddress, is_ip
from monitor.core.bindings import CONFIGURED
from monitor.core.names import DomainName
from monitor.core.targets import TargetPolicy, region_of


def parse_account_endpoint(written: object) -> str:
    """Return where the OSS API is asked, as a URL: https, unless it is this very machine."""
    text = parse_text(written)
    parts = split_url(text if "://" in text else f"https://{text}", frozenset({"http", "https"}))
    host = parts.hostname or ""
    if parts.path not in {"", "/"} or parts.query:
        raise refused(f"must end after the host (got {quoted(text)})", f'write "{parts.netloc}"')
    if parts.scheme == "http" and not SocketAddress(host, 0).is_loopback:
        raise refused(
            f"must not be plain http (got {quoted(text)})", f'write "https://{parts.netloc}"'
        )
    if not is_ip(host):
        parse_exact_domain(host)
    return f"{parts.scheme}://{parts.netloc}"


AccountEndpoint: TypeAlias = Annotated[
    str,
    PlainValidator(parse_account_endpoint),
    WithJsonSchema({"type": "string", "minLength": 1}),
]


def _region_told(known: dict[str, object]) -> str:
    host = urlsplit(str(known.get("endpoint", ""))).hostname or ""
    return (host and region_of(DomainName(host), TargetPolicy())) or ""


class AccountSettings(Section):
    """One account: which buckets to look at, with which key, how often."""

    name: Word
    endpoint: AccountEndpoint
    region: str = Field(default_factory=_region_told, validate_default=True)
    credentials: Credentials = EnvCredentials()
    buckets: tuple[BucketGlob, ...] = (Glob("*"),)
    refresh: Interval = timedelta(minutes=10)
    alidns: bool = False
    concurrency: int = Field(default=4, ge=1, le=100)
    timeout: Interval = timedelta(seconds=10)
    attempts: int = Field(default=4, ge=1, le=20)

    @field_validator("name")
    @classmethod
    def _is_free(cls, name: str) -> str:
        if name == CONFIGURED:
            raise refused(
                f"must not be {quoted(CONFIGURED)}", "bindings of this file have that name already"
            )
        return name

    @field_validator("region")
    @classmethod
    def _is_an_id(cls, region: str, info: ValidationInfo) -> str:
        if "endpoint" in info.data and not region.strip():
            raise refused(
                "is missing, and the endpoint does not tell it",
                'write the region\'s id, such as "cn-hangzhou": it is part of every signature',
            )
        if region.startswith("oss-"):
            hint = f'write "{region.removeprefix("oss-")}"'
            raise refused(f'must be the id without "oss-" (got {quoted(region)})', hint)
        return region
