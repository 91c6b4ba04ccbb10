"""DNS over HTTPS: what is sent, and how little of what comes is read."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from random import Random

import pytest

from monitor.adapters.clock import SystemClock
from monitor.adapters.resolvers.prober import DnsProber, Limits
from monitor.adapters.resolvers.wire import LONGEST_TEXT
from monitor.core.answers import Answer, NoAnswer, NoAnswerReason, Question
from monitor.core.names import DomainName
from monitor.core.servers import Resolver, Transport
from monitor.demo import habits
from monitor.demo.authority import Authority, one_of
from monitor.demo.caches import Cache
from monitor.demo.landscape import Place
from monitor.demo.ports import free_port
from monitor.demo.zones import RRset, Zone
from tests.chaos.https_moods import Moods
from tests.chaos.streams import Streams, secured, silent
from tests.servers.certificates import Certificate

HOST = "127.0.0.1"
NAME = "img.shop.example"
QUESTION = Question(DomainName(NAME))
ZONES = (Zone.of("shop.example", [RRset.of(NAME, "CNAME", 60, "elsewhere.shop.example.")]),)
BUFFERS = 16 << 20  # octets that the kernel may have taken though nobody reads them

Mood = Callable[[Moods, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """A resolver over HTTPS in some mood."""

    def __init__(self, certificate: Certificate, cache: Place, mood: Mood) -> None:
        self.moods = Moods(cache)
        self.streams = Streams(Place(HOST, free_port([HOST])), silent)
        self._certificate = certificate
        self._mood = mood
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate.chain_file, certificate.key_file)
        self.streams.mood = secured(context, self._behave)

    @property
    def resolver(self) -> Resolver:
        port = self.streams.place.port
        url = f"https://{HOST}:{port}/dns-query"
        ca_file = str(self._certificate.ca_file)
        return Resolver("r", url, port, Transport.DOH, max_qps=1000, ca_file=ca_file)

    async def _behave(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._mood(self.moods, reader, writer)


@asynccontextmanager
async def server(certificate: Certificate, mood: Mood) -> AsyncIterator[Server]:
    upstream = one_of([Authority(HOST, free_port([HOST]), ZONES)], Random(1))
    cache = Cache(HOST, free_port([HOST]), habits.honest(), upstream, rng=Random(1))
    made = Server(certificate, Place(cache.address, cache.port), mood)
    async with cache, made.streams:
        yield made


def prober(timeout: float = 5.0) -> DnsProber:
    return DnsProber(SystemClock(), Limits(timedelta(seconds=timeout), attempts=1))


async def test_an_answer_comes_by_http_too(dns_certificate: Certificate) -> None:
    async with server(dns_certificate, Moods.honest) as honest:
        reply = await prober().ask(honest.resolver, QUESTION)
    assert reply.transport is Transport.DOH
    assert isinstance(reply.outcome, Answer)
    assert reply.outcome.aliases[0].target == DomainName("elsewhere.shop.example")


@pytest.mark.parametrize(
    ("mood", "reason", "words"),
    [
        (Moods.endless_body, NoAnswerReason.MALFORMED, "longer than any message"),
        (Moods.endless_failure, NoAnswerReason.NETWORK_ERROR, "status code 500"),
        (Moods.endless_headers, NoAnswerReason.NETWORK_ERROR, ""),
    ],
)
async def test_what_does_not_end_is_not_read_to_its_end(
    mood: Mood, reason: NoAnswerReason, words: str, dns_certificate: Certificate
) -> None:
    async with server(dns_certificate, mood) as endless:
        reply = await prober().ask(endless.resolver, QUESTION)
        assert endless.moods.written < BUFFERS
    assert isinstance(reply.outcome, NoAnswer)
    assert reply.outcome.reason is reason
    assert words in reply.outcome.detail


@pytest.mark.parametrize(
    ("mood", "words"), [(Moods.failing, "status code 503"), (Moods.going_round, "status code 302")]
)
async def test_a_status_that_is_no_success_is_no_answer_and_no_redirect_is_followed(
    mood: Mood, words: str, dns_certificate: Certificate
) -> None:
    async with server(dns_certificate, mood) as failing:
        reply = await prober().ask(failing.resolver, QUESTION)
        assert failing.streams.accepted == 1
    assert isinstance(reply.outcome, NoAnswer)
    assert words in reply.outcome.detail


async def test_a_page_for_people_is_no_message(dns_certificate: Certificate) -> None:
    async with server(dns_certificate, Moods.of_another_kind) as portal:
        reply = await prober().ask(portal.resolver, QUESTION)
    assert isinstance(reply.outcome, NoAnswer)
    assert reply.outcome.reason is NoAnswerReason.MALFORMED


async def test_little_is_kept_of_what_no_http_server_would_say(
    dns_certificate: Certificate,
) -> None:
    async def shouting(
        _: Moods, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"A" * 20_000 + b"\r\n\r\n")
        await silent(reader, writer)

    async with server(dns_certificate, shouting) as loud:
        reply = await prober().ask(loud.resolver, QUESTION)
    assert isinstance(reply.outcome, NoAnswer)
    assert reply.outcome.reason is NoAnswerReason.NETWORK_ERROR
    assert len(reply.outcome.detail) < 2 * LONGEST_TEXT


async def test_a_server_that_is_silent_behind_its_handshake_is_a_timeout(
    dns_certificate: Certificate,
) -> None:
    async def mute(_: Moods, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await silent(reader, writer)

    async with server(dns_certificate, mute) as quiet:
        reply = await prober(timeout=0.5).ask(quiet.resolver, QUESTION)
    assert isinstance(reply.outcome, NoAnswer)
    assert reply.outcome.reason is NoAnswerReason.TIMEOUT
