"""A socket to one server with the questions that left it, and ids that nobody can guess."""

import os
import socket
from typing import TypeAlias

from monitor.adapters.resolvers.datagrams import connected
from monitor.adapters.resolvers.watchlist import Seconds

_RANDOM = 65536  # octets of randomness that are drawn at a time
_RECEIVE_BUFFER = 1 << 20

Asked: TypeAlias = tuple[Seconds, int, bytes | None]  # sent, number, question in varied case


class Port:
    """One connected socket and the questions that left it: the kernel keeps other senders out.

    The questions wait in the order of their deadlines, since a dict keeps the order of insertion.
    """

    __slots__ = ("expired", "flight", "recv", "send", "socket")

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = connected(address)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        self.send = self.socket.send
        self.recv = self.socket.recv
        self.flight: dict[bytes, Asked] = {}
        self.expired: set[bytes] = set()

    @property
    def is_idle(self) -> bool:
        """Tell whether no answer is to be expected, not even a late one."""
        return not (self.flight or self.expired)


class Tokens:
    """Random ids, drawn in bulk."""

    def __init__(self) -> None:
        self._pool = b""
        self._at = 0

    def draw(self, count: int) -> list[bytes]:
        if self._at + 2 * count > len(self._pool):
            self._pool, self._at = os.urandom(_RANDOM), 0
        first, self._at = self._at, self._at + 2 * count
        pool = self._pool
        return [pool[at : at + 2] for at in range(first, self._at, 2)]
