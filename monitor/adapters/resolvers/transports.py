"""One exchange with one server, over each transport."""

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.quic

from monitor.core.servers import Resolver, Transport


class Garbled(Exception):
    """The time is up, and all that came were datagrams that do not answer the question."""


@dataclass(frozen=True, slots=True)
class Response:
    """A response that belongs to the question, and the transport that brought it."""

    message: dns.message.Message
    transport: Transport


Exchange = Callable[[dns.message.QueryMessage, Resolver, float], Awaitable[Response]]


def read(wire: bytes) -> dns.message.Message:
    """Return the message, each record by itself: joined, one of two CNAMEs would be lost."""
    return dns.message.from_wire(wire, one_rr_per_rrset=True, ignore_trailing=True)


async def over_udp(query: dns.message.QueryMessage, server: Resolver, timeout: float) -> Response:
    """Ask over UDP from a fresh port, and again over TCP when the answer is cut off.

    Datagrams that are no response to the question are passed over, so that nobody can end the
    wait with a forgery; when nothing else comes, raises Garbled.
    """
    loop = asyncio.get_running_loop()
    channel, waiter = await loop.create_datagram_endpoint(
        lambda: _Waiter(query, loop.create_future()), remote_addr=(server.address, server.port)
    )
    try:
        channel.sendto(query.to_wire())
        message = await asyncio.wait_for(waiter.response, timeout)
    except TimeoutError as error:
        if waiter.strays:
            raise Garbled(f"{waiter.strays} datagrams came, none of them an answer") from error
        raise
    finally:
        channel.close()
    if message.flags & dns.flags.TC:
        return await over_tcp(query, server, timeout)
    return Response(message, Transport.UDP)


async def over_tcp(query: dns.message.QueryMessage, server: Resolver, timeout: float) -> Response:
    message = await _over_stream(query, server.address, server.port, timeout)
    return Response(message, Transport.TCP)


async def over_tls(query: dns.message.QueryMessage, server: Resolver, timeout: float) -> Response:
    """Ask by DNS over TLS; the certificate must hold `server_name`, or else the host."""
    secured = _Secured(_dot_context(server.ca_file), server.server_name or server.address)
    message = await _over_stream(query, server.address, server.port, timeout, secured)
    return Response(message, Transport.DOT)


async def over_https(
    query: dns.message.QueryMessage, server: Resolver, timeout: float
) -> Response:
    """Ask by DNS over HTTPS; a `server_name` stands in the URL for the address that is called."""
    url = urlsplit(server.address)
    host = url.hostname or ""
    if server.server_name:
        url = url._replace(netloc=f"{server.server_name}:{server.port}")
    message = await dns.asyncquery.https(
        query,
        url.geturl(),
        timeout,
        server.port,
        one_rr_per_rrset=True,
        verify=_https_context(server.ca_file),
        bootstrap_address=await _ip_of(host),
    )
    return Response(message, Transport.DOH)


async def over_quic(query: dns.message.QueryMessage, server: Resolver, timeout: float) -> Response:
    message = await dns.asyncquery.quic(
        query,
        await _ip_of(server.address),
        timeout,
        server.port,
        one_rr_per_rrset=True,
        verify=server.ca_file or True,
        server_hostname=server.server_name or server.address,
    )
    return Response(message, Transport.DOQ)


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
    query: dns.message.QueryMessage,
    host: str,
    port: int,
    timeout: float,
    secured: _Secured | None = None,
) -> dns.message.Message:
    """Exchange one message on a connection of its own (RFC 7766 §8, RFC 7858 §3.3)."""
    async with asyncio.timeout(timeout):
        reader, writer = await asyncio.open_connection(
            host,
            port,
            ssl=secured.context if secured else None,
            server_hostname=secured.server_name if secured else None,
        )
        try:
            wire = query.to_wire()
            writer.write(len(wire).to_bytes(2) + wire)
            length = int.from_bytes(await reader.readexactly(2))
            message = read(await reader.readexactly(length))
        finally:
            # Nothing is left to say: waiting for the peer's goodbye would only cost time.
            writer.transport.abort()
    if not query.is_response(message):
        raise Garbled("the message that came answers another question")
    return message


class _Waiter(asyncio.DatagramProtocol):
    """Waits on a connected socket: the kernel lets only the server's datagrams through."""

    def __init__(
        self, query: dns.message.QueryMessage, response: "asyncio.Future[dns.message.Message]"
    ) -> None:
        self._query = query
        self.response = response
        self.strays = 0

    def datagram_received(self, data: bytes, _addr: object) -> None:
        try:
            message = read(data)
        except (dns.exception.DNSException, ValueError):
            message = None
        if message is None or not self._query.is_response(message):
            self.strays += 1
        elif not self.response.done():
            self.response.set_result(message)

    def error_received(self, exc: Exception) -> None:
        if not self.response.done():
            self.response.set_exception(exc)


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
