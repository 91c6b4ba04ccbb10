"""How a daemon grows with its fleet: start, CPU for a probe, memory; and whether memory stays.

Each size runs in a process of its own, on a database in which all is known and at rest.
"""

import argparse
import asyncio
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from rich.console import Console
from rich.table import Table

from benchmarks.daemon import Daemon, opened_daemon
from benchmarks.resources import cpu_seconds, mebibytes, verdict
from benchmarks.responding import Responder, core, responding, run_on
from benchmarks.settled import settled_database

SIZES = (1000, 10_000, 100_000)
STEADY_ROUNDS = 3
LONGEST = 7200  # seconds for one size

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Grown:
    """What a fleet of one size takes; CPU in seconds, memory in MiB."""

    domains: int
    pairs: int
    load: float  # CPU, to read the database
    empty: float  # memory before that
    loaded: float  # memory after that
    cold: float
    steady: float
    resident: float
    peak: float
    first_probe: float = 0.0  # after the process was started, of the clock

    @property
    def octets_per_pair(self) -> float:
        """The memory that the fleet takes, for each pair of domain and resolver."""
        return (self.resident - self.empty) * 2**20 / self.pairs


def main() -> None:
    """Measure the sizes that the command line sets, or for how long one of them stays flat."""
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        if options.rounds:
            _stay(options, Path(folder))
        else:
            sizes = options.sizes
            _show([_grown(domains, options.resolvers, Path(folder)) for domains in sizes])


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="domains")
    parser.add_argument("--resolvers", type=int, default=10)
    flat = parser.add_argument_group("instead: is memory flat?")
    flat.add_argument("--rounds", type=int, default=0, help="of the last of the sizes")
    flat.add_argument("--change", type=int, default=1, help="percent of the names, each second")
    options = parser.parse_args()
    if options.rounds and options.sizes is SIZES:
        options.sizes = (5000,)
    return options


def _grown(domains: int, resolvers: int, folder: Path) -> Grown:
    database = settled_database(domains, resolvers, folder, folder)
    with responding(resolvers, {"seconds": LONGEST}) as responder:
        began = time.monotonic()
        grown = _apart(_measured, domains, database, responder.ports)
    database.unlink()
    return replace(grown, first_probe=responder.did["first"] - began)


def _measured(domains: int, database: Path, ports: Sequence[int]) -> Grown:
    run_on(core(0))
    return asyncio.run(_measured_rounds(domains, database, ports))


async def _measured_rounds(domains: int, database: Path, ports: Sequence[int]) -> Grown:
    empty, began = mebibytes(), cpu_seconds()
    async with opened_daemon(database, ports) as daemon:
        load, loaded = cpu_seconds() - began, mebibytes()
        pairs = domains * len(ports)
        cold, *steady = [await _cpu_of_round(daemon, pairs) for _ in range(1 + STEADY_ROUNDS)]
        assert not daemon.store.commits, "nothing had changed, and something was written"
        return Grown(
            domains,
            pairs,
            load,
            empty,
            loaded,
            cold,
            sorted(steady)[STEADY_ROUNDS // 2],
            mebibytes(),
            mebibytes("VmHWM"),
        )


async def _cpu_of_round(daemon: Daemon, pairs: int) -> float:
    began = cpu_seconds()
    await daemon.rounds.of_resolvers()
    return (cpu_seconds() - began) / pairs * 1e6


def _stay(options: argparse.Namespace, folder: Path) -> None:
    """Ask round after round while answers change, and show whether memory grows."""
    domains, resolvers = options.sizes[-1], options.resolvers
    database = settled_database(domains, resolvers, folder, folder, authorities=0)
    habits = {"change": options.change, "epoch": 1, "seconds": LONGEST}
    with responding(resolvers, habits) as responder:
        samples, commits = _apart(_sampled, options.rounds, database, responder)
    console = Console()
    pairs = domains * resolvers
    console.print(f"{options.rounds} rounds of {pairs:,} pairs, {commits:,} steps were written")
    console.print(verdict("resident memory, MiB", samples))


def _sampled(rounds: int, database: Path, responder: Responder) -> tuple[list[float], int]:
    run_on(core(0))
    return asyncio.run(_sampled_rounds(rounds, database, responder.ports))


async def _sampled_rounds(
    rounds: int, database: Path, ports: Sequence[int]
) -> tuple[list[float], int]:
    samples = []
    async with opened_daemon(database, ports) as daemon:
        for _ in range(rounds):
            until = time.monotonic() + 1.0  # so that answers change between two rounds
            await daemon.rounds.of_resolvers()
            samples.append(mebibytes())
            await asyncio.sleep(until - time.monotonic())
        return samples, daemon.store.commits


def _apart(work: Callable[..., T], *arguments: Any) -> T:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(work, arguments)


def _show(sizes: Sequence[Grown]) -> None:
    titles = ("domains", "pairs", "load CPU s", "first probe s", "cold us", "steady us")
    table = Table(*titles, "loaded MiB", "resident MiB", "peak MiB", "octets/pair", box=None)
    for one in sizes:
        memory = (one.loaded, one.resident, one.peak, one.octets_per_pair)
        table.add_row(
            f"{one.domains:,}",
            f"{one.pairs:,}",
            *(f"{value:.2f}" for value in (one.load, one.first_probe, one.cold, one.steady)),
            *(f"{value:.0f}" for value in memory),
        )
    console = Console(width=120)
    console.print(table)
    console.print(
        "us: microseconds of CPU for a probe; first probe: after the process was started"
    )
    _say_whether_linear(console, sizes)


def _say_whether_linear(console: Console, sizes: Sequence[Grown]) -> None:
    """Compare what one pair takes in the largest fleet with what it takes in the one before."""
    if len(sizes) < 2:
        return
    small, large = sizes[-2:]
    of_pair = {
        "start": (large.load / large.pairs) / (small.load / small.pairs),
        "cold": large.cold / small.cold,
        "steady": large.steady / small.steady,
        "memory": large.octets_per_pair / small.octets_per_pair,
    }
    told = ", ".join(f"{what} {ratio:.2f}" for what, ratio in of_pair.items())
    console.print(f"for a pair, {large.domains:,} domains against {small.domains:,}: {told}")


if __name__ == "__main__":
    main()
