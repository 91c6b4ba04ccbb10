"""PostgreSQL as the store: one daemon holds an advisory lock, and waits out lost connections."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from time import monotonic
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg

from monitor.adapters.stores import rows
from monitor.adapters.stores.connection import ConnectionLost, PostgresqlSession, Server, connected
from monitor.adapters.stores.preparing import EXISTS, IS_LOCKED, Claim, Locked, prepare
from monitor.adapters.stores.session import Access, Session
from monitor.adapters.stores.sql import SqlStore
from monitor.core.events import Record
from monitor.core.state import State, Step
from monitor.ports import StoreError, StoreLost

PATIENCE = 15.0  # seconds without an octet from the server, after which it counts as lost
_PAUSE = 1.0  # before the next attempt to connect
# Of who looks at details, in seconds; where he holds up a loop, all else stands still meanwhile.
_LOOK_PATIENCE = 5.0
_LOOP_PATIENCE = 0.3


@dataclass(frozen=True, slots=True)
class _Doubt:
    """A step whose COMMIT was not answered: it was kept if its mark is in the database."""

    step: Step
    mark: str
    records: tuple[Record, ...]


class PostgresqlStore(SqlStore):
    """Keeps everything in one schema of a database, which is that of the URL's role."""

    def __init__(
        self,
        url: str,
        access: Access = Access.WRITE,
        patience: float | None = None,
        password: Callable[[], str] | None = None,
        lease: str = "",
    ) -> None:
        """Open nothing yet; `patience` is in seconds, by default `PATIENCE`.

        A `password` is asked for at each connection, and may raise PasswordUnavailable. Who owns
        the database by a `lease` ends the session of one that has lost it.
        """
        super().__init__(PostgresqlDatabase(url, access, patience, password, lease))
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


def _holds_up_a_loop() -> bool:
    """Tell whether who waits here keeps an event loop waiting."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


def _mark(session: Session) -> str:
    (mark,) = session.execute("SELECT mark FROM step").fetchone()
    return str(mark)


class PostgresqlDatabase:
    """A schema of a server; who owns it is the only one with its lock."""

    errors = (psycopg.Error,)

    def __init__(
        self,
        url: str,
        access: Access,
        patience: float | None = None,
        password: Callable[[], str] | None = None,
        lease: str = "",
    ) -> None:
        """Open nothing yet."""
        self._lease = lease
        self._server = Server(url, password)
        self._access = access
        self._patience = patience or PATIENCE
        self._writer: PostgresqlSession | None = None
        self._was_open = False
        self._lost = ""  # why, the last time
        self._not_before = 0.0
        self._looker: PostgresqlSession | None = None
        self._no_looker_before = 0.0

    @property
    def place(self) -> str:
        return urlunsplit(urlsplit(self._server.url)._replace(query="", fragment=""))

    @property
    def exists(self) -> bool:
        return self._asked(EXISTS)

    @property
    def is_owned(self) -> bool:
        return self._asked(IS_LOCKED)

    @property
    def look_patience(self) -> float:
        return min(_LOOP_PATIENCE if _holds_up_a_loop() else _LOOK_PATIENCE, self._patience)

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
            self._no_looker_before = 0.0
            if self._looker is not None:
                self._looker.close()  # what it spoke to may be gone too
        self._provide_looker()
        return self._writer

    def _opened(self) -> PostgresqlSession:
        session = connected(self._server, lambda: self._patience)
        try:
            # Where our own connection was lost, another may be the one that leads by now.
            prepare(session, self._access, Claim(self._lease, succeeds=not self._was_open))
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

    def _provide_looker(self) -> None:
        """Connect for who looks, here where one may wait; without it, all else goes on."""
        is_there = self._looker is not None and self._looker.is_open
        if is_there or monotonic() < self._no_looker_before:
            return
        self._no_looker_before = monotonic() + _PAUSE
        try:
            session = connected(self._server, lambda: self.look_patience)
            session.execute("SET default_transaction_read_only = on")
        except ConnectionLost as error:
            self._lost = str(error)
        else:
            self._looker = session

    def looker(self) -> PostgresqlSession:
        if self._looker is None or not self._looker.is_open:
            raise ConnectionLost(self._lost or "the connection was lost a moment ago")
        return self._looker

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
        said = " ".join(str(error).split()).rstrip(".?!")
        return kind(f"{self.place}: {said}. {_remedy(error)}")

    def close(self) -> None:
        for session in (self._looker, self._writer):
            if session is not None:
                session.close()

    def _asked(self, question: str) -> bool:
        """Return the answer to a question of one who may have nothing open."""
        try:
            with closing(connected(self._server, lambda: self._patience)) as session:
                (answer,) = session.execute(question).fetchone()
        except psycopg.Error as error:
            raise self.failure(error) from error
        return bool(answer)


_REMEDIES = {
    ("password", "Password"): (
        "It comes from daemon.database_password, else from PGPASSWORD or a password file "
        "(PGPASSFILE), which only its owner may read."
    ),
    ("certificate verify failed",): (
        "Its certificate is not by whom sslrootcert names: is it the right server, and the "
        "authority that signed for it?"
    ),
    ("does not match host name",): (
        "Name the server as its certificate does; hostaddr= in the URL may say where it is."
    ),
    ("root certificate",): "Name in sslrootcert the file of the authority that signed for it.",
    ("does not support SSL", "server does not support"): (
        "Turn on ssl at the server; without it, all that is kept would cross the network in the "
        "open."
    ),
    ("no pg_hba.conf entry", "pg_hba.conf rejects"): (
        "Let this role in from here in the server's pg_hba.conf; one for hostssl wants sslmode."
    ),
    ("translate host name", "resolve host"): "Is that the server's name, and does DNS know it?",
    ("invalid URI", "invalid connection option", "invalid sslmode"): "Mend daemon.database.",
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
