"""Servers that lie, mumble or keep silent, on real sockets."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from random import Random
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from monitor.adapters.clock import SystemClock
from monitor.adapters.resolvers.engine import SILENCE_BEFORE_DOUBT
from monitor.adapters.resolvers.prober import DnsProber, Limits
from monitor.core.answers import (
    Answer,
    NoAnswer,
    NoAnswerReason,
    Question,
    Rcode,
    RecordType,
    Text,
)
from monitor.core.names import DomainName
from monitor.core.servers import Resolver, Transport
from monitor.demo import habits
from monitor.demo.authority import Authority, one_of
from monitor.demo.caches import Cache
from monitor.demo.ports import free_port
from monitor.demo.zones import RRset, Zone
from monitor.ports import Server

HOST = "127.0.0.1"
NAME = "img.shop.example"
TARGET = "shop-img.oss-cn-hangzhou.aliyuncs.com"
QUESTION = Question(DomainName(NAME))
ZONES = (
    Zone.of("shop.example", [RRset.of(NAME, "CNAME", 60, f"{TARGET}.")]),
    Zone.of("aliyuncs.com", [RRset.of(TARGET, "A", 60, "203.0.113.1")]),
)


def prober(attempts: int = 2) -> DnsProber:
    return DnsProber(SystemClock(), Limits(timedelta(milliseconds=300), attempts))


def resolver(port: int) -> Resolver:
    return Resolver("r", HOST, port, max_qps=1000)


@asynccontextmanager
async def cache(habit: habits.Habit) -> AsyncIterator[Cache]:
    port = free_port([HOST])
    upstream = one_of([Authority(HOST, port, ZONES)], Random(1))
    async with Cache(HOST, port, habit, upstream, rng=Random(1)) as running:
        yield running


@pytest.mark.parametrize(
    ("habit", "reason"),
    [
        (habits.wrong_id(), NoAnswerReason.MALFORMED),
        (habits.wrong_question(), NoAnswerReason.MALFORMED),
        (habits.garbage(), NoAnswerReason.MALFORMED),
        (habits.dead(), NoAnswerReason.TIMEOUT),
        (habits.slow(timedelta(seconds=2)), NoAnswerReason.TIMEOUT),
    ],
    ids=["wrong id", "wrong question", "garbage", "silence", "too late"],
)
async def test_nothing_usable_is_named_by_what_came_instead(
    habit: habits.Habit, reason: NoAnswerReason
) -> None:
    async with cache(habit) as server:
        reply = await prober().ask(resolver(server.port), QUESTION)
    assert isinstance(reply.outcome, NoAnswer)
    assert reply.outcome.reason is reason
    assert reply.wire == b""


async def test_nobody_listening_is_a_network_error() -> None:
    reply = await prober().ask(resolver(free_port([HOST])), QUESTION)
    assert isinstance(reply.outcome, NoAnswer)
    assert reply.outcome.reason is NoAnswerReason.NETWORK_ERROR


@pytest.mark.parametrize(
    ("habit", "rcode", "errors"),
    [
        (habits.refusing(), Rcode.REFUSED, []),
        (habits.rate_limited(), Rcode.REFUSED, [31]),
        (habits.servfail(), Rcode.SERVFAIL, [22]),
    ],
    ids=["refusing", "rate limited", "failing"],
)
async def test_a_failure_is_an_answer_with_its_extended_error(
    habit: habits.Habit, rcode: Rcode, errors: list[int]
) -> None:
    async with cache(habit) as server:
        reply = await prober().ask(resolver(server.port), QUESTION)
    assert isinstance(reply.outcome, Answer)
    assert reply.outcome.rcode is rcode
    assert [error.code for error in reply.outcome.extended_errors] == errors


async def test_what_is_cut_off_comes_whole_over_tcp() -> None:
    async with cache(habits.truncating()) as server:
        reply = await prober().ask(resolver(server.port), QUESTION)
    assert reply.transport is Transport.TCP
    assert isinstance(reply.outcome, Answer)
    assert reply.outcome.addresses


async def test_records_in_any_order_are_all_there() -> None:
    async with cache(habits.shuffled()) as server:
        reply = await prober().ask(resolver(server.port), QUESTION)
    assert isinstance(reply.outcome, Answer)
    assert (len(reply.outcome.aliases), len(reply.outcome.addresses)) == (1, 1)


Respond = Callable[[dns.message.Message], list[bytes]]


class _Scripted(asyncio.DatagramProtocol):
    """Answers each query with the datagrams of a script, and remembers who asked."""

    def __init__(self, respond: Respond) -> None:
        self._respond = respond
        self.queries: list[tuple[dns.message.Message, int]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        self.queries.append((query, addr[1]))
        for datagram in self._respond(query):
            self._transport.sendto(datagram, addr)


@asynccontextmanager
async def scripted(respond: Respond) -> AsyncIterator[tuple[_Scripted, int]]:
    loop, port = asyncio.get_running_loop(), free_port([HOST])
    transport, script = await loop.create_datagram_endpoint(
        lambda: _Scripted(respond), local_addr=(HOST, port)
    )
    try:
        yield script, port
    finally:
        transport.close()


def _right(query: dns.message.Message) -> bytes:
    return dns.message.make_response(query).to_wire()


def _forged(query: dns.message.Message) -> bytes:
    response = dns.message.make_response(query)
    response.id ^= 1
    response.set_rcode(dns.rcode.NXDOMAIN)
    return response.to_wire()


async def test_a_forgery_before_the_answer_does_not_end_the_wait() -> None:
    def respond(query: dns.message.Message) -> list[bytes]:
        return [b"", b"\x00" * 12, _forged(query), _right(query)]

    async with scripted(respond) as (_, port):
        reply = await prober().ask(resolver(port), QUESTION)
    assert isinstance(reply.outcome, Answer)
    assert reply.outcome.rcode is Rcode.NOERROR


async def test_what_answers_nothing_is_counted_for_the_server_that_was_asked() -> None:
    counted = list[tuple[str, int, int]]()

    class Counts:
        def unmatched(self, server: Server, *, late: int, stray: int) -> None:
            counted.append((server.name, late, stray))

    def respond(query: dns.message.Message) -> list[bytes]:
        return [b"\x00" * 12, _forged(query), _forged(query), _right(query)]

    async with scripted(respond) as (_, port):
        asking = DnsProber(SystemClock(), Limits(timedelta(seconds=20), attempts=1), Counts())
        await asking.ask(resolver(port), QUESTION)
    assert counted == [("r", 0, 3)]


async def test_every_attempt_comes_from_a_fresh_port_with_a_fresh_id() -> None:
    async with scripted(lambda _: []) as (script, port):
        await prober(attempts=5).ask(resolver(port), QUESTION)
    assert len(script.queries) == 5
    assert len({asked_from for _, asked_from in script.queries}) == 5
    assert len({query.id for query, _ in script.queries}) > 1


async def test_a_question_wants_recursion_edns_and_the_servers_name() -> None:
    async with scripted(lambda query: [_right(query)]) as (script, port):
        await prober().ask(resolver(port), QUESTION)
        await prober().ask(resolver(port), Question(DomainName(NAME), is_recursion_desired=False))
    (recursive, _), (direct, _) = script.queries
    assert recursive.flags & dns.flags.RD
    assert not direct.flags & dns.flags.RD
    assert recursive.edns == 0
    assert [option.otype.value for option in recursive.options] == [3]


async def test_a_client_subnet_is_sent_where_it_is_configured() -> None:
    async with scripted(lambda query: [_right(query)]) as (script, port):
        view = Resolver("r", HOST, port, client_subnet="192.0.2.0/24", max_qps=1000)
        await prober().ask(view, QUESTION)
    (query, _) = script.queries[0]
    assert any("192.0.2.0/24" in str(option) for option in query.options)


async def test_an_old_server_that_knows_no_edns_is_asked_without() -> None:
    def respond(query: dns.message.Message) -> list[bytes]:
        response = dns.message.make_response(query)
        if query.edns >= 0:
            response.set_rcode(dns.rcode.FORMERR)
        return [response.to_wire()]

    async with scripted(respond) as (script, port):
        reply = await prober().ask(resolver(port), QUESTION)
    assert isinstance(reply.outcome, Answer)
    assert reply.outcome.rcode is Rcode.NOERROR
    assert [query.edns for query, _ in script.queries] == [0, -1]


async def test_a_silent_server_is_asked_once_a_question_until_it_answers_again() -> None:
    talks = False

    def respond(query: dns.message.Message) -> list[bytes]:
        return [_right(query)] if talks else []

    async with scripted(respond) as (script, port):
        asking = DnsProber(SystemClock(), Limits(timedelta(milliseconds=100), attempts=3))
        for _ in range(SILENCE_BEFORE_DOUBT):
            await asking.ask(resolver(port), QUESTION)
        assert len(script.queries) == 3 * SILENCE_BEFORE_DOUBT
        await asking.ask(resolver(port), QUESTION)
        assert len(script.queries) == 3 * SILENCE_BEFORE_DOUBT + 1
        talks = True
        await asking.ask(resolver(port), QUESTION)
        talks = False
        script.queries.clear()
        await asking.ask(resolver(port), QUESTION)
        assert len(script.queries) == 3


async def test_a_hostile_extended_error_cannot_write_to_a_terminal() -> None:
    def respond(query: dns.message.Message) -> list[bytes]:
        response = dns.message.make_response(query)
        response.set_rcode(dns.rcode.SERVFAIL)
        text = "\x1b[31mred\x07\n" + "x" * 500
        response.use_edns(0, options=[dns.edns.EDEOption(dns.edns.EDECode.OTHER, text)])
        return [response.to_wire()]

    async with scripted(respond) as (_, port):
        reply = await prober().ask(resolver(port), QUESTION)
    assert isinstance(reply.outcome, Answer)
    (error,) = reply.outcome.extended_errors
    assert error.text.isprintable()
    assert error.text.startswith("[31mred")
    assert len(error.text) == 200


async def test_a_hostile_text_cannot_write_to_a_terminal() -> None:
    asked = Question(QUESTION.name, RecordType.TXT)

    def respond(query: dns.message.Message) -> list[bytes]:
        response = dns.message.make_response(query)
        strings = '"be1d" "49d8" '
        other = '"\\027[31mred\\007" "' + "x" * 250 + '"'
        owner = query.question[0].name
        for text in (strings, other):
            response.answer.append(dns.rrset.from_text(owner, 60, "IN", "TXT", text))
        return [response.to_wire()]

    async with scripted(respond) as (_, port):
        reply = await prober().ask(resolver(port), asked)
    assert isinstance(reply.outcome, Answer)
    first, second = reply.outcome.texts
    assert first == Text(QUESTION.name, "be1d49d8", 60)
    assert second.value.startswith("[31mredxxx")
    assert len(second.value) == 200


async def test_no_more_questions_a_second_are_sent_than_allowed() -> None:
    loop = asyncio.get_running_loop()
    async with scripted(lambda query: [_right(query)]) as (script, port):
        slow, asking = Resolver("r", HOST, port, max_qps=50), prober()
        started = loop.time()
        await asyncio.gather(*(asking.ask(slow, QUESTION) for _ in range(11)))
        assert loop.time() - started >= 10 / 50
    assert len(script.queries) == 11


async def test_two_cnames_at_one_name_both_arrive() -> None:
    def respond(query: dns.message.Message) -> list[bytes]:
        response = dns.message.make_response(query)
        for target in ("a.example.", "b.example."):
            response.answer.append(
                dns.rrset.from_text(query.question[0].name, 60, "IN", "CNAME", target)
            )
        return [response.to_wire()]

    async with scripted(respond) as (_, port):
        reply = await prober().ask(resolver(port), QUESTION)
    assert isinstance(reply.outcome, Answer)
    assert {str(alias.target) for alias in reply.outcome.aliases} == {"a.example", "b.example"}


async def test_a_name_too_long_for_the_wire_is_an_outcome_not_an_error() -> None:
    name = DomainName(".".join(["a" * 60] * 5))
    reply = await prober().ask(resolver(free_port([HOST])), Question(name))
    assert isinstance(reply.outcome, NoAnswer)
    assert reply.outcome.reason is NoAnswerReason.MALFORMED
