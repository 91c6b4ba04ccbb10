"""The daemon's rounds as its assembly builds them, on a database and a responder of one's own."""

import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import CollectorRegistry

from benchmarks.expected import ENDPOINT, chain_of, name_of
from benchmarks.task import HOST
from monitor.adapters.clock import SystemClock
from monitor.adapters.inventory.listed import ListedInventory
from monitor.adapters.stores.opening import Access
from monitor.adapters.stores.sqlite import SqliteStore
from monitor.adapters.telemetry.counters import PrometheusTelemetry
from monitor.assembly.garbage import spare_from_collection
from monitor.assembly.parts import rounds_of
from monitor.config import Settings
from monitor.config.resolver_address import parse_resolver_address
from monitor.config.resolvers import ResolverSettings
from monitor.config.schedule import Schedule
from monitor.core.binding_faults import FaultPolicy
from monitor.core.bindings import Binding, BucketTarget
from monitor.core.names import DomainName
from monitor.core.state import Step
from monitor.ledger import Ledger
from monitor.logs import Secrets, set_up
from monitor.ports import Kept
from monitor.usecases.discover import discover
from monitor.usecases.rounds import Rounds

UNPACED = 1e9  # questions a second: no resolver of a benchmark needs to be spared


class CountedStore(SqliteStore):
    """The daemon's store, that also counts what it is given to keep, and how long that takes."""

    commits = 0
    seconds = 0.0

    async def commit(self, step: Step) -> Kept:
        began = time.perf_counter()
        kept = await super().commit(step)
        self.commits += 1
        self.seconds += time.perf_counter() - began
        return kept


@dataclass(frozen=True, slots=True)
class Daemon:
    """What a daemon works with, with no scheduler and no pages around it."""

    rounds: Rounds
    store: CountedStore
    registry: CollectorRegistry

    async def bind(self, names: int) -> None:
        """Have so many domains bound in the configuration, each to its own bucket."""
        endpoint = DomainName(ENDPOINT)
        bindings = (
            Binding(DomainName(name_of(number)), BucketTarget(_bucket(number), endpoint))
            for number in range(names)
        )
        rounds = self.rounds
        await discover(
            ListedInventory(tuple(bindings)),
            rounds.ledger,
            rounds.telemetry,
            rounds.clock,
            FaultPolicy(rounds.policy),
        )


@asynccontextmanager
async def opened_daemon(
    database: Path, ports: Sequence[int], schedule: Schedule | None = None
) -> AsyncIterator[Daemon]:
    """Open a database with the resolvers at these ports, and by default settings otherwise."""
    set_up(level="warning", is_json=False, secrets=Secrets())
    registry = CollectorRegistry()
    clock, telemetry = SystemClock(), PrometheusTelemetry(registry)
    store = CountedStore(database, Access.OWN)
    ledger = Ledger(store, telemetry)
    try:
        await ledger.open()
        spare_from_collection()
        settings = Settings(resolvers=_resolvers(ports), schedule=schedule or Schedule())
        yield Daemon(rounds_of(settings, ledger, clock, telemetry), store, registry)
    finally:
        await store.close()


def _resolvers(ports: Sequence[int]) -> tuple[ResolverSettings, ...]:
    address = parse_resolver_address(HOST)
    return tuple(
        ResolverSettings(name=f"resolver-{number}", address=address, port=port, max_qps=UNPACED)
        for number, port in enumerate(ports)
    )


def _bucket(number: int) -> str:
    bucket, _, _ = chain_of(number)[0].partition(".")
    return bucket
