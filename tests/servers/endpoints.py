"""Addresses on loopback that nobody uses yet."""

import random
import socket
from contextlib import ExitStack
from dataclasses import dataclass

# Below the ports that the kernel and our caches take for outgoing questions, so that no question
# can occupy an address between the moment it is found free and the start of its server.
FIRST_PORT, LAST_PORT = 20_000, 32_000


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
    for port in random.sample(range(FIRST_PORT, LAST_PORT), 100):
        if _is_free(port, addresses):
            return tuple(Endpoint(address, port) for address in addresses)
    raise OSError(f"no port of a hundred is free on all of {', '.join(addresses)}")


def _is_free(port: int, addresses: tuple[str, ...]) -> bool:
    with ExitStack() as held:
        try:
            for address in addresses:
                for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
                    held.enter_context(socket.socket(type=kind)).bind((address, port))
        except OSError:
            return False
    return True
