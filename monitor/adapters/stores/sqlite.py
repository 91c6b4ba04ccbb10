"""SQLite as the embedded store: one writer thread, one transaction for each step."""

import asyncio
import gc
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import IO, TypeVar

from monitor.adapters.stores import event_log, outbox, rows
from monitor.adapters.stores.at_rest import Details
from monitor.adapters.stores.looks import Looks
from monitor.adapters.stores.opening import Access, is_locked, locked, opened, transaction
from monitor.core.bindings import Binding
from monitor.core.events import Record
from monitor.core.inventory import AccountInventory
from monitor.core.names import DomainName
from monitor.core.state import DomainState, State, Step
from monitor.core.tampering import Logged
from monitor.core.told import Handed, Letter
from monitor.core.tracking.changes import Change
from monitor.ports import Kept, StoreError

T = TypeVar("T")

_BEHIND_ALL = 2**63 - 1  # the largest number that SQLite keeps


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
        state = await self._run(lambda connection: _load(connection, self._looks))
        self._written = dict(state.accounts)
        return state

    async def domain(self, name: DomainName) -> DomainState | None:
        return await self._run(lambda connection: _domain(connection, name, self._looks))

    async def commit(self, step: Step) -> Kept:
        kept = await self._run(
            lambda connection: _commit(connection, step, self._written, self._looks)
        )
        self._written |= {account.account: account for account in step.accounts}
        for name in step.closed:
            self._written.pop(name, None)
        return kept

    async def history(
        self, domain: DomainName, limit: int, before: int | None = None
    ) -> tuple[Record, ...]:
        query = "SELECT * FROM event WHERE domain = ? AND seq < ? ORDER BY seq DESC LIMIT ?"
        end = _BEHIND_ALL if before is None else before
        return await self._run(
            lambda connection: event_log.records(connection, query, domain.text, end, limit)
        )

    async def records(self, after: int, limit: int) -> tuple[Record, ...]:
        query = "SELECT * FROM event WHERE seq > ? ORDER BY seq LIMIT ?"
        return await self._run(
            lambda connection: event_log.records(connection, query, after, limit)
        )

    async def rows(self, after: int | None, limit: int) -> tuple[Logged, ...]:
        return await self._run(lambda connection: event_log.logged(connection, after, limit))

    async def first_since(self, at: datetime) -> int | None:
        return await self._run(lambda connection: event_log.first_since(connection, at))

    async def newest(self) -> int:
        return await self._run(event_log.newest)

    async def changes(
        self,
        limit: int,
        *,
        before: str | None = None,
        only_open: bool = False,
        domain: DomainName | None = None,
    ) -> tuple[Change, ...]:
        newest = before or "~"  # behind every ULID
        wanted = None if domain is None else domain.text
        return await self._run(
            lambda connection: _changes(connection, newest, int(only_open), wanted, limit)
        )

    async def change(self, number: str) -> Change | None:
        query = "SELECT story FROM change WHERE id = ?"

        def find(connection: sqlite3.Connection) -> Change | None:
            row = connection.execute(query, (number,)).fetchone()
            return rows.change_of(row[0]) if row else None

        return await self._run(find)

    async def story(self, number: str, limit: int, after: int = 0) -> tuple[Record, ...]:
        query = "SELECT * FROM event WHERE change_id = ? AND seq > ? ORDER BY seq LIMIT ?"
        return await self._run(
            lambda connection: event_log.records(connection, query, number, after, limit)
        )

    async def waiting(self, limit: int, channel: str | None = None) -> tuple[Letter, ...]:
        return await self._run(lambda connection: outbox.waiting(connection, limit, channel))

    async def handed(self, since: datetime, channel: str) -> tuple[Handed, ...]:
        return await self._run(lambda connection: outbox.handed(connection, since, channel))

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


def _load(connection: sqlite3.Connection, details: Details) -> State:
    # One object for all that say the same of it: most bindings are those of their accounts.
    binding_of = cache(rows.binding_of)
    # Many objects and no garbage: to look for some, again and again, would double the time.
    gc.disable()
    try:
        accounts = _accounts(connection, binding_of)
        found = map(rows.DomainRow._make, connection.execute(_ALL_DOMAINS))
        domains = (rows.domain_of(row, details, binding_of) for row in found)
        known = {domain.domain: domain for domain in domains}
        return State(accounts, known, outbox.told(connection))
    finally:
        gc.freeze()  # nor later: it goes as it came, by reference counts
        gc.enable()


# The details of a domain at rest stay where they are.
_ALL_DOMAINS = """
SELECT
    name, binding, since, outline, gists, is_calm,
    iif(is_calm, NULL, resolvers), iif(is_calm, NULL, authorities), iif(is_calm, NULL, records)
FROM domain
"""


