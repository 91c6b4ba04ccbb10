"""A name server on loopback that answers by a script, and keeps what reached it."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeAlias

import dns.message

from monitor.demo.ports import free_port

HOST = "127.0.0.1"
_PATIENCE = 20  # seconds after which a test has hung


@dataclass(frozen=True, slots=True)
class Query:
    """One datagram, where it came from, and when by the loop's clock."""

    wire: bytes
    port: int
    at: float

    @property
    def id(self) -> int:
        return int.from_bytes(self.wire[:2])

    @property
    def message(self) -> dns.message.Message:
        return dns.message.from_wire(self.wire)

    @property
    def name(self) -> str:
        """The name in the case in which it was asked for, without the final dot."""
        labels, at = [], 12
        while size := self.wire[at]:
            labels.append(self.wire[at + 1 : at + 1 + size].decode("ascii"))
            at += 1 + size
        return ".".join(labels)

    @property
    def question_end(self) -> int:
        return self.wire.index(b"\0", 12) + 5

    def answered(self, rcode: int = 0) -> bytes:
        """Return a response without records."""
        head = self.wire[:2] + bytes((0x81, 0x80 | rcode)) + b"\0\1" + bytes(6)
        return head + self.wire[12 : self.question_end]


Script: TypeAlias = Callable[[Query], Iterable[bytes]]


class Server:
    """Sends for each datagram those of the script; `over_tcp` answers there, None is silence."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.over_tcp: Callable[[Query], bytes | None] = lambda _: None
        self.queries: list[Query] = []
        self.port = free_port([HOST])
        self._arrived = asyncio.Event()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind((HOST, self.port))
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._receive)

    def send(self, datagram: bytes, port: int) -> None:
        self._socket.sendto(datagram, (HOST, port))

    async def has_heard(self, count: int) -> None:
        """Wait until so many datagrams have come in all."""
        async with asyncio.timeout(_PATIENCE):
            while len(self.queries) < count:
                self._arrived.clear()
                await self._arrived.wait()

    def close(self) -> None:
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _receive(self) -> None:
        while True:
            try:
                wire, (_, port) = self._socket.recvfrom(65535)
            except BlockingIOError:
                return
            query = Query(wire, port, self._loop.time())
            self.queries.append(query)
            self._arrived.set()
            for datagram in self.script(query):
                self.send(datagram, port)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        try:
            while True:
                wire = await reader.readexactly(int.from_bytes(await reader.readexactly(2)))
                answer = self.over_tcp(Query(wire, 0, self._loop.time()))
                if answer is not None:
                    writer.write(len(answer).to_bytes(2) + answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def scripted(script: Script) -> AsyncIterator[Server]:
    """Serve over UDP and TCP until the block ends."""
    server = Server(script)
    streams = await asyncio.start_server(server.serve, HOST, server.port)
    try:
        yield server
    finally:
        server.close()
        streams.close()
        await streams.wait_closed()
