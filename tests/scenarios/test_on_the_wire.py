"""What an operator reads when the server lies, mumbles or keeps silent, on real sockets."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from monitor.adapters.clock import SystemClock
from monitor.adapters.resolvers.prober import DnsProber, Limits
from monitor.config.targets import Targets
from monitor.core.answers import Answer, NoAnswer, NoAnswerReason, Question, Reply
from monitor.core.bindings import BucketTarget
from monitor.core.names import DomainName
from monitor.core.servers import Resolver, Transport
from monitor.core.verdict import Expectation, Verdict, VerdictKind, judge
from monitor.demo import habits
from monitor.demo.authority import Authority, one_of
from monitor.demo.caches import Cache
from monitor.demo.ports import free_port
from monitor.demo.zones import RRset, Zone

HOST = "127.0.0.1"
DOMAIN = DomainName("img.shop.example")
BOUND = BucketTarget("shop-img", DomainName("oss-cn-hangzhou.aliyuncs.com"))
EXPECTED = Expectation(DOMAIN, BOUND, Targets().policy)
OTHER = "shop-doc.oss-cn-hangzhou.aliyuncs.com"

RIGHT = (f"{DOMAIN}. 60 IN CNAME {BOUND.name}.", f"{BOUND.name}. 60 IN A 203.0.113.1")
WRONG = (f"{DOMAIN}. 60 IN CNAME {OTHER}.", f"{OTHER}. 60 IN A 203.0.113.2")

DnsMessage = dns.message.Message
Respond = Callable[[DnsMessage], list[bytes]]


@dataclass(slots=True)
class _Recorder(asyncio.DatagramProtocol):
    """Answers each query with the datagrams of a script, and keeps who asked what."""

    respond: Respond
    queries: list[DnsMessage] = field(default_factory=list)
    ports: list[int] = field(default_factory=list)
    channel: asyncio.DatagramTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.channel = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        self.queries.append(query)
        self.ports.append(addr[1])
        assert self.channel is not None, "nothing comes before the socket is there"
        for datagram in self.respond(query):
            self.channel.sendto(datagram, addr)


@asynccontextmanager
async def recorder(respond: Respond) -> AsyncIterator[tuple[_Recorder, int]]:
    port = free_port([HOST])
    channel, running = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: _Recorder(respond), local_addr=(HOST, port)
    )
    try:
        yield running, port
    finally:
        channel.close()


@asynccontextmanager
async def cache(habit: habits.Habit, ttl: int = 60) -> AsyncIterator[int]:
    zones = (
        Zone.of("shop.example", [RRset.of(DOMAIN, "CNAME", ttl, f"{BOUND.name}.")]),
        Zone.of("aliyuncs.com", [RRset.of(BOUND.name, "A", ttl, "203.0.113.1")]),
    )
    port = free_port([HOST])
    upstream = one_of([Authority(HOST, port, zones)], Random(1))
    async with Cache(HOST, port, habit, upstream, rng=Random(1)):
        yield port


async def ask(port: int, attempts: int = 2) -> Reply:
    limits = Limits(timedelta(milliseconds=300), attempts, in_flight=4)
    server = Resolver("r", HOST, port, max_qps=1000)
    return await DnsProber(SystemClock(), limits).ask(server, Question(DOMAIN))


def judged(reply: Reply) -> Verdict:
    return judge(reply.outcome, EXPECTED)


def response(query: DnsMessage, lines: Iterable[str]) -> DnsMessage:
    """Return a response that holds these records one by one, as a server may send them."""
    message = dns.message.make_response(query)
    message.answer = [_rrset(line) for line in lines]
    return message


def _rrset(line: str) -> dns.rrset.RRset:
    owner, ttl, rdclass, kind, value = line.split()
    return dns.rrset.from_text(owner, int(ttl), rdclass, kind, value)


@pytest.mark.parametrize(
    ("habit", "reason"),
    [
        pytest.param(habits.wrong_id(), NoAnswerReason.MALFORMED, id="under another id"),
        pytest.param(habits.wrong_question(), NoAnswerReason.MALFORMED, id="to another question"),
        pytest.param(habits.garbage(), NoAnswerReason.MALFORMED, id="random octets"),
        pytest.param(habits.dead(), NoAnswerReason.TIMEOUT, id="silence"),
    ],
)
async def test_what_is_no_answer_says_nothing_of_the_domain(
    habit: habits.Habit, reason: NoAnswerReason
) -> None:
    async with cache(habit) as port:
        reply = await ask(port)
    assert isinstance(reply.outcome, NoAnswer)
    assert reply.outcome.reason is reason
    assert (judged(reply).kind.value, judged(reply).is_in_effect) == (reason.value, None)


async def test_a_refused_connection_says_nothing_of_the_domain() -> None:
    reply = await ask(free_port([HOST]))
    assert isinstance(reply.outcome, NoAnswer)
    assert reply.outcome.reason is NoAnswerReason.NETWORK_ERROR
    assert (judged(reply).kind, judged(reply).is_in_effect) == (VerdictKind.NETWORK_ERROR, None)


@pytest.mark.parametrize(
    ("habit", "kind"),
    [
        pytest.param(habits.refusing(), VerdictKind.REFUSED, id="refusing"),
        pytest.param(habits.rate_limited(), VerdictKind.RATE_LIMITED, id="limiting"),
        pytest.param(habits.servfail(), VerdictKind.SERVFAIL, id="failing"),
    ],
)
async def test_a_server_that_says_why_it_does_not_answer_says_nothing_of_the_domain(
    habit: habits.Habit, kind: VerdictKind
) -> None:
    async with cache(habit) as port:
        reply = await ask(port)
    assert isinstance(reply.outcome, Answer)
    assert (judged(reply).kind, judged(reply).is_in_effect) == (kind, None)


async def test_a_truncated_answer_is_asked_for_again_over_tcp() -> None:
    async with cache(habits.truncating()) as port:
        reply = await ask(port)
    assert reply.transport is Transport.TCP
    assert judged(reply).kind is VerdictKind.IN_EFFECT


async def test_a_truncated_answer_that_tcp_does_not_complete_is_never_judged() -> None:
    def respond(query: DnsMessage) -> list[bytes]:
        message = response(query, WRONG[:1])
        message.flags |= dns.flags.TC
        return [message.to_wire()]

    async with recorder(respond) as (_, port):
        reply = await ask(port)
    assert judged(reply).kind is VerdictKind.NETWORK_ERROR


async def test_a_ttl_of_zero_is_an_answer() -> None:
    async with cache(habits.honest(), ttl=0) as port:
        reply = await ask(port)
    assert judged(reply).kind is VerdictKind.IN_EFFECT
    assert judged(reply).chain.first_ttl == 0


async def test_addresses_before_the_cname_are_the_same_chain() -> None:
    async with cache(habits.shuffled()) as port:
        reply = await ask(port)
    assert judged(reply).kind is VerdictKind.IN_EFFECT
    assert judged(reply).chain.targets == (BOUND.name,)


async def test_a_server_that_knows_no_edns_is_asked_again_without() -> None:
    def respond(query: DnsMessage) -> list[bytes]:
        knows = query.edns < 0
        message = response(query, RIGHT if knows else ())
        message.use_edns(edns=False)
        message.set_rcode(dns.rcode.NOERROR if knows else dns.rcode.FORMERR)
        return [message.to_wire()]

    async with recorder(respond) as (running, port):
        reply = await ask(port)
    assert judged(reply).kind is VerdictKind.IN_EFFECT
    assert [query.edns for query in running.queries] == [0, -1]


def _under_another_id(query: DnsMessage) -> bytes:
    forged = response(query, WRONG)
    forged.id ^= 0x5A5A
    return forged.to_wire()


def _to_another_question(query: DnsMessage) -> bytes:
    other = dns.message.make_query("www.shop.example", "A", id=query.id)
    return response(other, WRONG).to_wire()


def _random_octets(_: DnsMessage) -> bytes:
    return Random(1).randbytes(48)


def _echo(query: DnsMessage) -> bytes:
    return query.to_wire()


def _nothing(_: DnsMessage) -> bytes:
    return b""


@pytest.mark.parametrize(
    "forge", [_under_another_id, _to_another_question, _random_octets, _echo, _nothing]
)
async def test_a_forged_datagram_before_the_right_one_does_not_end_the_wait(
    forge: Callable[[DnsMessage], bytes],
) -> None:
    def respond(query: DnsMessage) -> list[bytes]:
        return [forge(query), response(query, RIGHT).to_wire()]

    async with recorder(respond) as (running, port):
        reply = await ask(port)
    assert judged(reply).kind is VerdictKind.IN_EFFECT
    assert len(running.queries) == 1


async def test_every_attempt_comes_from_a_fresh_port_with_a_fresh_id() -> None:
    async with recorder(lambda _: []) as (running, port):
        await ask(port, attempts=5)
    assert len(running.queries) == 5
    # The kernel and chance may give one of five twice.
    assert len(set(running.ports)) >= 4
    assert len({query.id for query in running.queries}) >= 4


@pytest.mark.parametrize("names", [(BOUND.name, OTHER), (OTHER, BOUND.name)])
async def test_two_cnames_at_one_name_are_malformed_whichever_comes_first(
    names: tuple[object, object],
) -> None:
    lines = [f"{DOMAIN}. 60 IN CNAME {name}." for name in names]

    async with recorder(lambda q: [response(q, [*lines, *RIGHT[1:]]).to_wire()]) as (_, port):
        reply = await ask(port)
    assert judged(reply).kind is VerdictKind.MALFORMED
