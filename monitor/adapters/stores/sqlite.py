"""SQLite as the embedded store: one writer thread, one transaction for each step."""

import asyncio
import fcntl
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from enum import Enum
from importlib import resources
from pathlib import Path
from typing import IO, TypeVar

from monitor.adapters.stores import rows
from monitor.adapters.stores.details import zipped
from monitor.core.events import GENESIS, Record, seal
from monitor.core.names import DomainName
from monitor.core.state import DomainState, State, Step
from monitor.core.tracking.changes import Change
from monitor.ports import Kept, StoreError

T = TypeVar("T")


class Access(Enum):
    """What is done to a database: a daemon owns it, a command reads it, a test may write too."""

    OWN = "own"  # a second daemon on the same file is refused
    WRITE = "write"
    READ = "read"  # changes nothing, not even an older schema


class SqliteStore:
    """Keeps everything in one file; a step is on disk before `commit` returns."""

    def __init__(self, path: Path, access: Access = Access.WRITE) -> None:
        """Open nothing yet."""
        self._path = path
        self._access = access
        self._lock: IO[str] | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._connection: sqlite3.Connection | None = None

    @property
    def exists(self) -> bool:
        return self._path.exists()

    @property
    def is_owned(self) -> bool:
        """Tell whether a daemon works on it now."""
        return _is_locked(self._path)

    async def load(self) -> State:
        return await self._run(_load)

    async def domain(self, name: DomainName) -> DomainState | None:
        domains = await self._run(lambda connection: _domains(connection, name))
        return domains.get(name)

    async def commit(self, step: Step) -> Kept:
        return await self._run(lambda connection: _commit(connection, step))

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
                    self._lock = _locked(self._path)
                self._connection = _opened(self._path, self._access)
            return work(self._connection)
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"{self._path}: {error}. {_remedy(error)}") from error
        except ValueError as error:
            raise StoreError(
                f"{self._path} holds a row that makes no sense ({type(error).__name__}): it was "
                "written by another release or changed by hand. Restore a backup, or put it aside"
            ) from error


def _lock_file(path: Path) -> Path:
    # A lock of its own, since SQLite's would also keep out the commands that only read.
    return path.with_name(path.name + ".lock")


def _is_locked(path: Path) -> bool:
    try:
        with _lock_file(path).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def _locked(path: Path) -> IO[str]:
    lock = _lock_file(path).open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise StoreError(
            f"{path} is in use by another daemon: stop that one, or give each its own database"
        ) from error
    return lock


def _opened(path: Path, access: Access) -> sqlite3.Connection:
    mode = "ro" if access is Access.READ else "rwc"
    place = f"{path.absolute().as_uri()}?mode={mode}"
    connection = sqlite3.connect(place, uri=True, isolation_level=None, timeout=10)
    try:
        if access is Access.READ:
            _refuse_newer(connection)
        else:
            _prepare(connection)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    # FULL: a record of the audit log also outlives a loss of power, for one fsync a step.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.create_function("zipped", 1, zipped, deterministic=True)
    _migrate(connection)


def _refuse_newer(connection: sqlite3.Connection) -> int:
    """Return the schema version of the database. Raises StoreError if we do not know it."""
    (version,), known = connection.execute("PRAGMA user_version").fetchone(), len(_migrations())
    if version > known:
        raise StoreError(
            f"the database has schema version {version}, this program knows {known}: it was "
            "written by a newer release. Run that one, or use another database"
        )
    return int(version)


def _migrate(connection: sqlite3.Connection) -> None:
    scripts = _migrations()
    with _transaction(connection):
        version = _refuse_newer(connection)
        for number, script in enumerate(scripts[version:], start=version + 1):
            for statement in _statements(script):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")


def _migrations() -> list[str]:
    folder = resources.files("monitor.adapters.stores") / "migrations"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    return [file.read_text(encoding="utf-8") for file in files]


def _statements(script: str) -> Iterator[str]:
    # `executescript` would commit the transaction that keeps a migration whole.
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    # IMMEDIATE takes the write lock first: a reader that turns writer could not wait for it.
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if connection.in_transaction:  # a full disk has rolled back by itself
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _load(connection: sqlite3.Connection) -> State:
    accounts = {
        name: rows.account_of(inventory)
        for name, inventory in connection.execute("SELECT name, inventory FROM account")
    }
    return State(accounts, _domains(connection))


def _domains(
    connection: sqlite3.Connection, only: DomainName | None = None
) -> dict[DomainName, DomainState]:
    query = "SELECT name, state, details FROM domain"
    found = (
        connection.execute(query)
        if only is None
        else connection.execute(f"{query} WHERE name = ?", (only.text,))
    )
    domains = map(rows.domain_of, found)
    return {domain.domain: domain for domain in domains}


def _commit(connection: sqlite3.Connection, step: Step) -> Kept:
    domains = [rows.domain_row(domain) for domain in step.domains]
    with _transaction(connection):
        _keep_state(connection, step, domains)
        records = _append(connection, step)
    return Kept(records, tuple(map(rows.resting, step.domains, domains)))


def _keep_state(
    connection: sqlite3.Connection, step: Step, domains: Sequence[rows.DomainRow]
) -> None:
    connection.executemany(
        "DELETE FROM domain WHERE name = ?", [(d.text,) for d in step.forgotten]
    )
    connection.executemany("DELETE FROM account WHERE name = ?", [(a,) for a in step.closed])
    connection.executemany(
        "INSERT INTO account VALUES (?, ?) "
        "ON CONFLICT (name) DO UPDATE SET inventory = excluded.inventory",
        map(rows.account_row, step.accounts),
    )
    connection.executemany(
        "INSERT INTO domain VALUES (?, ?, ?) ON CONFLICT (name) "
        "DO UPDATE SET state = excluded.state, details = excluded.details",
        domains,
    )
    connection.executemany(
        "INSERT INTO change VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE "
        "SET is_open = excluded.is_open, story = excluded.story",
        map(rows.change_row, step.changes),
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
