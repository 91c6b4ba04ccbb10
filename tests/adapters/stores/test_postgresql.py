"""What is PostgreSQL's own: its lock, lost connections, silence, and death at any moment."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from time import monotonic

import psycopg
import pytest
from structlog.testing import capture_logs

from monitor.adapters.stores.postgresql import PostgresqlStore
from monitor.adapters.stores.session import Access, Value
from monitor.core.events import Event, EventType
from monitor.core.names import DomainName
from monitor.core.state import DomainState, Step
from monitor.ledger import Ledger
from monitor.ports import StoreError, StoreLost
from tests.cli.commands import environment
from tests.core.samples import BINDING, DOMAIN, RIGHT, START, WRONG, view
from tests.core.tampered import first_tampered
from tests.fakes.recording_telemetry import RecordingTelemetry
from tests.servers.postgresql import Postgresql
from tests.servers.process import aside, came_true

EVENT = Event(EventType.START, START)
KNOWN = DomainState(DOMAIN, BINDING, START, resolvers={"r": view(RIGHT)})
PATIENCE = 1.0


@asynccontextmanager
async def opened(
    url: str, access: Access = Access.OWN, patience: float = PATIENCE
) -> AsyncIterator[PostgresqlStore]:
    store = PostgresqlStore(url, access, patience)
    try:
        yield store
    finally:
        await store.close()


async def commit_anyhow(store: PostgresqlStore, step: Step) -> None:
    """Commit as the ledger does: again and again while the store is lost."""
    async with asyncio.timeout(30):
        while True:
            try:
                await store.commit(step)
            except StoreLost:
                await asyncio.sleep(0.05)
            else:
                return


async def test_a_second_daemon_is_refused_while_readers_are_not(
    shared_postgresql: Postgresql,
) -> None:
    url = shared_postgresql.fresh()
    async with opened(url) as first, opened(url, Access.READ) as reader:
        await first.commit(Step(events=(EVENT,)))
        async with opened(url) as second:
            with pytest.raises(StoreError, match="in use by another daemon: stop that one"):
                await second.load()
        assert reader.is_owned
        assert len(await reader.records(after=0, limit=9)) == 1
    assert came_true(lambda: not reader.is_owned, limit=5)
    async with opened(url) as third:
        await third.load()


@asynccontextmanager
async def led(url: str, lease: str) -> AsyncIterator[PostgresqlStore]:
    store = PostgresqlStore(url, Access.OWN, PATIENCE, lease=lease)
    try:
        yield store
    finally:
        await store.close()


async def test_who_is_given_a_lease_takes_the_database_from_one_that_had_it_and_cannot_end(
    shared_postgresql: Postgresql,
) -> None:
    url = shared_postgresql.fresh()
    async with led(url, "shop") as former, led(url, "shop") as next_one:
        await former.commit(Step(events=(EVENT,)))
        assert len(await next_one.records(after=0, limit=9)) == 1
        with pytest.raises(StoreLost, match=r"terminating|in use by another daemon"):
            await former.commit(Step(events=(EVENT,)))
        with pytest.raises(StoreLost, match="in use by another daemon"):
            await former.commit(Step(events=(EVENT,)))
        await next_one.commit(Step(events=(EVENT,)))
        assert len(await next_one.records(after=0, limit=9)) == 2


@pytest.mark.parametrize("other", ["", "house"])
async def test_without_that_lease_it_is_refused(other: str, shared_postgresql: Postgresql) -> None:
    url = shared_postgresql.fresh()
    async with led(url, "shop") as first, led(url, other) as second:
        await first.commit(Step(events=(EVENT,)))
        with pytest.raises(StoreError, match="in use by another daemon: stop that one"):
            await second.load()
        await first.commit(Step(events=(EVENT,)))


async def test_a_lease_takes_nothing_from_one_without(shared_postgresql: Postgresql) -> None:
    url = shared_postgresql.fresh()
    async with opened(url) as first, led(url, "shop") as second:
        await first.commit(Step(events=(EVENT,)))
        with pytest.raises(StoreError, match="in use by another daemon: stop that one"):
            await second.load()
        await first.commit(Step(events=(EVENT,)))


async def test_two_schemas_of_one_database_are_two_stores(shared_postgresql: Postgresql) -> None:
    async with (
        opened(shared_postgresql.fresh()) as first,
        opened(shared_postgresql.fresh()) as second,
    ):
        await first.commit(Step((KNOWN,)))
        assert (await second.load()).domains == {}


async def test_a_database_exists_from_its_first_use_on(shared_postgresql: Postgresql) -> None:
    async with opened(shared_postgresql.fresh()) as store:
        before = store.exists
        await store.load()
        assert (before, store.exists) == (False, True)


async def test_a_reader_changes_nothing(shared_postgresql: Postgresql) -> None:
    url = shared_postgresql.fresh()
    async with opened(url, Access.READ) as early:
        with pytest.raises(StoreError, match="written by an older release"):
            await early.load()
    async with opened(url) as store, opened(url, Access.READ) as reader:
        await store.commit(Step((KNOWN,), events=(EVENT,)))
        assert (await reader.load()).domains == {DOMAIN: KNOWN}
        with pytest.raises(StoreError, match="may only read"):
            await reader.commit(Step(events=(EVENT,)))


@pytest.mark.parametrize("access", Access)
async def test_a_newer_releases_database_is_refused(
    access: Access, shared_postgresql: Postgresql
) -> None:
    url = shared_postgresql.fresh()
    async with opened(url) as store:
        await store.load()
    shared_postgresql.tell(url, "UPDATE schema_version SET version = 99")
    async with opened(url, access) as store:
        with pytest.raises(StoreError, match="written by a newer release"):
            await store.load()


async def test_a_migration_that_is_cut_off_leaves_nothing(shared_postgresql: Postgresql) -> None:
    url = shared_postgresql.fresh()
    shared_postgresql.tell(url, "CREATE TABLE event (belongs_to_another_program INTEGER)")
    async with opened(url) as store:
        with pytest.raises(StoreError, match="already exists"):
            await store.load()
    query = "SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema()"
    assert shared_postgresql.tell(url, query) == [("event",)]
    shared_postgresql.tell(url, "DROP TABLE event")
    async with opened(url) as store:
        await store.load()


@pytest.mark.parametrize(
    "slip", ["UPDATE event SET data = '{}'", "DELETE FROM event", "TRUNCATE event"]
)
async def test_the_log_cannot_be_changed_by_a_slip(
    slip: str, shared_postgresql: Postgresql
) -> None:
    url = shared_postgresql.fresh()
    async with opened(url) as store:
        await store.commit(Step(events=(EVENT,)))
    with pytest.raises(psycopg.errors.RaiseException, match="append-only"):
        shared_postgresql.tell(url, slip)


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        (lambda url: url.replace("/postgres?", "/nowhere?"), "Create the role and its database"),
        (lambda url: url.replace("host=", "host=/no/such"), "Does the server run"),
        (lambda url: url + "&nonsense=1", "Mend daemon.database"),
    ],
)
async def test_what_cannot_be_opened_is_said_with_the_remedy(
    change: Callable[[str], str], remedy: str, shared_postgresql: Postgresql
) -> None:
    async with opened(change(shared_postgresql.url)) as store:
        with pytest.raises(StoreError, match=remedy) as refused:
            await store.load()
    assert str(refused.value).startswith("postgresql://monitor@/")


async def test_another_encoding_is_refused(shared_postgresql: Postgresql) -> None:
    shared_postgresql.tell(
        shared_postgresql.url,
        "CREATE DATABASE old ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0",
    )
    async with opened(shared_postgresql.url.replace("/postgres?", "/old?")) as store:
        with pytest.raises(StoreError, match="ENCODING 'UTF8'"):
            await store.load()


async def test_damage_to_one_domain_at_rest_is_logged_and_stops_no_other(
    shared_postgresql: Postgresql,
) -> None:
    url = shared_postgresql.fresh()
    async with opened(url) as store:
        await store.commit(Step((KNOWN,)))
        shared_postgresql.tell(url, r"UPDATE domain SET resolvers = '\x00'")
        (domain,) = (await store.load()).domains.values()
        with capture_logs() as logs:
            assert dict(domain.resolvers.items()) == {}
        assert [log["event"] for log in logs] == ["store.details_unreadable"]
        with pytest.raises(StoreError, match="Restore a backup"):
            await store.domain(domain.domain)


@pytest.mark.parametrize("outage", [Postgresql.stopped, Postgresql.killed, Postgresql.silent])
async def test_an_outage_is_waited_out_and_nothing_that_was_brought_is_lost(
    outage: Callable[[Postgresql], AbstractContextManager[None]], own_postgresql: Postgresql
) -> None:
    url, telemetry = own_postgresql.fresh(), RecordingTelemetry()
    async with opened(url) as store:
        ledger = Ledger(store, telemetry)
        await ledger.open()
        await ledger.record(lambda _: Step((KNOWN,), events=(_numbered(0),)))
        (domain,) = ledger.state.domains.values()
        async with aside(outage(own_postgresql)):
            waiting = [
                asyncio.ensure_future(ledger.record(_adding(number))) for number in range(1, 9)
            ]
            async with asyncio.timeout(60):
                while not (telemetry.store_failures and telemetry.waiting_steps[-1:] == [8]):  # noqa: ASYNC110
                    await asyncio.sleep(0.1)  # nobody tells us
            with pytest.raises(StoreLost):
                domain.resolvers.items()
            with pytest.raises(StoreLost):
                await store.history(DOMAIN, 9)
            assert len(ledger.state.domains) == 1, "nothing is shown that is not kept"
        assert await asyncio.gather(*waiting) == [True] * 8
        records = await store.records(after=0, limit=99)
        assert [record.event.data["nr"] for record in records] == list(range(9))
        assert first_tampered(records) is None
        assert (await store.load()).domains == ledger.state.domains
    assert telemetry.waiting_steps[-1] == 0


def _numbered(number: int) -> Event:
    return Event(EventType.STATUS, START, DOMAIN, data={"nr": number})


def _adding(number: int) -> Callable[[object], Step]:
    domain = DomainState(DomainName(f"d{number}.example"), BINDING, START)
    return lambda _: Step((domain,), events=(_numbered(number),))


async def test_a_server_that_falls_silent_holds_up_no_loop(
    own_postgresql: Postgresql, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.adapters.stores.postgresql._LOOP_PATIENCE", 0.3)
    async with opened(own_postgresql.fresh(), patience=30.0) as store:
        await store.commit(Step((KNOWN,)))
        (resting,) = (await store.load()).domains.values()
        async with aside(own_postgresql.silent()):
            page = asyncio.ensure_future(asyncio.to_thread(resting.resolvers.items))
            await asyncio.sleep(0.1)  # it waits for the server by now, and others for it
            for _ in range(5):
                began = monotonic()
                with pytest.raises(StoreLost):
                    resting.resolvers.items()
                assert monotonic() - began < 4, "the loop waited as long as a page"
            with pytest.raises(StoreLost):
                await page
        async with asyncio.timeout(30):
            while True:
                try:
                    assert resting.resolvers.items() == KNOWN.resolvers.items()
                except StoreLost:
                    await asyncio.sleep(0.05)
                else:
                    break


async def test_details_that_were_prepared_are_looked_at_without_the_server(
    own_postgresql: Postgresql,
) -> None:
    domains = {
        name: replace(KNOWN, domain=name)
        for name in (DomainName(f"d{number}.example") for number in range(300))
    }
    async with opened(own_postgresql.fresh()) as store:
        await store.commit(Step(tuple(domains.values())))
        known = (await store.load()).domains
        assert all(domain.is_resting for domain in known.values())
        names = sorted(domains)
        await asyncio.gather(*(store.prepare({name}) for name in names[:200]))
        await store.prepare(names)
        async with aside(own_postgresql.silent()):
            assert known == domains
        newer = replace(KNOWN, domain=names[0], resolvers={"r": view(WRONG)})
        await commit_anyhow(store, Step((newer,)))
        assert (await store.load()).domains[names[0]].resolvers == newer.resolvers


async def test_what_was_withdrawn_from_a_silent_server_is_not_kept_when_it_speaks_again(
    own_postgresql: Postgresql,
) -> None:
    async with opened(own_postgresql.fresh(), patience=60.0) as store:
        ledger = Ledger(store, RecordingTelemetry())
        await ledger.open()
        async with aside(own_postgresql.silent()):
            step = Step((KNOWN,), events=(EVENT,))
            assert not await ledger.record(lambda _: step, timedelta(seconds=0.3))
        assert await ledger.record(_adding(1))
        records = await store.records(after=0, limit=9)
        assert [record.event.data for record in records] == [{"nr": 1}]
        assert DOMAIN not in (await store.load()).domains


@pytest.mark.parametrize("is_kept", [True, False])
async def test_a_step_whose_commit_was_not_answered_is_kept_once(
    is_kept: bool, shared_postgresql: Postgresql, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, step = shared_postgresql.fresh(), Step((KNOWN,), events=(EVENT,))
    async with opened(url) as store:
        await store.load()
        session = store._database.writer()
        execute = session.execute

        def losing(statement: str, values: Sequence[Value] = ()) -> object:
            if statement == "COMMIT":
                if is_kept:
                    execute(statement)
                session.close()
                execute("SELECT 1")  # raises
            return execute(statement, values)

        monkeypatch.setattr(session, "execute", losing)
        with pytest.raises(StoreLost):
            await store.commit(step)
        await commit_anyhow(store, step)
        await store.commit(Step(events=(EVENT,)))
        assert [r.seq for r in await store.records(after=0, limit=9)] == [1, 2]
        assert (await store.load()).domains == {DOMAIN: KNOWN}


async def test_a_daemon_that_lost_its_database_to_another_writes_no_more(
    shared_postgresql: Postgresql,
) -> None:
    url = shared_postgresql.fresh()
    async with opened(url) as first:
        await first.load()
        await first.commit(Step(events=(EVENT,)))
        shared_postgresql.tell(
            url,
            "SELECT pg_terminate_backend(pid) FROM pg_locks "
            "WHERE locktype = 'advisory' AND objid = hashtext(current_schema())::oid",
        )
        async with opened(url) as second:
            await second.load()
            await second.commit(Step(events=(EVENT,)))
            with pytest.raises(StoreLost, match="connection"):
                await first.commit(Step(events=(EVENT,)))
            with pytest.raises(StoreLost, match="in use by another daemon"):
                await first.commit(Step(events=(EVENT,)))
        await asyncio.sleep(1.1)
        with pytest.raises(StoreError, match="another daemon wrote to it"):
            await first.commit(Step(events=(EVENT,)))


_CHILD = """
import asyncio, sys
from monitor.adapters.stores.postgresql import PostgresqlStore
from monitor.adapters.stores.session import Access
from monitor.core.state import Step
from tests.adapters.stores.test_postgresql import DomainState, commit_anyhow, storm

