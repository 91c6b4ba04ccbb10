"""Read the details of a domain at rest when somebody looks."""

import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path

import structlog

from monitor.adapters.stores.details import Opened, unpacked

log = structlog.get_logger()

_LOOKED_AT = 512  # domains that stay at hand for a while: looks come in clusters


class Looks:
    """A connection of its own, since the writer's belongs to another thread.

    It shows what was committed last, of whichever domain.
    """

    def __init__(self, path: Path) -> None:
        """Open nothing yet."""
        self._path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._at_hand: OrderedDict[str, Opened] = OrderedDict()

    def at(self, name: str) -> Opened:
        """Return the details; none where the row is gone or damaged, which the log then says."""
        with self._lock:
            known = self._at_hand.get(name)
            if known is None:
                known = self._at_hand[name] = self._read(name)
            self._at_hand.move_to_end(name)
            while len(self._at_hand) > _LOOKED_AT:
                self._at_hand.popitem(last=False)
            return known

    def forget(self, names: Iterable[str]) -> None:
        """Look anew the next time, since they were written."""
        with self._lock:
            for name in names:
                self._at_hand.pop(name, None)

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _read(self, name: str) -> Opened:
        if self._connection is None:
            place = f"{self._path.absolute().as_uri()}?mode=ro"
            self._connection = sqlite3.connect(place, uri=True, check_same_thread=False)
        query = "SELECT details FROM domain WHERE name = ?"
        try:
            row = self._connection.execute(query, (name,)).fetchone()
            return unpacked(row[0]) if row else Opened({}, {}, {})
        except (sqlite3.Error, ValueError) as error:
            # One damaged row must not stop the others' rounds: the domain is looked at anew.
            log.error("store.details_unreadable", domain=name, error=str(error))
            return Opened({}, {}, {})
