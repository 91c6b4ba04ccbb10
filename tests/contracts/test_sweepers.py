"""The sweepers that keep the contract; the fake is held to the same as the real one."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.adapters.clock import SystemClock
from monitor.adapters.resolvers.prober import DnsProber, Limits
from monitor.adapters.resolvers.sweeper import DnsSweeper
from monitor.core.answers import Answer, Outcome, Question
from monitor.core.names import DomainName
from monitor.core.servers import Resolver, Transport
from tests.adapters.resolvers.messages import EDE, NSID, RESPONSE, Message, Written, address, alias
from tests.adapters.resolvers.scripted import HOST, Query, scripted
from tests.contracts.sweeper_contract import SILENCE, SweeperContract, World
from tests.fakes.clock import FakeClock
from tests.fakes.fake_prober import FakeProber
from tests.fakes.fake_sweeper import FakeSweeper
from tests.fakes.recording_telemetry import RecordingTelemetry


class TestFakeSweeper(SweeperContract):
    @pytest.fixture
    def world(self) -> World:
        clock = FakeClock()
        prober = FakeProber(clock)

        def say(resolver: Resolver, domain: DomainName, outcome: Outcome) -> None:
            prober.answers[resolver.name, Question(domain)] = outcome

        return World(
            FakeSweeper(prober),
            (Resolver("a", "192.0.2.1"), Resolver("b", "192.0.2.2")),
            clock,
            say,
            lambda: clock.advance(timedelta(minutes=1)),
        )


def wire_of(answer: Answer, query: Query) -> bytes:
    """Return the answer as a server sends it, the question as it was asked."""
    codes = [(EDE, error.code.to_bytes(2)) for error in answer.extended_errors]
    names = [(NSID, answer.nsid.encode())] if answer.nsid else []
    records: list[tuple[Written, int]] = [
        *((alias(link.name.text, link.target.text), link.ttl) for link in answer.aliases),
        *((address(found.name.text, found.address), found.ttl) for found in answer.addresses),
    ]
    message = Message(
        query.name,
        tuple(record for record, _ in records),
        flags=RESPONSE | answer.rcode,
        options=(*codes, *names),
    )
    return message.wire([ttl for _, ttl in records], query.id)


class Told:
    """What one server says of each name; of others nothing."""

    def __init__(self) -> None:
        self.outcomes: dict[str, Outcome] = {}

    def answer(self, query: Query) -> bytes | None:
        outcome = self.outcomes.get(query.name.lower(), SILENCE)
        return wire_of(outcome, query) if isinstance(outcome, Answer) else None

    def datagrams(self, query: Query) -> list[bytes]:
        answer = self.answer(query)
        return [] if answer is None else [answer]


@asynccontextmanager
async def real(
    patience: timedelta, kind: Resolver, other: Resolver | None = None
) -> AsyncIterator[World]:
    """Yield a world of two servers on loopback that are asked as resolvers of these kinds are."""
    said = {"a": Told(), "b": Told()}
    async with scripted(said["a"].datagrams) as a, scripted(said["b"].datagrams) as b:
        a.over_tcp, b.over_tcp = said["a"].answer, said["b"].answer
        resolvers = (
            replace(kind, name="a", port=a.port),
            replace(other or kind, name="b", port=b.port),
        )

        def say(resolver: Resolver, domain: DomainName, outcome: Outcome) -> None:
            said[resolver.name].outcomes[domain.text] = outcome

        clock = SystemClock()
        prober = DnsProber(clock, Limits(patience, attempts=2))
        sweeper = DnsSweeper(prober, clock, RecordingTelemetry())
        yield World(sweeper, resolvers, clock, say)


PLAIN = Resolver("", HOST, max_qps=10_000)
VARIED = replace(PLAIN, varies_case=True)
STREAMED = replace(PLAIN, transport=Transport.TCP)


class TestDnsSweeper(SweeperContract):
    @pytest.fixture
    async def world(self, patience: timedelta) -> AsyncIterator[World]:
        async with real(patience, PLAIN) as world:
            yield world


class TestDnsSweeperThatVariesCase(SweeperContract):
    @pytest.fixture
    async def world(self, patience: timedelta) -> AsyncIterator[World]:
        async with real(patience, VARIED) as world:
            yield world


class TestDnsSweeperOverTcp(SweeperContract):
    @pytest.fixture
    async def world(self, patience: timedelta) -> AsyncIterator[World]:
        async with real(patience, STREAMED) as world:
            yield world


class TestDnsSweeperForAClientSubnet(SweeperContract):
    @pytest.fixture
    async def world(self, patience: timedelta) -> AsyncIterator[World]:
        async with real(patience, replace(PLAIN, client_subnet="192.0.2.0/24")) as world:
            yield world


class TestDnsSweeperThatVariesTheCaseForOne(SweeperContract):
    @pytest.fixture
    async def world(self, patience: timedelta) -> AsyncIterator[World]:
        async with real(patience, VARIED, PLAIN) as world:
            yield world


class TestDnsSweeperOverTcpAndUdp(SweeperContract):
    @pytest.fixture
    async def world(self, patience: timedelta) -> AsyncIterator[World]:
        async with real(patience, STREAMED, PLAIN) as world:
            yield world