async def main():
    store = PostgresqlStore(sys.argv[1], Access.OWN)
    await store.load()
    for number in range(100_000):
        await commit_anyhow(store, storm(number))
        print(number, flush=True)

asyncio.run(main())
"""


def storm(number: int) -> Step:
    names = [DomainName(f"d{number}-{nth}.example") for nth in range(20)]
    return Step(
        tuple(DomainState(name, BINDING, START, resolvers={"r": view(RIGHT)}) for name in names),
        events=tuple(Event(EventType.STATUS, START, name) for name in names),
    )


@pytest.mark.parametrize("dies", ["the daemon", "the server"])
async def test_kill_9_in_a_storm_loses_no_commit_that_returned(
    dies: str, own_postgresql: Postgresql
) -> None:
    url = own_postgresql.fresh()
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _CHILD, url, env=environment(), stdout=PIPE
    )
    assert child.stdout is not None
    printed = list[int]()
    for commits in (3, 7, 12):
        printed += [int(await child.stdout.readline()) for _ in range(commits)]
        if dies == "the server":
            await asyncio.to_thread(own_postgresql.kill)
            await asyncio.to_thread(own_postgresql.start)
    os.kill(child.pid, signal.SIGKILL)
    rest, _ = await child.communicate()
    printed += [int(line) for line in rest.split(b"\n")[:-1]]  # the last may be cut off
    async with opened(url) as store:
        records = await store.records(after=0, limit=1_000_000)
        assert first_tampered(records) is None
        stored = {r.event.domain for r in records}
        assert stored >= {domain.domain for number in printed for domain in storm(number).domains}
        assert len(stored) == len(records), "no step was kept twice"
        assert (await store.load()).domains.keys() == stored
