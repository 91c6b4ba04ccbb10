"""Whom we ask: recursive resolvers, and the authorities of a zone."""

from dataclasses import dataclass
from datetime import timedelta
from enum import Enum

from monitor.core.names import DomainName


class Transport(Enum):
    """How a question travels."""

    UDP = "udp"  # falls back to TCP on truncation (RFC 7766 §5)
    TCP = "tcp"
    DOT = "dot"  # RFC 7858
    DOH = "doh"  # RFC 8484
    DOQ = "doq"  # RFC 9250

    @property
    def default_port(self) -> int:
        match self:
            case Transport.UDP | Transport.TCP:
                return 53
            case Transport.DOT | Transport.DOQ:
                return 853
            case Transport.DOH:
                return 443


@dataclass(frozen=True, slots=True)
class Resolver:
    """A recursive server; with a client subnet it is a view of its own.

    `address` is an IP address, or for DoH the whole URL. `server_name` is the name that its
    certificate must carry, `ca_file` the authority that signed it (default: those of the system).
    Where it `varies_case`, the case of each letter of a question sent over UDP is by lot (0x20).
    It is asked from the `vantage` of that name, or by this process: what two vantages hear of one
    address are two resolvers' answers.
    """

    name: str
    address: str
    port: int = 53
    transport: Transport = Transport.UDP
    group: str = ""
    shared: bool = False
    client_subnet: str | None = None
    max_qps: float = 20.0
    weight: float = 1.0
    server_name: str | None = None
    ca_file: str | None = None
    varies_case: bool = False
    vantage: str = ""

    def __hash__(self) -> int:
        return hash(self.name)  # names differ within a panel, and it is asked for all the time


@dataclass(frozen=True, slots=True)
class Authority:
    """One address of one authoritative server of a zone.

    `server` is its name; None where the configuration gives the address alone.
    """

    zone: DomainName
    server: DomainName | None
    address: str
    port: int = 53

    @property
    def name(self) -> str:
        """What evidence and pages call it: several addresses of a name stay apart."""
        place = f"[{self.address}]" if ":" in self.address else self.address
        return f"{self.server} ({place}:{self.port})" if self.server else f"{place}:{self.port}"


@dataclass(frozen=True, slots=True)
class Delegation:
    """A zone's name servers as its parent and as the zone itself name them.

    Either is None where nobody could be asked. `kept_for` is how long caches may know former ones:
    the longer one of the NS records' TTLs at parent and child.
    """

    zone: DomainName
    at_parent: frozenset[DomainName] | None
    at_child: frozenset[DomainName] | None
    authorities: tuple[Authority, ...]
    kept_for: timedelta = timedelta()

    @property
    def is_consistent(self) -> bool | None:
        """Tell whether parent and child agree (RFC 1034 §4.2.2); None where one is not known."""
        if self.at_parent is None or self.at_child is None:
            return None
        return self.at_parent == self.at_child
