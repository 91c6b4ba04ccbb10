"""What came back for a question: an answer, or the reason why there is none."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, IntEnum
from typing import TypeAlias

from monitor.core.names import DomainName
from monitor.core.servers import Transport


class RecordType(Enum):
    """The record types that this project asks for."""

    A = "A"
    AAAA = "AAAA"
    NS = "NS"
    SOA = "SOA"
    TXT = "TXT"


class Rcode(IntEnum):
    """The response codes that a verdict tells apart (RFC 6895 §2.3)."""

    NOERROR = 0
    FORMERR = 1
    SERVFAIL = 2
    NXDOMAIN = 3
    NOTIMP = 4
    REFUSED = 5
    OTHER = -1

    @property
    def is_failure(self) -> bool:
        """True unless the server had something to say about the name."""
        return self not in {Rcode.NOERROR, Rcode.NXDOMAIN}


class NoAnswerReason(Enum):
    """Why nothing usable came back."""

    TIMEOUT = "timeout"
    NETWORK_ERROR = "network_error"
    MALFORMED = "malformed"
    NO_VANTAGE = "no_vantage"  # nobody was there who could have asked


@dataclass(frozen=True, slots=True)
class Alias:
    """One CNAME record; `ttl` in seconds, as the server showed it."""

    name: DomainName
    target: DomainName
    ttl: int


@dataclass(frozen=True, slots=True)
class Address:
    """One A or AAAA record."""

    name: DomainName
    address: str
    ttl: int


@dataclass(frozen=True, slots=True)
class ExtendedError:
    """One extended DNS error (RFC 8914); `text` came from the network."""

    code: int
    text: str = ""


@dataclass(frozen=True, slots=True)
class NameServerRecord:
    """One NS record, in whichever section it stood."""

    zone: DomainName
    server: DomainName
    ttl: int = 0


@dataclass(frozen=True, slots=True)
class Text:
    """One TXT record, its strings joined; what could act on a terminal is left out."""

    name: DomainName
    value: str
    ttl: int


@dataclass(frozen=True, slots=True)
class Answer:
    """A well-formed response to our question, its records as they came."""

    rcode: Rcode
    aliases: tuple[Alias, ...] = ()
    addresses: tuple[Address, ...] = ()
    name_servers: tuple[NameServerRecord, ...] = ()
    glue: tuple[Address, ...] = ()  # the additional section's addresses
    soa_owner: DomainName | None = None  # the apex of the zone that answered
    negative_ttl: int | None = None  # min(SOA TTL, SOA MINIMUM), RFC 2308 §5
    serial: int | None = None  # of the zone: ZONEVERSION (RFC 9660), otherwise the SOA's
    is_authoritative: bool = False
    extended_errors: tuple[ExtendedError, ...] = ()
    nsid: str | None = None  # RFC 5001, printable or hexadecimal
    subnet_scope: int | None = None  # RFC 7871 SCOPE PREFIX-LENGTH, where the server sent one
    texts: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class NoAnswer:
    """Nothing usable came back; `detail` is for people."""

    reason: NoAnswerReason
    detail: str = ""


Outcome: TypeAlias = Answer | NoAnswer


@dataclass(frozen=True, slots=True)
class Question:
    """One name and type; `is_recursion_desired` is off where an authority is asked.

    `client_subnet` asks an authority what it gives to clients there (RFC 7871).
    """

    name: DomainName
    record_type: RecordType = RecordType.A
    is_recursion_desired: bool = True
    client_subnet: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """One question's outcome, with what a later reader needs to trust it.

    `at` is when the answer came (or when we gave up), `wire` the message as it came.
    """

    outcome: Outcome
    at: datetime
    rtt: timedelta
    transport: Transport
    wire: bytes = b""
