"""A store in a database that speaks SQL: one writer thread, one transaction for each step."""

import asyncio
import gc
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from functools import cache
from typing import TypeVar

import structlog

from monitor.adapters.stores import event_log, outbox, rows
from monitor.adapters.stores.at_rest import Details
from monitor.adapters.stores.details import NOTHING
from monitor.adapters.stores.looks import Looks
from monitor.adapters.stores.rows import DomainRow
from monitor.adapters.stores.session import Database, Session, Value
from monitor.core.bindings import Binding
from monitor.core.events import Record
from monitor.core.inventory import AccountInventory
from monitor.core.names import DomainName
from monitor.core.state import DomainState, State, Step
from monitor.core.tampering import Logged
from monitor.core.told import Handed, Letter
from monitor.core.tracking.changes import Change
from monitor.ports import Kept, StoreError, Withdrawn

log = structlog.get_logger()

T = TypeVar("T")

_LONGEST_CLOSE = 3.0  # seconds
_BEHIND_ALL = 2**63 - 1  # the largest number that a database keeps


class SqlStore:
    """Keeps everything in one database; a step is on disk before `commit` returns."""

    def __init__(self, database: Database) -> None:
        """Open nothing yet."""
        self._database = database
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._looks = Looks(database, self._reach_soon)
        self._reaching: Future[None] | None = None
        self._written: dict[str, AccountInventory] = {}
        self._writer: Session | None = None
        self._withdrawn: Step | None = None
        self._wanted = set[str]()  # to be prepared
        self._preparing = asyncio.Lock()

    @property
    def exists(self) -> bool:
        """Tell whether a store was ever there. Raises StoreError."""
        return self._database.exists

    @property
    def is_owned(self) -> bool:
        """Tell whether a daemon works on it now. Raises StoreError."""
        return self._database.is_owned

    async def load(self) -> State:
        state = await self._read(lambda session: _load(session, self._looks))
        self._written = dict(state.accounts)
        return state

    async def domain(self, name: DomainName) -> DomainState | None:
        return await self._read(lambda session: _domain(session, name, self._looks))

    async def commit(self, step: Step) -> Kept:
        kept = await self._run(lambda session: self._kept(session, step))
        self._written |= {account.account: account for account in step.accounts}
        for name in step.closed:
            self._written.pop(name, None)
        return kept

    async def prepare(self, names: Collection[DomainName]) -> None:
        if self._database.look_patience is None:
            return  # a look costs less than a way through the thread
        self._wanted |= self._looks.lacking({name.text for name in names})
        if not self._wanted:
            return
        async with self._preparing:  # what comes meanwhile is asked for together
            wanted, self._wanted = self._wanted, set()
            if wanted:
                await self._read(lambda session: self._looks.prepare(session, wanted))

    def withdraw(self, step: Step) -> None:
        self._withdrawn = step

    async def history(
        self, domain: DomainName, limit: int, before: int | None = None
    ) -> tuple[Record, ...]:
        query = "SELECT * FROM event WHERE domain = ? AND seq < ? ORDER BY seq DESC LIMIT ?"
        end = _BEHIND_ALL if before is None else before
        return await self._read(
            lambda session: event_log.records(session, query, domain.text, end, limit)
        )

    async def records(self, after: int, limit: int) -> tuple[Record, ...]:
        return await self._read(lambda session: event_log.following(session, after, limit))

    async def rows(self, after: int | None, limit: int) -> tuple[Logged, ...]:
        return await self._read(lambda session: event_log.logged(session, after, limit))

    async def first_since(self, at: datetime) -> int | None:
        return await self._read(lambda session: event_log.first_since(session, at))

    async def newest(self) -> int:
        return await self._read(event_log.newest)

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
        return await self._read(
            lambda session: _changes(session, newest, int(only_open), wanted, limit)
        )

    async def change(self, number: str) -> Change | None:
        query = "SELECT story FROM change WHERE id = ?"

        def find(session: Session) -> Change | None:
            row = session.execute(query, (number,)).fetchone()
            return rows.change_of(row[0]) if row else None

        return await self._read(find)

    async def story(self, number: str, limit: int, after: int = 0) -> tuple[Record, ...]:
        query = "SELECT * FROM event WHERE change_id = ? AND seq > ? ORDER BY seq LIMIT ?"
        return await self._read(
            lambda session: event_log.records(session, query, number, after, limit)
        )

    async def waiting(self, limit: int, channel: str | None = None) -> tuple[Letter, ...]:
        return await self._read(lambda session: outbox.waiting(session, limit, channel))

    async def handed(self, since: datetime, channel: str) -> tuple[Handed, ...]:
        return await self._read(lambda session: outbox.handed(session, since, channel))

    async def reach(self) -> None:
        await self._read(lambda session: session.execute("SELECT 1"))

    async def close(self) -> None:
        """Let go of the database, unless its thread is at something that does not end.

        What that is, is dropped with the process then, as by a power cut: a server that is silent,
        a migration, a disk that stands still. What was reported is kept.
        """
        closing = asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown(wait=False)  # it does what it was given before
        done, _ = await asyncio.wait({closing}, timeout=_LONGEST_CLOSE)
        if done:
            closing.result()
            self._thread.shutdown()
        else:
            closing.cancel()
            log.warning("store.left_open", store=self._database.place)

    def _close(self) -> None:
        self._looks.close()  # first: SQLite's last connection to close writes the log back
        self._database.close()

    async def _read(self, work: Callable[[Session], T]) -> T:
        return await self._run(lambda session: _sensible(work, session))

    async def _run(self, work: Callable[[Session], T]) -> T:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._guarded, work)

    def _reach_soon(self) -> None:
        """Have the writer's thread reach the database; of many who want that, one is enough."""
        if self._reaching is None or self._reaching.done():
            with suppress(RuntimeError):  # it is closed
                self._reaching = self._thread.submit(self._reach_quietly)

    def _reach_quietly(self) -> None:
        with suppress(StoreError):  # whoever needs it is told
            self._guarded(lambda session: session.execute("SELECT 1"))

    def _guarded(self, work: Callable[[Session], T]) -> T:
        try:
            writer = self._database.writer()
            if writer is not self._writer:
                self._looks.close()  # what it has open is what the former writer wrote
                self._writer = writer
            return work(writer)
        except self._database.errors as error:
            raise self._database.failure(error) from error
        except ValueError as error:
            raise StoreError(
                f"{self._database.place} holds a row that makes no sense "
                f"({type(error).__name__}): it was written by another release or changed by "
                "hand. Restore a backup, or put it aside"
            ) from error

    def _kept(self, session: Session, step: Step) -> Kept:
        domains = [rows.domain_row(domain, self._looks) for domain in step.domains]
        records = self._written_down(session, step, domains)
        return self._settled(step, domains, records)

    def _written_down(
        self, session: Session, step: Step, domains: Sequence[DomainRow]
    ) -> tuple[Record, ...]:
        with self._database.transaction(session):
            return self._write(session, step, domains)

    def _write(
        self, session: Session, step: Step, domains: Sequence[DomainRow]
    ) -> tuple[Record, ...]:
        _keep_state(session, step, domains)
        _keep_accounts(session, step, self._written)
        outbox.keep(session, step)
        records = event_log.append(session, step)
        if step.pruned is not None:
            with self._database.unguarded(session):
                event_log.prune(session, step.pruned)
        if step is self._withdrawn:
            raise Withdrawn
        return records

    def _settled(
        self, step: Step, domains: Sequence[DomainRow], records: tuple[Record, ...]
    ) -> Kept:
        """Return what became of a step that is in the database."""
        looks = self._looks
        looks.forget(domain.domain.text for domain in step.domains)
        looks.forget(domain.text for domain in step.forgotten)
        kept = zip(step.domains, domains, strict=True)
        return Kept(records, tuple(rows.resting(domain, row, looks) for domain, row in kept))


