"""A backup is whole, or there is none."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from monitor.adapters.stores.backing_up import Copied, back_up
from monitor.adapters.stores.sqlite import SqliteStore
from monitor.core.state import State, Step
from monitor.ports import StoreError
from tests.contracts.store_contract import ACCOUNT, FULL, event

FORMER = Path(__file__).parent / "schema_3.sql"
STEP = Step(domains=(FULL,), accounts=(ACCOUNT,), events=(event(), event()))


@pytest.fixture
async def source(tmp_path: Path) -> Path:
    """A database that holds something, of which nothing is open."""
    path = tmp_path / "monitor.db"
    store = SqliteStore(path)
    await store.commit(STEP)
    await store.close()
    return path


async def loaded(path: Path) -> State:
    store = SqliteStore(path)
    try:
        return await store.load()
    finally:
        await store.close()


async def test_the_copy_holds_what_the_original_does(source: Path, tmp_path: Path) -> None:
    copied = back_up(source, tmp_path / "copy.db")
    store = SqliteStore(source)
    newest = (await store.records(after=0, limit=1000))[-1]
    await store.close()
    assert copied == Copied(newest.seq, newest.hash)
    assert await loaded(tmp_path / "copy.db") == await loaded(source)


async def test_what_a_daemon_writes_meanwhile_is_in_the_next_copy(
    source: Path, tmp_path: Path
) -> None:
    store = SqliteStore(source)
    await store.load()
    first = back_up(source, tmp_path / "first.db")
    await store.commit(Step(events=STEP.events))
    second = back_up(source, tmp_path / "second.db")
    await store.close()
    assert second.seq == first.seq + len(STEP.events)


def test_a_copy_is_one_file_that_only_its_owner_may_read(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    back_up(source, folder / "copy.db")
    assert [path.name for path in folder.iterdir()] == ["copy.db"]
    assert (folder / "copy.db").stat().st_mode & 0o777 == 0o600


def test_nothing_is_overwritten(source: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken.db"
    taken.write_text("mine")
    with pytest.raises(StoreError, match="overwrites nothing"):
        back_up(source, taken)
    assert taken.read_text() == "mine"


def test_a_database_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no database yet"):
        back_up(tmp_path / "nothing.db", tmp_path / "copy.db")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_named(source: Path, tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="No such file or directory"):
        back_up(source, tmp_path / "nowhere" / "copy.db")


def test_a_damaged_database_leaves_no_copy(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    octets = bytearray(source.read_bytes())
    for page in range(2 * 4096, len(octets), 4096):
        octets[page : page + 64] = bytes(64)
    source.write_bytes(octets)
    with pytest.raises(StoreError, match=r"damaged|malformed"):
        back_up(source, folder / "copy.db")
    assert list(folder.iterdir()) == []


def test_what_is_no_database_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "monitor.db").write_text("This is a text, and a long one at that. " * 200)
    with pytest.raises(StoreError, match="not a database"):
        back_up(tmp_path / "monitor.db", tmp_path / "copy.db")


def test_a_database_of_an_earlier_release_is_copied_as_it_is(tmp_path: Path) -> None:
    source, copy = tmp_path / "monitor.db", tmp_path / "copy.db"
    with closing(sqlite3.connect(source)) as connection:
        connection.executescript(FORMER.read_text(encoding="utf-8"))
    back_up(source, copy)
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (3,)
