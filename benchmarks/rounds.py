"""Rounds of the daemon beside bare dnspython: wall, CPU per probe, memory.

The servers run in a process of their own, so that their work is not counted as ours.
"""

import argparse
import asyncio
import multiprocessing
import resource
import tempfile
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from datetime import timedelta
from multiprocessing.connection import Connection
from multiprocessing.synchronize import Event
from pathlib import Path
from random import Random

import dns.asyncquery
import dns.message
from prometheus_client import CollectorRegistry
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from monitor.adapters.clock import SystemClock
from monitor.adapters.inventory.listed import ListedInventory
from monitor.adapters.resolvers.prober import DnsProber, Limits
from monitor.adapters.resolvers.sweeper import DnsSweeper
from monitor.adapters.stores.sqlite import SqliteStore
from monitor.adapters.telemetry.counters import PrometheusTelemetry
from monitor.core.binding_faults import FaultPolicy
from monitor.core.bindings import Binding, BucketTarget
from monitor.core.domain_tracking import Followers
from monitor.core.names import DomainName
from monitor.core.servers import Resolver
from monitor.core.state import RoundPolicy
from monitor.core.status import DomainStatus, StatusPolicy
from monitor.core.targets import TargetPolicy
from monitor.core.tracking.policy import TrackingPolicy
from monitor.demo.authority import Authority, one_of
from monitor.demo.caches import Cache
from monitor.demo.habits import honest
from monitor.demo.ports import free_port
from monitor.demo.zones import RRset, Zone
from monitor.ledger import Ledger
from monitor.logs import Secrets, set_up
from monitor.usecases.ask import Panel
from monitor.usecases.delegate import DelegationPolicy, Delegator
from monitor.usecases.discover import discover
from monitor.usecases.rounds import Rounds
from monitor.usecases.serials import Serials

HOST = "127.0.0.1"
BUCKET, ENDPOINT = "bench", DomainName("oss-cn-hangzhou.aliyuncs.com")


@dataclass(frozen=True, slots=True)
class Measured:
    what: str
    probes: int
    wall: float
    cpu: float

    @property
    def cpu_per_probe(self) -> float:
        """Microseconds of user and system time."""
        return self.cpu / self.probes * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--domains", type=int, default=1000)
    parser.add_argument("--resolvers", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--qps", type=float, default=2000.0, help="max_qps of each resolver")
    options = parser.parse_args()
    set_up(level="warning", is_json=False, secrets=Secrets())
    ports, stop = _serve(options.domains, options.resolvers)
    try:
        measured = asyncio.run(_measure(options, ports))
    finally:
        stop.set()
    _show(measured)


def _serve(domains: int, resolvers: int) -> tuple[list[int], Event]:
    context = multiprocessing.get_context("spawn")
    told, tell = context.Pipe(duplex=False)
    stop = context.Event()
    context.Process(target=_servers, args=(domains, resolvers, tell, stop), daemon=True).start()
    ports: list[int] = told.recv()
    return ports, stop


def _servers(domains: int, resolvers: int, tell: Connection, stop: Event) -> None:
    asyncio.run(_servers_until(domains, resolvers, tell, stop))


async def _servers_until(domains: int, resolvers: int, tell: Connection, stop: Event) -> None:
    target = f"{BUCKET}.{ENDPOINT}"
    names = [RRset.of(name, "CNAME", 600, f"{target}.") for name in _names(domains)]
    vendor = Zone.of("aliyuncs.com", [RRset.of(target, "A", 60, "203.0.113.1", "203.0.113.2")])
    authority = Authority(HOST, free_port([HOST]), (Zone.of("bench.example", names), vendor))
    upstream = one_of([authority], Random(1))  # noqa: S311  # the same world each time
    ports = [free_port([HOST]) for _ in range(resolvers)]
    async with authority:
        caches = [Cache(HOST, port, honest(), upstream) for port in ports]
        for cache in caches:
            await cache.__aenter__()
        tell.send(ports)
        await asyncio.to_thread(stop.wait)
        for cache in caches:
            await cache.__aexit__()


def _names(domains: int) -> list[str]:
    return [f"d{number}.bench.example" for number in range(domains)]


async def _measure(options: argparse.Namespace, ports: Sequence[int]) -> list[Measured]:
    probes = options.domains * len(ports)
    resolvers = tuple(
        Resolver(f"r{n}", HOST, port, max_qps=options.qps) for n, port in enumerate(ports)
    )
    measured = []
    with tempfile.TemporaryDirectory() as folder, Progress(transient=True) as progress:
        task = progress.add_task("rounds", total=options.rounds * 2)
        rounds = await _daemon(options.domains, resolvers, Path(folder) / "bench.db")
        for number in range(options.rounds):
            measured.append(
                await _timed(f"daemon, round {number + 1}", probes, rounds.of_resolvers())
            )
            progress.advance(task)
            measured.append(
                await _timed("dnspython alone", probes, _bare(_names(options.domains), ports))
            )
            progress.advance(task)
        found = {d.status.value for d in rounds.ledger.state.domains.values()}
        assert found == {DomainStatus.IN_EFFECT}, found
    return measured


async def _daemon(domains: int, resolvers: tuple[Resolver, ...], database: Path) -> Rounds:
    clock = SystemClock()
    telemetry = PrometheusTelemetry(CollectorRegistry())
    ledger = Ledger(SqliteStore(database), telemetry)
    await ledger.open()
    target = BucketTarget(BUCKET, ENDPOINT)
    bindings = tuple(Binding(DomainName(name), target) for name in _names(domains))
    policy = RoundPolicy(StatusPolicy({resolver.name: 1.0 for resolver in resolvers}))
    await discover(ListedInventory(bindings), ledger, telemetry, clock, FaultPolicy(policy))
    prober = DnsProber(clock, Limits())
    return Rounds(
        ledger=ledger,
        panel=Panel(prober, resolvers, TargetPolicy()),
        sweeper=DnsSweeper(prober, clock, telemetry),
        delegator=Delegator(prober, DelegationPolicy(resolvers[:1])),
        serials=Serials(prober, timedelta(seconds=5)),
        followers=Followers(TrackingPolicy(), {resolver.name: resolver for resolver in resolvers}),
        policy=policy,
        clock=clock,
        telemetry=telemetry,
    )


async def _bare(names: Sequence[str], ports: Sequence[int]) -> None:
    waiting = iter([(name, port) for name in names for port in ports])

    async def work() -> None:
        for name, port in waiting:
            query = dns.message.make_query(name, "A")
            await dns.asyncquery.udp(query, HOST, timeout=5, port=port)

    async with asyncio.TaskGroup() as group:
        for _ in range(100):
            group.create_task(work())


async def _timed(what: str, probes: int, work: Coroutine[object, object, None]) -> Measured:
    cpu, wall = _cpu(), time.perf_counter()
    await work
    return Measured(what, probes, time.perf_counter() - wall, _cpu() - cpu)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _show(measured: Sequence[Measured]) -> None:
    table = Table("", "probes", "wall s", "CPU s", "CPU us/probe", "x dnspython", box=None)
    bare = sorted(m.cpu_per_probe for m in measured if m.what == "dnspython alone")
    median = bare[len(bare) // 2]
    for m in measured:
        cells = (f"{m.wall:.2f}", f"{m.cpu:.2f}", f"{m.cpu_per_probe:.0f}")
        table.add_row(m.what, str(m.probes), *cells, f"{m.cpu_per_probe / median:.2f}")
    console = Console()
    console.print(table)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    console.print(f"peak memory of the asking process: {peak:.0f} MiB")


if __name__ == "__main__":
    main()
