"""The highest rate for minutes on end, against a responder with bad habits: what grows, if any.

Of a thousand questions one is never answered, one is answered too late, and ten answers come with
a datagram that answers nothing; every `--epoch` seconds one percent of the names change.
"""

import argparse
import asyncio
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.daemon import Daemon, opened_daemon
from benchmarks.resources import mebibytes, open_files, verdict
from benchmarks.responding import core, responding, run_on
from benchmarks.settled import settled_database
from monitor.config.schedule import Schedule

TIMEOUT = timedelta(seconds=1)
HABITS = {"drop": 1, "late": 1, "stray": 10, "change": 1, "delay": 1200}
UNMATCHED, PROBES = "oss_cname_unmatched_datagrams", "oss_cname_probes"


@dataclass(frozen=True, slots=True)
class Sample:
    """What the process holds at a moment, and what it has done so far."""

    at: float
    memory: float
    files: int
    in_flight: int
    probes: int


@dataclass(frozen=True, slots=True)
class Soaked:
    """All samples, the last one when all was over, and what was counted."""

    samples: Sequence[Sample]
    stray: int
    late: int
    commits: int


def main() -> None:
    """Soak as the command line says, and show what was counted, and what has grown."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--domains", type=int, default=20_000)
    parser.add_argument("--resolvers", type=int, default=10)
    parser.add_argument("--every", type=float, default=5, help="seconds between two samples")
    parser.add_argument("--epoch", type=int, default=5, help="seconds between two changes")
    options = parser.parse_args()
    seconds, resolvers = round(60 * options.minutes), options.resolvers
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        database = settled_database(options.domains, resolvers, place, place, authorities=0)
        habits = {**HABITS, "epoch": options.epoch, "seconds": seconds + 600}
        with responding(resolvers, habits) as responder:
            run_on(core(0))
            soaked = asyncio.run(_soaked(database, responder.ports, seconds, options.every))
    _show(soaked, responder.did)


async def _soaked(database: Path, ports: Sequence[int], seconds: float, every: float) -> Soaked:
    samples: list[Sample] = []
    async with opened_daemon(database, ports, Schedule(timeout=TIMEOUT)) as daemon:
        async with asyncio.TaskGroup() as group:
            sampling = group.create_task(_sample(daemon, every, samples))
            over = time.monotonic() + seconds
            while time.monotonic() < over:
                await daemon.rounds.of_resolvers()
            sampling.cancel()
        samples.append(_sampled(daemon))
        unmatched = {kind: _count(daemon, UNMATCHED, kind=kind) for kind in ("stray", "late")}
        return Soaked(samples, commits=daemon.store.commits, **unmatched)


async def _sample(daemon: Daemon, every: float, samples: list[Sample]) -> None:
    while True:
        await asyncio.sleep(every)
        samples.append(_sampled(daemon))


def _sampled(daemon: Daemon) -> Sample:
    in_flight = daemon.registry.get_sample_value("oss_cname_probes_in_flight") or 0
    probes = _count(daemon, PROBES)
    return Sample(time.monotonic(), mebibytes(), open_files(), round(in_flight), probes)


def _count(daemon: Daemon, family: str, **labels: str) -> int:
    """Return the sum of a counter over all resolvers."""
    return round(
        sum(
            sample.value
            for metric in daemon.registry.collect()
            if metric.name == family
            for sample in metric.samples
            if labels.items() <= sample.labels.items()
        )
    )


def _show(soaked: Soaked, did: Mapping[str, float]) -> None:
    *during, end = soaked.samples
    table = Table("s", "probes/s", "resident MiB", "open files", "in flight", box=None)
    for before, sample in pairwise(during):
        rate = (sample.probes - before.probes) / (sample.at - before.at)
        values = (f"{rate:,.0f}", f"{sample.memory:.0f}", f"{sample.files}", f"{sample.in_flight}")
        table.add_row(f"{sample.at - during[0].at:.0f}", *values)
    console = Console(width=120)
    console.print(table)
    rate = (during[-1].probes - during[0].probes) / (during[-1].at - during[0].at)
    console.print(f"{end.probes:,} probes, {rate:,.0f} a second; {soaked.commits:,} steps written")
    console.print(verdict("resident memory, MiB", [sample.memory for sample in during]))
    console.print(verdict("open files", [sample.files for sample in during]))
    most = max(sample.in_flight for sample in during)
    console.print(f"in flight: at most {most:,} questions, {end.in_flight} when all was over")
    console.print(f"open files when all was over: {end.files}")
    console.print(f"stray datagrams: {soaked.stray:,} counted of {did['strays']:,} sent")
    console.print(f"late answers: {soaked.late:,} counted of {did['late']:,} sent")
    console.print("Nobody counts what comes when a sweep has closed its ports, or what a question")
    console.print("asked apart from the sweep (a domain had news) was sent besides its answer.")


if __name__ == "__main__":
    main()
