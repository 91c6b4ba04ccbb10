"""One exchange with one server over HTTPS or QUIC, of which dnspython's libraries do the work."""

import asyncio
import ipaddress
import socket
from urllib.parse import urlsplit

import dns.asyncquery
import dns.query
import dns.quic
from dns.quic._common import UnexpectedEOF

from monitor.adapters.resolvers.datagrams import Garbled, Response, is_response
from monitor.adapters.resolvers.https import Page, post
from monitor.adapters.resolvers.obeying import obeying
from monitor.adapters.resolvers.transports import Exchange, Query, Way, response_of, tls_context
from monitor.core.servers import Transport

_NO_ID = bytes(2)  # so that what answers one question answers the next one too (RFC 8484 §4.1)


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
            context=tls_context(server.ca_file, "h2", "http/1.1"),
        )
        wire = await post(_NO_ID + asked.query, page)
    if not is_response(wire, _NO_ID, asked.question):
        raise Garbled("the message that came answers another question")
    return response_of(wire, Transport.DOH)


async def over_quic(query: Query, way: Way) -> Response:
    server = way.server
    try:
        asking = dns.asyncquery.quic(
            query.message(),
            await _ip_of(server.address),
            way.timeout,
            server.port,
            one_rr_per_rrset=True,
            verify=server.ca_file or True,
            server_hostname=server.server_name or server.address,
        )
        message = await obeying(asking)
    except UnexpectedEOF as error:  # the connection closed, for which dnspython exports no name
        raise EOFError(str(error)) from error
    return response_of(message.wire or b"", Transport.DOQ)


def _carriers() -> dict[Transport, Exchange]:
    found: dict[Transport, Exchange] = {}
    if dns.query.have_doh:
        found[Transport.DOH] = over_https
    if dns.quic.have_quic:
        found[Transport.DOQ] = over_quic
    return found


CARRIERS = _carriers()
"""The exchanges whose optional libraries are installed."""


async def _ip_of(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        return str(found[0][4][0])
