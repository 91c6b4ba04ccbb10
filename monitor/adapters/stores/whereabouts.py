"""Whether SQLite's file is still where it was opened, and how to put it back where it is gone.

A program that has a file open does not notice when its name is removed: it writes on, and all of
that is lost when the program ends.
"""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

Identity: TypeAlias = tuple[int, int]  # device and inode

# What SQLite keeps beside a file; of one that is gone it would be read into the new one.
_BESIDE = ("-wal", "-shm")


def identity_of(place: Path | int) -> Identity | None:
    """Return which file stands at a path, or is open; None where there is none."""
    try:
        found = os.stat(place)  # noqa: PTH116  # of an open file too
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def put_back(connection: sqlite3.Connection, path: Path) -> None:
    """Write all that a connection shows to a new file at the path, where nothing stands.

    What fails raises sqlite3.Error or OSError, and leaves the connection as it was.
    """
    copy = path.with_name(f"{path.name}.restored")
    try:
        with closing(sqlite3.connect(copy)) as target:
            connection.backup(target)
        for suffix in _BESIDE:
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        copy.rename(path)
    finally:
        copy.unlink(missing_ok=True)
    _sync(path.parent)


def _sync(folder: Path) -> None:
    """Have the folder's list of names on the disk too (fsync(2))."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
