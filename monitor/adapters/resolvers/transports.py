"""One exchange with one server, over UDP, TCP and TLS."""

import asyncio
import os
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from typing import Self

import dns.message

from monitor.adapters.resolvers.datagrams import Garbled, Response, is_response
from monitor.adapters.resolvers.questions import Encoded, encoded
from monitor.adapters.resolvers.reading import reading_of
from monitor.adapters.resolvers.sharing import SharedPorts
from monitor.adapters.resolvers.wire import message_of
from monitor.core.answers import Question
from monitor.core.servers import Resolver, Transport


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked: a question, as a client in a subnet perhaps, and with EDNS or without."""

    question: Question
    client_subnet: str | None = None
    use_edns: bool = True

    def encoded(self) -> Encoded:
        return encoded(self.question, self.client_subnet, use_edns=self.use_edns)

    def message(self) -> dns.message.QueryMessage:
        return message_of(self.question, self.client_subnet, use_edns=self.use_edns)


@dataclass(frozen=True, slots=True)
class Way:
    """The way to one server, and for how many seconds one answer is waited for."""

    server: Resolver
    timeout: float
    ports: SharedPorts

    @classmethod
    def to(cls, server: Resolver, timeout: float) -> Self:
        address, varies_case = (server.address, server.port), server.varies_case
        return cls(server, timeout, SharedPorts(address, timeout, varies_case=varies_case))


Exchange = Callable[[Query, Way], Awaitable[Response]]


async def over_udp(query: Query, way: Way) -> Response:
    """Ask over UDP, and again over TCP when the answer is cut off."""
    response = await way.ports.ask(query.encoded())
    return await over_tcp(query, way) if response.reading.is_cut_off else response


async def over_tcp(query: Query, way: Way) -> Response:
    wire = await _over_stream(query, way)
    return response_of(wire, Transport.TCP)


async def over_tls(query: Query, way: Way) -> Response:
    """Ask by DNS over TLS; the certificate must hold `server_name`, or else the host."""
    server = way.server
    secured = _Secured(tls_context(server.ca_file, "dot"), server.server_name or server.address)
    wire = await _over_stream(query, way, secured)
    return response_of(wire, Transport.DOT)


@dataclass(frozen=True, slots=True)
class _Secured:
    context: ssl.SSLContext
    server_name: str


async def _over_stream(query: Query, way: Way, secured: _Secured | None = None) -> bytes:
    """Exchange one message on a connection of its own (RFC 7766 §8, RFC 7858 §3.3)."""
    asked = query.encoded()
    sent = os.urandom(2) + asked.query
    async with asyncio.timeout(way.timeout):
        reader, writer = await asyncio.open_connection(
            way.server.address,
            way.server.port,
            ssl=secured.context if secured else None,
            server_hostname=secured.server_name if secured else None,
        )
        try:
            writer.write(len(sent).to_bytes(2) + sent)
            length = int.from_bytes(await reader.readexactly(2))
            wire = await reader.readexactly(length)
        finally:
            # Nothing is left to say: waiting for the peer's goodbye would only cost time.
            writer.transport.abort()
    if not is_response(wire, sent[:2], asked.question):
        raise Garbled("the message that came answers another question")
    return wire


def response_of(wire: bytes, transport: Transport) -> Response:
    reading = reading_of(wire)
    if reading is None:
        raise Garbled("the message that came cannot be read")
    return Response(wire, reading, transport)


# Reading the system's certificates takes tens of milliseconds: once per file, not per question.
@cache
def tls_context(ca_file: str | None, *protocols: str) -> ssl.SSLContext:
    """Return what is trusted: the certificates in a file, or else the system's."""
    context = ssl.create_default_context(cafile=ca_file)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(protocols)
    return context
