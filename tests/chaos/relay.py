"""Stands between the daemon and a name server, and passes on what the fault of the hour lets."""

import asyncio
import os
import socket
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Self, TypeAlias

from monitor.demo.landscape import Place
from tests.chaos.streams import Streams, passing_on_to, silent
from tests.chaos.weather import CALM, arrivals

LARGEST = 65535
Client: TypeAlias = tuple[str, int]
Twist: TypeAlias = Callable[[bytes], Iterable[bytes]]

_MOST_FLOWS = 400  # sockets; the one that was used longest ago makes room
_BETWEEN_BURSTS = 0.005  # seconds
_ASKED_LATELY = 1.0  # seconds: whoever asked since then may still listen
_STRAY_OCTETS = 40


def unchanged(answer: bytes) -> Iterable[bytes]:
    """Send the answer as it is."""
    return (answer,)


@dataclass(slots=True, eq=False)
class _Flow:
    """The way of one client's questions to the server, and when it was last used."""

    client: Client
    socket: socket.socket
    used: float


class Relay:
    """Answers at its place as the server does elsewhere, over UDP and TCP.

    `weather` is what happens to datagrams both ways, `twist` what is sent for an answer, `streams`
    how connections are treated. All may be changed at any time.
    """

    def __init__(self, place: Place, rng: Random) -> None:
        self.place = place
        self.weather = CALM
        self.twist: Twist = unchanged
        self.streams = Streams(place, silent)
        self.server = place
        self._rng = rng
        self._socket: socket.socket | None = None
        self._flows: dict[Client, _Flow] = {}
        self._loop = asyncio.get_running_loop()

    def stand_before(self, server: Place) -> None:
        """Pass on to that server, and have nothing else happen."""
        self.server = server
        self.calm()

    def calm(self) -> None:
        """Lift every fault."""
        self.weather, self.twist = CALM, unchanged
        self.streams.mood = passing_on_to(self.server)

    async def open(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind((self.place.address, self.place.port))
        self._loop.add_reader(self._socket, self._forward)
        await self.streams.open()

    async def close(self) -> None:
        """Be as a server that has died: nobody listens."""
        if self._socket is not None:
            self._loop.remove_reader(self._socket)
            self._socket.close()
            self._socket = None
        for client in tuple(self._flows):
            self._drop(client)
        await self.streams.close()

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def flood(self, per_second: int, seconds: float) -> None:
        """Send strays to whoever has asked lately, from the place that was asked."""
        sent, start = 0, self._loop.time()
        while (passed := self._loop.time() - start) < seconds:
            count = int(per_second * passed) - sent
            for client, stray in zip(self._listening(count), _strays(), strict=False):
                self._answer(client, stray)
            sent += count
            await asyncio.sleep(_BETWEEN_BURSTS)

    def _listening(self, count: int) -> Iterator[Client]:
        since = self._loop.time() - _ASKED_LATELY
        clients = [flow.client for flow in self._flows.values() if flow.used > since]
        return (clients[turn % len(clients)] for turn in range(count if clients else 0))

    def _forward(self) -> None:
        assert self._socket is not None, "it is read as long as it is open"
        for wire, client in _received(self._socket):
            self._travel(partial(self._ask, client, wire))

    def _ask(self, client: Client, wire: bytes) -> None:
        if self._socket is None:
            return
        flow = self._flows.pop(client, None) or self._flow(client)
        flow.used = self._loop.time()
        self._flows[client] = flow  # the last one is the one that was used last
        with suppress(OSError):  # the server is gone: silence, as from a network
            flow.socket.send(wire)

    def _flow(self, client: Client) -> _Flow:
        if len(self._flows) >= _MOST_FLOWS:
            self._drop(next(iter(self._flows)))
        to_server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        to_server.connect((self.server.address, self.server.port))
        self._loop.add_reader(to_server, self._return, client, to_server)
        return _Flow(client, to_server, self._loop.time())

    def _drop(self, client: Client) -> None:
        flow = self._flows.pop(client)
        self._loop.remove_reader(flow.socket)
        flow.socket.close()

    def _return(self, client: Client, to_server: socket.socket) -> None:
        for wire, _ in _received(to_server):
            for datagram in self.twist(wire):
                self._travel(partial(self._answer, client, datagram))

    def _answer(self, client: Client, wire: bytes) -> None:
        if self._socket is not None:
            with suppress(OSError):  # no room to send: lost, as on a network
                self._socket.sendto(wire, client)

    def _travel(self, arrive: Callable[[], None]) -> None:
        for seconds in arrivals(self.weather, self._rng):
            if seconds:
                self._loop.call_later(seconds, arrive)
            else:
                arrive()


def _received(source: socket.socket) -> Iterator[tuple[bytes, Client]]:
    while True:
        try:
            yield source.recvfrom(LARGEST)
        except OSError:  # nothing is left, or the other side is gone
            return


def _strays() -> Iterator[bytes]:
    """Yield datagrams that answer nothing, each with another id."""
    pool = os.urandom(LARGEST)
    while True:
        for at in range(0, len(pool) - _STRAY_OCTETS, 7):
            yield pool[at : at + _STRAY_OCTETS]
