"""Free places on loopback for the servers of the embedded world."""

import ipaddress
import secrets
import socket
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import cycle, islice

_FIRST = ipaddress.IPv4Address("127.0.0.2")
_SHARED = "127.0.0.1"

# Below the range from which kernels take the ports of clients (Linux: 32768 and up, IANA:
# 49152 and up), so that no outgoing socket slips in before the server does.
CANDIDATES = range(20_000, 32_768)
_SHARE = 399  # 32 shares for as many processes side by side


def free_port(addresses: Iterable[str]) -> int:
    """Return a port that is free for UDP and TCP on all these addresses; raises OSError.

    No other process gets it from here, and this one gets it again only after all the others of
    its share, so that it is still free when a server comes to listen.
    """
    places = tuple(dict.fromkeys(addresses))
    for port in islice(_ports_in_turn(), _SHARE):
        if _is_free(places, port):
            return port
    raise OSError(f"no port is free on all of {', '.join(places)}")


def loopback_addresses(count: int) -> list[str]:
    """Return addresses of their own for so many servers; one for all where there is but one.

    Linux answers to all of 127.0.0.0/8, other systems to 127.0.0.1 until told otherwise; then
    each server needs a port of its own.
    """
    own = [str(_FIRST + offset) for offset in range(count)]
    return own if _is_free(own, 0) else [_SHARED] * count


@cache
def _ports_in_turn() -> Iterator[int]:
    """Take a share of the candidates for this process; hand out its ports in turn, for ever."""
    starts = list(CANDIDATES[::_SHARE])
    secrets.SystemRandom().shuffle(starts)
    for start in starts:
        if _is_held(start):
            return cycle(range(start + 1, start + _SHARE))
    return cycle(CANDIDATES)  # where so many processes run, a clash is theirs to bear


def _is_held(port: int) -> bool:
    """Bind a port until this process ends; False when another one has it."""
    sign = socket.socket()
    try:
        sign.bind((_SHARED, port))
    except OSError:
        sign.close()
        return False
    sign.detach()
    return True


def _is_free(addresses: Iterable[str], port: int) -> bool:
    kinds = (socket.SOCK_DGRAM, socket.SOCK_STREAM)
    return all(_can_bind(address, port, kind) for address in addresses for kind in kinds)


def _can_bind(address: str, port: int, kind: socket.SocketKind) -> bool:
    is_v6 = ipaddress.ip_address(address).version == 6
    with socket.socket(socket.AF_INET6 if is_v6 else socket.AF_INET, kind) as probe:
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True
