"""PostgreSQL as the store: one daemon holds an advisory lock, and waits out lost connections."""

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from time import monotonic
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg

from monitor.adapters.stores import rows
from monitor.adapters.stores.connection import ConnectionLost, PostgresqlSession, connected
from monitor.adapters.stores.preparing import EXISTS, IS_LOCKED, Locked, prepare
from monitor.adapters.stores.session import Access, Session
from monitor.adapters.stores.sql import SqlStore
from monitor.core.events import Record
from monitor.core.state import State, Step
from monitor.ports import StoreError, StoreLost

PATIENCE = 15.0  # seconds without an octet from the server, after which it counts as lost
_PAUSE = 1.0  # before the next attempt to connect
# Of who looks at details: all else in the daemon stands still meanwhile.
_LOOK_PATIENCE = 2.0
_LOOK_PAUSE = 10.0


@dataclass(frozen=True, slots=True)
class _Doubt:
    """A step whose COMMIT was not answered: it was kept if its mark is in the database."""

    step: Step
    mark: str
    records: tuple[Record, ...]


class PostgresqlStore(SqlStore):
    """Keeps everything in one schema of a database, which is that of the URL's role."""

    def __init__(
        self, url: str, access: Access = Access.WRITE, patience: float | None = None
    ) -> None:
        """Open nothing yet; `patience` is in seconds, by default `PATIENCE`."""
        super().__init__(_PostgresqlDatabase(url, access, patience or PATIENCE))
        self._doubt: _Doubt | None = None
        self._mark: str | None = None  # of the newest step

    async def load(self) -> State:
        self._mark = await self._run(_mark)  # first: a step that comes after it is not ours
        return await super().load()

    def _written_down(
        self, session: Session, step: Step, domains: Sequence[rows.DomainRow]
    ) -> tuple[Record, ...]:
        found = _mark(session)
        doubt, self._doubt = self._doubt, None
        if doubt is not None and doubt.mark == found:
            self._mark = found
            if doubt.step is step:
                return doubt.records
        self._refuse_strangers(found)
        # Not the transaction's number: over a crash the server may give the same one again.
        mark = uuid4().hex
        with self._database.transaction(session):
            session.execute("UPDATE step SET mark = ?", (mark,))
            records = self._write(session, step, domains)
            self._doubt = _Doubt(step, mark, records)
        self._doubt, self._mark = None, mark
        return records

    def _refuse_strangers(self, found: str) -> None:
        if self._mark is not None and found != self._mark:
            raise StoreError(
                f"{self._database.place}: its newest step is not the one that we left there: "
                "another daemon wrote to it while the connection was lost, or a standby took over "
                "that had not got all. Restart the daemon on the right database"
            )


def _mark(session: Session) -> str:
    (mark,) = session.execute("SELECT mark FROM step").fetchone()
    return str(mark)


class _PostgresqlDatabase:
    errors = (psycopg.Error,)

    def __init__(self, url: str, access: Access, patience: float) -> None:
        self._url = url
        self._access = access
        self._patience = patience
        self._writer: PostgresqlSession | None = None
        self._was_open = False
        self._lost = ""  # why, the last time
        self._not_before = 0.0
        self._no_look_before = 0.0

    @property
    def place(self) -> str:
        return urlunsplit(urlsplit(self._url)._replace(query="", fragment=""))

    @property
    def exists(self) -> bool:
        return self._asked(EXISTS)

    @property
    def is_owned(self) -> bool:
        return self._asked(IS_LOCKED)

    def writer(self) -> PostgresqlSession:
        if self._writer is None or not self._writer.is_open:
            self._writer = None
            if monotonic() < self._not_before:
                raise ConnectionLost(self._lost)
            try:
                self._writer = self._opened()
            except ConnectionLost as error:
                self._lost, self._not_before = str(error), monotonic() + _PAUSE
                raise
            self._was_open = True
            self._no_look_before = 0.0
        return self._writer

    def _opened(self) -> PostgresqlSession:
        session = connected(self._url, self._patience)
        try:
            prepare(session, self._access)
        except Locked:
            session.close()
            said = "is in use by another daemon"
            if self._was_open:  # perhaps by what the server takes for us
                raise ConnectionLost(f"it {said}") from None
            raise StoreError(
                f"{self.place} {said}: stop that one, or give each its own database"
            ) from None
        except BaseException:
            session.close()
            raise
        return session

    def looker(self) -> PostgresqlSession:
        writer, now = self._writer, monotonic()
        if writer is None or not writer.is_open or now < self._no_look_before:
            raise ConnectionLost("it could not be reached a moment ago")
        self._no_look_before = now + _LOOK_PAUSE
        session = connected(self._url, min(_LOOK_PATIENCE, self._patience))
        session.execute("SET default_transaction_read_only = on")
        self._no_look_before = now + _PAUSE
        return session

    @contextmanager
    def transaction(self, session: Session) -> Iterator[None]:
        assert isinstance(session, PostgresqlSession)
        session.execute("BEGIN")
        try:
            yield
        except BaseException:
            if session.is_open:
                session.execute("ROLLBACK")
            raise
        session.execute("COMMIT")

    @contextmanager
    def unguarded(self, session: Session) -> Iterator[None]:
        session.execute("ALTER TABLE event DISABLE TRIGGER event_is_append_only")
        yield
        session.execute("ALTER TABLE event ENABLE TRIGGER event_is_append_only")

    def failure(self, error: Exception) -> StoreError:
        kind = StoreLost if isinstance(error, ConnectionLost) else StoreError
        said = " ".join(str(error).split())
        return kind(f"{self.place}: {said}. {_remedy(error)}")

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()

    def _asked(self, question: str) -> bool:
        """Return the answer to a question of one who may have nothing open."""
        try:
            with closing(connected(self._url, self._patience)) as session:
                (answer,) = session.execute(question).fetchone()
        except psycopg.Error as error:
            raise self.failure(error) from error
        return bool(answer)


_REMEDIES = {
    ("password",): "Give it in PGPASSWORD or in a password file (PGPASSFILE).",
    ("does not exist",): "Create the role and its database, or mend the URL.",
    ("permission denied",): "Let this role create and use tables in its schema.",
    ("read-only",): "Name the primary server: this connection may only read.",
    ("in use",): "Is that another daemon, or does the server not know yet that ours has gone?",
    ("is full", "No space"): "Free some space; the step will be tried again.",
}


def _remedy(error: Exception) -> str:
    said = str(error)
    for signs, remedy in _REMEDIES.items():
        if any(sign in said for sign in signs):
            return remedy
    if isinstance(error, ConnectionLost):
        return "Does the server run, and does it let this role in from here?"
    return "See the server's log."
