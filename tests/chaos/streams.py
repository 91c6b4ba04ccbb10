"""A place that is connected to, and what it does to each connection at the moment."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Iterable
from itertools import cycle
from typing import Self, TypeAlias

from monitor.demo.landscape import Place

Mood: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

# A record of a handshake whose body never comes: type, version, and a length (RFC 8446 §5.1).
_HALF_A_RECORD = b"\x16\x03\x03\x20\x00\x02"
_AT_A_TIME = 1 << 16


class Streams:
    """Serves connections by its `mood`, which may be another one for the next connection."""

    def __init__(self, place: Place, mood: Mood) -> None:
        self.place = place
        self.mood = mood
        self.accepted = 0
        self._server: asyncio.Server | None = None
        self._serving: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        self._server = await asyncio.start_server(
            self._serve, self.place.address, self.place.port, backlog=1000
        )

    async def close(self) -> None:
        """Stop listening, and break off every connection."""
        if self._server is None:
            return
        self._server.close()
        for task in tuple(self._serving):
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        task = asyncio.current_task()
        assert task is not None, "a stream server serves in tasks"
        self._serving.add(task)
        try:
            await self.mood(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the other side left, or this one closes
        finally:
            self._serving.discard(task)
            writer.transport.abort()


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Accept, take what comes, and say nothing until the other side leaves."""
    while await reader.read(_AT_A_TIME):
        pass


async def leaving(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Hang up as soon as something is said."""
    await reader.read(1)


async def stalling_handshake(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Begin a record of a TLS handshake, and never end it."""
    await reader.read(1)
    writer.write(_HALF_A_RECORD)
    await silent(reader, writer)


def passing_on_to(server: Place) -> Mood:
    """Be the server for whoever connects."""

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection(server.address, server.port)
        try:
            async with asyncio.TaskGroup() as group:
                back = group.create_task(_pipe(from_server, writer))
                await _pipe(reader, to_server)
                back.cancel()
        finally:
            to_server.transport.abort()

    return pass_on


def dripping_from(server: Place, pause: float = 1.0) -> Mood:
    """Pass on the answer, one octet at a time with pauses in seconds between them."""

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for octet in framed(await asked(server, await message(reader))):
            writer.write(bytes((octet,)))
            await writer.drain()
            await asyncio.sleep(pause)

    return drip


def secured(context: ssl.SSLContext, mood: Mood) -> Mood:
    """Have the mood behind a TLS handshake."""

    async def secure(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await writer.start_tls(context)
        await mood(reader, writer)

    return secure


def in_turn(moods: Iterable[Mood]) -> Mood:
    """Treat each connection by the next of the moods, and then begin anew."""
    row = cycle(moods)

    async def next_one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await next(row)(reader, writer)

    return next_one


async def message(reader: asyncio.StreamReader) -> bytes:
    """Return the next message (RFC 1035 §4.2.2)."""
    return await reader.readexactly(int.from_bytes(await reader.readexactly(2)))


def framed(wire: bytes) -> bytes:
    return len(wire).to_bytes(2) + wire


async def asked(server: Place, query: bytes) -> bytes:
    """Return what the server says to a query."""
    reader, writer = await asyncio.open_connection(server.address, server.port)
    try:
        writer.write(framed(query))
        return await message(reader)
    finally:
        writer.transport.abort()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while octets := await reader.read(_AT_A_TIME):
        writer.write(octets)
        await writer.drain()
