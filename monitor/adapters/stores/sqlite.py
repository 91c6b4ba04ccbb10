"""SQLite as the embedded store: one writer thread, one transaction for each step."""

import asyncio
import gc
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, TypeVar

from monitor.adapters.stores import rows
from monitor.adapters.stores.details import Look
from monitor.adapters.stores.looks import Looks
from monitor.adapters.stores.opening import Access, is_locked, locked, opened, transaction
from monitor.core.events import GENESIS, Record, seal
from monitor.core.inventory import AccountInventory
from monitor.core.names import DomainName
from monitor.core.state import DomainState, State, Step
from monitor.core.tracking.changes import Change
from monitor.ports import Kept, StoreError

T = TypeVar("T")


class SqliteStore:
    """Keeps everything in one file; a step is on disk before `commit` returns."""

    def __init__(self, path: Path, access: Access = Access.WRITE) -> None:
        """Open nothing yet."""
        self._path = path
        self._access = access
        self._lock: IO[str] | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._connection: sqlite3.Connection | None = None
        self._looks = Looks(path)
        self._written: dict[str, AccountInventory] = {}

    @property
    def exists(self) -> bool:
        return self._path.exists()

    @property
    def is_owned(self) -> bool:
        """Tell whether a daemon works on it now."""
        return is_locked(self._path)

    async def load(self) -> State:
        state = await self._run(lambda connection: _load(connection, self._looks.at))
        self._written = dict(state.accounts)
        return state

    async def domain(self, name: DomainName) -> DomainState | None:
        return await self._run(lambda connection: _domain(connection, name))

    async def commit(self, step: Step) -> Kept:
        kept = await self._run(
            lambda connection: _commit(connection, step, self._written, self._looks)
        )
        self._written |= {account.account: account for account in step.accounts}
        for name in step.closed:
            self._written.pop(name, None)
        return kept

    async def history(self, domain: DomainName, limit: int) -> tuple[Record, ...]:
        query = "SELECT * FROM event WHERE domain = ? ORDER BY seq DESC LIMIT ?"
        return await self._run(lambda connection: _records(connection, query, domain.text, limit))

    async def records(self, after: int, limit: int) -> tuple[Record, ...]:
        query = "SELECT * FROM event WHERE seq > ? ORDER BY seq LIMIT ?"
        return await self._run(lambda connection: _records(connection, query, after, limit))

    async def changes(
        self, limit: int, *, before: str | None = None, only_open: bool = False
    ) -> tuple[Change, ...]:
        return await self._run(
            lambda connection: _changes(connection, limit, before, int(only_open))
        )

    async def change(self, number: str) -> Change | None:
        query = "SELECT story FROM change WHERE id = ?"

        def find(connection: sqlite3.Connection) -> Change | None:
            row = connection.execute(query, (number,)).fetchone()
            return rows.change_of(row[0]) if row else None

        return await self._run(find)

    async def story(self, number: str, limit: int) -> tuple[Record, ...]:
        query = "SELECT * FROM event WHERE change_id = ? ORDER BY seq LIMIT ?"
        return await self._run(lambda connection: _records(connection, query, number, limit))

    async def close(self) -> None:
        self._looks.close()  # first: the last connection to close writes the log back
        if self._connection is not None:
            await self._run(sqlite3.Connection.close)
        if self._lock is not None:
            self._lock.close()
        self._thread.shutdown()

    async def _run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._guarded, work)

    def _guarded(self, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            if self._connection is None:
                if self._access is Access.OWN and self._lock is None:
                    self._lock = locked(self._path)
                self._connection = opened(self._path, self._access)
            return work(self._connection)
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"{self._path}: {error}. {_remedy(error)}") from error
        except ValueError as error:
            raise StoreError(
                f"{self._path} holds a row that makes no sense ({type(error).__name__}): it was "
                "written by another release or changed by hand. Restore a backup, or put it aside"
            ) from error


def _load(connection: sqlite3.Connection, look: Look) -> State:
    accounts = {
        name: rows.account_of(inventory, read_at)
        for name, inventory, read_at in connection.execute("SELECT * FROM account")
    }
    bound = {b.domain.text: b for account in accounts.values() for b in account.bindings}
    # Many objects and no garbage: to look for some, again and again, would double the time.
    gc.disable()
    try:
        found = connection.execute(
            "SELECT name, state, is_calm, iif(is_calm, x'', details) FROM domain"
        )
        domains = {
            domain.domain: domain
            for domain in (rows.domain_of(row, look, bound.get(row[0])) for row in found)
        }
    finally:
        gc.enable()
    return State(accounts, domains)