def _sensible(work: Callable[[Session], T], session: Session) -> T:
    """Return what is read. Raises ValueError where it makes no sense."""
    try:
        return work(session)
    except (TypeError, AttributeError) as error:
        # A damaged file has values of other types in its columns than the schema says.
        raise ValueError(str(error)) from error


def _load(session: Session, details: Details) -> State:
    # One object for all that say the same of it: most bindings are those of their accounts.
    binding_of = cache(rows.binding_of)
    # Many objects and no garbage: to look for some, again and again, would double the time.
    gc.disable()
    try:
        accounts = _accounts(session, binding_of)
        found = map(rows.DomainRow._make, session.execute(_ALL_DOMAINS))
        domains = (rows.domain_of(row, details, binding_of) for row in found)
        known = {domain.domain: domain for domain in domains}
        return State(accounts, known, outbox.told(session))
    finally:
        gc.freeze()  # nor later: it goes as it came, by reference counts
        gc.enable()


# The details of a domain at rest stay where they are.
_ALL_DOMAINS = """
SELECT
    name, binding, since, outline, gists, is_calm,
    CASE is_calm WHEN 0 THEN resolvers END,
    CASE is_calm WHEN 0 THEN authorities END,
    CASE is_calm WHEN 0 THEN records END
FROM domain
"""


