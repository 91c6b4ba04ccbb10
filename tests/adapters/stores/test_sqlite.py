"""What is SQLite's own: locks, versions, damage, and a full disk."""

import asyncio
import os
import signal
import sqlite3
import sys
import threading
from asyncio.subprocess import PIPE
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from monitor.adapters.stores.session import Access, Session
from monitor.adapters.stores.sqlite import SqliteStore
from monitor.core.events import Event, EventType
from monitor.core.inventory import AccountInventory
from monitor.core.names import DomainName
from monitor.core.state import DomainState, Step
from monitor.ports import StoreError
from tests.cli.commands import environment
from tests.core.samples import BINDING, DOMAIN, START, binding
from tests.core.tampered import first_tampered

EVENT = Event(EventType.START, START)


async def _filled(path: Path) -> None:
    store = SqliteStore(path)
    await store.commit(Step(domains=(DomainState(DOMAIN, BINDING, START),), events=(EVENT,)))
    await store.close()


async def test_a_second_daemon_is_refused_while_readers_are_not(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    first = SqliteStore(path, access=Access.OWN)
    await first.commit(Step(events=(EVENT,)))
    second = SqliteStore(path, access=Access.OWN)
    with pytest.raises(StoreError, match="in use by another daemon"):
        await second.load()
    reader = SqliteStore(path)
    assert len(await reader.records(after=0, limit=9)) == 1
    for store in (first, second, reader):
        await store.close()
    third = SqliteStore(path, access=Access.OWN)
    await third.load()
    await third.close()


@pytest.mark.parametrize(
    ("spoil", "remedy"),
    [
        (lambda path: path.write_bytes(b"this is no database at all" * 100), "restore a backup"),
        (lambda path: path.mkdir(), "folder exist"),
    ],
)
async def test_what_is_no_database_is_said_with_the_remedy(
    spoil: Callable[[Path], object], remedy: str, tmp_path: Path
) -> None:
    path = tmp_path / "x.db"
    spoil(path)
    store = SqliteStore(path)
    with pytest.raises(StoreError, match=remedy):
        await store.load()
    await store.close()


async def test_a_missing_folder_is_said_with_the_remedy(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "no" / "x.db")
    with pytest.raises(StoreError, match="Does the folder exist"):
        await store.load()
    await store.close()


async def test_a_full_disk_keeps_nothing_of_the_step_until_there_is_room_for_all_of_it(
    tmp_path: Path,
) -> None:
    path = tmp_path / "x.db"
    await _filled(path)
    small = SqliteStore(path)
    await small._run(lambda connection: connection.execute("PRAGMA max_page_count = 30"))
    domains = tuple(
        DomainState(DomainName(f"d{number}.example"), BINDING, START) for number in range(2000)
    )
    with pytest.raises(StoreError, match="Free some space"):
        await small.commit(Step(domains, events=(EVENT,)))
    assert (await small.load()).domains.keys() == {DOMAIN}
    assert len(await small.records(after=0, limit=9)) == 1
    await small._run(lambda connection: connection.execute("PRAGMA max_page_count = 3000"))
    await small.commit(Step(domains, events=(EVENT,)))
    await small.close()
    store = SqliteStore(path)
    assert len((await store.load()).domains) == 2001
    assert first_tampered(await store.records(after=0, limit=9)) is None
    await store.close()


@pytest.mark.parametrize("slip", ["UPDATE event SET data = '{}'", "DELETE FROM event"])
async def test_the_log_cannot_be_changed_by_a_slip(slip: str, tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    await _filled(path)
    connection = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(slip)
    connection.close()


async def test_a_binding_that_comes_or_goes_is_all_that_is_written_of_its_account(
    tmp_path: Path,
) -> None:
    path = tmp_path / "x.db"
    bindings = tuple(binding(f"d{number}.example") for number in range(9))
    first, moved = AccountInventory("shop", bindings), binding("d4.example", "other")
    twice = (*bindings[:4], moved, replace(moved), *bindings[5:])
    steps = (
        (first, "a look that finds the same", 0),
        (replace(first, bindings=bindings[:4] + bindings[5:]), "one is gone", 1),
        (replace(first, bindings=(*bindings[:4], moved, *bindings[5:])), "it is back", 1),
        (replace(first, bindings=twice), "twice", 3),
        (AccountInventory("shop"), "none is left", 10),
    )
    store = SqliteStore(path)
    await store.commit(Step(accounts=(first,)))
    for account, what, rows in steps:
        before = await store._run(_written)
        await store.commit(Step(accounts=(account,)))
        assert await store._run(_written) - before == 1 + rows, what
        reader = SqliteStore(path, Access.READ)
        assert (await reader.load()).accounts == {"shop": account}, what
        await reader.close()
    await store.close()


def _written(session: Session) -> int:
    assert isinstance(session, sqlite3.Connection)
    return session.total_changes


_CHILD = """
import asyncio, sys
from pathlib import Path
from monitor.adapters.stores.session import Access, Session
from monitor.adapters.stores.sqlite import SqliteStore
from monitor.core.events import Event, EventType
from monitor.core.names import DomainName
from monitor.core.state import DomainState, Step
from tests.core.samples import BINDING, START
from tests.core.tampered import first_tampered

async def main():
    store = SqliteStore(Path(sys.argv[1]))
    for number in range(100_000):
        name = DomainName(f"d{number}.example")
        event = Event(EventType.STATUS, START, name, data={"nr": number})
        await store.commit(Step((DomainState(name, BINDING, START),), events=(event,)))
        print(number, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("commits", [1, 2, 7, 30, 101])
async def test_kill_9_between_any_two_commits_loses_no_commit_that_returned(
    commits: int, tmp_path: Path
) -> None:
    path = tmp_path / "x.db"
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _CHILD, str(path), env=environment(), stdout=PIPE
    )
    assert child.stdout is not None
    printed = [int(await child.stdout.readline()) for _ in range(commits)]
    os.kill(child.pid, signal.SIGKILL)
    rest, _ = await child.communicate()
    # The last line may be cut off where the process died.
    printed += [int(line) for line in rest.split(b"\n")[:-1]]
    store = SqliteStore(path)
    records = await store.records(after=0, limit=1_000_000)
    assert first_tampered(records) is None
    stored = {r.event.domain for r in records}
    assert stored >= {DomainName(f"d{number}.example") for number in printed}
    assert (await store.load()).domains.keys() == stored
    await store.close()


async def test_what_does_not_end_keeps_nobody_who_closes_the_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.adapters.stores.sql._LONGEST_CLOSE", 0.05)
    store, ends = SqliteStore(tmp_path / "x.db"), threading.Event()
    await store.commit(Step(events=(EVENT,)))
    store._thread.submit(ends.wait)
    with capture_logs() as logs:
        await asyncio.wait_for(store.close(), 20)
    assert [log["event"] for log in logs] == ["store.left_open"]
    ends.set()


async def test_what_was_begun_before_the_store_is_closed_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    store = SqliteStore(path)
    commits = [asyncio.ensure_future(store.commit(Step(events=(EVENT,)))) for _ in range(20)]
    await asyncio.sleep(0)
    await store.close()
    await asyncio.gather(*commits)
    reader = SqliteStore(path, Access.READ)
    assert len(await reader.records(after=0, limit=100)) == 20
    await reader.close()
