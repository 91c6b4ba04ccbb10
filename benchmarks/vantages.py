"""Probes through workers and a broker, beside the same engines alone, in turns in one run.

Alone, as many processes as there are vantages sweep by their own engine, at the same time. At
vantages, as many workers do, told by a coordinator over NATS JetStream, which takes in what they
heard. Then a sweep in which a worker is killed, and one in which the broker is, for two seconds.
"""

import argparse
import asyncio
import json
import os
import signal
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.request import urlopen

from benchmarks.expected import name_of
from benchmarks.responding import responding
from monitor import __version__
from monitor.adapters.clock import SystemClock
from monitor.adapters.resolvers.prober import DnsProber, Limits
from monitor.adapters.resolvers.sweeper import DnsSweeper
from monitor.adapters.resolvers.vantages.afar import FarSweeper
from monitor.adapters.resolvers.vantages.broker import BrokerAddress
from monitor.adapters.resolvers.vantages.office import Office
from monitor.core.answers import Reply
from monitor.core.bindings import Binding, NameTarget
from monitor.core.gist import Essence, Gist
from monitor.core.names import DomainName
from monitor.core.servers import Resolver
from monitor.ports import Swept

HOST = "127.0.0.1"
UNPACED = 1e9
AWAY = 2.0  # seconds for which the broker is gone
LIMITS = Limits(timedelta(seconds=2), attempts=3, per_server=100)


class Knowing:
    """An onlooker to whom nothing is news, as in a round in which all is as before."""

    def __init__(self, resolvers: Sequence[Resolver]) -> None:
        self._names = tuple(resolver.name for resolver in resolvers)
        self.told = 0

    def gist(self, _binding: Binding, _essence: Essence) -> Gist:
        return b"known"

    def knowing(self, _binding: Binding, _gist: Gist) -> Sequence[str]:
        return self._names

    def tell(self, _binding: Binding, _resolver: Resolver, _reply: Reply) -> None:
        self.told += 1


class Counts:
    """Counts what the sweeps and the office tell."""

    def __init__(self) -> None:
        self.not_taken = Counter[str]()
        self.shed = 0

    def swept(self, _resolver: Resolver, swept: Swept) -> None:
        self.shed += swept.shed

    def workers(self, vantage: str, of_our_release: int, of_others: int) -> None: ...

    def beaten(self, vantage: str, skew: float) -> None: ...

    def ended(self, vantage: str, how: str) -> None: ...

    def held_back(self, vantage: str) -> None: ...

    def refused(self, vantage: str, reason: str) -> None:  # noqa: ARG002 - the port's
        self.not_taken[reason] += 1


def bindings_of(count: int) -> list[Binding]:
    names = (DomainName(name_of(number)) for number in range(count))
    return [Binding(name, NameTarget(name)) for name in names]


def resolvers_at(vantage: str, ports: Sequence[int]) -> list[Resolver]:
    return [
        Resolver(f"{vantage}-{number}", HOST, port, max_qps=UNPACED, vantage=vantage)
        for number, port in enumerate(ports)
    ]


async def engine(domains: int, ports: Sequence[int]) -> None:
    """Sweep once for each line of standard input, and answer with how long it took."""
    clock = SystemClock()
    resolvers = resolvers_at("", ports)
    sweeper = DnsSweeper(DnsProber(clock, LIMITS), clock, Counts())
    bindings, onlooker = bindings_of(domains), Knowing(resolvers)
    say("ready")
    while await asyncio.to_thread(sys.stdin.readline):
        started = time.monotonic()
        await sweeper.sweep(bindings, resolvers, timedelta(), onlooker)
        say(f"{time.monotonic() - started}")


@dataclass(slots=True)
class Engines:
    """Processes that sweep alone, all at the same time."""

    processes: Sequence[asyncio.subprocess.Process]

    async def sweep(self) -> float:
        """Return how many seconds it took until the last had done."""
        started = time.monotonic()
        for process in self.processes:
            assert process.stdin is not None
            process.stdin.write(b"go\n")
        await asyncio.gather(*(_line(process) for process in self.processes))
        return time.monotonic() - started


