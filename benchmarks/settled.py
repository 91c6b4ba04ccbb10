"""A database as a daemon leaves it: every domain known, every answer judged, and all at rest.

The core itself decides all of it, on the answers that the responder gives, with TTLs of their own.
Nobody is asked, so that a database for a hundred thousand domains is made in a minute or two:
`python -m benchmarks.settled --names 1000 --resolvers 10 --database known.db`.
"""

import argparse
import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from struct import pack
from typing import TypeVar

import psycopg

from benchmarks.daemon import Daemon, opened_daemon
from benchmarks.expected import ZONE, addresses_of, chain_of, name_of
from monitor.adapters.resolvers.reading import reading_of
from monitor.adapters.stores.postgresql import PostgresqlStore
from monitor.core.answers import Reply
from monitor.core.domain_tracking import AuthorityLook, track_authorities
from monitor.core.names import DomainName
from monitor.core.servers import Authority, Delegation, Transport
from monitor.core.state import (
    DomainState,
    State,
    Step,
    in_turn,
    joined,
    see_authorities,
    see_resolvers,
)
from monitor.core.tracking.record import RecordKey
from monitor.core.views import Sighting
from monitor.ports import Server
from monitor.usecases.rounds import Rounds

ROOT = Path(__file__).parent.parent
BATCH = 1000  # domains in one step
RECURSIVE, AUTHORITATIVE = 0x8180, 0x8400  # flags of an answer, RFC 1035 §4.1.1
TTLS = (600, 300, 60, 60)  # of the records in turn, before they count down
UNUSED_PORT = 9  # of resolvers that nobody asks

_TABLES = ("account", "binding", "domain", "event", "change", "told", "notice")

T = TypeVar("T")


def settled_database(
    names: int, resolvers: int, folder: Path, used_in: Path, *, authorities: int = 2
) -> Path:
    """Return a database for this use alone; what was made once in `folder` is copied.

    It is made by another process, so that this one's memory is that of a start. Where resolvers
    will change what they say for good, let there be no authorities: these would go on to serve
    the right target, and every changed domain would be waited for, as propagating, for days.
    """
    kept, mine = folder / f"{names}x{resolvers}+{authorities}.db", used_in / "daemon.db"
    if not kept.exists():
        sizes = {"names": names, "resolvers": resolvers, "authorities": authorities}
        options = (f"--{name}={value}" for name, value in sizes.items())
        command = [sys.executable, "-m", "benchmarks.settled", *options, f"--database={kept}"]
        subprocess.run(command, check=True, cwd=ROOT)  # noqa: S603
    copy_database(kept, mine)
    return mine


def copy_database(from_: Path, to: Path) -> None:
    """Copy a database, with what may still be in its write-ahead log."""
    with closing(sqlite3.connect(from_)) as source, closing(sqlite3.connect(to)) as target:
        source.backup(target)


async def copy_to_postgresql(from_: Path, url: str) -> None:
    """Copy a database to PostgreSQL, in the place of what was there."""
    with psycopg.connect(url) as target:
        target.execute("DROP TABLE IF EXISTS schema_version, step")
        target.execute(f"DROP TABLE IF EXISTS {', '.join(_TABLES)}".encode())
        target.execute("DROP FUNCTION IF EXISTS refuse_to_change_the_log")
    store = PostgresqlStore(url)
    await store.load()
    await store.close()
    with closing(sqlite3.connect(from_)) as source, psycopg.connect(url) as target:
        for table in _TABLES:
            rows = source.execute(f"SELECT * FROM {table}")  # noqa: S608 - of a closed set
            with target.cursor().copy(f"COPY {table} FROM STDIN".encode()) as copy:
                for row in rows:
                    copy.write_row(row)
    with psycopg.connect(url, autocommit=True) as target:
        target.execute("VACUUM ANALYZE")


async def settle(daemon: Daemon, names: int, authorities: int) -> None:
    """Bind the domains, and take it that everybody was asked about each of them once."""
    delegation = _delegation(authorities)
    await daemon.bind(names)
    rounds = daemon.rounds
    now = rounds.clock.now()
    for batch in _batches(range(names), BATCH):
        seen = [await _Seen.of(number, delegation, rounds, now) for number in batch]
        await rounds.ledger.record(partial(_decided, seen=seen, rounds=rounds, now=now))


