"""A load balancer in a thread: one address, behind it instances that share nothing."""

import asyncio
import itertools
import random
import socket
import zlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import TypeAlias, cast

from tests.servers.endpoints import Endpoint, free_endpoint
from tests.servers.process import START_LIMIT, STOP_LIMIT

# What comes while so many questions are under way is dropped, as under load.
MOST_AT_ONCE = 128
# In seconds; longer than a recursive server needs to give up.
PATIENCE = 15.0

Client: TypeAlias = tuple[str, int]
Stop: TypeAlias = Callable[[], object]


class Routing(Enum):
    """Which instance gets a question."""

    RANDOM = "random"
    ROUND_ROBIN = "round robin"
    STICKY = "sticky"  # who asks again from the same address and port gets the same instance


@dataclass(frozen=True, slots=True)
class Balanced:
    """A balancer at work."""

    endpoint: Endpoint
    counts: list[int]

    @property
    def queries(self) -> tuple[int, ...]:
        """How many questions each instance was handed so far."""
        return tuple(self.counts)


@dataclass(frozen=True, slots=True)
class Balancer:
    """Hands each question to one of the instances, and its answer back from its own address.

    A connection over TCP counts as one question. `weights` are whole shares such as `(3, 1)`,
    equal ones unless given. The same seed draws the same lots.
    """

    instances: Sequence[Endpoint]
    routing: Routing = Routing.ROUND_ROBIN
    weights: Sequence[int] = ()
    seed: int = 0
    at: Endpoint = field(default_factory=free_endpoint)

    @contextmanager
    def running(self) -> Iterator[Balanced]:
        """Hand out questions until the block ends."""
        balanced = Balanced(self.at, [0] * len(self.instances))
        choose = self._chooser()

        def instance_for(client: Client) -> Endpoint:
            index = choose(client)
            balanced.counts[index] += 1
            return self.instances[index]

        started: Future[Stop] = Future()
        with _sockets(self.at) as sockets, ThreadPoolExecutor(1, "balancer") as thread:
            serving = thread.submit(asyncio.run, _serve(*sockets, instance_for, started))
            stop = started.result(START_LIMIT)
            try:
                yield balanced
            finally:
                stop()
                serving.result(STOP_LIMIT)

    def _chooser(self) -> Callable[[Client], int]:
        shares = self.weights or [1] * len(self.instances)
        indices = range(len(self.instances))
        slots = [i for i, share in zip(indices, shares, strict=True) for _ in range(share)]
        match self.routing:
            case Routing.RANDOM:
                lots = random.Random(self.seed)
                return lambda _: lots.choice(slots)
            case Routing.ROUND_ROBIN:
                turns = itertools.cycle(slots)
                return lambda _: next(turns)
            case Routing.STICKY:
                return lambda client: slots[zlib.crc32(repr(client).encode()) % len(slots)]


class _Stopped(Exception):
    """Ends the relays that are under way too."""


@contextmanager
def _sockets(at: Endpoint) -> Iterator[tuple[socket.socket, socket.socket]]:
    address = (at.address, at.port)
    with socket.socket(type=socket.SOCK_DGRAM) as udp, socket.create_server(address) as tcp:
        udp.bind(address)
        yield udp, tcp


async def _serve(
    udp: socket.socket,
    tcp: socket.socket,
    instance_for: Callable[[Client], Endpoint],
    started: Future[Stop],
) -> None:
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    try:
        async with asyncio.TaskGroup() as relays:
            desk = _Desk(instance_for, relays)
            datagrams, _ = await loop.create_datagram_endpoint(lambda: desk, sock=udp)
            with closing(datagrams):
                with closing(await asyncio.start_server(desk.accept, sock=tcp)):
                    started.set_result(lambda: loop.call_soon_threadsafe(stopped.set))
                    await stopped.wait()
                raise _Stopped
    except* _Stopped:
        pass


class _Desk(asyncio.DatagramProtocol):
    """Where questions arrive."""

    def __init__(
        self, instance_for: Callable[[Client], Endpoint], relays: asyncio.TaskGroup
    ) -> None:
        self._instance_for = instance_for
        self._relays = relays
        self._room = asyncio.Semaphore(MOST_AT_ONCE)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._way_back = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Client) -> None:
        if not self._room.locked():
            answer = partial(self._way_back.sendto, addr=addr)
            self._start(partial(_relay, data, self._instance_for(addr), answer))

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._room.locked():
            writer.close()
        else:
            to = self._instance_for(writer.get_extra_info("peername"))
            self._start(partial(_connect, reader, writer, to))

    def _start(self, relay: Callable[[], Awaitable[None]]) -> None:
        self._relays.create_task(self._within_limits(relay))

    async def _within_limits(self, relay: Callable[[], Awaitable[None]]) -> None:
        # A client that gets no answer asks again: that is its own affair.
        with suppress(OSError, TimeoutError):
            async with self._room, asyncio.timeout(PATIENCE):
                await relay()


async def _relay(question: bytes, to: Endpoint, answer: Callable[[bytes], None]) -> None:
    loop = asyncio.get_running_loop()
    heard: asyncio.Future[bytes] = loop.create_future()
    way, _ = await loop.create_datagram_endpoint(
        lambda: _Answer(heard), remote_addr=(to.address, to.port)
    )
    with closing(way):
        way.sendto(question)
        answer(await heard)


class _Answer(asyncio.DatagramProtocol):
    """Where one answer arrives; none comes from a port that nobody listens on."""

    def __init__(self, heard: asyncio.Future[bytes]) -> None:
        self._heard = heard

    def datagram_received(self, data: bytes, _: Client) -> None:
        if not self._heard.done():
            self._heard.set_result(data)


async def _connect(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, to: Endpoint
) -> None:
    with closing(writer):
        from_instance, to_instance = await asyncio.open_connection(to.address, to.port)
        with closing(to_instance):
            await asyncio.gather(_copy(reader, to_instance), _copy(from_instance, writer))


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    while data := await source.read(65_536):
        target.write(data)
        await target.drain()
    target.write_eof()
