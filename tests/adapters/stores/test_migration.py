"""Databases of former schemas, opened by this release."""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given
from pydantic import ConfigDict, TypeAdapter

from monitor.adapters.stores.details import zipped
from monitor.adapters.stores.former import spells_apart
from monitor.adapters.stores.session import Access
from monitor.adapters.stores.sqlite import SqliteStore
from monitor.adapters.stores.views import spells_in, views_of
from monitor.core.answers import Answer, NoAnswerReason
from monitor.core.bindings import Binding
from monitor.core.gist import Gist
from monitor.core.inventory import AccountInventory
from monitor.core.names import DomainName
from monitor.core.state import DomainState, State, Step
from monitor.core.tracking.record import TrackedRecord, is_calm
from monitor.core.views import View, spells_of, standings_of
from monitor.ports import Store, StoreError
from tests.contracts.followed import stages
from tests.contracts.store_contract import ACCOUNT as FAILING
from tests.contracts.store_contract import CHANGES, FULL
from tests.contracts.values import views
from tests.core.samples import BINDING, DOMAIN, RIGHT, START, WRONG, sighting
from tests.core.tampered import first_tampered

RECORD = next(record for record in stages() if record.under_way)
ACCOUNT = AccountInventory("shop", (BINDING,), START)
OTHER = DomainName("other.example")


def schema_2(path: Path) -> None:
    """Write what the release before packed details would have."""
    folder = resources.files("monitor.adapters.stores") / "migrations" / "sqlite"
    state = {
        "binding": json.loads(TypeAdapter(Binding).dump_json(BINDING)),
        "since": START.isoformat(),
        "rivals": [],
        "status": {"value": "unknown", "contradicted": 0, "by": ""},
        "split": {"value": False, "contradicted": 0, "by": ""},
        "faults": [],
    }
    tracked = TypeAdapter(TrackedRecord).dump_json(RECORD).decode()
    inventory = TypeAdapter(AccountInventory).dump_json(ACCOUNT).decode()
    owner, seen_by = RECORD.key.owner.text, RECORD.key.view
    with closing(sqlite3.connect(path)) as connection, connection:
        for name in ("0001_state_and_log.sql", "0002_changes.sql"):
            connection.executescript((folder / name).read_text(encoding="utf-8"))
        connection.execute("INSERT INTO account VALUES (?, ?)", ("shop", inventory))
        connection.execute("INSERT INTO domain VALUES (?, ?)", (DOMAIN.text, json.dumps(state)))
        connection.execute(
            "INSERT INTO record VALUES (?, ?, ?, ?)", (DOMAIN.text, owner, seen_by, tracked)
        )
        connection.execute("PRAGMA user_version = 2")


def schema_3(path: Path) -> None:
    """Restore what the release wrote whose details were all in one."""
    script = Path(__file__).with_name("schema_3.sql").read_text(encoding="utf-8")
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(script)


async def test_a_change_under_way_outlives_the_new_schema(tmp_path: Path) -> None:
    schema_2(tmp_path / "x.db")
    store = SqliteStore(tmp_path / "x.db")
    state = await store.load()
    assert state.accounts == {"shop": ACCOUNT}
    assert state.domains == {
        DOMAIN: DomainState(DOMAIN, BINDING, START, records={RECORD.key: RECORD})
    }
    await store.close()


@pytest.mark.parametrize("times", [1, 2])
async def test_what_was_kept_in_one_is_the_same_in_parts(times: int, tmp_path: Path) -> None:
    schema_3(tmp_path / "x.db")
    for _ in range(times):
        store = SqliteStore(tmp_path / "x.db")
        _assert_whole(await store.load())
        await _assert_log_and_changes_are_kept(store)
        await store.close()


async def test_a_reader_leaves_a_former_schema_to_the_daemon(tmp_path: Path) -> None:
    schema_3(tmp_path / "x.db")
    reader = SqliteStore(tmp_path / "x.db", Access.READ)
    with pytest.raises(StoreError, match=r"version 3, .* Start the daemon"):
        await reader.load()
    await reader.close()
    with closing(sqlite3.connect(tmp_path / "x.db")) as connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (3,)


@given(views(DOMAIN))
def test_views_that_were_packed_as_one_have_their_spells_apart(known: dict[str, View]) -> None:
    apart = spells_apart(_as_one(known))
    assert views_of(apart) == known
    assert spells_in(apart) == spells_of(known)


async def test_views_that_cannot_be_read_keep_no_database_from_being_taken_over(
    tmp_path: Path,
) -> None:
    path = tmp_path / "x.db"
    resting = DomainState(DOMAIN, BINDING, START, resolvers={"a": _seen("a", RIGHT)})
    store = SqliteStore(path)
    await store.commit(Step((resting, replace(resting, domain=OTHER))))
    await store.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        packed = ((b"damaged", DOMAIN.text), (_as_one(resting.resolvers), OTHER.text))
        connection.executemany("UPDATE domain SET resolvers = ? WHERE name = ?", packed)
        connection.execute("PRAGMA user_version = 6")
    store = SqliteStore(path)
    state = await store.load()
    assert state.domains[OTHER].resolvers == resting.resolvers
    assert dict(state.domains[DOMAIN].resolvers.items()) == {}
    await store.close()


def _as_one(known: Mapping[str, View]) -> bytes:
    """Return views as a release packed them that had their spells among all else."""
    as_json = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")
    every = TypeAdapter(tuple[View, ...], config=as_json)
    return zipped(every.dump_json(tuple(known.values()))) if known else b""


_YOUNGER = {NoAnswerReason.NO_VANTAGE.value}  # what no former release could have kept


def _assert_whole(state: State) -> None:
    of_two = replace(BINDING, account="two")
    bindings = (of_two, replace(of_two, labels=(("a", "b"),)), replace(of_two, domain=OTHER))
    assert state.accounts == {
        "never": AccountInventory("never"),
        "shop": FAILING,
        "two": replace(FAILING, account="two", bindings=bindings),
    }
    never = DomainName("never.example")
    assert state.domains.keys() == {DOMAIN, OTHER, never}
    assert state.domains[never] == DomainState(never, None, START)
    full, resting = state.domains[DOMAIN], state.domains[OTHER]
    known_then = {name: view for name, view in FULL.resolvers.items() if name not in _YOUNGER}
    assert replace(full, records={}) == replace(FULL, resolvers=known_then, records={})
    assert full.records.keys() == FULL.records.keys()
    assert {c.id for r in full.records.values() if (c := r.under_way)} == {
        c.id for r in FULL.records.values() if (c := r.under_way)
    }
    assert resting.binding == replace(BINDING, domain=OTHER)
    assert is_calm(resting.records)
    assert [record.domain for record in resting.records.values()] == [DOMAIN]
    assert resting.resolvers == {
        "a": _seen("a", RIGHT, b"12345678"),
        "b": _seen("b", WRONG, b"abcdefgh"),
        "c": _seen("c", RIGHT, b"12345678"),
    }
    assert resting.authorities == {"ns": _seen("ns", RIGHT)}
    for part in (resting.resolvers, resting.authorities):
        assert dict(standings_of(part)) == dict(standings_of(dict(part.items())))


async def _assert_log_and_changes_are_kept(store: Store) -> None:
    (record,) = await store.records(after=0, limit=10)
    assert first_tampered([record]) is None
    kept = await store.changes(limit=100)
    assert {change.id for change in kept} == {change.id for change in CHANGES}


def _seen(server: str, answer: Answer, gist: Gist | None = None) -> View:
    return View(replace(sighting(server, answer), gist=gist), START)
