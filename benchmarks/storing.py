"""What it takes to keep changes: a round with one percent of them, and a storm of verdicts.

Nobody is asked: a sweep tells at once whose answers have changed, and all that follows is the
daemon's: judge, decide, write, and follow in memory. Beside it stand the same rows, written by
nothing but sqlite3 in one transaction: what is left is ours. With `--postgresql URL`, of a
database that is used for nothing else, the same looks follow there, right after.
"""

import argparse
import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.daemon import Daemon, opened_daemon
from benchmarks.expected import name_of
from benchmarks.settled import (
    UNUSED_PORT,
    copy_database,
    copy_to_postgresql,
    reply_of,
    settled_database,
)
from monitor.core.answers import Question, Reply
from monitor.core.bindings import Binding
from monitor.core.gist import essence_of
from monitor.core.names import DomainName
from monitor.core.servers import Resolver
from monitor.core.status import DomainStatus
from monitor.core.verdict import VerdictKind
from monitor.core.views import standings_of
from monitor.ports import Onlooker, Prober, Server, Sweeper
from monitor.usecases.rounds import Rounds

CHANGED = VerdictKind.OTHER_BUCKET


@dataclass(frozen=True, slots=True)
class Case:
    """A fleet, and how many of its domains change at how many of its resolvers."""

    what: str
    domains: int
    resolvers: int
    changing: int
    at: int
    is_storm: bool = False

    @property
    def verdicts(self) -> int:
        return self.changing * self.at


@dataclass(frozen=True, slots=True)
class Look:
    """What one round took, in seconds, and what was written in it."""

    wall: float
    cpu: float
    commits: float
    bare: float  # the same rows by nothing but sqlite3
    rows: int
    postgresql: float = 0.0  # commits of the same look there


def main() -> None:
    """Measure the cases, or only see that they run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=5, help="of each round; a storm is one")
    parser.add_argument("--small", action="store_true", help="only see that all runs")
    parser.add_argument("--postgresql", metavar="URL", help="measure there too")
    options = parser.parse_args()
    size = 100 if options.small else 1
    with tempfile.TemporaryDirectory() as folder:
        kept = {
            case: asyncio.run(
                _measured(
                    case,
                    1 if case.is_storm else options.repeats,
                    Path(folder),
                    options.postgresql,
                )
            )
            for case in _cases(size)
        }
    _show(kept)


def _cases(smaller: int) -> tuple[Case, ...]:
    fleet = 10_000 // smaller
    domains, changes = 100_000 // smaller, max(1, 100 // smaller)
    return (
        Case("1 % of the domains, everywhere", fleet, 10, changes, 10),
        Case("1 % of the pairs, each another domain", fleet, 10, 10 * changes, 1),
        Case("storm: every domain, everywhere", fleet, 10, fleet, 10, is_storm=True),
        Case("storm: ten times the domains", domains, 1, domains, 1, is_storm=True),
    )


async def _measured(case: Case, repeats: int, folder: Path, url: str | None) -> tuple[Look, Look]:
    """Return the round in which the answers changed, and the next one, when that is believed."""
    every = [await _both_looks(case, folder, url) for _ in range(repeats)]
    seen, believed = zip(*every, strict=True)
    return _median(seen), _median(believed)


async def _both_looks(case: Case, folder: Path, url: str | None) -> tuple[Look, Look]:
    database = settled_database(case.domains, case.resolvers, folder, folder)
    if url is not None:
        await copy_to_postgresql(database, url)
    async with opened_daemon(database, [UNUSED_PORT] * case.resolvers) as daemon:
        rounds = _Told.of(daemon, case).rounds(daemon)
        _assert_all_rest(rounds)
        seen = await _look(daemon, rounds, database, folder / "before.db")
        believed = await _look(daemon, rounds, database, folder / "before.db")
    if url is not None:
        there = await _commits_of_both_looks(case, url)
        seen, believed = replace(seen, postgresql=there[0]), replace(believed, postgresql=there[1])
    await _assert_nothing_is_lost(case, database)
    database.unlink()
    return seen, believed


async def _commits_of_both_looks(case: Case, url: str) -> tuple[float, float]:
    """Return how long PostgreSQL takes to keep the same two looks."""
    async with opened_daemon(url, [UNUSED_PORT] * case.resolvers) as daemon:
        rounds, seconds = _Told.of(daemon, case).rounds(daemon), [daemon.store.seconds]
        for _ in range(2):
            await rounds.of_resolvers()
            seconds.append(daemon.store.seconds)
        domains = rounds.ledger.state.domains.values()
        believed = [d for d in domains if d.status.value is not DomainStatus.IN_EFFECT]
    assert len(believed) == case.changing, f"{len(believed)} domains"
    return seconds[1] - seconds[0], seconds[2] - seconds[1]


async def _look(daemon: Daemon, rounds: Rounds, database: Path, before: Path) -> Look:
    copy_database(database, before)
    commits, cpu, wall = daemon.store.seconds, time.process_time(), time.perf_counter()
    await rounds.of_resolvers()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    commits = daemon.store.seconds - commits
    rows = _written_since(database, before)
    return Look(wall, cpu, commits, _written_barely(before, rows), sum(map(len, rows.values())))


def _median(looks: Sequence[Look]) -> Look:
    fields = Look.__dataclass_fields__
    return Look(**{name: median(getattr(look, name) for look in looks) for name in fields})


@dataclass(frozen=True)
class _Told(Sweeper, Prober):
    """A sweeper and a prober at once, who know what everybody answers, and remember nothing."""

    replies: Mapping[tuple[DomainName, str], Reply]
    changed: Mapping[DomainName, Sequence[Resolver]]

    @classmethod
    def of(cls, daemon: Daemon, case: Case) -> "_Told":
        resolvers, now = daemon.rounds.panel.resolvers, daemon.rounds.clock.now()
        changing = {DomainName(name_of(n)): resolvers[: case.at] for n in range(case.changing)}
        replies = {
            (domain, resolver.name): reply_of(number, place, now, changes=place < case.at)
            for number, domain in enumerate(changing)
            for place, resolver in enumerate(resolvers)
        }
        return cls(replies, changing)

    def rounds(self, daemon: Daemon) -> Rounds:
        """Return the daemon's rounds, with nobody else to ask."""
        rounds = daemon.rounds
        return replace(rounds, sweeper=self, panel=replace(rounds.panel, prober=self))

    async def sweep(
        self,
        bindings: Sequence[Binding],
        resolvers: Sequence[Resolver],  # noqa: ARG002
        over: timedelta,  # noqa: ARG002
        onlooker: Onlooker,
    ) -> None:
        for binding in bindings:
            for resolver in self.changed.get(binding.domain, ()):
                reply = self.replies[binding.domain, resolver.name]
                essence = essence_of(reply.outcome, binding.domain)
                assert essence is not None
                gist = onlooker.gist(binding, essence)
                assert gist is not None
                assert resolver.name not in onlooker.knowing(binding, gist)
                onlooker.tell(binding, resolver, reply)

    async def ask(self, server: Server, question: Question) -> Reply:
        return self.replies[question.name, server.name]


