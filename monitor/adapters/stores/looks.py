"""Read the details of a domain at rest when somebody looks."""

import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import structlog

from monitor.adapters.stores.details import records_of, views_of
from monitor.core.status import View
from monitor.core.tracking.record import RecordKey, TrackedRecord

log = structlog.get_logger()

_LOOKED_AT = 512  # parts of domains that stay at hand for a while: looks come in clusters


class _Part(Enum):
    """The parts of a domain's details; the value is the column."""

    RESOLVERS = "resolvers"
    AUTHORITIES = "authorities"
    RECORDS = "records"


class Looks:
    """A connection of its own, since the writer's belongs to another thread.

    It shows what was committed last, of whichever domain: nothing where the row is gone or
    damaged, which the log then says.
    """

    def __init__(self, path: Path) -> None:
        """Open nothing yet."""
        self._path = path
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        self._at_hand: OrderedDict[tuple[str, _Part], Mapping[Any, Any]] = OrderedDict()

    def resolvers(self, name: str) -> Mapping[str, View]:
        return self._at(name, _Part.RESOLVERS, views_of)

    def authorities(self, name: str) -> Mapping[str, View]:
        return self._at(name, _Part.AUTHORITIES, views_of)

    def records(self, name: str) -> Mapping[RecordKey, TrackedRecord]:
        return self._at(name, _Part.RECORDS, records_of)

    def forget(self, names: Iterable[str]) -> None:
        """Look anew the next time, since they were written."""
        with self._lock:
            for name in names:
                for part in _Part:
                    self._at_hand.pop((name, part), None)

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _at(
        self, name: str, part: _Part, unpacked: Callable[[bytes], Mapping[Any, Any]]
    ) -> Mapping[Any, Any]:
        with self._lock:
            known = self._at_hand.get((name, part))
            if known is None:
                known = self._at_hand[name, part] = self._read(name, part, unpacked)
            self._at_hand.move_to_end((name, part))
            while len(self._at_hand) > _LOOKED_AT:
                self._at_hand.popitem(last=False)
            return known

    def _read(
        self, name: str, part: _Part, unpacked: Callable[[bytes], Mapping[Any, Any]]
    ) -> Mapping[Any, Any]:
        if self._connection is None:
            place = f"{self._path.absolute().as_uri()}?mode=ro"
            self._connection = sqlite3.connect(place, uri=True, check_same_thread=False)
        query = f"SELECT {part.value} FROM domain WHERE name = ?"  # noqa: S608 - of a closed set
        try:
            row = self._connection.execute(query, (name,)).fetchone()
            return unpacked(row[0] if row else b"")
        except (sqlite3.Error, ValueError) as error:
            # One damaged row must not stop the others' rounds: the domain is looked at anew.
            log.error("store.details_unreadable", domain=name, part=part.value, error=str(error))
            return {}
