"""A DNS-over-QUIC server (RFC 9250) on aioquic: no Debian package offers one."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import dns.message
from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.asyncio.server import serve
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import QuicEvent, StreamDataReceived

from tests.servers.certificates import Certificate

Respond = Callable[[dns.message.Message], dns.message.Message]


@asynccontextmanager
async def doq_server(
    host: str, port: int, certificate: Certificate, respond: Respond
) -> AsyncIterator[None]:
    """Answer each stream's one question (RFC 9250 §4.2) until the block ends."""
    configuration = QuicConfiguration(is_client=False, alpn_protocols=["doq"])
    configuration.load_cert_chain(certificate.chain_file, certificate.key_file)
    server = await serve(
        host,
        port,
        configuration=configuration,
        create_protocol=partial(_Protocol, respond=respond),
    )
    try:
        yield
    finally:
        server.close()


class _Protocol(QuicConnectionProtocol):
    def __init__(self, *args: Any, respond: Respond, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._respond = respond
        self._received: dict[int, bytes] = {}

    def quic_event_received(self, event: QuicEvent) -> None:
        if not isinstance(event, StreamDataReceived):
            return
        received = self._received.pop(event.stream_id, b"") + event.data
        if not event.end_stream:
            self._received[event.stream_id] = received
            return
        wire = self._respond(dns.message.from_wire(received[2:])).to_wire()
        framed = len(wire).to_bytes(2) + wire
        self._quic.send_stream_data(event.stream_id, framed, end_stream=True)
        self.transmit()