def _assert_all_rest(rounds: Rounds) -> None:
    states = rounds.ledger.state.domains.values()
    assert all(state.status.value is DomainStatus.IN_EFFECT for state in states)


async def _assert_nothing_is_lost(case: Case, database: Path) -> None:
    """Read the database anew: each verdict must be there, and an event for each domain."""
    async with opened_daemon(database, [UNUSED_PORT] * case.resolvers) as daemon:
        domains = daemon.rounds.ledger.state.domains
        kinds = [s.kind for d in domains.values() for _, s in standings_of(d.resolvers)]
        believed = [d for d in domains.values() if d.status.value is not DomainStatus.IN_EFFECT]
    assert len(domains) == case.domains
    assert kinds.count(CHANGED) == case.verdicts, f"{kinds.count(CHANGED)} verdicts"
    assert len(believed) == case.changing, f"{len(believed)} domains"
    with closing(sqlite3.connect(database)) as connection:
        query = "SELECT count(DISTINCT domain) FROM event WHERE type = 'status'"
        query += " AND json_extract(data, '$.from') = 'in_effect'"
        (events,) = connection.execute(query).fetchone()
    assert events == case.changing, f"{events} events"


Rows = Mapping[str, Sequence[tuple[object, ...]]]


def _written_since(database: Path, before: Path) -> Rows:
    """Return the rows of each table that are not as they were."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("ATTACH ? AS old", (str(before),))
        tables = ("domain", "event")
        return {
            table: connection.execute(
                f"SELECT * FROM main.{table} EXCEPT SELECT * FROM old.{table}"  # noqa: S608
            ).fetchall()
            for table in tables
        }


def _written_barely(database: Path, rows: Rows) -> float:
    """Return how long sqlite3 alone takes to write the rows, safe on the disk as ours."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        began = time.perf_counter()
        connection.execute("BEGIN IMMEDIATE")
        for table, values in rows.items():
            if values:
                marks = ", ".join("?" * len(values[0]))
                statement = f"REPLACE INTO {table} VALUES ({marks})"  # noqa: S608
                connection.executemany(statement, values)
        connection.execute("COMMIT")
        return time.perf_counter() - began


def _show(cases: Mapping[Case, tuple[Look, Look]]) -> None:
    titles = (
        "",
        "verdicts",
        "rows",
        "look s",
        "CPU s",
        "commits s",
        "bare sqlite3 s",
        "x bare",
        "PostgreSQL s",
        "x",
    )
    table = Table(*titles, box=None)
    for case, (seen, believed) in cases.items():
        what = f"{case.what} ({case.domains:,} x {case.resolvers})"
        _add(table, what, f"{case.verdicts:,}", seen)
        _add(table, "  the next look, which believes it", "", believed)
    console = Console(width=140)
    console.print(table)
    console.print("bare: the same rows by sqlite3 alone; PG: commits of the same looks there.")
    console.print("After each case all verdicts, states and events were found in the database.")


def _add(table: Table, what: str, verdicts: str, look: Look) -> None:
    seconds = (look.wall, look.cpu, look.commits, look.bare)
    told = (f"{value:.4f}" if value < 1 else f"{value:.2f}" for value in seconds)
    there = (f"{look.postgresql:.4f}", f"{look.postgresql / look.commits:.2f}")
    table.add_row(
        what, verdicts, f"{look.rows:,}", *told, f"{look.commits / look.bare:.1f}", *there
    )


if __name__ == "__main__":
    main()
