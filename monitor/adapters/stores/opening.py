"""Open a SQLite file: locked for one daemon, at the newest schema, or only to be read."""

import fcntl
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from monitor.adapters.stores import former
from monitor.adapters.stores.details import zipped
from monitor.adapters.stores.session import Access, migrations_in, refuse_newer, refuse_older
from monitor.adapters.stores.whereabouts import identity_of
from monitor.ports import StoreError

_FOLDER = "sqlite"  # of its migrations


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    # IMMEDIATE takes the write lock first: a reader that turns writer could not wait for it.
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        if connection.in_transaction:  # a full disk has rolled back by itself
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _lock_file(path: Path) -> Path:
    # A lock of its own, since SQLite's would also keep out the commands that only read.
    return path.with_name(path.name + ".lock")


def is_locked(path: Path) -> bool:
    try:
        with _lock_file(path).open() as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def is_lock_of(lock: IO[str], path: Path) -> bool:
    """Tell whether a lock that we hold still keeps others out: its file may have been removed."""
    return identity_of(lock.fileno()) == identity_of(_lock_file(path))


def locked(path: Path) -> IO[str]:
    lock = _lock_file(path).open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise StoreError(
            f"{path} is in use by another daemon: stop that one, or give each its own database"
        ) from error
    return lock


def opened(path: Path, access: Access) -> sqlite3.Connection:
    mode = "ro" if access is Access.READ else "rwc"
    place = f"{path.absolute().as_uri()}?mode={mode}"
    connection = sqlite3.connect(place, uri=True, isolation_level=None, timeout=10)
    try:
        if access is Access.READ:
            _refuse_others(connection)
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
    _migrate(connection)


def looking(path: Path) -> sqlite3.Connection:
    """Open what was prepared, to be read by whichever thread."""
    place = f"{path.absolute().as_uri()}?mode=ro"
    return sqlite3.connect(place, uri=True, check_same_thread=False)


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    return int(version)


def _refuse_others(connection: sqlite3.Connection) -> None:
    version, known = _version(connection), len(migrations_in(_FOLDER))
    refuse_newer(version, known)
    refuse_older(version, known)


# What the migrations call; it does for ever what it did when they were written.
_FUNCTIONS: Mapping[str, tuple[int, Callable[..., str | bytes]]] = {
    "zipped": (1, zipped),
    "outline_in_parts": (1, former.outline_of),
    "gists_in_parts": (1, former.gists_of),
    "part_of": (2, former.part_of),
    "spells_apart": (1, former.spells_apart),
}


def _migrate(connection: sqlite3.Connection) -> None:
    for name, (arguments, function) in _FUNCTIONS.items():
        connection.create_function(name, arguments, function, deterministic=True)
    scripts = migrations_in(_FOLDER)
    with transaction(connection):
        version = _version(connection)
        refuse_newer(version, len(scripts))
        for number, script in enumerate(scripts[version:], start=version + 1):
            for statement in _statements(script):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {number}")


def _statements(script: str) -> Iterator[str]:
    # `executescript` would commit the transaction that keeps a migration whole.
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""
