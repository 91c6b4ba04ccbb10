"""What every contender is asked to do, how its work is measured, and how it reports.

A contender is a process: `python -m benchmarks.peers.aiodns --names 1000 --ports 5301,5302`.
For each round it prints one line of JSON.
"""

import argparse
import asyncio
import itertools
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from benchmarks.expected import Answers, Expected

HOST = "127.0.0.1"
CHAIN_AND_ADDRESSES = "chain, addresses"


@dataclass(frozen=True, slots=True)
class Task:
    """Ask every resolver for the A records of every name, so many times over."""

    names: int
    ports: tuple[int, ...]
    rounds: int
    expected: Expected

    @property
    def probes(self) -> int:
        """How many questions a round is."""
        return self.names * len(self.ports)

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Yield the number of each name with each port."""
        return itertools.product(range(self.names), self.ports)


class Outcome(Protocol):
    def count_wrong(self) -> int:
        """Return how many probes had no answer, or another than the right one.

        It is called when the clocks have stopped: to compare here costs the contender nothing.
        """


Ask: TypeAlias = Callable[[Task], Awaitable[Outcome]]


class Tally:
    """Compares each answer as it comes."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._right = itertools.count()  # threads may share it: next() is atomic, += is not

    def note(self, number: int, chain: tuple[str, ...], addresses: Collection[str]) -> None:
        """Take what was answered about a name."""
        if self._task.expected.is_met(number, chain, addresses):
            next(self._right)

    def count_wrong(self) -> int:
        """Return what is missing from the right answers."""
        return self._task.probes - next(self._right)


@dataclass(frozen=True, slots=True)
class Measured:
    """One round of one contender, as it is reported."""

    probes: int
    cpu_seconds: float
    wall_seconds: float
    peak_rss_mb: float
    wrong: int
    checked: str


def report(ask: Ask, checked: str = CHAIN_AND_ADDRESSES) -> None:
    """Do the task that the command line sets, in this process."""
    asyncio.run(report_rounds(told(), ask, checked))


async def report_rounds(task: Task, ask: Ask, checked: str, process: int | None = None) -> None:
    """Ask all rounds, and print what each cost the process: this one, unless another is named."""
    for _ in range(task.rounds):
        say(await measured(task, ask, checked, process or os.getpid()))


async def measured(task: Task, ask: Ask, checked: str, process: int) -> Measured:
    """Ask one round and return what it cost."""
    cpu, wall = cpu_seconds(process), time.perf_counter()
    outcome = await ask(task)
    wall = time.perf_counter() - wall
    cpu = cpu_seconds(process) - cpu
    return Measured(task.probes, cpu, wall, peak_rss_mb(process), outcome.count_wrong(), checked)


def say(round_: Measured) -> None:
    """Print a round as a line of JSON."""
    sys.stdout.write(json.dumps(asdict(round_)) + "\n")
    sys.stdout.flush()


def cpu_seconds(process: int) -> float:
    """Return the user and system time of a process, with all its threads, those ended too."""
    # The clock of another process: clock_getcpuclockid(3), which Python does not offer.
    return time.clock_gettime(~process << 3 | 2)


def peak_rss_mb(process: int) -> float:
    """Return the most memory that a process has held at a time."""
    # Not ru_maxrss: that one begins with the size of the process that started this one.
    status = Path(f"/proc/{process}/status").read_text(encoding="ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if "VmHWM" in line) / 1024


def told(more: argparse.ArgumentParser | None = None) -> Task:
    """Return the task that the command line sets, bound to the core that it names.

    What a contender knows besides stands in `more`.
    """
    parser = argparse.ArgumentParser(parents=[more] if more else [])
    parser.add_argument("--names", type=int, required=True)
    parser.add_argument("--ports", required=True, help="of the resolvers, with commas between")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--answers", type=Answers, default=Answers.SAME)
    parser.add_argument("--core", type=int, default=0, help="to run on, counted from 1; 0 is any")
    options = parser.parse_args()
    if options.core:
        os.sched_setaffinity(0, {options.core - 1})
    ports = tuple(int(port) for port in options.ports.split(","))
    return Task(options.names, ports, options.rounds, Expected(options.names, options.answers))