def _accounts(
    connection: sqlite3.Connection, binding_of: Callable[[str], Binding]
) -> dict[str, AccountInventory]:
    query = "SELECT binding FROM binding WHERE account = ? ORDER BY domain, nth"
    return {
        row[0]: rows.account_of(
            row, tuple([binding_of(text) for (text,) in connection.execute(query, row[:1])])
        )
        for row in connection.execute("SELECT name, failures, read_at, buckets FROM account")
    }


def _domain(
    connection: sqlite3.Connection, name: DomainName, details: Details
) -> DomainState | None:
    row = connection.execute("SELECT * FROM domain WHERE name = ?", (name.text,)).fetchone()
    return None if row is None else rows.domain_of(rows.DomainRow._make(row), details)


def _commit(
    connection: sqlite3.Connection,
    step: Step,
    written: Mapping[str, AccountInventory],
    looks: Looks,
) -> Kept:
    domains = [rows.domain_row(domain, looks) for domain in step.domains]
    with transaction(connection):
        _keep_state(connection, step, domains)
        _keep_accounts(connection, step, written)
        outbox.keep(connection, step)
        records = event_log.append(connection, step)
        if step.pruned is not None:
            event_log.prune(connection, step.pruned)
    looks.forget(domain.domain.text for domain in step.domains)
    looks.forget(domain.text for domain in step.forgotten)
    kept = zip(step.domains, domains, strict=True)
    return Kept(records, tuple(rows.resting(domain, row, looks) for domain, row in kept))


def _keep_state(
    connection: sqlite3.Connection, step: Step, domains: Sequence[rows.DomainRow]
) -> None:
    connection.executemany(
        "DELETE FROM domain WHERE name = ?", [(d.text,) for d in step.forgotten]
    )
    closed = [(name,) for name in step.closed]
    connection.executemany("DELETE FROM account WHERE name = ?", closed)
    connection.executemany("DELETE FROM binding WHERE account = ?", closed)
    connection.executemany(_KEEP_DOMAIN, domains)
    connection.executemany(
        "INSERT INTO change VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE "
        "SET is_open = excluded.is_open, story = excluded.story",
        map(rows.change_row, step.changes),
    )


# A part of its details that did not change is not given, and stays.
_KEEP_DOMAIN = """
INSERT INTO domain
VALUES (?1, ?2, ?3, ?4, ?5, ?6, coalesce(?7, x''), coalesce(?8, x''), coalesce(?9, x''))
ON CONFLICT (name) DO UPDATE SET
    binding = ?2, since = ?3, outline = ?4, gists = ?5, is_calm = ?6,
    resolvers = coalesce(?7, resolvers),
    authorities = coalesce(?8, authorities),
    records = coalesce(?9, records)
"""


def _keep_accounts(
    connection: sqlite3.Connection, step: Step, written: Mapping[str, AccountInventory]
) -> None:
    for account in step.accounts:
        connection.execute(
            "INSERT INTO account VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET "
            "failures = excluded.failures, read_at = excluded.read_at, buckets = excluded.buckets",
            rows.account_row(account),
        )
        known = written.get(account.account)
        if known is None:
            connection.execute("DELETE FROM binding WHERE account = ?", (account.account,))
        _keep_bindings(connection, account, known.bindings if known is not None else ())


def _keep_bindings(
    connection: sqlite3.Connection, account: AccountInventory, known: tuple[Binding, ...]
) -> None:
    """Write the bindings of those domains where another object stands for one than was written."""
    if account.bindings is known:
        return
    before, after = set(map(id, known)), set(map(id, account.bindings))
    touched = {b.domain for b in known if id(b) not in after}
    touched |= {b.domain for b in account.bindings if id(b) not in before}
    connection.executemany(
        "DELETE FROM binding WHERE account = ? AND domain = ?",
        [(account.account, domain.text) for domain in touched],
    )
    connection.executemany(
        "INSERT INTO binding VALUES (?, ?, ?, ?)",
        rows.binding_rows(account.account, (b for b in account.bindings if b.domain in touched)),
    )


def _changes(connection: sqlite3.Connection, *parameters: str | int | None) -> tuple[Change, ...]:
    found = connection.execute(_NEWEST_CHANGES, parameters)
    return tuple(rows.change_of(story) for (story,) in found)


_NEWEST_CHANGES = """
SELECT story FROM change
WHERE id < ?1 AND is_open >= ?2 AND domain = coalesce(?3, domain) ORDER BY id DESC LIMIT ?4
"""


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
