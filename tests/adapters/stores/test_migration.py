"""A database of the former schema, opened by this release."""

import json
import sqlite3
from importlib import resources
from pathlib import Path

from pydantic import TypeAdapter

from monitor.adapters.stores import rows
from monitor.adapters.stores.sqlite import SqliteStore
from monitor.core.inventory import AccountInventory
from monitor.core.state import DomainState
from monitor.core.tracking.record import TrackedRecord
from tests.contracts.followed import stages
from tests.core.samples import BINDING, DOMAIN, START

RECORD = next(record for record in stages() if record.under_way)
ACCOUNT = AccountInventory("shop", (BINDING,), START)


def former_database(path: Path) -> None:
    """Write what the release before packed details would have."""
    folder = resources.files("monitor.adapters.stores") / "migrations"
    connection = sqlite3.connect(path)
    for name in ("0001_state_and_log.sql", "0002_changes.sql"):
        connection.executescript((folder / name).read_text(encoding="utf-8"))
    _, text, _, _ = rows.domain_row(DomainState(DOMAIN, BINDING, START))
    state = {key: value for key, value in json.loads(text).items() if key != "summary"}
    tracked = TypeAdapter(TrackedRecord).dump_json(RECORD).decode()
    owner, view = RECORD.key.owner.text, RECORD.key.view
    inventory = TypeAdapter(AccountInventory).dump_json(ACCOUNT).decode()
    with connection:
        connection.execute("INSERT INTO account VALUES (?, ?)", ("shop", inventory))
        connection.execute("INSERT INTO domain VALUES (?, ?)", (DOMAIN.text, json.dumps(state)))
        connection.execute(
            "INSERT INTO record VALUES (?, ?, ?, ?)", (DOMAIN.text, owner, view, tracked)
        )
        connection.execute("PRAGMA user_version = 2")
    connection.close()


async def test_a_change_under_way_outlives_the_new_schema(tmp_path: Path) -> None:
    former_database(tmp_path / "x.db")
    store = SqliteStore(tmp_path / "x.db")
    state = await store.load()
    assert state.accounts == {"shop": ACCOUNT}
    assert state.domains == {
        DOMAIN: DomainState(DOMAIN, BINDING, START, records={RECORD.key: RECORD})
    }
    await store.close()