async def _line(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode()


@asynccontextmanager
async def program(*arguments: str, at: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    with (at / "log").open("ab") as errors:
        process = await asyncio.create_subprocess_exec(
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


@asynccontextmanager
async def engines(
    domains: int, shares: Sequence[Sequence[int]], at: Path
) -> AsyncIterator[Engines]:
    async with AsyncExitStack() as stack:
        processes = []
        for ports in shares:
            given = ",".join(map(str, ports))
            command = (sys.executable, __file__, "--engine", given, "--domains", str(domains))
            processes.append(await stack.enter_async_context(program(*command, at=at)))
        for process in processes:
            await _line(process)
        yield Engines(processes)


def broker_command(folder: Path, port: int) -> tuple[str, ...]:
    config = folder / "nats.conf"
    store = folder / "store"
    config.write_text(
        f'listen: "{HOST}:{port}"\nhttp: "{HOST}:{port + 1}"\n'
        f'jetstream {{ store_dir: "{store}" }}\n'
    )
    return ("/usr/sbin/nats-server", "-c", str(config))


def worker_command(folder: Path, port: int, vantage: str) -> tuple[str, ...]:
    config = folder / f"{vantage}.toml"
    config.write_text(f'[distributed]\nnats_url = "nats://{HOST}:{port}"\nvantage = "{vantage}"\n')
    return (sys.executable, "-m", "monitor", "worker", "-c", str(config))


@dataclass(slots=True)
class Afar:
    """A coordinator's sweeper, with its resolvers."""

    sweeper: FarSweeper
    resolvers: Sequence[Resolver]
    bindings: Sequence[Binding]
    counts: Counts

    async def sweep(self, over: timedelta = timedelta()) -> float:
        """Return how many seconds it took."""
        onlooker, started = Knowing(self.resolvers), time.monotonic()
        await self.sweeper.sweep(self.bindings, self.resolvers, over, onlooker)
        return time.monotonic() - started

    def missing(self, since: datetime) -> int:
        """Return how many pairs have no answer from since then."""
        replies = (self.sweeper.reply(b.domain, r) for b in self.bindings for r in self.resolvers)
        return sum(reply is None or reply.at < since for reply in replies)


async def measure(options: argparse.Namespace, folder: Path) -> None:
    vantages = [f"v{number}" for number in range(options.vantages)]
    habits = {"seconds": 3600, "drop": options.drop}
    with responding(options.vantages * options.resolvers, habits) as responder:
        size = options.resolvers
        shares = [
            responder.ports[size * place : size * (place + 1)] for place in range(len(vantages))
        ]
        port = options.port
        async with AsyncExitStack() as stack:
            alone = await stack.enter_async_context(engines(options.domains, shares, folder))
            broker = await stack.enter_async_context(
                program(*broker_command(folder, port), at=folder)
            )
            workers = [
                await stack.enter_async_context(
                    program(*worker_command(folder, port, vantage), at=folder)
                )
                for vantage in [*vantages, vantages[0]]
            ]
            resolvers = [
                resolver
                for vantage, ports in zip(vantages, shares, strict=True)
                for resolver in resolvers_at(vantage, ports)
            ]
            clock, counts = SystemClock(), Counts()
            address = BrokerAddress(f"nats://{HOST}:{port}")
            office = Office(address, tuple(vantages), clock, counts, __version__)
            running = asyncio.ensure_future(office.run())
            sweeper = FarSweeper(office, DnsProber(clock, LIMITS), clock, counts)
            afar = Afar(sweeper, resolvers, bindings_of(options.domains), counts)
            pairs = options.domains * len(resolvers)
            os.kill(workers[-1].pid, signal.SIGSTOP)  # it is needed when another one dies
            helping = Helping([worker.pid for worker in workers], broker.pid)
            await compare(alone, afar, helping, pairs, options.rounds)
            await weigh(afar, pairs, port)
            os.kill(workers[-1].pid, signal.SIGCONT)
            over = timedelta(seconds=options.over)
            await trouble("nothing", afar, over, None)
            await trouble("a worker killed", afar, over, killing(workers[0]))
            again = stack.enter_async_context

            async def away() -> None:
                broker.kill()
                await asyncio.sleep(AWAY)
                await again(program(*broker_command(folder, port), at=folder))

            await trouble(f"the broker killed for {AWAY:g} s", afar, over, away)
            running.cancel()


@dataclass(frozen=True, slots=True)
class Helping:
    """The processes that work for the coordinator, by their numbers."""

    workers: Sequence[int]
    broker: int


@dataclass(frozen=True, slots=True)
class Spent:
    """What a sweep cost: seconds by the clock, and those that processors worked, by whom."""

    took: float
    workers: float
    broker: float = 0.0
    coordinator: float = 0.0

    @property
    def cpu(self) -> float:
        return self.workers + self.broker + self.coordinator


async def compare(alone: Engines, afar: Afar, helping: Helping, pairs: int, rounds: int) -> None:
    """Sweep in turns; compare times, and processors' time, which others on them do not change.

    On these cores all who work for a sweep share them. Where a vantage has a machine of its own,
    its speed is that of its worker, which the last ratio compares with an engine.
    """
    engines = [process.pid for process in alone.processes]
    for _ in range(2):  # cold ones
        await alone.sweep()
        await afar.sweep()
    turns = [
        (await spent(alone.sweep, engines), await spent(afar.sweep, helping.workers, helping))
        for _ in range(rounds)
    ]
    for by_engines, by_workers in turns:
        say(
            f"alone {pairs / by_engines.took:,.0f}/s, "
            f"at vantages {pairs / by_workers.took:,.0f}/s; "
            f"CPU a pair in us: {1e6 * by_engines.cpu / pairs:.2f} alone; "
            f"{1e6 * by_workers.workers / pairs:.2f} workers, "
            f"{1e6 * by_workers.broker / pairs:.2f} broker, "
            f"{1e6 * by_workers.coordinator / pairs:.2f} coordinator"
        )
    ratios = {
        "speed": [alone.took / afar.took for alone, afar in turns],
        "CPU of all": [alone.cpu / afar.cpu for alone, afar in turns],
        "CPU of the workers": [alone.cpu / afar.workers for alone, afar in turns],
    }
    told = ", ".join(f"{what} {statistics.median(found):.2f}" for what, found in ratios.items())
    say(f"engines alone / at vantages, medians: {told}")


async def spent(
    sweep: Callable[[], Awaitable[float]], workers: Sequence[int], helping: Helping | None = None
) -> Spent:
    """Sweep, and return what that cost; with helpers, this process is the coordinator."""
    others = () if helping is None else ((helping.broker,), (os.getpid(),))
    before = [cpu(processes) for processes in (workers, *others)]
    took = await sweep()
    after = [cpu(processes) for processes in (workers, *others)]
    return Spent(took, *(late - early for early, late in zip(before, after, strict=True)))


async def weigh(afar: Afar, pairs: int, port: int) -> None:
    """Sweep once more, and tell how many octets went between the broker and the workers."""
    sent, taken = await asyncio.to_thread(octets, port)
    await afar.sweep()
    sent_then, taken_then = await asyncio.to_thread(octets, port)
    say(
        f"octets a pair: {(sent_then - sent) / pairs:.1f} from the workers, "
        f"{(taken_then - taken) / pairs:.1f} to them"
    )


def octets(port: int) -> tuple[int, int]:
    """Return how many octets workers have sent the broker so far, and how many it sent them."""
    with urlopen(f"http://{HOST}:{port + 1}/connz?limit=1000") as answer:
        connections = json.load(answer)["connections"]
    workers = [one for one in connections if not one["name"].endswith("coordinator")]
    return sum(one["in_bytes"] for one in workers), sum(one["out_bytes"] for one in workers)


def cpu(processes: Sequence[int]) -> float:
    """Return the seconds that processors have worked for these so far (proc_pid_stat(5))."""
    ticks = 0
    for number in processes:
        fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def killing(process: asyncio.subprocess.Process) -> Callable[[], Awaitable[None]]:
    async def kill() -> None:
        process.kill()
        await process.wait()

    return kill


async def trouble(
    what: str, afar: Afar, over: timedelta, act: Callable[[], Awaitable[None]] | None
) -> None:
    """Make trouble in the middle of a sweep, and tell what is missing afterwards."""
    afar.counts.not_taken.clear()
    since = SystemClock().now()
    sweeping = asyncio.ensure_future(afar.sweep(over))
    await asyncio.sleep(over.total_seconds() / 2)
    if act is not None:
        await act()
    took = await sweeping
    late = afar.counts.not_taken["late"]
    say(
        f"{what}: {took:.1f} s for a sweep over {over.total_seconds():g} s, "
        f"{afar.missing(since)} answers missing, {late} results that came twice"
    )


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--domains", type=int, default=10_000)
    parser.add_argument("--resolvers", type=int, default=10, help="at each vantage")
    parser.add_argument("--vantages", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--drop", type=int, default=0, help="permille of the questions")
    parser.add_argument("--over", type=float, default=12, help="seconds of a sweep with trouble")
    parser.add_argument(
        "--port", type=int, default=14222, help="of the broker, on loopback, and the one after it"
    )
    parser.add_argument("--engine", help="for the script itself: sweep these ports alone")
    options = parser.parse_args()
    if options.engine:
        asyncio.run(engine(options.domains, [int(port) for port in options.engine.split(",")]))
        return
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(options, Path(folder)))


if __name__ == "__main__":
    main()
