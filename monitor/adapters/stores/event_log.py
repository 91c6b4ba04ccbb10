"""The audit log in SQLite: records are added at its end, and let go at its beginning."""

import sqlite3
from datetime import datetime

from monitor.adapters.stores import rows
from monitor.core.events import GENESIS, Record
from monitor.core.pruning import Pruned
from monitor.core.state import Step
from monitor.core.tampering import Logged


def append(connection: sqlite3.Connection, step: Step) -> tuple[Record, ...]:
    newest = connection.execute("SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1").fetchone()
    seq, prev_hash = newest or (0, GENESIS)
    records, written = list[Record](), list[rows.EventRow]()
    for event in step.events:
        record, row = rows.sealed(event, seq + 1, prev_hash)
        seq, prev_hash = record.seq, record.hash
        records.append(record)
        written.append(row)
    connection.executemany("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", written)
    return tuple(records)


def prune(connection: sqlite3.Connection, pruned: Pruned) -> None:
    """Let go of a beginning of the log; nobody else ever removes a record."""
    query = "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = ?"
    guard = connection.execute(query, (_GUARD,)).fetchone()
    connection.execute(f"DROP TRIGGER IF EXISTS {_GUARD}")
    connection.execute("DELETE FROM event WHERE seq <= ?", (pruned.through,))
    connection.executemany(
        "DELETE FROM change WHERE id = ?", [(number,) for number in sorted(pruned.changes)]
    )
    if guard is not None:
        connection.execute(guard[0])


_GUARD = "event_is_never_removed"


def records(
    connection: sqlite3.Connection, query: str, *parameters: str | int
) -> tuple[Record, ...]:
    return tuple(rows.record_of(row) for row in connection.execute(query, parameters))


def logged(connection: sqlite3.Connection, after: int | None, limit: int) -> tuple[Logged, ...]:
    query = "SELECT * FROM event WHERE seq > ? ORDER BY seq LIMIT ?"
    least = -(2**63) if after is None else after
    return tuple(rows.logged_of(row) for row in connection.execute(query, (least, limit)))


def first_since(connection: sqlite3.Connection, at: datetime) -> int | None:
    query = "SELECT seq FROM event WHERE at >= ? ORDER BY seq LIMIT 1"
    row = connection.execute(query, (at.isoformat(),)).fetchone()
    return int(row[0]) if row else None


def newest(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()[0])
