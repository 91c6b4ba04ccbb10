"""The coordinator's side of the broker: places jobs, keeps a lease on each, knows who is there.

The lease table is the truth. What comes for a job without a lease, late or a second time, or from
another vantage than the one that was asked, changes nothing.
"""

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

import structlog

from monitor.adapters.resolvers.vantages.broker import (
    Away,
    Broker,
    BrokerAddress,
    Delivery,
    Full,
    Gone,
    Kind,
    connected,
)
from monitor.adapters.resolvers.vantages.frames import Refusal
from monitor.adapters.resolvers.vantages.jobs import Job, job_to_wire
from monitor.adapters.resolvers.vantages.link import Link
from monitor.adapters.resolvers.vantages.parcels import (
    Parcel,
    beat_of_wire,
    parcel_of_wire,
)
from monitor.ports import Clock

log = structlog.get_logger()

Seconds = float  # by the event loop's clock

BEAT = 2.0
LOST_AFTER = 10.0  # five beats
_GRACE = 5.0  # after the start, until whoever is there must have been heard
_AGAIN = 1.0
_PAUSE_WHEN_FULL = 0.2
_MOST_ACK_PENDING = 16
_MOST_WORKERS = 1000  # of one vantage, that are told apart


class Ended(Enum):
    """What became of a job."""

    ANSWERED = "answered"
    EXPIRED = "expired"
    LOST = "lost"  # nobody is there who could do it


class VantageTelemetry(Protocol):
    """Counts what comes and goes; vantages are those that were expected."""

    def workers(self, vantage: str, of_our_release: int, of_others: int) -> None: ...

    def beaten(self, vantage: str, skew: float) -> None:
        """Take it that a worker was heard, whose clock is ahead by so many seconds."""

    def ended(self, vantage: str, how: str) -> None: ...

    def refused(self, vantage: str, reason: str) -> None: ...

    def held_back(self, vantage: str) -> None: ...


Take = Callable[[Parcel, Seconds], bool]
"""Takes what came of a job, and within how many seconds; True when nothing more is to come."""


@dataclass(slots=True)
class _Lease:
    vantage: str
    take: Take
    placed: Seconds
    ended: "asyncio.Future[Ended]"

    def end(self, how: Ended) -> None:
        if not self.ended.done():
            self.ended.set_result(how)


@dataclass(slots=True)
class _Heard:
    at: Seconds
    release: str


