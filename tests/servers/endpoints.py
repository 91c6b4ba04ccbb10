"""Addresses on loopback that nobody uses yet."""

from dataclasses import dataclass

from monitor.demo.ports import free_port


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a server is asked."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"{self.address}:{self.port}"


def free_endpoint(address: str = "127.0.0.1") -> Endpoint:
    """Return an endpoint whose port is free for UDP and TCP."""
    return free_endpoints(address)[0]


def free_endpoints(*addresses: str) -> tuple[Endpoint, ...]:
    """Return one endpoint per address, all of one port that is free on each of them."""
    port = free_port(addresses)
    return tuple(Endpoint(address, port) for address in addresses)
