"""Everything from one database to another: all of it, as it was, or nothing."""

import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from monitor.adapters.stores.copying import Copied, copy, rows_in
from monitor.adapters.stores.postgresql import PostgresqlDatabase, PostgresqlStore
from monitor.adapters.stores.session import Access, Database
from monitor.adapters.stores.sql import SqlStore
from monitor.adapters.stores.sqlite import SqliteDatabase, SqliteStore
from monitor.core.events import Event, EventType
from monitor.core.names import DomainName
from monitor.core.state import DomainState, Step
from monitor.core.tampering import Head
from monitor.ports import StoreError
from tests.contracts.outbox_contract import broken, sent
from tests.contracts.store_contract import ACCOUNT, CHANGES, FULL
from tests.core.samples import BINDING, MINUTE, START
from tests.core.tampered import first_tampered
from tests.servers.postgresql import Postgresql

EVENTS = 3000


async def filled(store: SqlStore) -> None:
    """Write what a daemon writes in a long time: of every table more than is read at once."""
    await store.commit(Step((FULL,), accounts=(ACCOUNT,), changes=CHANGES))
    told = broken()
    await store.commit(told)
    waiting = await store.waiting(10)
    await store.commit(Step(letters=(sent(waiting[0]), replace(waiting[1], attempts=3))))
    names = [DomainName(f"d{number}.example") for number in range(500)]
    domains = tuple(DomainState(name, BINDING, START) for name in names)
    await store.commit(Step(domains))
    for begin in range(0, EVENTS, 500):
        numbers = range(begin, begin + 500)
        events = tuple(
            Event(EventType.STATUS, START + n * MINUTE, names[n % 500], data={"nr": n, "t": "例"})
            for n in numbers
        )
        await store.commit(Step(events=events))


async def seen(store: SqlStore) -> tuple[object, ...]:
    """Return all that can be asked of a store."""
    state = await store.load()
    records = await store.records(after=0, limit=100_000)
    assert first_tampered(records) is None
    return (
        {name: read(domain) for name, domain in state.domains.items()},
        dict(state.accounts),
        dict(state.told),
        records,
        await store.changes(100),
        await store.waiting(100),
        await store.handed(START, "oncall"),
        await store.handed(START, "chat"),
    )


def read(domain: DomainState) -> DomainState:
    """Return the domain with its details, whatever becomes of the store."""
    return replace(
        domain,
        resolvers=dict(domain.resolvers.items()),
        authorities=dict(domain.authorities.items()),
        records=dict(domain.records.items()),
    )


def copied(source: Database, target: Database) -> tuple[Copied, int]:
    """Copy, and return how many steps of progress were told too."""
    told = list[int]()
    with closing(source), closing(target):
        return copy(source, target, told.append), sum(told)


def in_file(path: Path, access: Access = Access.OWN) -> Database:
    return SqliteDatabase(path, access)


def at_server(url: str, access: Access = Access.OWN) -> Database:
    return PostgresqlDatabase(url, access)


async def closed(store: SqlStore) -> tuple[object, ...]:
    try:
        return await seen(store)
    finally:
        await store.close()


async def test_a_database_is_the_same_after_the_way_there_and_back(
    tmp_path: Path, shared_postgresql: Postgresql
) -> None:
    url = shared_postgresql.fresh()
    first = SqliteStore(tmp_path / "first.db", Access.OWN)
    await filled(first)
    before = await closed(first)
    with closing(in_file(tmp_path / "first.db", Access.READ)) as source:
        rows = rows_in(source)
    there, told = copied(in_file(tmp_path / "first.db"), at_server(url))
    assert (there.rows, told) == (rows, 2 * rows)
    assert rows > EVENTS + 500
    assert await closed(PostgresqlStore(url, Access.READ)) == before
    back, _ = copied(at_server(url), in_file(tmp_path / "second.db"))
    assert back == there
    last = SqliteStore(tmp_path / "second.db", Access.OWN)
    assert await seen(last) == before
    (record,) = (await last.commit(Step(events=(Event(EventType.START, START),)))).records
    assert record.prev_hash == there.head.hash
    await last.close()


async def test_a_daemon_goes_on_at_the_target_and_numbers_notices_anew(
    tmp_path: Path, shared_postgresql: Postgresql
) -> None:
    url = shared_postgresql.fresh()
    first = SqliteStore(tmp_path / "first.db", Access.OWN)
    await filled(first)
    await first.close()
    copied(in_file(tmp_path / "first.db"), at_server(url))
    store = PostgresqlStore(url, Access.OWN)
    before = await store.waiting(10)
    later = tuple(replace(one.notice, key=f"{one.notice.key}-2") for one in before)
    await store.commit(Step(notices=later))
    assert [one.notice for one in await store.waiting(10)] == [
        *(one.notice for one in before),
        *later,
    ]
    await store.close()


