"""A tap on the line to a server, that somebody may look into and cut."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeAlias

from tests.chaos.world import AT
from tests.servers.endpoints import Endpoint

Sees: TypeAlias = Callable[[bytes], bool]
"""Sees what a client sends; where it says False, that and all that follows is dropped."""


@dataclass(slots=True)
class Tap:
    """Carries octets both ways; `sees` may be changed at any time."""

    behind: Endpoint
    at: Endpoint = field(default_factory=lambda: Endpoint(AT, 0))
    sees: Sees = lambda _: True
    clients: set[asyncio.StreamWriter] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        self.clients.add(writer)
        with suppress(OSError):
            theirs, ours = await asyncio.open_connection(self.behind.address, self.behind.port)
            back = asyncio.ensure_future(_carry(theirs, writer, lambda _: True))
            try:
                await _carry(reader, ours, self._look)
            finally:
                back.cancel()
                ours.close()
        self.clients.discard(writer)
        writer.close()

    def say(self, octets: bytes) -> None:
        """Tell every client something in the server's name."""
        for client in self.clients:
            client.write(octets)

    def _look(self, part: bytes) -> bool:
        return self.sees(part)


@asynccontextmanager
async def open_tap(behind: Endpoint) -> AsyncIterator[Tap]:
    """Serve until the block ends."""
    tap = Tap(behind)
    server = await asyncio.start_server(tap.serve, AT, 0)
    tap.at = Endpoint(*server.sockets[0].getsockname()[:2])
    try:
        yield tap
    finally:
        server.close()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sees: Sees) -> None:
    with suppress(OSError):
        while part := await reader.read(65536):
            if not sees(part):
                return
            writer.write(part)
            await writer.drain()
