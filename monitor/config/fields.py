"""The kinds of text that keys hold: names, addresses, networks, URLs and paths."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated, TypeAlias, TypeVar
from urllib.parse import SplitResult, urlsplit

from pydantic import AfterValidator, PlainSerializer, PlainValidator, WithJsonSchema

from monitor.config.faults import quoted, refused
from monitor.core.names import DomainName, InvalidName

ItemT = TypeVar("ItemT")

_BUCKET = re.compile(r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_TEXT_SCHEMA = {"type": "string", "minLength": 1}


def parse_text(written: object) -> str:
    """Return a text that says something."""
    if not isinstance(written, str):
        raise refused("must be text", "write it in quotes")
    if not (stripped := written.strip()):
        raise refused("must not be empty", "write a value, or leave the key out")
    return stripped


def parse_domain(written: object) -> DomainName:
    """Return the domain name that a person wrote, in Unicode or A-labels."""
    if isinstance(written, DomainName):
        return written
    text = parse_text(written)
    if "@" in text or "/" in text:
        raise refused(f"must be a bare name (got {quoted(text)})", _bare(text))
    try:
        return DomainName.parse(text)
    except InvalidName as error:
        raise refused(str(error), 'write a host name such as "img.example.com"') from None


def parse_exact_domain(written: object) -> DomainName:
    """Return a name that can be asked for: no wildcard."""
    domain = parse_domain(written)
    if domain.is_wildcard:
        raise refused(
            f"must be one exact name (got {quoted(domain.text)})",
            "a wildcard cannot be asked for: list the names that people use",
        )
    return domain


def parse_endpoint(written: object) -> DomainName:
    """Return the host of an OSS endpoint."""
    text = parse_text(written)
    if "://" in text or "/" in text:
        raise refused(f"must be a host name only (got {quoted(text)})", _bare(text))
    return parse_exact_domain(text)


def parse_bucket(written: object) -> str:
    """Return a bucket name (vendor page on bucket naming)."""
    text = parse_text(written)
    if not _BUCKET.fullmatch(text):
        raise refused(
            f"is no bucket name (got {quoted(text)})",
            "3 to 63 lower-case letters, digits and hyphens, no hyphen at either end",
        )
    return text


def parse_label(written: object) -> str:
    """Return a label's name, in the grammar of Prometheus."""
    text = parse_text(written)
    if not _LABEL.fullmatch(text):
        raise refused(
            f"is no label name (got {quoted(text)})",
            f'write letters, digits and underscores, such as "{re.sub(r"[^a-zA-Z_]", "_", text)}"',
        )
    return text


def parse_network(written: object) -> str:
    """Return the network of an EDNS client subnet (RFC 7871) in its one writing."""
    text = parse_text(written)
    try:
        interface = ipaddress.ip_interface(text)
    except ValueError:
        raise refused(
            f"is no network (got {quoted(text)})", 'write a CIDR such as "203.0.113.0/24"'
        ) from None
    if "/" not in text or interface.ip != interface.network.network_address:
        usual = interface.network if "/" in text else _usual_subnet(interface.ip)
        raise refused(f"must be a network (got {quoted(text)})", f'write "{usual}"')
    return str(interface.network)


def split_url(text: str, schemes: frozenset[str]) -> SplitResult:
    """Return the parts of a URL that has a host, no user and no password."""
    named = " or ".join(sorted(f"{scheme}://" for scheme in schemes))
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise refused("is no URL", f"write {named}host:port") from None
    if "@" in parts.netloc:
        raise refused("must not hold a user or a password", "leave out what stands before the @")
    if parts.scheme not in schemes or not host:
        raise refused(
            f"must begin with {named} and a host (got {quoted(text)})", _mended(text, max(schemes))
        )
    return parts


def parse_web_url(written: object) -> str:
    """Return an http(s) URL without a final slash."""
    text = parse_text(written)
    split_url(text, frozenset({"http", "https"}))
    return text.rstrip("/")


def parse_path(written: object) -> Path:
    """Return a path; whether anything is there is not asked here."""
    return written if isinstance(written, Path) else Path(parse_text(written))


def at_least_one(items: tuple[ItemT, ...]) -> tuple[ItemT, ...]:
    """Return a list that is not empty."""
    if not items:
        raise refused("must not be empty", "write at least one, or leave the key out")
    return items


def _mended(url: str, scheme: str) -> str:
    rest = url.rpartition("://")[2].rpartition("@")[2].partition("?")[0] or "host"
    return f'write "{scheme}://{rest}"'


def _bare(text: str) -> str:
    try:
        host = urlsplit(text if "://" in text else f"//{text}").netloc.rpartition("@")[2]
    except ValueError:
        host = ""
    return f'write "{host}"' if host else "write the host name only"


def _usual_subnet(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    # RFC 7871 §11.1: no more than 24 bits of an IPv4 and 56 of an IPv6 address are told.
    return str(ipaddress.ip_network(f"{ip}/{24 if ip.version == 4 else 56}", strict=False))


def _word(written: str) -> str:
    if not re.fullmatch(r"[\w.-]+", written):
        raise refused(
            f"must be one word (got {quoted(written)})",
            "write letters, digits, dots, hyphens and underscores: it becomes a metric label",
        )
    return written


def _vantage(written: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", written):
        raise refused(
            f"must be one short word without dots (got {quoted(written)})",
            "write letters, digits, hyphens and underscores: it becomes part of a subject in NATS",
        )
    return written


# Looks at the list only when each item is right, unlike a least length of pydantic's own.
NOT_EMPTY = AfterValidator(at_least_one)

Text: TypeAlias = Annotated[str, PlainValidator(parse_text), WithJsonSchema(_TEXT_SCHEMA)]
Word: TypeAlias = Annotated[Text, AfterValidator(_word)]
"""A name that a person gives to an account, a resolver or a channel."""

Vantage: TypeAlias = Annotated[Text, AfterValidator(_vantage)]
"""The name of a place from which workers ask."""

Bucket: TypeAlias = Annotated[str, PlainValidator(parse_bucket), WithJsonSchema(_TEXT_SCHEMA)]
Label: TypeAlias = Annotated[str, PlainValidator(parse_label), WithJsonSchema(_TEXT_SCHEMA)]
Network: TypeAlias = Annotated[str, PlainValidator(parse_network), WithJsonSchema(_TEXT_SCHEMA)]
WebUrl: TypeAlias = Annotated[str, PlainValidator(parse_web_url), WithJsonSchema(_TEXT_SCHEMA)]

FilePath: TypeAlias = Annotated[
    Path,
    PlainValidator(parse_path),
    PlainSerializer(str, return_type=str),
    WithJsonSchema(_TEXT_SCHEMA),
]
Domain: TypeAlias = Annotated[
    DomainName,
    PlainValidator(parse_domain),
    PlainSerializer(str, return_type=str),
    WithJsonSchema(_TEXT_SCHEMA),
]
ExactDomain: TypeAlias = Annotated[
    DomainName,
    PlainValidator(parse_exact_domain),
    PlainSerializer(str, return_type=str),
    WithJsonSchema(_TEXT_SCHEMA),
]
Endpoint: TypeAlias = Annotated[
    DomainName,
    PlainValidator(parse_endpoint),
    PlainSerializer(str, return_type=str),
    WithJsonSchema(_TEXT_SCHEMA),
]
