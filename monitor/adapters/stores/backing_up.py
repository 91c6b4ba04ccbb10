"""Copy a database as it stands at one moment, also while a daemon writes to it."""

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from monitor.adapters.stores.session import no_database
from monitor.ports import StoreError


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy holds: the newest record of its log, 0 and an empty hash where there is none."""

    seq: int
    hash: str


def back_up(source: Path, target: Path) -> Copied:
    """Copy the database, of whatever schema, and return what the copy holds.

    Nothing is overwritten, and what has the name of the target is whole: it was looked through
    and is on disk. Only this user may read it. Raises StoreError.
    """
    if not source.exists():
        raise no_database(str(source))
    if target.exists():
        raise StoreError(f"{target} is there already: a backup overwrites nothing, name another")
    try:
        with _draft_beside(target) as draft:
            copied = _copy(source, draft)
            _flush(draft)
            os.link(draft, target)  # unlike a rename, it overwrites nothing
        _flush(target.parent)
    except (sqlite3.Error, OSError, ValueError) as error:  # a damaged text is no UTF-8
        # What the system says of a file names the draft, which nobody knows.
        told = getattr(error, "strerror", None) or error
        raise StoreError(f"{source} cannot be copied to {target}: {told}") from error
    return copied


@contextmanager
def _draft_beside(target: Path) -> Iterator[Path]:
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.absolute().parent)
    os.close(descriptor)
    try:
        yield Path(name)
    finally:
        Path(name).unlink()


def _copy(source: Path, draft: Path) -> Copied:
    place = f"{source.absolute().as_uri()}?mode=ro"
    with (
        closing(sqlite3.connect(place, uri=True, timeout=10)) as original,
        closing(sqlite3.connect(draft, isolation_level=None)) as copy,
    ):
        # In one step: a daemon writes on meanwhile, and would have smaller steps begin anew.
        original.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, whole without another beside it
        (found,) = copy.execute("PRAGMA integrity_check(1)").fetchone()
        if found != "ok":
            raise StoreError(f"{source} is damaged, and so would be its copy: {found}")
        newest = copy.execute("SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1").fetchone()
    return Copied(*newest) if newest else Copied(0, "")


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
