"""Whatever somebody does to the audit log in the file is found by looking through it."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from monitor.adapters.stores.session import Access
from monitor.adapters.stores.sqlite import SqliteStore
from monitor.core.events import Event, EventType
from monitor.core.pruning import Pruned, pruned_event
from monitor.core.state import Step
from monitor.core.tampering import Head, Inspection
from monitor.usecases.verify import verify
from tests.contracts.values import EVENTS
from tests.core.properties import REPEATABLE
from tests.core.samples import DOMAIN, MINUTE, START

COLUMNS = (
    *("seq", "at", "type", "domain", "resolver", "change_id"),
    *("data", "evidence", "prev_hash", "hash"),
)
Log = list[tuple[Any, ...]]


@contextmanager
def folder() -> Iterator[Path]:
    with TemporaryDirectory() as place:
        yield Path(place) / "test.db"


def written(path: Path, events: list[Event]) -> Log:
    async def write() -> None:
        store = SqliteStore(path)
        await store.commit(Step(events=tuple(events)))
        await store.close()

    asyncio.run(write())
    with sqlite3.connect(path) as connection:
        return connection.execute("SELECT * FROM event ORDER BY seq").fetchall()


def looked_through(path: Path, head: Head | None = None) -> Inspection:
    async def look() -> Inspection:
        store = SqliteStore(path, Access.READ)
        try:
            return await verify(store, head)
        finally:
            await store.close()

    return asyncio.run(look())


def rewritten(path: Path, rows: Log) -> None:
    """Put other rows in the place of the log, as somebody can who may write to the file."""
    with sqlite3.connect(path) as connection:
        for trigger in ("event_is_never_changed", "event_is_never_removed"):
            connection.execute(f"DROP TRIGGER IF EXISTS {trigger}")
        connection.execute("DELETE FROM event")
        marks = ", ".join("?" * len(COLUMNS))
        connection.executemany(f"INSERT INTO event VALUES ({marks})", rows)
    connection.close()


# Each case opens a database twice.
FEW = settings(REPEATABLE, max_examples=40)
LOGS = st.lists(EVENTS, min_size=2, max_size=8)


@FEW
@given(events=LOGS, data=st.data())
def test_any_other_content_of_any_column_of_any_row_is_found(
    events: list[Event], data: st.DataObject
) -> None:
    with folder() as path:
        log = written(path, events)
        at = data.draw(st.integers(0, len(log) - 1))
        column = data.draw(st.integers(1, len(COLUMNS) - 1))
        other = data.draw(_values(COLUMNS[column], log[at][column]))
        assume(other != log[at][column])
        log[at] = (*log[at][:column], other, *log[at][column + 1 :])
        rewritten(path, log)
        found = looked_through(path)
        assert [finding.seq for finding in found.findings] == [at + 1]


def _values(column: str, now: Any) -> st.SearchStrategy[Any]:
    """Return what the schema lets stand in a column, near to what stands there and far."""
    near = [now + " ", now[:-1], now.upper(), f" {now}"] if isinstance(now, str) else ["", "x"]
    if column == "at" and isinstance(now, str):
        near += [now.replace("+00:00", "Z"), now.replace("T", " ")]
    if column in {"data", "evidence"} and isinstance(now, str):
        near += [now.replace(": ", ":"), "[]", "{}", "null", "[" * 100_000, '"\\ud800"', "NaN"]
    others = st.sampled_from(near) | st.text(max_size=20) | st.just("[]") | st.just("{}")
    is_nullable = column in {"domain", "resolver", "change_id"}
    return others | st.none() if is_nullable else others


@FEW
@given(events=LOGS, data=st.data())
def test_any_other_number_of_any_row_is_found(events: list[Event], data: st.DataObject) -> None:
    with folder() as path:
        log = written(path, events)
        at = data.draw(st.integers(0, len(log) - 1))
        other = data.draw(st.integers(-(2**63) + 1, 2**63 - 1))
        assume(other not in {row[0] for row in log})
        log[at] = (other, *log[at][1:])
        rewritten(path, log)
        assert min(finding.seq for finding in looked_through(path).findings) == min(other, at + 1)


@FEW
@given(events=LOGS, data=st.data())
def test_any_rows_that_are_gone_are_found(events: list[Event], data: st.DataObject) -> None:
    with folder() as path:
        log = written(path, events)
        gone = data.draw(st.sets(st.sampled_from(range(len(log))), min_size=1))
        rewritten(path, [row for n, row in enumerate(log) if n not in gone])
        head = Head(len(log), str(log[-1][-1]))
        found = looked_through(path, head)
        assert min(finding.seq for finding in found.findings) == min(gone) + 1
        is_only_the_end = gone == set(range(min(gone), len(log)))
        assert looked_through(path).is_intact is is_only_the_end  # without a head nobody can know


@FEW
@given(events=LOGS, data=st.data())
def test_any_two_rows_that_are_swapped_are_found(events: list[Event], data: st.DataObject) -> None:
    with folder() as path:
        log = written(path, events)
        pair = st.sets(st.sampled_from(range(len(log))), min_size=2, max_size=2)
        one, other = sorted(data.draw(pair))
        swapped = list(log)
        swapped[one] = (log[one][0], *log[other][1:])
        swapped[other] = (log[other][0], *log[one][1:])
        rewritten(path, swapped)
        assert looked_through(path).findings[0].seq == one + 1


@FEW
@given(events=LOGS)
def test_a_log_that_nobody_touched_is_intact(events: list[Event]) -> None:
    with folder() as path:
        log = written(path, events)
        found = looked_through(path, Head(len(log), str(log[-1][-1])))
        assert (found.is_intact, found.records) == (True, len(log))


@pytest.mark.parametrize(
    "slip", ["DELETE FROM event WHERE seq = 1", "UPDATE event SET resolver = 'x' WHERE seq = 1"]
)
def test_a_slip_is_refused_by_the_database(tmp_path: Path, slip: str) -> None:
    path = tmp_path / "test.db"
    written(path, [Event(EventType.START, START, DOMAIN)])
    with sqlite3.connect(path) as connection, pytest.raises(sqlite3.Error, match="append-only"):
        connection.execute(slip)
    connection.close()


def test_a_slip_is_refused_also_after_a_beginning_was_let_go(tmp_path: Path) -> None:
    path = tmp_path / "test.db"

    async def prune() -> None:
        store = SqliteStore(path)
        kept = await store.commit(Step(events=(Event(EventType.START, START),) * 3))
        event = pruned_event(kept.records[1], START, START)
        await store.commit(Step(events=(event,), pruned=Pruned(2)))
        await store.close()

    asyncio.run(prune())
    found = looked_through(path)
    assert (found.is_intact, found.records, found.base.seq) == (True, 2, 2)
    with sqlite3.connect(path) as connection, pytest.raises(sqlite3.Error, match="append-only"):
        connection.execute("DELETE FROM event WHERE seq = 3")
    connection.close()


def test_the_log_of_a_daemon_at_work_can_be_looked_through(tmp_path: Path) -> None:
    path = tmp_path / "test.db"

    async def work(look: Callable[[], Inspection]) -> None:
        store = SqliteStore(path, Access.OWN)
        await store.commit(Step(events=(Event(EventType.START, START),)))
        assert (await asyncio.to_thread(look)).records == 1
        await store.commit(Step(events=(Event(EventType.STATUS, START + MINUTE, DOMAIN),)))
        assert (await asyncio.to_thread(look)).records == 2
        await store.close()

    asyncio.run(work(lambda: looked_through(path)))
