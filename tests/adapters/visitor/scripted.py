"""A server that says whatever a test has it say, to the octet, and remembers what it was asked."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

Say: TypeAlias = Callable[[asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True)
class Scripted:
    """Where it listens, and the heads of the requests that came."""

    port: int = 0
    requests: list[bytes] = field(default_factory=list)


@asynccontextmanager
async def saying(say: Say, context: ssl.SSLContext | None = None) -> AsyncIterator[Scripted]:
    """Serve on 127.0.0.1, over TLS where a context is given."""
    scripted = Scripted()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            scripted.requests.append(await reader.readuntil(b"\r\n\r\n"))
            await say(writer)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the visitor has seen enough
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    async with server:
        scripted.port = server.sockets[0].getsockname()[1]
        yield scripted


def octets(text: bytes) -> Say:
    async def say(writer: asyncio.StreamWriter) -> None:
        writer.write(text)
        await writer.drain()

    return say


async def endless(writer: asyncio.StreamWriter) -> None:
    """Send an error document that never ends."""
    writer.write(
        b"HTTP/1.1 404 Not Found\r\nServer: AliyunOSS\r\n\r\n<Error><Code>NoSuchBucket</Code>"
    )
    while True:
        writer.write(b" " * 65536)
        await writer.drain()


async def dripping(writer: asyncio.StreamWriter) -> None:
    """Send a head that never ends, so slowly that each wait by itself is short."""
    writer.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        writer.write(b"X: y\r\n")
        await writer.drain()
        await asyncio.sleep(0.01)


async def silent(writer: asyncio.StreamWriter) -> None:
    """Say nothing until the visitor leaves."""
    await writer.wait_closed()
