"""Our own daemon's rounds: the first round is cold, the later ones are steady.

Every domain is known and at rest, as after a restart: the process has read the database, and its
engine has seen no answer yet. Without --databases nothing is known but the bindings, so that every
answer has to be judged, recorded and written: that is the first look, and there is one round.

`opened` is the seam, and what it yields asks one round and returns an `Outcome`; that compares
the answers when the clocks have stopped.
"""

import argparse
import asyncio
import gc
import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from benchmarks.daemon import Daemon, opened_daemon
from benchmarks.expected import Answers, name_of
from benchmarks.settled import settled_database
from benchmarks.task import CHAIN_AND_ADDRESSES, Ask, Measured, Task, measured, say, told
from monitor.core.answers import Answer, Reply
from monitor.core.chain import rebuild
from monitor.core.names import DomainName
from monitor.core.servers import Resolver


class WroteError(Exception):
    """A round in which all was as before wrote to the store."""


async def run(task: Task, databases: Path | None) -> AsyncIterator[Measured]:
    """Yield what each round cost; the daemon stays open, so that only the first is cold."""
    async with opened(task, databases) as ask:
        for _ in range(task.rounds):
            yield await measured(task, ask, CHAIN_AND_ADDRESSES, os.getpid())


@asynccontextmanager
async def opened(task: Task, databases: Path | None) -> AsyncIterator[Ask]:
    """Open a daemon for these names and resolvers, which it knows; None for one that does not."""
    with tempfile.TemporaryDirectory(dir=databases) as folder:
        database = Path(folder) / "daemon.db"
        if databases is not None:
            resolvers = len(task.ports)
            database = settled_database(task.names, resolvers, databases, Path(folder))
        async with opened_daemon(database, task.ports) as daemon:
            if databases is None:
                await daemon.bind(task.names)
            yield _asking(daemon, is_known=databases is not None)


def _asking(daemon: Daemon, *, is_known: bool) -> Ask:
    async def ask(task: Task) -> Round:
        started, commits = daemon.rounds.clock.now(), daemon.store.commits
        await daemon.rounds.of_resolvers()
        return Round(task, daemon, started, daemon.store.commits - commits, is_known)

    return ask


@dataclass(frozen=True, slots=True)
class Round:
    """What the daemon knows after a round, by the same door as its pages."""

    task: Task
    daemon: Daemon
    started: datetime
    commits: int
    is_known: bool

    def count_wrong(self) -> int:
        """Return how many pairs have no answer of this round, or another than the right one.

        Raises WroteError where something was written though all was as before.
        """
        resolvers = self.daemon.rounds.panel.resolvers
        right = sum(
            self._is_right(number, resolver)
            for number in range(self.task.names)
            for resolver in resolvers
        )
        wrong = self.task.probes - right
        gc.collect()  # what the comparison leaves behind is not the next round's to clear up
        is_steady = self.is_known and self.task.expected.answers is not Answers.CHANGING
        if is_steady and not wrong and self.commits:
            raise WroteError(f"{self.commits} steps of a round in which nothing had changed")
        return wrong

    def _is_right(self, number: int, resolver: Resolver) -> bool:
        domain = DomainName(name_of(number))
        reply = self._newest(domain, resolver)
        if reply is None or reply.at < self.started or not isinstance(reply.outcome, Answer):
            return False
        chain = rebuild(domain, reply.outcome)
        targets = tuple(target.text for target in chain.targets)
        return self.task.expected.is_met(number, targets, chain.addresses)

    def _newest(self, domain: DomainName, resolver: Resolver) -> Reply | None:
        swept = self.daemon.rounds.sweeper.reply(domain, resolver)
        if swept is not None:
            return swept
        known = self.daemon.rounds.ledger.state.domains[domain].resolvers.get(resolver.name)
        return known.reply if known else None


async def main() -> None:
    """Do the task that the command line sets, and print each round as it ends."""
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument("--databases", type=Path, help="of daemons that know all names")
    task = told(parser)
    async for round_ in run(task, parser.parse_known_args()[0].databases):
        say(round_)


if __name__ == "__main__":
    asyncio.run(main())