async def test_of_nothing_the_copy_is_empty(tmp_path: Path, shared_postgresql: Postgresql) -> None:
    first = SqliteStore(tmp_path / "first.db", Access.OWN)
    await first.load()
    await first.close()
    made, _ = copied(in_file(tmp_path / "first.db"), at_server(shared_postgresql.fresh()))
    assert made == Copied(0, Head(0, "0" * 64))


async def small(path: Path) -> None:
    store = SqliteStore(path, Access.OWN)
    await store.commit(Step((FULL,), events=(Event(EventType.START, START),) * 3))
    await store.close()


async def test_a_target_that_holds_anything_is_refused(
    tmp_path: Path, shared_postgresql: Postgresql
) -> None:
    url = shared_postgresql.fresh()
    await small(tmp_path / "first.db")
    copied(in_file(tmp_path / "first.db"), at_server(url))
    with pytest.raises(StoreError, match="is not empty, and a copy overwrites nothing"):
        copied(in_file(tmp_path / "first.db"), at_server(url))
    with pytest.raises(StoreError, match="is not empty"):
        copied(at_server(url), in_file(tmp_path / "first.db"))


@pytest.mark.parametrize("side", ["source", "target"])
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_a_daemon_on_either_side_is_refused(
    side: str, kind: str, tmp_path: Path, shared_postgresql: Postgresql
) -> None:
    file, url = tmp_path / "first.db", shared_postgresql.fresh()
    await small(file)
    is_file = kind == "sqlite"
    daemon: SqlStore = (
        SqliteStore(file, Access.OWN) if is_file else PostgresqlStore(url, Access.OWN)
    )
    await daemon.load()
    ends = (in_file(file), at_server(url))
    source, target = ends if (side == "source") is is_file else ends[::-1]
    with pytest.raises(StoreError, match="in use by another daemon: stop that one"):
        copied(source, target)
    await daemon.close()


def _edit(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP TRIGGER event_is_never_changed")
        connection.execute(statement)


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("UPDATE event SET data = '{}' WHERE seq = 2", "not intact from record 2 on"),
        ("UPDATE domain SET gists = char(0)", "NUL"),
    ],
)
async def test_what_cannot_be_copied_as_it_should_be_leaves_nothing(
    statement: str, said: str, tmp_path: Path, shared_postgresql: Postgresql
) -> None:
    url = shared_postgresql.fresh()
    store = SqliteStore(tmp_path / "first.db", Access.OWN)
    events = tuple(Event(EventType.STATUS, START, data={"nr": n}) for n in range(3))
    await store.commit(Step((FULL,), events=events))
    await store.close()
    _edit(tmp_path / "first.db", statement)
    with pytest.raises(StoreError, match=said):
        copied(in_file(tmp_path / "first.db"), at_server(url))
    with closing(at_server(url, Access.READ)) as target:
        assert rows_in(target) == 0


async def test_a_target_that_does_not_give_back_what_was_written_keeps_nothing(
    tmp_path: Path, shared_postgresql: Postgresql
) -> None:
    url = shared_postgresql.fresh()
    await small(tmp_path / "first.db")
    with closing(at_server(url)) as target:
        target.writer()
    shared_postgresql.tell(
        url,
        "CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN NEW.since = '2020'; RETURN NEW; END $$; "
        "CREATE TRIGGER meddle BEFORE INSERT ON domain FOR EACH ROW EXECUTE FUNCTION meddle()",
    )
    with pytest.raises(StoreError, match="domain is not as it was written; nothing was kept"):
        copied(in_file(tmp_path / "first.db"), at_server(url))
    with closing(at_server(url, Access.READ)) as target:
        assert rows_in(target) == 0


async def test_a_copy_that_is_interrupted_leaves_nothing(
    tmp_path: Path, shared_postgresql: Postgresql
) -> None:
    url, told = shared_postgresql.fresh(), list[int]()
    await small(tmp_path / "first.db")

    def interrupted(many: int) -> None:
        told.append(many)
        if len(told) == 2:
            raise KeyboardInterrupt

    with (
        closing(in_file(tmp_path / "first.db")) as source,
        closing(at_server(url)) as target,
        pytest.raises(KeyboardInterrupt),
    ):
        copy(source, target, interrupted)
    assert copied(in_file(tmp_path / "first.db"), at_server(url))[0].head.seq == 3


@pytest.mark.parametrize("spoilt", ["source", "target"])
async def test_a_newer_releases_database_is_refused(
    spoilt: str, tmp_path: Path, shared_postgresql: Postgresql
) -> None:
    file, url = tmp_path / "first.db", shared_postgresql.fresh()
    await small(file)
    with closing(at_server(url)) as target:
        target.writer()
    if spoilt == "source":
        with closing(sqlite3.connect(file)) as connection:
            connection.execute("PRAGMA user_version = 99")
    else:
        shared_postgresql.tell(url, "UPDATE schema_version SET version = 99")
    with pytest.raises(StoreError, match="written by a newer release"):
        copied(in_file(file), at_server(url))
