"""Read the details of a domain at rest when somebody looks."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import Enum
from typing import Any

import structlog

from monitor.adapters.stores.details import records_of
from monitor.adapters.stores.session import Database, Session
from monitor.adapters.stores.views import spells_in, views_of
from monitor.core.tracking.record import RecordKey, TrackedRecord
from monitor.core.views import Spell, View
from monitor.ports import StoreError, StoreLost

log = structlog.get_logger()

_LOOKED_AT = 256  # domains that stay at hand for a while: looks come in clusters
_PREPARED = 4096  # more of them, but packed
_AT_ONCE = 128

_COLUMNS = ("resolvers", "authorities", "records")
_SEVERAL = (
    f"SELECT name, {', '.join(_COLUMNS)} FROM domain "  # noqa: S608 - of a closed set
    f"WHERE name IN ({', '.join('?' * _AT_ONCE)})"
)


class _Part(Enum):
    """What can be looked at of a domain; of which column, and by whom it is unpacked."""

    RESOLVERS = ("resolvers", views_of)
    RESOLVER_SPELLS = ("resolvers", spells_in)
    AUTHORITIES = ("authorities", views_of)
    AUTHORITY_SPELLS = ("authorities", spells_in)
    RECORDS = ("records", records_of)

    def __init__(self, column: str, unpacked: Callable[[bytes], Mapping[Any, Any]]) -> None:
        self.column = column
        self.unpacked = unpacked


class Looks:
    """A connection of its own, since the writer's belongs to another thread.

    It shows what was committed last, of whichever domain: nothing where the row is gone or
    damaged, which the log then says. Each look may raise StoreLost, and then has `mend` called,
    which is to have the database reached anew by who may wait for it.
    """

    def __init__(self, database: Database, mend: Callable[[], None]) -> None:
        """Open nothing yet."""
        self._database = database
        self._mend = mend
        self._lock = threading.Lock()
        self._session: Session | None = None
        self._at_hand: OrderedDict[str, dict[_Part, Mapping[Any, Any]]] = OrderedDict()
        self._prepared: OrderedDict[str, tuple[bytes, ...]] = OrderedDict()

    def resolvers(self, name: str) -> Mapping[str, View]:
        return self._at(name, _Part.RESOLVERS)

    def authorities(self, name: str) -> Mapping[str, View]:
        return self._at(name, _Part.AUTHORITIES)

    def resolver_spells(self, name: str) -> Mapping[str, Spell]:
        return self._at(name, _Part.RESOLVER_SPELLS)

    def authority_spells(self, name: str) -> Mapping[str, Spell]:
        return self._at(name, _Part.AUTHORITY_SPELLS)

    def records(self, name: str) -> Mapping[RecordKey, TrackedRecord]:
        return self._at(name, _Part.RECORDS)

    def prepare(self, session: Session, names: Collection[str]) -> None:
        """Fetch what will be looked at, many at once, for the writer's thread. Raises `errors`."""
        wanted = sorted(self.lacking(names))
        for begin in range(0, len(wanted), _AT_ONCE):
            some = wanted[begin : begin + _AT_ONCE]
            padded = some + some[-1:] * (_AT_ONCE - len(some))  # one statement for all lengths
            found = {row[0]: row[1:] for row in session.execute(_SEVERAL, padded)}
            with self._lock:
                self._prepared |= found
                while len(self._prepared) > _PREPARED:
                    self._prepared.popitem(last=False)

    def lacking(self, names: Collection[str]) -> set[str]:
        """Return of which domains not all is at hand."""
        return {name for name in names if name not in self._prepared}

    def forget(self, names: Iterable[str]) -> None:
        """Look anew the next time, since they were written."""
        with self._lock:
            for name in names:
                self._at_hand.pop(name, None)
                self._prepared.pop(name, None)

    def close(self) -> None:
        with self._lock:
            if self._session is not None:
                self._session.close()
                self._session = None

    def _at(self, name: str, part: _Part) -> Mapping[Any, Any]:
        with self._turn():
            parts = self._at_hand.setdefault(name, {})
            self._at_hand.move_to_end(name)
            if part not in parts:
                parts[part] = self._read(name, part)
            while len(self._at_hand) > _LOOKED_AT:
                self._at_hand.popitem(last=False)
            return parts[part]

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Wait for others who look, but no longer than for the database itself."""
        patience = self._database.look_patience
        if not self._lock.acquire(timeout=-1 if patience is None else patience):
            raise StoreLost(f"{self._database.place}: others wait for an answer too")
        try:
            yield
        finally:
            self._lock.release()

    def _read(self, name: str, part: _Part) -> Mapping[Any, Any]:
        try:
            return part.unpacked(self._packed(name, part.column))
        except self._database.errors as error:
            problem = self._database.failure(error)
            if isinstance(problem, StoreLost):  # not gone: whoever decides has to wait for it
                self._mend()
                raise problem from error
        except ValueError as error:
            problem = StoreError(str(error))
        # One damaged row must not stop the others' rounds: the domain is looked at anew.
        log.error("store.details_unreadable", domain=name, part=part.column, error=str(problem))
        return {}

    def _packed(self, name: str, column: str) -> bytes:
        if (prepared := self._prepared.get(name)) is not None:
            return prepared[_COLUMNS.index(column)]
        known, self._session = self._session, None
        if known is not None:
            try:
                found = _column(known, name, column)
            except self._database.errors as error:
                known.close()
                if not isinstance(self._database.failure(error), StoreLost):
                    raise
                # The server may be another one by now, and the writer at work with it.
            else:
                self._session = known
                return found
        self._session = self._database.looker()
        return _column(self._session, name, column)


def _column(session: Session, name: str, column: str) -> bytes:
    query = f"SELECT {column} FROM domain WHERE name = ?"  # noqa: S608 - of a closed set
    row = session.execute(query, (name,)).fetchone()
    return bytes(row[0]) if row else b""
