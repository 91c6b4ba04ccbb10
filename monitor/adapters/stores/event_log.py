"""The audit log: records are added at its end, and let go at its beginning."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from monitor.adapters.stores import rows
from monitor.adapters.stores.session import Session
from monitor.core.events import GENESIS, Record
from monitor.core.pruning import Pruned
from monitor.core.state import Step
from monitor.core.tampering import Logged


def append(session: Session, step: Step) -> tuple[Record, ...]:
    newest = session.execute("SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1").fetchone()
    seq, prev_hash = newest or (0, GENESIS)
    records, written = list[Record](), list[rows.EventRow]()
    for event in step.events:
        record, row = rows.sealed(event, seq + 1, prev_hash)
        seq, prev_hash = record.seq, record.hash
        records.append(record)
        written.append(row)
    session.executemany("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", written)
    return tuple(records)


def prune(session: Session, pruned: Pruned) -> None:
    """Let go of a beginning of the log, which has to be unguarded."""
    session.execute("DELETE FROM event WHERE seq <= ?", (pruned.through,))
    session.executemany(
        "DELETE FROM change WHERE id = ?", [(number,) for number in sorted(pruned.changes)]
    )


def records(session: Session, query: str, *parameters: str | int) -> tuple[Record, ...]:
    return tuple(rows.record_of(row) for row in session.execute(query, parameters))


def logged(session: Session, after: int | None, limit: int) -> tuple[Logged, ...]:
    query = "SELECT * FROM event WHERE seq > ? ORDER BY seq LIMIT ?"
    least = -(2**63) if after is None else after
    found = tuple(rows.logged_of(row) for row in session.execute(query, (least, limit)))
    _refuse_circle(least, [row.seq for row in found])
    return found


def following(session: Session, after: int, limit: int) -> tuple[Record, ...]:
    """Return the records behind that number. Raises ValueError."""
    query = "SELECT * FROM event WHERE seq > ? ORDER BY seq LIMIT ?"
    found = records(session, query, after, limit)
    _refuse_circle(after, [record.seq for record in found])
    return found


def _refuse_circle(after: int, numbers: Sequence[int]) -> None:
    """Refuse numbers that do not grow, as a damaged file gives them: nobody would get past."""
    if any(later <= earlier for earlier, later in pairwise([after, *numbers])):
        raise ValueError("records that do not come one after the other")


def first_since(session: Session, at: datetime) -> int | None:
    query = "SELECT seq FROM event WHERE at >= ? ORDER BY seq LIMIT 1"
    row = session.execute(query, (at.isoformat(),)).fetchone()
    return int(row[0]) if row else None


def newest(session: Session) -> int:
    return int(session.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()[0])
