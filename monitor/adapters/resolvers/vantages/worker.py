"""A worker at a vantage: takes jobs, asks, and sends what it heard before it lets go of a job."""

import asyncio
from array import array
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import TypeAlias

import structlog

from monitor.adapters.resolvers.engine import LaneLimits
from monitor.adapters.resolvers.obeying import heed
from monitor.adapters.resolvers.prober import DnsProber, Limits
from monitor.adapters.resolvers.vantages.broker import (
    AT_WORK,
    Away,
    Broker,
    BrokerAddress,
    Delivery,
    Full,
    Kind,
    connected,
    inbox_of,
)
from monitor.adapters.resolvers.vantages.frames import Refusal
from monitor.adapters.resolvers.vantages.gathering import (
    GatheringSweeper,
    said_of_reply,
)
from monitor.adapters.resolvers.vantages.jobs import Errand, Job, Sweep, job_of_wire
from monitor.adapters.resolvers.vantages.link import Link
from monitor.adapters.resolvers.vantages.office import BEAT
from monitor.adapters.resolvers.vantages.parcels import (
    AS_IT_CAME,
    Beat,
    Parcel,
    Told,
    beat_to_wire,
    parcel_to_wires,
)
from monitor.adapters.resolvers.vantages.said import Said
from monitor.adapters.resolvers.watchlist import STRIDE
from monitor.core.answers import Question
from monitor.core.servers import Resolver
from monitor.ports import RTT_BOUNDS, Clock, Server, Swept

log = structlog.get_logger()

_AGAIN = 1.0
_SWEEPS = 8  # at a time: one is asked while the last answers of others are awaited, or sent
_ERRANDS = 8  # that are fetched at a time
_TOGETHER = 0.02  # seconds for which answers of an errand are gathered
_TIDY = 600.0
_IN_FLIGHT = 1000  # urgent questions

# Told at each beat why the broker is away, or None where it is there.
Standing: TypeAlias = Callable[[Away | None], None]


def nobody_hears(_: Away | None) -> None:
    """Tell nobody how it stands."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who works where."""

    vantage: str
    worker: str
    release: str


class _Counts:
    """What sweeps counted, by resolver, until it is sent."""

    def __init__(self) -> None:
        self._kept: dict[str, Swept] = {}

    def swept(self, resolver: Resolver, swept: Swept) -> None:
        before = self._kept.get(resolver.name, _NOTHING)
        self._kept[resolver.name] = Swept(
            Counter(before.outcomes) + Counter(swept.outcomes),
            tuple(a + b for a, b in zip(before.rtts, swept.rtts, strict=True)),
            before.rtt_total + swept.rtt_total,
            late=before.late + swept.late,
            stray=before.stray + swept.stray,
            shed=before.shed + swept.shed,
            in_flight=0,
            lag=timedelta(),
        )

    def unmatched(self, server: Server, *, late: int, stray: int) -> None:
        assert isinstance(server, Resolver), "nobody asks authorities through a worker"
        self.swept(server, replace(_NOTHING, late=late, stray=stray))

    def taken(self, resolvers: Sequence[Resolver]) -> tuple[Swept, ...]:
        return tuple(self._kept.pop(resolver.name, _NOTHING) for resolver in resolvers)


_NOTHING = Swept(
    {},
    (0,) * (len(RTT_BOUNDS) + 1),
    timedelta(),
    late=0,
    stray=0,
    shed=0,
    in_flight=0,
    lag=timedelta(),
)


@dataclass(slots=True)
class _Bench:
    """What questions under these limits are asked with."""

    limits: LaneLimits
    prober: DnsProber
    sweeper: GatheringSweeper


