"""Where a resolver is: an IP address, `tls://host`, `https://host/path` or `quic://host`."""

import ipaddress
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from monitor.config.faults import quoted, refused
from monitor.config.fields import parse_exact_domain, parse_text, split_url
from monitor.config.sockets import is_ip
from monitor.core.servers import Transport

SCHEMES = {"tls": Transport.DOT, "https": Transport.DOH, "quic": Transport.DOQ}

_HINT = 'write an IP address, "tls://host", "https://host/dns-query" or "quic://host"'


@dataclass(frozen=True, slots=True)
class ResolverAddress:
    """An address as written, and what it tells of host, port and transport."""

    text: str
    host: str
    port: int | None = None
    transport: Transport | None = None

    def __str__(self) -> str:
        return self.text


def parse_resolver_address(written: object) -> ResolverAddress:
    """Return the address; what its scheme tells is kept beside it."""
    if isinstance(written, ResolverAddress):
        return written
    text = parse_text(written)
    bare = text.removeprefix("[").removesuffix("]")
    if is_ip(bare):
        one_writing = str(ipaddress.ip_address(bare))
        return ResolverAddress(one_writing, one_writing)
    if "://" in text:
        return _with_scheme(text)
    host, _, port = bare.replace("]:", ":").rpartition(":")
    if is_ip(host) and port.isdigit():
        hint = f'write address = "{host}" and port = {port}'
        raise refused(f"must not hold a port (got {quoted(text)})", hint)
    raise refused(f"is no IP address (got {quoted(text)})", _HINT)


def _with_scheme(text: str) -> ResolverAddress:
    if text.partition("://")[0] not in SCHEMES:
        raise refused(f"has an unknown scheme (got {quoted(text)})", _HINT)
    parts = split_url(text, frozenset(SCHEMES))
    host = parts.hostname or ""
    if not is_ip(host):
        host = parse_exact_domain(host).text
    transport = SCHEMES[parts.scheme]
    if transport is Transport.DOH:
        if parts.path in {"", "/"}:
            raise refused(
                f"has no path (got {quoted(text)})", f'write "https://{parts.netloc}/dns-query"'
            )
    elif parts.path or parts.query:
        bare = f"{parts.scheme}://{parts.netloc}"
        raise refused(f"must end after the host (got {quoted(text)})", f'write "{bare}"')
    return ResolverAddress(text, host, parts.port, transport)


Address: TypeAlias = Annotated[
    ResolverAddress,
    PlainValidator(parse_resolver_address),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "minLength": 1}),
]
