"""Where something listens: `127.0.0.1:9953`, `[2001:db8::1]:53`, `localhost:9953`."""

import ipaddress
import re
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from pydantic import PlainSerializer, PlainValidator, WithJsonSchema

from monitor.config.faults import quoted, refused
from monitor.config.fields import parse_exact_domain, parse_text

_SPLIT = re.compile(r"(?:\[(?P<v6>[^\]]*)\]|(?P<host>[^:\[\]]*)):(?P<port>\d{1,6})")
MAX_PORT = 65535

_ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - not bound to here


@dataclass(frozen=True, slots=True)
class SocketAddress:
    """A host and a port; an IPv6 address is held without its brackets."""

    host: str
    port: int

    @property
    def is_loopback(self) -> bool:
        if is_ip(self.host):
            return ipaddress.ip_address(self.host).is_loopback
        return self.host == "localhost"

    @property
    def from_here(self) -> "SocketAddress":
        """Where this machine itself reaches what listens there."""
        return SocketAddress(_ANY.get(self.host, self.host), self.port)

    def url(self, *, is_tls: bool) -> str:
        return f"{'https' if is_tls else 'http'}://{self}/"

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_listener(written: object) -> SocketAddress:
    """Return where the daemon listens; port 0 lets the system choose."""
    if isinstance(written, SocketAddress):
        return written
    text = parse_text(written)
    host, port = _split(text, example="127.0.0.1:9953")
    if not host:
        every = f"0.0.0.0:{port}"
        raise refused(f"has no host (got {quoted(text)})", f'for all addresses write "{every}"')
    return SocketAddress(host if is_ip(host) else parse_exact_domain(host).text, port)


def parse_server(written: object) -> SocketAddress:
    """Return the address and port of a name server."""
    if isinstance(written, SocketAddress):
        return written
    text = parse_text(written)
    if is_ip(text):
        raise refused(f"has no port (got {quoted(text)})", f'write "{SocketAddress(text, 53)}"')
    host, port = _split(text, example="192.0.2.1:53")
    if not is_ip(host) or port == 0:
        raise refused(
            f"must be an IP address and a port (got {quoted(text)})", 'as in "192.0.2.1:53"'
        )
    return SocketAddress(host, port)


def is_ip(text: str) -> bool:
    """True for an IPv4 or IPv6 address without brackets."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _split(text: str, example: str) -> tuple[str, int]:
    match = _SPLIT.fullmatch(text)
    if match is None or (match["v6"] is not None and not is_ip(match["v6"])):
        hint = f'write "{example}", and an IPv6 address in brackets: "[::1]:9953"'
        raise refused(f"must be a host and a port (got {quoted(text)})", hint)
    port = int(match["port"])
    if port > MAX_PORT:
        raise refused(f"has a port over {MAX_PORT} (got {quoted(text)})", f'as in "{example}"')
    return match["v6"] or match["host"] or "", port


_SCHEMA = {"type": "string", "pattern": r":\d+$"}

Listener: TypeAlias = Annotated[
    SocketAddress,
    PlainValidator(parse_listener),
    PlainSerializer(str, return_type=str),
    WithJsonSchema(_SCHEMA),
]
ServerAddress: TypeAlias = Annotated[
    SocketAddress,
    PlainValidator(parse_server),
    PlainSerializer(str, return_type=str),
    WithJsonSchema(_SCHEMA),
]
