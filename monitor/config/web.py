"""`[web]`: TLS, users, tokens and headers of the listener, and the names it is asked by.

Its keys `tls_server_config`, `http_server_config` and `basic_auth_users` are those of the web
configuration of Prometheus' exporter-toolkit, so that one file can serve several exporters.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import (
    AfterValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from monitor.config.faults import quoted, refused
from monitor.config.fields import NOT_EMPTY, FilePath, Text, Word, parse_exact_domain, parse_text
from monitor.config.secret import HIDDEN, Secret
from monitor.config.section import Section
from monitor.config.sockets import is_ip

# Modular crypt format: version, cost, 22 characters of salt and 31 of hash.
_BCRYPT = re.compile(r"\$2[aby]\$(?P<cost>\d\d)\$[./A-Za-z0-9]{53}")
_LOWEST_COST = 4
_HIGHEST_COST = 16  # some seconds for one password; each step more doubles it
_PORT = re.compile(r":\d+$")
_HASH_IT = "write what `htpasswd -nBC 12 NAME` prints after the colon"

# What exporter-toolkit lets a file set, with the values that it knows of the closed ones.
_HEADERS: Mapping[str, frozenset[str] | None] = {
    "Content-Security-Policy": None,
    "Strict-Transport-Security": None,
    "X-Content-Type-Options": frozenset({"nosniff"}),
    "X-Frame-Options": frozenset({"deny", "sameorigin"}),
    "X-XSS-Protection": None,
}


class ClientAuth(Enum):
    """What is asked of clients in the handshake; the words are those of Go's `tls` package."""

    NONE = "NoClientCert"
    IF_GIVEN = "VerifyClientCertIfGiven"
    REQUIRED = "RequireAndVerifyClientCert"


class TlsVersion(Enum):
    TLS12 = "TLS12"
    TLS13 = "TLS13"


class Scope(Enum):
    READ = "read"
    WRITE = "write"


@dataclass(frozen=True, slots=True, repr=False)
class PasswordHash:
    """A bcrypt hash, which is not shown: it can be tried offline."""

    text: str

    def __repr__(self) -> str:
        return f"PasswordHash({HIDDEN})"


def parse_password_hash(written: object) -> PasswordHash:
    """Return the hash of a password; anything else is refused, and never repeated."""
    if isinstance(written, PasswordHash):
        return written
    found = _BCRYPT.fullmatch(written.strip()) if isinstance(written, str) else None
    if found is None:
        raise refused("must be a bcrypt hash (not shown: it may be a password)", _HASH_IT)
    if not _LOWEST_COST <= int(found["cost"]) <= _HIGHEST_COST:
        raise refused(
            f"has a cost that is not from {_LOWEST_COST} to {_HIGHEST_COST} (got {found['cost']})",
            f"{_HASH_IT}: at a cost of 12 a password takes a quarter of a second",
        )
    return PasswordHash(found.group())


def parse_host(written: object) -> str:
    """Return a name or an address by which the listener may be asked, without a port."""
    text = parse_text(written)
    bare = text.removeprefix("[").removesuffix("]")
    if is_ip(bare):
        return bare
    if found := _PORT.search(text):
        hint = f'write "{text[: found.start()]}": it is meant on whatever port'
        raise refused(f"must be without a port (got {quoted(text)})", hint)
    return parse_exact_domain(text).text


def _user(written: str) -> str:
    # RFC 7617 §2: a colon ends the name, and control characters are not allowed.
    if ":" in written or not written.isprintable():
        raise refused("is no name of a user", "write one without a colon: it ends the name")
    return written


def _header(written: str) -> str:
    names = {name.lower(): name for name in _HEADERS}
    if written.lower() not in names:
        raise refused(
            f"is no header that can be set (got {quoted(written)})",
            f"write one of {', '.join(_HEADERS)}",
        )
    return names[written.lower()]


def _header_value(written: str) -> str:
    if not (written.isascii() and written.isprintable()):
        raise refused("must be printable ASCII", "leave out line breaks and other characters")
    return written


Host: TypeAlias = Annotated[
    str, PlainValidator(parse_host), WithJsonSchema({"type": "string", "minLength": 1})
]
UserName: TypeAlias = Annotated[Text, AfterValidator(_user)]
HeaderName: TypeAlias = Annotated[Text, AfterValidator(_header)]
HeaderValue: TypeAlias = Annotated[Text, AfterValidator(_header_value)]
BcryptHash: TypeAlias = Annotated[
    PasswordHash,
    PlainValidator(parse_password_hash),
    PlainSerializer(lambda _: HIDDEN, return_type=str),
    WithJsonSchema({"type": "string", "pattern": _BCRYPT.pattern.replace("?P<cost>", "")}),
]


class TlsServer(Section):
    """The certificate, and what is asked of clients."""

    cert_file: FilePath
    key_file: FilePath
    client_auth_type: Annotated[ClientAuth, Field(strict=False)] = ClientAuth.NONE
    client_ca_file: FilePath | None = Field(default=None, validate_default=True)
    client_allowed_sans: tuple[Text, ...] = ()
    min_version: Annotated[TlsVersion, Field(strict=False)] = TlsVersion.TLS12

    @field_validator("client_ca_file")
    @classmethod
    def _goes_with_the_type(cls, file: Path | None, info: ValidationInfo) -> Path | None:
        kind = info.data.get("client_auth_type")
        if file is not None and kind is ClientAuth.NONE:
            raise refused(
                "is given, but no certificate is asked for",
                f'write client_auth_type = "{ClientAuth.REQUIRED.value}", or leave it out',
            )
        if file is None and kind in {ClientAuth.IF_GIVEN, ClientAuth.REQUIRED}:
            raise refused(
                "has no client_ca_file",
                "name the authority that signs clients: no other may vouch for them",
                about_table=True,
            )
        return file

    @field_validator("client_allowed_sans")
    @classmethod
    def _needs_certificates(cls, names: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if names and info.data.get("client_auth_type") is ClientAuth.NONE:
            raise refused(
                "is given, but no certificate is asked for",
                f'write client_auth_type = "{ClientAuth.REQUIRED.value}", or leave it out',
            )
        return names


class HttpServer(Section):
    """Headers of every response. HTTP/1.1 is spoken, whatever `http2` says in a shared file."""

    http2: bool = False
    headers: Mapping[HeaderName, HeaderValue] = Field(default_factory=dict)

    @field_validator("headers")
    @classmethod
    def _says_what_is_known(cls, headers: Mapping[str, str]) -> Mapping[str, str]:
        for name, value in headers.items():
            known = _HEADERS[name]
            if known is not None and value.lower() not in known:
                words = " or ".join(f'"{word}"' for word in sorted(known))
                raise refused(f"has a value of {name} that means nothing", f"write {words}")
        return headers


class WebToken(Section):
    """Who may use the API, by what it presents as `Authorization: Bearer`."""

    name: Word
    token: Secret
    scopes: Annotated[tuple[Annotated[Scope, Field(strict=False)], ...], NOT_EMPTY] = (Scope.READ,)


class Web(Section):
    """Who may reach the listener, and how."""

    tls_server_config: TlsServer | None = None
    http_server_config: HttpServer = Field(default_factory=HttpServer)
    basic_auth_users: Mapping[UserName, BcryptHash] = Field(default_factory=dict)
    tokens: tuple[WebToken, ...] = ()
    hosts: tuple[Host, ...] = ()
    allow_anonymous_read: bool = False
