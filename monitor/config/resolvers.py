"""`[[resolvers]]`: whom we ask, each with a name, a group and a pace."""

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator

from monitor.config.faults import refused
from monitor.config.fields import ExactDomain, FilePath, Network, Text, Vantage, Word
from monitor.config.public_resolvers import is_public_resolver
from monitor.config.resolver_address import Address, ResolverAddress, parse_resolver_address
from monitor.config.section import Section
from monitor.config.sockets import MAX_PORT
from monitor.core.servers import Resolver, Transport


def _transport_of(known: dict[str, object]) -> Transport:
    address = known.get("address")
    told = address.transport if isinstance(address, ResolverAddress) else None
    return told or Transport.UDP


def _port_of(known: dict[str, object]) -> int:
    address, transport = known.get("address"), known.get("transport")
    told = address.port if isinstance(address, ResolverAddress) else None
    usual = transport.default_port if isinstance(transport, Transport) else 53
    return told or usual


def _is_shared(known: dict[str, object]) -> bool:
    address = known.get("address")
    return isinstance(address, ResolverAddress) and is_public_resolver(address.host)


def _with_port(url: str, port: int) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=f"{parts.netloc}:{port}").geturl()


class ResolverSettings(Section):
    """A recursive server; with a client subnet it is a view of its own."""

    name: Word
    address: Address
    transport: Annotated[Transport, Field(strict=False)] = Field(default_factory=_transport_of)
    port: int = Field(default_factory=_port_of, ge=1, le=MAX_PORT)
    group: Text | None = None
    shared: bool = Field(default_factory=_is_shared)
    client_subnet: Network | None = None
    max_qps: float = Field(default=20, gt=0, allow_inf_nan=False)
    weight: float = Field(default=1, gt=0, allow_inf_nan=False)
    server_name: ExactDomain | None = None
    ca_file: FilePath | None = None
    random_case: bool = False
    vantage: Vantage | None = None

    @field_validator("transport")
    @classmethod
    def _agrees_with_scheme(cls, transport: Transport, info: ValidationInfo) -> Transport:
        address: ResolverAddress | None = info.data.get("address")
        if address is None or address.transport is transport:
            return transport
        if address.transport is not None:
            raise refused(
                f'contradicts the address {address} (got "{transport.value}")',
                f'leave transport out, or write "{address.transport.value}"',
            )
        if transport is Transport.DOH:
            host = f"[{address.host}]" if ":" in address.host else address.host
            raise refused(
                f'needs a URL as the address (got "doh" with {address})',
                f'write address = "https://{host}/dns-query"',
            )
        return transport

    @field_validator("port")
    @classmethod
    def _agrees_with_address(cls, port: int, info: ValidationInfo) -> int:
        address: ResolverAddress | None = info.data.get("address")
        if address is None or address.port == port:
            return port
        if address.port is not None:
            raise refused(
                f"contradicts the address {address} (got {port})",
                "give the port once: leave this key out",
            )
        if address.transport is Transport.DOH and port != Transport.DOH.default_port:
            raise refused(
                f"belongs in the URL (got {port} beside {address})",
                f'write address = "{_with_port(address.text, port)}" and leave port out',
            )
        return port

    @property
    def identity(self) -> tuple[str, int, Transport, str | None, str | None]:
        """What two resolvers must not share."""
        subnet, vantage = self.client_subnet, self.vantage
        return (self.address.text, self.port, self.transport, subnet, vantage)

    @property
    def resolver(self) -> Resolver:
        """The table as a value of the core; without `server_name` the host is verified."""
        is_url = self.transport is Transport.DOH
        return Resolver(
            name=self.name,
            address=self.address.text if is_url else self.address.host,
            port=self.port,
            transport=self.transport,
            group=self.group or "",
            shared=self.shared,
            client_subnet=self.client_subnet,
            max_qps=self.max_qps,
            weight=self.weight,
            server_name=self.server_name.text if self.server_name else None,
            ca_file=str(self.ca_file) if self.ca_file else None,
            varies_case=self.random_case,
            vantage=self.vantage or "",
        )


def _public(name: str, address: str, group: str) -> ResolverSettings:
    return ResolverSettings(name=name, address=parse_resolver_address(address), group=group)


DEFAULT_RESOLVERS = (
    _public("alidns", "223.5.5.5", "cn-public"),
    _public("dnspod", "119.29.29.29", "cn-public"),
    _public("114dns", "114.114.114.114", "cn-public"),
    _public("google", "8.8.8.8", "world-public"),
    _public("cloudflare", "1.1.1.1", "world-public"),
    _public("quad9", "9.9.9.10", "world-public"),
)