@dataclass(slots=True)
class Worker:
    """Works until it is cancelled; without a broker it waits for one."""

    address: BrokerAddress
    identity: Identity
    clock: Clock
    standing: Standing = nobody_hears
    _link: Link = field(default_factory=lambda: Link("worker"))
    _counts: _Counts = field(default_factory=_Counts)
    _bench: _Bench | None = None

    async def run(self) -> None:
        while True:
            try:
                await self._work()
            except* Away as errors:
                self._link.lost(str(errors.exceptions[0]))
            heed()
            await asyncio.sleep(_AGAIN)

    async def _work(self) -> None:
        me = self.identity
        async with (
            connected(
                self.address,
                f"oss-cname-monitor {me.worker}",
                inbox_of(me.vantage),
                self._link,
            ) as broker,
            asyncio.TaskGroup() as group,
        ):
            self._link.up()
            log.info("worker.connected", vantage=me.vantage, worker=me.worker)
            group.create_task(self._beat_for_ever(broker))
            group.create_task(self._tidy())
            for _ in range(_SWEEPS):
                group.create_task(self._sweep_for_ever(broker))
            await self._run_errands(broker, group)

    async def _beat_for_ever(self, broker: Broker) -> None:
        await broker.hear_the_roll_call(partial(self._beat, broker))
        while True:
            await self._beat(broker)
            await asyncio.sleep(BEAT)

    async def _beat(self, broker: Broker) -> None:
        me, now = self.identity, self.clock.now().timestamp()
        try:
            await broker.beat(me.vantage, beat_to_wire(Beat(me.worker, me.release, now)))
        except Away as error:
            log.debug("broker.away", error=str(error))
            self.standing(error)
        else:
            self.standing(None)

    async def _tidy(self) -> None:
        while True:
            await asyncio.sleep(_TIDY)
            if self._bench is not None:
                self._bench.sweeper.drop_unasked(asyncio.get_running_loop().time())

    async def _sweep_for_ever(self, broker: Broker) -> None:
        async for delivery in broker.jobs(self.identity.vantage, Kind.SWEEP, 1):
            async with _at_work(delivery):
                job = _job_in(delivery)
                if isinstance(job, Sweep):
                    await self._sweep(broker, job)
            await delivery.done()

    async def _sweep(self, broker: Broker, job: Sweep) -> None:
        sweeper = self._bench_of(job).sweeper
        parts = list(await sweeper.gather(job))
        for place, part in enumerate(parts):
            is_last = place == len(parts) - 1
            counted = self._counts.taken(job.resolvers) if is_last else ()
            parcel = self._parcel(job, part.rows, part.said, part.columns)
            await self._send(broker, _ended(parcel, counted, is_last=is_last))

    async def _run_errands(self, broker: Broker, group: asyncio.TaskGroup) -> None:
        async for delivery in broker.jobs(self.identity.vantage, Kind.ERRAND, _ERRANDS):
            group.create_task(self._run_errand(broker, delivery))

    async def _run_errand(self, broker: Broker, delivery: Delivery) -> None:
        async with _at_work(delivery):
            job = _job_in(delivery)
            if isinstance(job, Errand):
                await self._ask(broker, job)
        await delivery.done()

    async def _ask(self, broker: Broker, job: Errand) -> None:
        """Ask all, and send what has come as it comes, a little of it together."""
        bench, loop = self._bench_of(job), asyncio.get_running_loop()
        come: list[tuple[int, Said, float, float]] = []

        async def ask(row: int, resolver: Resolver, question: Question) -> None:
            reply = await bench.prober.ask(resolver, question)
            come.append((row, said_of_reply(reply), reply.rtt.total_seconds(), loop.time()))

        async with asyncio.TaskGroup() as group:
            pending: set[asyncio.Task[None]] = {
                group.create_task(ask(row, *asked)) for row, asked in enumerate(job.questions)
            }
            while pending:
                _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
                if pending:
                    _, pending = await asyncio.wait(pending, timeout=_TOGETHER)
                sent, come[:] = list(come), []
                parcel = self._parcel_of_errand(job, sent)
                await self._send(broker, _ended(parcel, (), is_last=not pending))

    def _parcel_of_errand(
        self, job: Errand, come: Sequence[tuple[int, Said, float, float]]
    ) -> Parcel:
        now = asyncio.get_running_loop().time()
        told = Told(
            bytes([AS_IT_CAME]) * len(come),
            bytes(STRIDE * len(come)),
            array("f", [rtt for _, _, rtt, _ in come]),
            array("f", [max(0.0, now - at) for _, _, _, at in come]),
        )
        rows = array("I", [row for row, _, _, _ in come])
        return self._parcel(job, rows, tuple((said,) for _, said, _, _ in come), (told,))

    def _parcel(
        self,
        job: Job,
        rows: "array[int]",
        said: tuple[tuple[Said, ...], ...],
        columns: tuple[Told, ...],
    ) -> Parcel:
        me, now = self.identity, self.clock.now().timestamp()
        return Parcel(job.number, me.worker, me.release, now, rows, said, columns)

    async def _send(self, broker: Broker, parcel: Parcel) -> None:
        """Return when the broker has it all: only then may the job be let go of."""
        first = parcel.rows[0] if parcel.rows else "end"
        for place, wire in enumerate(parcel_to_wires(parcel)):
            number = f"{parcel.job}.{self.identity.worker}.{first}.{place}"
            while True:
                try:
                    await broker.send_heard(self.identity.vantage, number, wire)
                    break
                except (Away, Full) as error:
                    log.debug("worker.held_back", error=str(error))
                    await asyncio.sleep(_AGAIN / 4)

    def _bench_of(self, job: Job) -> _Bench:
        """Return what is at hand, or begin anew where the coordinator's settings are others."""
        if self._bench is None or self._bench.limits != job.limits:
            limits = job.limits
            prober = DnsProber(
                self.clock,
                Limits(
                    timedelta(seconds=limits.timeout),
                    limits.attempts,
                    _IN_FLIGHT,
                    limits.window,
                ),
                self._counts,
            )
            sweeper = GatheringSweeper(prober, self.clock, self._counts)
            self._bench = _Bench(limits, prober, sweeper)
        return self._bench


def _ended(parcel: Parcel, counted: tuple[Swept, ...], *, is_last: bool) -> Parcel:
    return replace(parcel, counted=counted, is_last=is_last)


def _job_in(delivery: Delivery) -> Job | None:
    job = job_of_wire(delivery.data)
    if isinstance(job, Refusal):
        log.warning("worker.refused", reason=job.value)
        return None
    return job


@asynccontextmanager
async def _at_work(delivery: Delivery) -> AsyncIterator[None]:
    """Keep the broker from giving the job to somebody else meanwhile."""

    async def say() -> None:
        while True:
            await asyncio.sleep(AT_WORK)
            await delivery.at_work()

    saying = asyncio.ensure_future(say())
    try:
        yield
    finally:
        saying.cancel()
        await asyncio.wait({saying})  # so that nothing is said behind its back
