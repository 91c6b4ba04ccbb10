"""Open a database: locked for one daemon, at the newest schema, or only to be read."""

import fcntl
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from importlib import resources
from pathlib import Path
from typing import IO

from monitor.adapters.stores import former
from monitor.adapters.stores.details import zipped
from monitor.ports import StoreError


class Access(Enum):
    """What is done to a database: a daemon owns it, a command reads it, a test may write too."""

    OWN = "own"  # a second daemon on the same file is refused
    WRITE = "write"
    READ = "read"  # changes nothing, not even an older schema


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
            _refuse_older(connection)
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


def _refuse_newer(connection: sqlite3.Connection) -> int:
    """Return the schema version of the database. Raises StoreError if we do not know it."""
    (version,), known = connection.execute("PRAGMA user_version").fetchone(), len(_migrations())
    if version > known:
        raise StoreError(
            f"the database has schema version {version}, this program knows {known}: it was "
            "written by a newer release. Run that one, or use another database"
        )
    return int(version)


def _refuse_older(connection: sqlite3.Connection) -> None:
    version, known = _refuse_newer(connection), len(_migrations())
    if version < known:
        raise StoreError(
            f"the database has schema version {version}, this program reads {known}: it was "
            "written by an older release. Start the daemon of this one, which takes it over"
        )


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
    scripts = _migrations()
    with transaction(connection):
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
