"""One exchange with one server, over each transport."""

import asyncio
import ipaddress
import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Self
from urllib.parse import urlsplit

import dns.asyncquery
import dns.message
import dns.query
import dns.quic

from monitor.adapters.resolvers.datagrams import Garbled, Response, is_response
from monitor.adapters.resolvers.https import Page, post
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


_NO_ID = bytes(2)  # so that what answers one question answers the next one too (RFC 8484 §4.1)

Exchange = Callable[[Query, Way], Awaitable[Response]]


async def over_udp(query: Query, way: Way) -> Response:
    """Ask over UDP, and again over TCP when the answer is cut off."""
    response = await way.ports.ask(query.encoded())
    return await over_tcp(query, way) if response.reading.is_cut_off else response


async def over_tcp(query: Query, way: Way) -> Response:
    wire = await _over_stream(query, way)
    return _response(wire, Transport.TCP)


async def over_tls(query: Query, way: Way) -> Response:
    """Ask by DNS over TLS; the certificate must hold `server_name`, or else the host."""
    server = way.server
    secured = _Secured(_dot_context(server.ca_file), server.server_name or server.address)
    wire = await _over_stream(query, way, secured)
    return _response(wire, Transport.DOT)


async def over_https(query: Query, way: Way) -> Response:
    """Ask by DNS over HTTPS; a `server_name` stands in the URL for the address that is called."""
    server, asked = way.server, query.encoded()
    host = urlsplit(server.address).hostname or ""
    async with asyncio.timeout(way.timeout):
        page = Page(
            url=server.address,
            address=await _ip_of(host),
            port=server.port,
            name=server.server_name or host,
            context=_https_context(server.ca_file),
        )
        wire = await post(_NO_ID + asked.query, page)
    if not is_response(wire, _NO_ID, asked.question):
        raise Garbled("the message that came answers another question")
    return _response(wire, Transport.DOH)


async def over_quic(query: Query, way: Way) -> Response:
    server = way.server
    message = await dns.asyncquery.quic(
        query.message(),
        await _ip_of(server.address),
        way.timeout,
        server.port,
        one_rr_per_rrset=True,
        verify=server.ca_file or True,
        server_hostname=server.server_name or server.address,
    )
    return _response(message.wire or b"", Transport.DOQ)


EXCHANGES: Mapping[Transport, Exchange] = {
    Transport.UDP: over_udp,
    Transport.TCP: over_tcp,
    Transport.DOT: over_tls,
    Transport.DOH: over_https,
    Transport.DOQ: over_quic,
}


def missing_transports() -> frozenset[Transport]:
    """Return the transports whose optional libraries are not installed."""
    missing = set()
    if not dns.query.have_doh:
        missing.add(Transport.DOH)
    if not dns.quic.have_quic:
        missing.add(Transport.DOQ)
    return frozenset(missing)


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


def _response(wire: bytes, transport: Transport) -> Response:
    reading = reading_of(wire)
    if reading is None:
        raise Garbled("the message that came cannot be read")
    return Response(wire, reading, transport)


async def _ip_of(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        return str(found[0][4][0])


# Reading the system's certificates takes tens of milliseconds: once per file, not per question.
@cache
def _dot_context(ca_file: str | None) -> ssl.SSLContext:
    return dns.query.make_ssl_context(ca_file or True, alpns=["dot"])


@cache
def _https_context(ca_file: str | None) -> ssl.SSLContext:
    return dns.query.make_ssl_context(ca_file or True, alpns=["h2", "http/1.1"])
