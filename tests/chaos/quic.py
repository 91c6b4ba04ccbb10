"""A DNS-over-QUIC server (RFC 9250) that asks another server, or takes questions and is silent."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from aioquic.asyncio.protocol import QuicConnectionProtocol
from aioquic.asyncio.server import serve
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.events import QuicEvent, StreamDataReceived

from monitor.demo.landscape import Place
from tests.chaos.streams import asked, framed
from tests.servers.certificates import Certificate


class Manner:
    """Whether the server `answers`; it may change its mind at any time."""

    def __init__(self, server: Place) -> None:
        self.server = server
        self.answers = True


@asynccontextmanager
async def quic_server(
    place: Place, certificate: Certificate, manner: Manner
) -> AsyncIterator[None]:
    """Answer each stream's one question (RFC 9250 §4.2) until the block ends."""
    configuration = QuicConfiguration(is_client=False, alpn_protocols=["doq"])
    configuration.load_cert_chain(certificate.chain_file, certificate.key_file)
    async with asyncio.TaskGroup() as group:
        protocol = partial(_Protocol, manner=manner, group=group)
        server = await serve(
            place.address, place.port, configuration=configuration, create_protocol=protocol
        )
        try:
            yield
        finally:
            server.close()


class _Protocol(QuicConnectionProtocol):
    def __init__(
        self, *args: Any, manner: Manner, group: asyncio.TaskGroup, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._manner = manner
        self._group = group
        self._received: dict[int, bytes] = {}

    def quic_event_received(self, event: QuicEvent) -> None:
        if not isinstance(event, StreamDataReceived):
            return
        received = self._received.pop(event.stream_id, b"") + event.data
        if not event.end_stream:
            self._received[event.stream_id] = received
        elif self._manner.answers:
            self._group.create_task(self._answer(event.stream_id, received[2:]))

    async def _answer(self, stream: int, query: bytes) -> None:
        answer = await asked(self._manner.server, query)
        self._quic.send_stream_data(stream, framed(answer), end_stream=True)
        self.transmit()
