"""DNS over HTTPS as it should be (RFC 8484), and as it should not."""

import asyncio
from collections.abc import AsyncIterator

from monitor.demo.landscape import Place
from tests.chaos.streams import asked

_MOST_AT_ALL = 64 << 20  # octets that an endless answer has: nobody should read so many
_CHUNK = b"x" * (1 << 16)
_HEADER_LINES = b"X-More: and more and more and more\r\n" * 1000
_LOOP = b"HTTP/1.1 302 Found\r\nLocation: /dns-query\r\nContent-Length: 0\r\n\r\n"


class Moods:
    """What an HTTPS resolver may do, and how many octets it got rid of in all."""

    def __init__(self, server: Place) -> None:
        self.written = 0
        self._server = server

    async def honest(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async for query in _requests(reader):
            answer = await asked(self._server, query)
            await self._write(writer, _whole("200 OK", "application/dns-message", answer))

    async def failing(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async for _ in _requests(reader):
            response = _whole("503 Service Unavailable", "text/plain", b"come back later")
            await self._write(writer, response)

    async def of_another_kind(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Say what a captive portal says, with success."""
        async for _ in _requests(reader):
            page = b"<html><title>Please log in</title></html>"
            await self._write(writer, _whole("200 OK", "text/html", page))

    async def going_round(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Lead to itself."""
        async for _ in _requests(reader):
            await self._write(writer, _LOOP)

    async def endless_body(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        async for _ in _requests(reader):
            head = b"HTTP/1.1 200 OK\r\nContent-Type: application/dns-message\r\n\r\n"
            await self._without_end(writer, head, _CHUNK)

    async def endless_failure(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        async for _ in _requests(reader):
            await self._without_end(writer, b"HTTP/1.1 500 Oh\r\n\r\n", _CHUNK)

    async def endless_headers(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        async for _ in _requests(reader):
            await self._without_end(writer, b"HTTP/1.1 200 OK\r\n", _HEADER_LINES)

    async def _without_end(self, writer: asyncio.StreamWriter, head: bytes, more: bytes) -> None:
        await self._write(writer, head)
        for _ in range(_MOST_AT_ALL // len(more)):
            await self._write(writer, more)

    async def _write(self, writer: asyncio.StreamWriter, octets: bytes) -> None:
        await asyncio.sleep(0)  # so that a transport that was broken off can say so
        if writer.is_closing():
            raise ConnectionResetError
        writer.write(octets)
        await writer.drain()
        self.written += len(octets)


async def _requests(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """Yield the body of each request of a connection."""
    while True:
        head = await reader.readuntil(b"\r\n\r\n")
        for line in head.lower().splitlines():
            if line.startswith(b"content-length:"):
                yield await reader.readexactly(int(line.partition(b":")[2]))


def _whole(status: str, kind: str, body: bytes) -> bytes:
    lines = (f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}")
    return "\r\n".join((*lines, "", "")).encode() + body