def _domain(connection: sqlite3.Connection, name: DomainName) -> DomainState | None:
    query = "SELECT name, state, 0, details FROM domain WHERE name = ?"
    row = connection.execute(query, (name.text,)).fetchone()
    return None if row is None else rows.domain_of(row)


def _commit(
    connection: sqlite3.Connection,
    step: Step,
    written: Mapping[str, AccountInventory],
    looks: Looks,
) -> Kept:
    domains = [rows.domain_row(domain) for domain in step.domains]
    with transaction(connection):
        _keep_state(connection, step, domains)
        _keep_accounts(connection, step, written)
        records = _append(connection, step)
    looks.forget(domain.domain.text for domain in step.domains)
    looks.forget(domain.text for domain in step.forgotten)
    return Kept(records, tuple(rows.resting(domain, looks.at) for domain in step.domains))


def _keep_state(
    connection: sqlite3.Connection, step: Step, domains: Sequence[rows.DomainRow]
) -> None:
    connection.executemany(
        "DELETE FROM domain WHERE name = ?", [(d.text,) for d in step.forgotten]
    )
    connection.executemany("DELETE FROM account WHERE name = ?", [(a,) for a in step.closed])
    connection.executemany(
        "INSERT INTO domain VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE "
        "SET state = excluded.state, is_calm = excluded.is_calm, details = excluded.details",
        domains,
    )
    connection.executemany(
        "INSERT INTO change VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE "
        "SET is_open = excluded.is_open, story = excluded.story",
        map(rows.change_row, step.changes),
    )


def _keep_accounts(
    connection: sqlite3.Connection, step: Step, written: Mapping[str, AccountInventory]
) -> None:
    for account in step.accounts:
        known = written.get(account.account)
        if known is not None and _is_but_later(known, account):
            read = (rows.moment(account), account.account)
            connection.execute("UPDATE account SET read_at = ? WHERE name = ?", read)
        else:
            connection.execute(
                "INSERT INTO account VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE "
                "SET inventory = excluded.inventory, read_at = excluded.read_at",
                rows.account_row(account),
            )


def _is_but_later(known: AccountInventory, account: AccountInventory) -> bool:
    return known.bindings is account.bindings and (known.failures, known.buckets) == (
        account.failures,
        account.buckets,
    )


def _append(connection: sqlite3.Connection, step: Step) -> tuple[Record, ...]:
    newest = connection.execute("SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1").fetchone()
    seq, prev_hash = newest or (0, GENESIS)
    records = []
    for event in step.events:
        record = seal(event, seq + 1, prev_hash)
        seq, prev_hash = record.seq, record.hash
        records.append(record)
    connection.executemany(
        "INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        map(rows.event_row, records),
    )
    return tuple(records)


def _records(
    connection: sqlite3.Connection, query: str, *parameters: str | int
) -> tuple[Record, ...]:
    return tuple(rows.record_of(row) for row in connection.execute(query, parameters))


def _changes(
    connection: sqlite3.Connection, limit: int, before: str | None, least_open: int
) -> tuple[Change, ...]:
    query = "SELECT story FROM change WHERE id < ? AND is_open >= ? ORDER BY id DESC LIMIT ?"
    newest = before or "~"  # behind every ULID
    found = connection.execute(query, (newest, least_open, limit))
    return tuple(rows.change_of(story) for (story,) in found)


_REMEDIES = {
    ("unable to open", "No such file", "Permission denied"): (
        "Does the folder exist, and may this user write there?"
    ),
    ("readonly", "Read-only"): "Let this user write to the file and its folder.",
    ("locked",): "Another program writes to it; one daemon needs one database of its own.",
    ("is full", "No space"): "Free some space; the step will be tried again.",
    ("malformed", "not a database"): (
        "Put the file aside and restore a backup, or start with an empty one."
    ),
}


def _remedy(error: Exception) -> str:
    said = str(error)
    for signs, remedy in _REMEDIES.items():
        if any(sign in said for sign in signs):
            return remedy
    return "See that the disk is sound, and that nothing else changes the file."