def _accounts(
    session: Session, binding_of: Callable[[str], Binding]
) -> dict[str, AccountInventory]:
    query = "SELECT binding FROM binding WHERE account = ? ORDER BY domain, nth"
    return {
        row[0]: rows.account_of(
            row, tuple([binding_of(text) for (text,) in session.execute(query, row[:1])])
        )
        for row in session.execute("SELECT name, failures, read_at, buckets FROM account")
    }


def _domain(session: Session, name: DomainName, details: Details) -> DomainState | None:
    row = session.execute("SELECT * FROM domain WHERE name = ?", (name.text,)).fetchone()
    return None if row is None else rows.domain_of(rows.DomainRow._make(row), details)


def _keep_state(session: Session, step: Step, domains: Sequence[DomainRow]) -> None:
    session.executemany("DELETE FROM domain WHERE name = ?", [(d.text,) for d in step.forgotten])
    closed = [(name,) for name in step.closed]
    session.executemany("DELETE FROM account WHERE name = ?", closed)
    session.executemany("DELETE FROM binding WHERE account = ?", closed)
    session.executemany(_KEEP_DOMAIN, map(_with_what_is_given, domains))
    session.executemany(
        "INSERT INTO change VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE "
        "SET is_open = excluded.is_open, story = excluded.story",
        map(rows.change_row, step.changes),
    )


# A part of its details that did not change is not given, and stays.
_KEEP_DOMAIN = """
INSERT INTO domain VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (name) DO UPDATE SET
    binding = excluded.binding,
    since = excluded.since,
    outline = excluded.outline,
    gists = excluded.gists,
    is_calm = excluded.is_calm,
    resolvers = CASE WHEN ? THEN excluded.resolvers ELSE domain.resolvers END,
    authorities = CASE WHEN ? THEN excluded.authorities ELSE domain.authorities END,
    records = CASE WHEN ? THEN excluded.records ELSE domain.records END
"""


def _with_what_is_given(row: rows.DomainRow) -> tuple[Value, ...]:
    *others, resolvers, authorities, records = row
    parts = (resolvers, authorities, records)
    return (*others, *(part or NOTHING for part in parts), *(part is not None for part in parts))


def _keep_accounts(session: Session, step: Step, written: Mapping[str, AccountInventory]) -> None:
    for account in step.accounts:
        session.execute(
            "INSERT INTO account VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET "
            "failures = excluded.failures, read_at = excluded.read_at, buckets = excluded.buckets",
            rows.account_row(account),
        )
        known = written.get(account.account)
        if known is None:
            session.execute("DELETE FROM binding WHERE account = ?", (account.account,))
        _keep_bindings(session, account, known.bindings if known is not None else ())


def _keep_bindings(
    session: Session, account: AccountInventory, known: tuple[Binding, ...]
) -> None:
    """Write the bindings of those domains where another object stands for one than was written."""
    if account.bindings is known:
        return
    before, after = set(map(id, known)), set(map(id, account.bindings))
    touched = {b.domain for b in known if id(b) not in after}
    touched |= {b.domain for b in account.bindings if id(b) not in before}
    session.executemany(
        "DELETE FROM binding WHERE account = ? AND domain = ?",
        [(account.account, domain.text) for domain in touched],
    )
    session.executemany(
        "INSERT INTO binding VALUES (?, ?, ?, ?)",
        rows.binding_rows(account.account, (b for b in account.bindings if b.domain in touched)),
    )


def _changes(session: Session, *parameters: str | int | None) -> tuple[Change, ...]:
    found = session.execute(_NEWEST_CHANGES, parameters)
    return tuple(rows.change_of(story) for (story,) in found)


_NEWEST_CHANGES = """
SELECT story FROM change
WHERE id < ? AND is_open >= ? AND domain = coalesce(?, domain) ORDER BY id DESC LIMIT ?
"""
