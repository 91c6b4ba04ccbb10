"""A door in front of a service: it lets everybody through, or says something itself."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TypeAlias

from tests.chaos.world import AT
from tests.servers.endpoints import Endpoint

Says: TypeAlias = Callable[[asyncio.StreamWriter], Awaitable[None]]
"""Answers one HTTP request by itself; the connection ends with it."""

_CONNECTION = re.compile(rb"(?im)^connection:.*\r\n")


@dataclass(slots=True)
class Door:
    """Speaks HTTP/1.1, one request a connection; `says` may be changed at any time."""

    at: Endpoint = field(default_factory=lambda: Endpoint(AT, 0))
    behind: Endpoint | None = None
    says: Says | None = None
    turned_away: int = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        # It is cancelled when the scene is over, and whoever hangs with it.
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            head = await reader.readuntil(b"\r\n\r\n")
            if self.says is not None:
                self.turned_away += 1
                await self.says(writer)
            else:
                await self._let_through(head, writer)
        writer.close()

    async def _let_through(self, head: bytes, writer: asyncio.StreamWriter) -> None:
        assert self.behind is not None
        theirs, ours = await asyncio.open_connection(self.behind.address, self.behind.port)
        try:
            ours.write(_CONNECTION.sub(b"", head)[:-2] + b"connection: close\r\n\r\n")
            while part := await theirs.read(65536):
                writer.write(part)
                await writer.drain()
        finally:
            ours.close()


@asynccontextmanager
async def open_door() -> AsyncIterator[Door]:
    """Serve until the block ends; who is behind it may be told later."""
    door = Door()
    server = await asyncio.start_server(door.serve, AT, 0)
    door.at = Endpoint(*server.sockets[0].getsockname()[:2])
    try:
        yield door
    finally:
        server.close()


def document(body: bytes, status: str = "200 OK", more: str = "") -> Says:
    """Answer with a document that is whole."""

    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(_head(status, f"content-length: {len(body)}\r\n{more}") + body)
        await writer.drain()

    return say


def half(body: bytes) -> Says:
    """Break off in the middle of a document."""

    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(_head("200 OK", f"content-length: {len(body)}\r\n") + body[: len(body) // 2])
        await writer.drain()

    return say


async def without_end(writer: asyncio.StreamWriter) -> None:
    """Send a document that never ends, as fast as it is taken."""
    writer.write(_head("200 OK") + b"<ListAllMyBucketsResult>")
    while not writer.is_closing():
        writer.write(b" " * 65536)
        await writer.drain()


async def by_drops(writer: asyncio.StreamWriter) -> None:
    """Send one octet at a time, so that no wait for the next is long."""
    writer.write(_head("200 OK"))
    while not writer.is_closing():
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.2)


async def never(_: asyncio.StreamWriter) -> None:
    """Take the request, and say nothing."""
    await asyncio.sleep(3600)


def _head(status: str, more: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-type: application/xml\r\n{more}\r\n".encode()
