"""An office and workers over a real broker, for tests that make trouble."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from monitor.adapters.clock import SystemClock
from monitor.adapters.resolvers.prober import DnsProber, Limits
from monitor.adapters.resolvers.vantages.afar import FarProber, FarSweeper
from monitor.adapters.resolvers.vantages.broker import BrokerAddress
from monitor.adapters.resolvers.vantages.office import Office
from monitor.adapters.resolvers.vantages.worker import Identity, Worker
from tests.fakes.recording_telemetry import RecordingTelemetry
from tests.fakes.recording_vantages import RecordingVantages

RELEASE = "1"


@dataclass(slots=True)
class Afar:
    """A coordinator, and how to start and stop workers."""

    office: Office
    group: asyncio.TaskGroup
    seen: RecordingVantages
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    telemetry: RecordingTelemetry = field(default_factory=RecordingTelemetry)

    def hire(self, worker: Worker) -> asyncio.Task[None]:
        task = self.group.create_task(worker.run())
        self.tasks.append(task)
        return task

    def prober(self, timeout: float = 0.5, attempts: int = 2) -> FarProber:
        return FarProber(self.office, self._here(timeout, attempts), self.office.clock)

    def sweeper(self, timeout: float = 0.5, attempts: int = 2) -> FarSweeper:
        here = self._here(timeout, attempts)
        return FarSweeper(self.office, here, self.office.clock, self.telemetry)

    def _here(self, timeout: float, attempts: int) -> DnsProber:
        return DnsProber(self.office.clock, Limits(timedelta(seconds=timeout), attempts))


def worker(
    address: BrokerAddress, vantage: str, name: str = "w", release: str = RELEASE
) -> Worker:
    return Worker(address, Identity(vantage, name, release), SystemClock())


@asynccontextmanager
async def office(address: BrokerAddress, vantages: Sequence[str]) -> AsyncIterator[Afar]:
    """Run an office until the block ends."""
    seen = RecordingVantages()
    async with asyncio.TaskGroup() as group:
        made = Office(address, tuple(vantages), SystemClock(), seen, RELEASE)
        afar = Afar(made, group, seen)
        afar.tasks.append(group.create_task(made.run()))
        yield afar
        for task in afar.tasks:
            task.cancel()


async def true_soon(condition: Callable[[], object], patience: float = 15.0) -> None:
    """Return when the condition holds; fail when it does not within the patience."""
    async with asyncio.timeout(patience):
        while not condition():  # noqa: ASYNC110  # nobody can tell us
            await asyncio.sleep(0.02)
