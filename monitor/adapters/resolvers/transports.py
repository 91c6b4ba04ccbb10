"""One exchange with one server, over each transport."""

import asyncio
import ipaddress
import os
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

import dns.asyncquery
import dns.message
import dns.query
import dns.quic

from monitor.adapters.resolvers.datagrams import LARGEST_DATAGRAM, connected, is_response
from monitor.adapters.resolvers.questions import Encoded, encoded, in_varied_case
from monitor.adapters.resolvers.reading import Reading, reading_of
from monitor.adapters.resolvers.wire import message_of
from monitor.core.answers import Question
from monitor.core.servers import Resolver, Transport


class Garbled(Exception):
    """The time is up, and all that came were datagrams that do not answer the question."""


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
class Response:
    """A response that belongs to the question, and the transport that brought it."""

    wire: bytes
    reading: Reading
    transport: Transport


Exchange = Callable[[Query, Resolver, float], Awaitable[Response]]


async def over_udp(query: Query, server: Resolver, timeout: float) -> Response:
    """Ask over UDP from a fresh port, and again over TCP when the answer is cut off.

    Datagrams that are no response to the question are passed over, so that nobody can end the
    wait with a forgery; when nothing else comes, raises Garbled.
    """
    exchange = _Datagrams(query.encoded(), server)
    try:
        async with asyncio.timeout(timeout):
            response = await exchange.response
    except TimeoutError as error:
        if exchange.strays:
            raise Garbled(f"{exchange.strays} datagrams came, none of them an answer") from error
        raise
    finally:
        exchange.close()
    if response.reading.is_cut_off:
        return await over_tcp(query, server, timeout)
    return response


async def over_tcp(query: Query, server: Resolver, timeout: float) -> Response:
    wire = await _over_stream(query, server.address, server.port, timeout)
    return _response(wire, Transport.TCP)


async def over_tls(query: Query, server: Resolver, timeout: float) -> Response:
    """Ask by DNS over TLS; the certificate must hold `server_name`, or else the host."""
    secured = _Secured(_dot_context(server.ca_file), server.server_name or server.address)
    wire = await _over_stream(query, server.address, server.port, timeout, secured)
    return _response(wire, Transport.DOT)


async def over_https(query: Query, server: Resolver, timeout: float) -> Response:
    """Ask by DNS over HTTPS; a `server_name` stands in the URL for the address that is called."""
    url = urlsplit(server.address)
    host = url.hostname or ""
    if server.server_name:
        url = url._replace(netloc=f"{server.server_name}:{server.port}")
    message = await dns.asyncquery.https(
        query.message(),
        url.geturl(),
        timeout,
        server.port,
        one_rr_per_rrset=True,
        verify=_https_context(server.ca_file),
        bootstrap_address=await _ip_of(host),
    )
    return _response(message.wire or b"", Transport.DOH)


async def over_quic(query: Query, server: Resolver, timeout: float) -> Response:
    message = await dns.asyncquery.quic(
        query.message(),
        await _ip_of(server.address),
        timeout,
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


async def _over_stream(
    query: Query, host: str, port: int, timeout: float, secured: _Secured | None = None
) -> bytes:
    """Exchange one message on a connection of its own (RFC 7766 §8, RFC 7858 §3.3)."""
    asked = query.encoded()
    sent = os.urandom(2) + asked.query
    async with asyncio.timeout(timeout):
        reader, writer = await asyncio.open_connection(
            host,
            port,
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


class _Datagrams:
    """One question from a socket of its own: the kernel lets only the server's datagrams through.

    Raises OSError where no socket can be had.
    """

    def __init__(self, asked: Encoded, server: Resolver) -> None:
        loop = asyncio.get_running_loop()
        self.response: asyncio.Future[Response] = loop.create_future()
        self.strays = 0
        query = in_varied_case(asked) if server.varies_case else asked
        self._id, self._question = os.urandom(2), query.question
        self._socket = connected((server.address, server.port))
        self._loop = loop
        try:
            self._socket.send(self._id + query.query)
        except OSError:
            self._socket.close()
            raise
        loop.add_reader(self._socket.fileno(), self._receive)

    def close(self) -> None:
        self._loop.remove_reader(self._socket.fileno())
        self._socket.close()

    def _receive(self) -> None:
        try:
            wire = self._socket.recv(LARGEST_DATAGRAM)
        except BlockingIOError:
            return
        except OSError as error:
            if not self.response.done():
                self.response.set_exception(error)
            return
        reading = None
        if is_response(wire, self._id, self._question):
            reading = reading_of(wire)
        if reading is None:
            self.strays += 1
        elif not self.response.done():
            self.response.set_result(Response(wire, reading, Transport.UDP))


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
