"""What a worker asks and lays out: no batch waits for the last answer of the one before."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import timedelta

from monitor.adapters.clock import SystemClock
from monitor.adapters.resolvers.prober import DnsProber, Limits
from monitor.adapters.resolvers.vantages.gathering import GatheringSweeper, Part
from monitor.adapters.resolvers.vantages.jobs import Sweep
from monitor.core.names import DomainName
from monitor.core.servers import Resolver
from tests.adapters.resolvers.scripted import HOST, Query, Server, scripted
from tests.contracts.sweeper_contract import BUCKET, chain
from tests.contracts.test_sweepers import wire_of
from tests.fakes.recording_telemetry import RecordingTelemetry

NAMES = [DomainName(f"n{number}.shop.example") for number in range(20)]
SILENT, PLAIN = NAMES[:3], NAMES[3:]


def hesitant(query: Query) -> list[bytes]:
    """Answer about none of the silent ones."""
    name = DomainName(query.name.lower())
    return [] if name in SILENT else [wire_of(chain(name, BUCKET), query)]


class Bench:
    """A worker's sweeper, and jobs for it."""

    def __init__(self, server: Server, window: int = 100) -> None:
        clock = SystemClock()
        self._prober = DnsProber(clock, Limits(timedelta(minutes=1), 1, per_server=window))
        self._sweeper = GatheringSweeper(self._prober, clock, RecordingTelemetry())
        self._resolver = Resolver("a", HOST, server.port, max_qps=20_000, vantage="x")

    async def gather(self, names: Sequence[DomainName]) -> Iterator[Part]:
        job = Sweep("1", (self._resolver,), tuple(names), self._prober.lane_limits)
        return await self._sweeper.gather(job)


async def test_names_that_nobody_answers_for_do_not_hold_up_the_next_batch() -> None:
    async with scripted(hesitant) as server:
        bench = Bench(server)
        waiting = asyncio.ensure_future(bench.gather(SILENT))
        await server.has_heard(len(SILENT))
        for _ in range(2):
            (part,) = await asyncio.wait_for(bench.gather(PLAIN), 20)
            assert [len(of_row) for of_row in part.said] == [1] * len(PLAIN)
            assert part.columns[0].which == bytes(len(PLAIN))
        assert not waiting.done()
        waiting.cancel()


async def test_batches_that_overlap_share_the_room_for_questions_that_wait() -> None:
    async with scripted(lambda _: []) as server:
        bench = Bench(server, window=5)
        first = asyncio.ensure_future(bench.gather(SILENT))
        await server.has_heard(3)
        second = asyncio.ensure_future(bench.gather(PLAIN))
        await server.has_heard(5)
        await asyncio.sleep(0.05)
        assert len(server.queries) == 5
        first.cancel()
        await server.has_heard(8)
        await asyncio.sleep(0.05)
        assert len(server.queries) == 8, "there is room again for as many as do not wait any more"
        second.cancel()


async def test_who_says_the_same_as_others_is_told_of_by_its_place_alone() -> None:
    """So it is with whoever is silent, too, and whoever says it in another order of records."""
    async with scripted(hesitant) as one, scripted(hesitant) as other:
        clock = SystemClock()
        prober = DnsProber(clock, Limits(timedelta(seconds=0.2), 1))
        sweeper = GatheringSweeper(prober, clock, RecordingTelemetry())
        resolvers = tuple(
            Resolver(f"r{port}", HOST, port, vantage="x", varies_case=varies)
            for port, varies in ((one.port, False), (other.port, True))
        )
        job = Sweep("1", resolvers, tuple(NAMES), prober.lane_limits)
        (part,) = await sweeper.gather(job)
        assert [len(of_row) for of_row in part.said] == [1] * len(NAMES)
        assert [set(told.which) for told in part.columns] == [{0}, {0}]