def wire_of(number: int, age: int, changes: int = 0, flags: int = RECURSIVE) -> bytes:
    """Return the responder's answer about a name, when its records are so old in a cache."""
    header = pack(">HHHHHH", 0, flags, 1, 4, 0, 0)
    question = _name(name_of(number)) + b"\0\1\0\1"
    message = header + question
    owner = len(header)
    for target, ttl in zip(chain_of(number, changes), TTLS, strict=False):
        message += pack(">HHHIH", 0xC000 | owner, 5, 1, ttl - age % ttl, len(_name(target)))
        owner = len(message)
        message += _name(target)
    for address, ttl in zip(addresses_of(number), TTLS[2:], strict=True):
        message += pack(">HHHIH", 0xC000 | owner, 1, 1, ttl - age % ttl, 4)
        message += bytes(map(int, address.split(".")))
    return message


def reply_of(
    number: int, place: int, now: datetime, changes: int = 0, flags: int = RECURSIVE
) -> Reply:
    """Return what the resolver in that place says of a name."""
    wire = wire_of(number, 7 * number + 11 * place, changes, flags)
    reading = reading_of(wire)
    assert reading is not None
    rtt = timedelta(microseconds=900 + 37 * place + number % 100)
    return Reply(reading.answer, now, rtt, Transport.UDP, wire)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the resolvers and the authorities said of one domain."""

    domain: DomainName
    resolvers: tuple[Sighting, ...]
    look: AuthorityLook

    @classmethod
    async def of(
        cls, number: int, delegation: Delegation, rounds: Rounds, now: datetime
    ) -> "_Seen":
        domain = DomainName(name_of(number))
        key = RecordKey(domain, "")
        of_authorities = await _sightings(number, rounds, delegation.authorities, now)
        of_resolvers = await _sightings(number, rounds, rounds.panel.resolvers, now)
        return cls(domain, of_resolvers, AuthorityLook(key, delegation, of_authorities))

    def decided(self, known: DomainState, rounds: Rounds, now: datetime) -> Step:
        """Return what the core makes of it."""
        look, policy = self.look, rounds.policy
        if not look.sightings:
            return see_resolvers(known, self.resolvers, policy, now)
        return in_turn(
            known,
            lambda it: see_authorities(it, look.sightings, look.delegation, policy, now),
            lambda it: track_authorities(it, (look,), rounds.followers, now),
            lambda it: see_resolvers(it, self.resolvers, policy, now),
        )


async def _sightings(
    number: int, rounds: Rounds, servers: Iterable[Server], now: datetime
) -> tuple[Sighting, ...]:
    binding = rounds.ledger.state.domains[DomainName(name_of(number))].binding
    assert binding is not None
    found = []
    for place, server in enumerate(servers):
        flags = AUTHORITATIVE if isinstance(server, Authority) else RECURSIVE
        reply = reply_of(number, place, now, flags=flags)
        found.append(await rounds.panel.judged(server, reply, binding))
    return tuple(found)


def _decided(state: State, seen: Iterable[_Seen], rounds: Rounds, now: datetime) -> Step:
    return joined(one.decided(state.domains[one.domain], rounds, now) for one in seen)


def _name(text: str) -> bytes:
    return b"".join(bytes((len(label),)) + label.encode() for label in text.split(".")) + b"\0"


def _batches(values: Iterable[T], size: int) -> Iterator[list[T]]:
    waiting = iter(values)
    while batch := list(islice(waiting, size)):
        yield batch


def _delegation(authorities: int) -> Delegation:
    zone = DomainName(ZONE)
    servers = [DomainName(f"ns{number}.{ZONE}") for number in range(1, authorities + 1)]
    return Delegation(
        zone,
        at_parent=frozenset(servers),
        at_child=frozenset(servers),
        authorities=tuple(
            Authority(zone, server, f"192.0.2.{place}")
            for place, server in enumerate(servers, start=1)
        ),
    )


async def main() -> None:
    """Make the database that the command line describes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--names", type=int, required=True)
    parser.add_argument("--resolvers", type=int, required=True)
    parser.add_argument("--authorities", type=int, default=2)
    parser.add_argument("--database", type=Path, required=True)
    options = parser.parse_args()
    ports = [UNUSED_PORT] * options.resolvers
    async with opened_daemon(options.database, ports) as daemon:
        await settle(daemon, options.names, options.authorities)


if __name__ == "__main__":
    asyncio.run(main())
