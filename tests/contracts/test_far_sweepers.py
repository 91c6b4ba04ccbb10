"""The sweeper that asks through workers keeps the contract too, over a real NATS server."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.adapters.clock import SystemClock
from monitor.adapters.resolvers.prober import DnsProber, Limits
from monitor.adapters.resolvers.sweeper import DnsSweeper
from monitor.adapters.resolvers.vantages.afar import FarSweeper
from monitor.adapters.resolvers.vantages.broker import BrokerAddress
from monitor.adapters.resolvers.vantages.divided import DividedSweeper
from monitor.adapters.resolvers.vantages.office import Office
from monitor.adapters.resolvers.vantages.worker import Identity, Worker
from monitor.core.answers import Outcome
from monitor.core.names import DomainName
from monitor.core.servers import Resolver
from tests.adapters.resolvers.scripted import scripted
from tests.contracts.sweeper_contract import SweeperContract, World
from tests.contracts.test_sweepers import PLAIN, STREAMED, VARIED, Told
from tests.fakes.recording_telemetry import RecordingTelemetry
from tests.fakes.recording_vantages import RecordingVantages
from tests.servers.nats import NatsServer, nats_server

_TIMEOUT = timedelta(milliseconds=150)


@pytest.fixture(scope="module")
def broker() -> Iterator[NatsServer]:
    with nats_server() as server:
        yield server


@asynccontextmanager
async def at_work(broker: NatsServer, *vantages: str) -> AsyncIterator[Office]:
    """Yield an office with a worker in this process at each vantage."""
    clock = SystemClock()
    address = BrokerAddress(broker.url)
    office = Office(address, vantages, clock, RecordingVantages(), "1")
    async with asyncio.TaskGroup() as group:
        workers = [Worker(address, Identity(v, f"w-{v}", "1"), clock) for v in vantages]
        runs = (office.run(), *(worker.run() for worker in workers))
        tasks = [group.create_task(run) for run in runs]
        yield office
        for task in tasks:
            task.cancel()


@asynccontextmanager
async def afar(
    broker: NatsServer, kind: Resolver, other: Resolver | None = None
) -> AsyncIterator[World]:
    """Yield a world of two servers, of which those with a vantage are asked from there."""
    said = {"a": Told(), "b": Told()}
    async with scripted(said["a"].datagrams) as a, scripted(said["b"].datagrams) as b:
        a.over_tcp, b.over_tcp = said["a"].answer, said["b"].answer
        resolvers = (
            replace(kind, name="a", port=a.port),
            replace(other or kind, name="b", port=b.port),
        )

        def say(resolver: Resolver, domain: DomainName, outcome: Outcome) -> None:
            said[resolver.name].outcomes[domain.text] = outcome

        vantages = tuple({r.vantage: None for r in resolvers if r.vantage})
        async with at_work(broker, *vantages) as office:
            clock, telemetry = SystemClock(), RecordingTelemetry()
            prober = DnsProber(clock, Limits(_TIMEOUT, attempts=2))
            far = FarSweeper(office, prober, clock, telemetry)
            sweeper = DividedSweeper(DnsSweeper(prober, clock, telemetry), far)
            yield World(sweeper, resolvers, clock, say)


def at(kind: Resolver, vantage: str = "x") -> Resolver:
    return replace(kind, vantage=vantage)


class TestFarSweeper(SweeperContract):
    @pytest.fixture
    async def world(self, broker: NatsServer) -> AsyncIterator[World]:
        async with afar(broker, at(PLAIN)) as world:
            yield world


class TestFarSweeperAtTwoVantages(SweeperContract):
    @pytest.fixture
    async def world(self, broker: NatsServer) -> AsyncIterator[World]:
        async with afar(broker, at(PLAIN), at(PLAIN, "y")) as world:
            yield world


class TestFarSweeperThatVariesTheCaseForOne(SweeperContract):
    @pytest.fixture
    async def world(self, broker: NatsServer) -> AsyncIterator[World]:
        async with afar(broker, at(VARIED), at(PLAIN)) as world:
            yield world


class TestFarSweeperOverTcpBesideOneHere(SweeperContract):
    @pytest.fixture
    async def world(self, broker: NatsServer) -> AsyncIterator[World]:
        async with afar(broker, at(STREAMED), PLAIN) as world:
            yield world
