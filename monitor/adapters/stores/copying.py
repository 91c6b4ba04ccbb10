"""Copy all that one database holds to another one of whichever kind, as a whole or not at all."""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from monitor.adapters.stores import rows
from monitor.adapters.stores.session import Database, Session, Value
from monitor.core.tampering import Head, Inspection
from monitor.ports import StoreError

Advanced: TypeAlias = Callable[[int], None]
_Row: TypeAlias = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Copied:
    """What the target holds now: its rows, and the newest record of its log."""

    rows: int
    head: Head


@dataclass(frozen=True, slots=True)
class _Table:
    """A table that both kinds have; its rows are read `at_once` in the order of the key.

    `before_all` is a key before all others. Of a table with a `number` that is given anew, in the
    same order, the columns are named.
    """

    name: str
    key: tuple[str, ...]
    before_all: tuple[Value, ...] = ("",)
    at_once: int = 1000
    columns: tuple[str, ...] = ()

    def read(self, session: Session) -> Iterator[list[_Row]]:
        """Yield all rows, without a number that is given anew."""
        after, skipped = self.before_all, len(self.key) if self.columns else 0
        shown = ", ".join((*self.key, *self.columns)) if self.columns else "*"
        order = ", ".join(self.key)
        query = (
            f"SELECT {shown} FROM {self.name} WHERE ({order}) > ({_marks(len(self.key))}) "  # noqa: S608 - of a closed set
            f"ORDER BY {order} LIMIT {self.at_once}"
        )
        while found := [tuple(row) for row in session.execute(query, after)]:
            after = found[-1][: len(self.key)]
            yield [row[skipped:] for row in found]

    def write(self, session: Session, found: list[_Row]) -> None:
        into = f"{self.name} ({', '.join(self.columns)})" if self.columns else self.name
        marks = _marks(len(found[0]))
        session.executemany(f"INSERT INTO {into} VALUES ({marks})", found)  # noqa: S608 - of a closed set


_TABLES = (
    _Table("account", ("name",)),
    _Table("binding", ("account", "domain", "nth"), ("", "", -1)),
    _Table("domain", ("name",), at_once=200),
    _Table("event", ("seq",), (-1,)),
    _Table("change", ("id",)),
    _Table("told", ("channel", "domain"), ("", "")),
    _Table(
        "notice",
        ("seq",),
        (-1,),
        columns=(
            *("key", "channel", "domain", "notice", "next_at"),
            *("attempts", "bundle", "state", "done_at"),
        ),
    ),
)


@dataclass(slots=True)
class _Digest:
    """What was read of a table, in short: two tables with the same one have the same rows."""

    rows: int = 0
    octets: Any = field(default_factory=hashlib.sha256)

    def take(self, found: list[_Row]) -> None:
        self.rows += len(found)
        for row in found:
            for value in row:
                text = value if isinstance(value, bytes) else str(value).encode()
                self.octets.update(b"%s %d " % (type(value).__name__.encode(), len(text)))
                self.octets.update(text)

    @property
    def text(self) -> str:
        return f"{self.rows}:{self.octets.hexdigest()}"


def rows_in(database: Database) -> int:
    """Return how many rows there are to be copied. Raises StoreError."""
    with _told_of(database):
        return _count(database.writer())


def copy(source: Database, target: Database, advanced: Advanced = lambda _: None) -> Copied:
    """Copy everything in one transaction, and return what the target holds then.

    Both have to be opened to be owned, so that no daemon works on either meanwhile. What was
    written is read again before it is committed: each row has to be the same, and the log intact.
    `advanced` is told how many more rows were written, or read again. Raises StoreError.
    """
    with _told_of(source):
        original = source.writer()
    with _told_of(target):
        session = target.writer()
        if _count(session):
            raise StoreError(
                f"{target.place} is not empty, and a copy overwrites nothing: name another "
                "database, or see whether that one is the copy already"
            )
        with target.transaction(session):
            written = list[str]()
            for table in _TABLES:
                digest = _Digest()
                for found in _read(table, source, original):
                    table.write(session, found)
                    digest.take(found)
                    advanced(len(found))
                written.append(digest.text)
            return _verified(target, session, written, advanced)


def _read(table: _Table, source: Database, session: Session) -> Iterator[list[_Row]]:
    with _told_of(source):
        yield from table.read(session)


def _verified(
    target: Database, session: Session, written: list[str], advanced: Advanced
) -> Copied:
    """Read everything again. Raises StoreError where it is not what was written."""
    inspection, total = Inspection(), 0
    for table, expected in zip(_TABLES, written, strict=True):
        digest = _Digest()
        for found in table.read(session):
            digest.take(found)
            advanced(len(found))
            if table.name == "event":
                inspection = inspection.along(map(rows.logged_of, found))
        total += digest.rows
        if digest.text != expected:
            raise StoreError(
                f"{target.place}: {table.name} is not as it was written; nothing was kept"
            )
    inspection = inspection.ended()
    if not inspection.is_intact:
        first = inspection.findings[0]
        raise StoreError(
            f"the log is not intact from record {first.seq} on ({first.kind.value}), and nothing "
            "was kept: `audit verify` tells more"
        )
    return Copied(total, inspection.head)


@contextmanager
def _told_of(database: Database) -> Iterator[None]:
    try:
        yield
    except database.errors as error:
        raise database.failure(error) from error


def _count(session: Session) -> int:
    counts = (f"(SELECT count(*) FROM {table.name})" for table in _TABLES)  # noqa: S608 - of a closed set
    (total,) = session.execute(f"SELECT {' + '.join(counts)}").fetchone()
    return int(total)


def _marks(number: int) -> str:
    return ", ".join("?" * number)
