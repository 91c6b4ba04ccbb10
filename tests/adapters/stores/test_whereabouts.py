"""A file that is removed or replaced under the daemon that has it open."""

from pathlib import Path

import pytest

from monitor.adapters.stores.session import Access
from monitor.adapters.stores.sqlite import SqliteStore
from monitor.core.events import Event, EventType
from monitor.core.state import DomainState, Step
from monitor.ports import StoreError
from tests.contracts.followed import stages
from tests.core.samples import BINDING, DOMAIN, START
from tests.core.tampered import first_tampered

EVENT = Event(EventType.START, START)
WATCHED = Step(domains=(DomainState(DOMAIN, BINDING, START),), events=(EVENT,))


@pytest.mark.parametrize("beside", [(), ("-wal", "-shm"), ("-wal", "-shm", ".lock")], ids=str)
async def test_a_file_that_is_removed_is_put_back_with_all_that_was_kept(
    beside: tuple[str, ...], tmp_path: Path
) -> None:
    path = tmp_path / "x.db"
    store = SqliteStore(path, Access.OWN)
    await store.commit(WATCHED)
    for suffix in ("", *beside):
        path.with_name(path.name + suffix).unlink()
    await store.commit(Step(events=(EVENT,)))
    with pytest.raises(StoreError, match="in use by another daemon"):
        await SqliteStore(path, Access.OWN).load()
    reader = SqliteStore(path, Access.READ)
    records = await reader.records(after=0, limit=9)
    assert [record.seq for record in records] == [1, 2]
    assert first_tampered(records) is None
    assert (await reader.load()).domains.keys() == {DOMAIN}
    await reader.close()
    await store.close()
    assert _files(tmp_path) == ["x.db", "x.db.lock"]


async def test_what_is_looked_at_later_is_of_the_file_that_was_put_back(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    store = SqliteStore(path, Access.OWN)
    await store.commit(WATCHED)
    for record in stages()[:2]:
        domain = DomainState(DOMAIN, BINDING, START, records={record.key: record})
        await store.commit(Step(domains=(domain,)))
        assert (await store.load()).domains[DOMAIN].records == domain.records
        path.unlink()
    await store.close()


async def test_a_file_in_its_place_is_neither_read_nor_written(tmp_path: Path) -> None:
    path, other, aside = tmp_path / "x.db", tmp_path / "other.db", tmp_path / "aside.db"
    store = SqliteStore(path, Access.OWN)
    await store.commit(WATCHED)
    other.write_bytes(b"somebody else's")
    aside.hardlink_to(path)
    other.replace(path)
    for _ in range(2):
        with pytest.raises(StoreError, match="put that back, or stop the daemon first"):
            await store.commit(Step(events=(EVENT,)))
    assert path.read_bytes() == b"somebody else's"
    aside.replace(path)
    await store.commit(Step(events=(EVENT,)))
    await store.close()
    reader = SqliteStore(path, Access.READ)
    assert [record.seq for record in await reader.records(after=0, limit=9)] == [1, 2]
    await reader.close()


async def test_a_folder_that_is_gone_keeps_nothing_until_it_is_there_again(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    store = SqliteStore(folder / "x.db", Access.OWN)
    await store.commit(WATCHED)
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="folder exist"):
        await store.commit(Step(events=(EVENT,)))
    folder.mkdir()
    await store.commit(Step(events=(EVENT,)))
    records = await store.records(after=0, limit=9)
    assert [record.seq for record in records] == [1, 2]
    await store.close()


def _files(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())