@dataclass(slots=True)
class Office:
    """Runs as long as there are vantages; without a connection all of them are lost."""

    address: BrokerAddress
    vantages: tuple[str, ...]
    clock: Clock
    telemetry: VantageTelemetry
    release: str
    _link: Link = field(default_factory=lambda: Link("coordinator"))
    _broker: Broker | None = None
    _leases: dict[str, _Lease] = field(default_factory=dict)
    _workers: dict[str, dict[str, _Heard]] = field(default_factory=dict)
    _up: dict[str, asyncio.Event] = field(default_factory=dict)
    _began: Seconds | None = None
    _preparing: asyncio.Lock = field(default_factory=asyncio.Lock)
    _prepared: Seconds = -math.inf

    async def run(self) -> None:
        """Stay connected until cancelled."""
        self._began = asyncio.get_running_loop().time()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch())
            while True:
                try:
                    await self._serve()
                except Away as error:
                    self._link.lost(str(error))
                self._broker = None
                await asyncio.sleep(_AGAIN)

    @property
    def is_connected(self) -> bool:
        """Tell whether jobs can be placed now."""
        return self._broker is not None

    @property
    def leased(self) -> tuple[str, ...]:
        """The numbers of the jobs that are under way."""
        return tuple(self._leases)

    def has_worker(self, vantage: str) -> bool:
        return vantage in self._up and self._up[vantage].is_set()

    async def settled(self, vantage: str) -> bool:
        """Return whether somebody is there; soon after the start, wait until one can know."""
        now = asyncio.get_running_loop().time()
        left = _GRACE if self._began is None else self._began + _GRACE - now
        event = self._up.setdefault(vantage, asyncio.Event())
        if not event.is_set() and left > 0:
            try:
                async with asyncio.timeout(left):
                    await event.wait()
            except TimeoutError:
                pass
        return event.is_set()

    async def carry(
        self, vantage: str, job: Job, kind: Kind, take: Take, lifetime: Seconds
    ) -> Ended:
        """Have a job done, and return how it ended."""
        loop = asyncio.get_running_loop()
        lease = _Lease(vantage, take, loop.time(), loop.create_future())
        self._leases[job.number] = lease
        try:
            async with asyncio.timeout(lifetime):
                if not await self.settled(vantage):
                    return self._counted(vantage, Ended.LOST)
                await self._place(lease, kind, job)
                return self._counted(vantage, await lease.ended)
        except TimeoutError:
            return self._counted(vantage, Ended.EXPIRED)
        finally:
            del self._leases[job.number]

    def _counted(self, vantage: str, how: Ended) -> Ended:
        self.telemetry.ended(vantage, how.value)
        return how

    async def _place(self, lease: _Lease, kind: Kind, job: Job) -> None:
        wire = job_to_wire(job)
        while not lease.ended.done():
            try:
                if self._broker is not None:
                    await self._broker.place(lease.vantage, kind, job.number, wire)
                    return
            except Full:
                self.telemetry.held_back(lease.vantage)
            except Gone:
                await self._prepare_again()
            except Away as error:
                log.debug("broker.away", error=str(error))
            await asyncio.sleep(_PAUSE_WHEN_FULL)

    async def _prepare_again(self) -> None:
        """Make the streams that the broker has lost: it came back with nothing in its store."""
        async with self._preparing:
            now = asyncio.get_running_loop().time()
            if self._broker is None or now < self._prepared + _AGAIN:
                return
            log.warning("broker.empty")
            try:
                await self._broker.prepare(self.vantages, _MOST_ACK_PENDING)
            except Away as error:
                log.debug("broker.away", error=str(error))
            self._prepared = now

    async def _serve(self) -> None:
        name = "oss-cname-monitor coordinator"
        async with connected(self.address, name, "_INBOX_coordinator", self._link) as broker:
            await broker.prepare(self.vantages, _MOST_ACK_PENDING)
            await broker.hear_beats(self._take_beat)
            self._broker = broker
            self._link.up()
            await broker.call_the_roll()
            async for delivery in broker.heard():
                self._take(delivery)
                await delivery.done()

    def _take(self, delivery: Delivery) -> None:
        vantage = delivery.vantage
        parcel = parcel_of_wire(delivery.data)
        if isinstance(parcel, Refusal):
            self._refuse(vantage, parcel.value)
            return
        lease = self._leases.get(parcel.job)
        if lease is None:
            self.telemetry.refused(self._known(vantage), "late")
        elif lease.vantage != vantage:
            self._refuse(vantage, "forged")
        elif lease.take(parcel, asyncio.get_running_loop().time() - lease.placed):
            lease.end(Ended.ANSWERED)

    def _refuse(self, vantage: str, reason: str) -> None:
        log.warning("vantage.refused", vantage=self._known(vantage), reason=reason)
        self.telemetry.refused(self._known(vantage), reason)

    def _known(self, vantage: str) -> str:
        return vantage if vantage in self.vantages else "other"

    def _take_beat(self, vantage: str, wire: bytes) -> None:
        beat = beat_of_wire(wire)
        if isinstance(beat, Refusal):
            self._refuse(vantage, beat.value)
            return
        if vantage not in self.vantages:
            return
        now = asyncio.get_running_loop().time()
        workers = self._workers.setdefault(vantage, {})
        if beat.worker not in workers:
            if len(workers) >= _MOST_WORKERS:
                return
            log.info("vantage.worker", vantage=vantage, worker=beat.worker, release=beat.release)
        workers[beat.worker] = _Heard(now, beat.release)
        self.telemetry.beaten(vantage, beat.clock - self.clock.now().timestamp())
        self._look_at(vantage, now)

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        expected = loop.time()
        while True:
            late = loop.time() - expected
            if late > BEAT:  # we did not listen meanwhile: beats may still wait to be taken
                self._excuse(late)
            for vantage in self.vantages:
                self._look_at(vantage, loop.time())
            expected = loop.time() + BEAT / 2
            await asyncio.sleep(BEAT / 2)

    def _excuse(self, span: Seconds) -> None:
        for workers in self._workers.values():
            for heard in workers.values():
                heard.at += span

    def _look_at(self, vantage: str, now: Seconds) -> None:
        workers = self._workers.setdefault(vantage, {})
        for name in [name for name, heard in workers.items() if now - heard.at > LOST_AFTER]:
            del workers[name]
        ours = sum(heard.release == self.release for heard in workers.values())
        self.telemetry.workers(vantage, ours, len(workers) - ours)
        event = self._up.setdefault(vantage, asyncio.Event())
        if workers and not event.is_set():
            log.info("vantage.up", vantage=vantage)
            event.set()
        elif not workers and event.is_set():
            log.warning("vantage.lost", vantage=vantage)
            event.clear()
            self._end_all(vantage)

    def _end_all(self, vantage: str) -> None:
        for lease in self._leases.values():
            if lease.vantage == vantage:
                lease.end(Ended.LOST)
