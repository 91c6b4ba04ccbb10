"""Databases that cannot be opened as they are: nothing is half done, and the way out is told."""

import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from monitor.adapters.stores.session import Access
from monitor.adapters.stores.sqlite import SqliteStore
from monitor.core.events import Event, EventType
from monitor.core.state import DomainState, Step
from monitor.ports import StoreError
from tests.core.samples import BINDING, DOMAIN, RIGHT, START, view

EVENT = Event(EventType.START, START)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "x.db"


@asynccontextmanager
async def _opened(path: Path, access: Access = Access.WRITE) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(path, access)
    try:
        yield store
    finally:
        await store.close()


async def _fill(path: Path) -> None:
    seen = view(RIGHT)
    known = replace(seen, sighting=replace(seen.sighting, gist=b"12345678"))
    domain = DomainState(DOMAIN, BINDING, START, resolvers={"r": known})
    async with _opened(path) as store:
        await store.commit(Step((domain,), events=(EVENT,)))


def _sql(path: Path, *statements: str) -> list[tuple[object, ...]]:
    """Run statements as another program would, and return what the last one shows."""
    with closing(sqlite3.connect(path)) as connection, connection:
        return [connection.execute(statement).fetchall() for statement in statements][-1]


def _forbid_writing(path: Path) -> None:
    path.chmod(0o400)


def _spoil(path: Path) -> None:
    path.write_bytes(b"this is no database at all" * 100)


async def _refusal(store: SqliteStore) -> str:
    with pytest.raises(StoreError) as refused:
        await store.load()
    return str(refused.value)


async def test_a_database_exists_from_its_first_use_on(path: Path) -> None:
    async with _opened(path) as store:
        before = store.exists
        await store.load()
        assert (before, store.exists) == (False, True)


async def test_a_migration_that_is_cut_off_leaves_the_version_before(path: Path) -> None:
    _sql(path, "CREATE TABLE event (belongs_to_another_program)")
    async with _opened(path) as store:
        assert "already exists" in await _refusal(store)
    assert _sql(path, "PRAGMA user_version") == [(0,)]
    assert _sql(path, "SELECT name FROM sqlite_master") == [("event",)]
    _sql(path, "DROP TABLE event")
    await _fill(path)


async def test_what_could_not_be_opened_is_tried_again(path: Path) -> None:
    _spoil(path)
    async with _opened(path, Access.OWN) as store:
        first = await _refusal(store)
        assert await _refusal(store) == first


@pytest.mark.parametrize("access", Access)
async def test_a_newer_releases_database_is_refused_whatever_is_wanted_of_it(
    access: Access, path: Path
) -> None:
    await _fill(path)
    _sql(path, "PRAGMA user_version = 99")
    async with _opened(path, access) as store:
        assert "written by a newer release. Run that one" in await _refusal(store)
    assert _sql(path, "PRAGMA user_version") == [(99,)]


async def test_a_reader_reads_what_is_there_and_changes_nothing(path: Path) -> None:
    await _fill(path)
    async with _opened(path, Access.READ) as reader:
        assert (await reader.load()).domains.keys() == {DOMAIN}
        with pytest.raises(StoreError, match="Let this user write"):
            await reader.commit(Step(events=(EVENT,)))
        assert len(await reader.records(after=0, limit=9)) == 1


async def test_a_reader_makes_no_database(path: Path) -> None:
    async with _opened(path, Access.READ) as reader:
        assert "Does the folder exist" in await _refusal(reader)
        assert not reader.exists


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to every file")
async def test_a_file_that_may_only_be_read_is_said_with_the_remedy(path: Path) -> None:
    await _fill(path)
    _forbid_writing(path)
    async with _opened(path) as store:
        with pytest.raises(StoreError, match="Let this user write"):
            await store.commit(Step(events=(EVENT,)))
    async with _opened(path, Access.READ) as reader:
        assert len(await reader.records(after=0, limit=9)) == 1


@pytest.mark.parametrize(
    "damage",
    [
        """UPDATE domain SET binding = '{"domain"'""",
        "UPDATE domain SET outline = x'5b5d'",
        "UPDATE domain SET since = 'yesterday'",
        "UPDATE domain SET gists = 'xyz'",
        "UPDATE domain SET gists = ''",
        "UPDATE domain SET is_calm = 0, resolvers = x'00'",
        "INSERT INTO account VALUES ('shop', '{}', NULL, '[]')",
        "INSERT INTO account VALUES ('shop', '[]', 'yesterday', '[]')",
        "INSERT INTO account VALUES ('shop', '[]', NULL, '{}')",
        """INSERT INTO account VALUES ('shop', '[]', NULL, '[]');
        INSERT INTO binding VALUES ('shop', 'a.example', 0, '{}')""",
    ],
)
async def test_a_state_that_makes_no_sense_is_said_with_the_remedy(
    damage: str, path: Path
) -> None:
    await _fill(path)
    _sql(path, *damage.split(";"))
    async with _opened(path) as store:
        assert "Restore a backup" in await _refusal(store)


async def test_damage_to_one_domain_at_rest_is_logged_and_stops_no_other(path: Path) -> None:
    await _fill(path)
    _sql(path, "UPDATE domain SET resolvers = x'00'")
    async with _opened(path) as store:
        (domain,) = (await store.load()).domains.values()
        with capture_logs() as logs:
            assert dict(domain.resolvers.items()) == {}
        assert [log["event"] for log in logs] == ["store.details_unreadable"]
        with pytest.raises(StoreError, match="Restore a backup"):
            await store.domain(domain.domain)


@pytest.mark.parametrize(
    "damage", ["type = 'of another release'", "data = '{'", "at = 'yesterday'"]
)
async def test_a_record_that_makes_no_sense_is_said_with_the_remedy(
    damage: str, path: Path
) -> None:
    await _fill(path)
    _sql(path, "DROP TRIGGER event_is_never_changed", f"UPDATE event SET {damage}")
    async with _opened(path) as store:
        with pytest.raises(StoreError, match="Restore a backup"):
            await store.records(after=0, limit=9)
