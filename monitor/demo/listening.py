"""Messages in, messages out: UDP and TCP on one address (RFC 1035 §4.2)."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias, cast

from monitor.core.servers import Transport

_LENGTH = 2


@dataclass(frozen=True, slots=True)
class Reply:
    """A message to send, now or later."""

    wire: bytes
    after: timedelta = timedelta()


Respond: TypeAlias = Callable[[bytes, Transport], Reply | None]


@asynccontextmanager
async def listening(address: str, port: int, respond: Respond) -> AsyncIterator[None]:
    """Answer what arrives at the address until the block ends; None is silence."""
    async with _datagrams(address, port, respond), _streams(address, port, respond):
        yield


@asynccontextmanager
async def _datagrams(address: str, port: int, respond: Respond) -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(
        lambda: _Datagrams(respond), local_addr=(address, port)
    )
    try:
        yield
    finally:
        transport.abort()
        await protocol.closed.wait()


@asynccontextmanager
async def _streams(address: str, port: int, respond: Respond) -> AsyncIterator[None]:
    loop = asyncio.get_running_loop()
    connected: set[_Stream] = set()
    server = await loop.create_server(lambda: _Stream(respond, connected), address, port)
    try:
        yield
    finally:
        server.close()
        closing = list(connected)
        for stream in closing:
            stream.transport.abort()
        for stream in closing:
            await stream.closed.wait()
        await server.wait_closed()


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, respond: Respond) -> None:
        self.respond = respond
        self.closed = asyncio.Event()
        self.transport: asyncio.DatagramTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # the loop's name
        self.closed.set()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        reply = self.respond(data, Transport.UDP)
        if reply is not None:
            _in_time(reply, lambda wire: self._send(wire, addr))

    def _send(self, wire: bytes, addr: tuple[str, int]) -> None:
        if not self.transport.is_closing():
            self.transport.sendto(wire, addr)


class _Stream(asyncio.Protocol):
    def __init__(self, respond: Respond, connected: "set[_Stream]") -> None:
        self.respond = respond
        self.connected = connected
        self.closed = asyncio.Event()
        self.transport: asyncio.Transport
        self._unread = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.connected.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # the loop's name
        self.connected.discard(self)
        self.closed.set()

    def data_received(self, data: bytes) -> None:
        self._unread += data
        while (message := self._next_message()) is not None:
            reply = self.respond(message, Transport.TCP)
            if reply is not None:
                _in_time(reply, self._send)

    def _next_message(self) -> bytes | None:
        end = _LENGTH + int.from_bytes(self._unread[:_LENGTH], "big")
        if len(self._unread) < end:
            return None
        message, self._unread = self._unread[_LENGTH:end], self._unread[end:]
        return message

    def _send(self, wire: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(len(wire).to_bytes(_LENGTH, "big") + wire)


def _in_time(reply: Reply, send: Callable[[bytes], None]) -> None:
    if reply.after:
        seconds = reply.after.total_seconds()
        asyncio.get_running_loop().call_later(seconds, send, reply.wire)
    else:
        send(reply.wire)
