"""SQLite as the embedded store: one file, which one daemon locks."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import structlog

from monitor.adapters.stores.opening import (
    is_lock_of,
    is_locked,
    locked,
    looking,
    opened,
    transaction,
)
from monitor.adapters.stores.session import Access, Session
from monitor.adapters.stores.sql import SqlStore
from monitor.adapters.stores.whereabouts import Identity, identity_of, put_back
from monitor.ports import StoreError

log = structlog.get_logger()

_GUARD = "event_is_never_removed"


class SqliteStore(SqlStore):
    """Keeps everything in one file."""

    def __init__(self, path: Path, access: Access = Access.WRITE) -> None:
        """Open nothing yet."""
        super().__init__(SqliteDatabase(path, access))


class SqliteDatabase:
    """A file, opened at its first use."""

    errors = (sqlite3.Error, OSError)

    def __init__(self, path: Path, access: Access) -> None:
        """Open nothing yet."""
        self._path = path
        self._access = access
        self._lock: IO[str] | None = None
        self._connection: sqlite3.Connection | None = None
        self._file: Identity | None = None

    @property
    def place(self) -> str:
        return str(self._path)

    @property
    def exists(self) -> bool:
        return self._path.exists()

    @property
    def is_owned(self) -> bool:
        return is_locked(self._path)

    @property
    def look_patience(self) -> None:
        return None

    def writer(self) -> sqlite3.Connection:
        if self._connection is None:
            self._own()
            self._connection = opened(self._path, self._access)
            self._file = identity_of(self._path)
        elif self._access is not Access.READ and (found := identity_of(self._path)) != self._file:
            if found is not None:
                raise FileExistsError("another file was put in its place")
            self._connection = self._put_back(self._connection)
        return self._connection

    def _own(self) -> None:
        if self._access is Access.OWN:
            if self._lock is not None and not is_lock_of(self._lock, self._path):
                self._lock.close()
                self._lock = None
            if self._lock is None:
                self._lock = locked(self._path)

    def _put_back(self, former: sqlite3.Connection) -> sqlite3.Connection:
        """Keep in a new file what was kept in the one that is gone, and go on with that."""
        self._own()
        put_back(former, self._path)
        former.close()
        self._connection = None  # should the new one not open, the next attempt begins there
        log.warning("store.put_back", path=str(self._path))
        connection = opened(self._path, self._access)
        self._file = identity_of(self._path)
        return connection

    def looker(self) -> sqlite3.Connection:
        return looking(self._path)

    @contextmanager
    def transaction(self, session: Session) -> Iterator[None]:
        assert session is self._connection
        with transaction(self._connection):
            yield

    @contextmanager
    def unguarded(self, session: Session) -> Iterator[None]:
        query = "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = ?"
        guard = session.execute(query, (_GUARD,)).fetchone()
        session.execute(f"DROP TRIGGER IF EXISTS {_GUARD}")
        yield
        if guard is not None:
            session.execute(guard[0])

    def failure(self, error: Exception) -> StoreError:
        return StoreError(f"{self._path}: {error}. {_remedy(error)}")

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
        if self._lock is not None:
            self._lock.close()


_REMEDIES = {
    ("unable to open", "No such file", "Permission denied"): (
        "Does the folder exist, and may this user read and write there?"
    ),
    ("readonly", "Read-only"): "Let this user write to the file and its folder.",
    ("locked",): "Another program writes to it; one daemon needs one database of its own.",
    ("is full", "No space"): "Free some space; the step will be tried again.",
    ("in its place",): (
        "The daemon works with the former one: put that back, or stop the daemon first."
    ),
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
