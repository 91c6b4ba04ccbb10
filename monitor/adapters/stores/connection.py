"""A connection to PostgreSQL that never waits for ever, and tells when it is lost."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from math import inf
from time import monotonic
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from monitor.adapters.stores.session import PasswordUnavailable, Rows, Value

T = TypeVar("T")

# What the URL may say otherwise. A dead peer is noticed within half a minute at either end.
_USUAL: dict[str, str | int] = {
    "application_name": "oss-cname-monitor",
    "connect_timeout": 5,  # seconds
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
_OF_THE_SERVER = (
    "SET tcp_keepalives_idle = 10",
    "SET tcp_keepalives_interval = 5",
    "SET tcp_keepalives_count = 3",
)


@dataclass(frozen=True, slots=True)
class Server:
    """Where to connect, as whom; a `password` that is given is asked for each time.

    It may raise PasswordUnavailable. None leaves it to what libpq knows (PGPASSWORD, PGPASSFILE).
    """

    url: str
    password: Callable[[], str] | None = None

    def conninfo(self) -> str:
        given = {**_USUAL, **conninfo_to_dict(self.url)}
        if self.password is not None:
            given["password"] = self.password()
        return make_conninfo("", **given)


class ConnectionLost(psycopg.OperationalError):
    """The server cannot be reached, or has not answered."""


class _Connection(psycopg.Connection[tuple[Any, ...]]):
    """Gives up on a server that stays silent: one that is stopped keeps its connections open."""

    patience = 0.0

    def wait(self, gen: PQGen[T], *args: Any, **kwargs: Any) -> T:
        return super().wait(_impatient(gen, self.patience), *args, **kwargs)


def _impatient(work: PQGen[T], patience: float) -> PQGen[T]:
    """Do the work as long as the server shows signs of life every few seconds."""
    heard = monotonic()
    try:
        wanted = next(work)
        while True:
            ready = yield wanted
            if ready:
                heard = monotonic()
            elif monotonic() - heard > patience:
                raise ConnectionLost(f"the server was silent for {patience:g} seconds")
            wanted = work.send(ready)
    except StopIteration as done:
        result: T = done.value
        return result


class PostgresqlSession:
    """A connection that speaks as SQLite's does; one that failed it closes, if it is lost.

    The server may be silent for as many seconds as its `patience` is by then.
    """

    def __init__(self, connection: _Connection, patience: Callable[[], float]) -> None:
        self._connection = connection
        self._patience = patience

    @property
    def is_open(self) -> bool:
        return not self._connection.closed

    def execute(self, statement: str, values: Sequence[Value] = (), /) -> Rows:
        self._connection.patience = self._patience()
        try:
            return self._connection.execute(_placed(statement), values or None, binary=True)
        except psycopg.Error as error:
            self._raise_if_lost(error)
            raise

    def executemany(self, statement: str, rows: Iterable[Sequence[Value]], /) -> None:
        given = tuple(rows)
        if not given:
            return
        self._connection.patience = self._patience()
        try:
            with self._connection.cursor() as cursor:
                cursor.executemany(_placed(statement), given)
        except psycopg.Error as error:
            self._raise_if_lost(error)
            raise

    def script(self, statements: str) -> None:
        """Execute several statements as one transaction, which may take any time."""
        self._connection.patience = inf
        try:
            self._connection.execute(statements.encode())
        except psycopg.Error as error:
            self._raise_if_lost(error)
            raise

    def close(self) -> None:
        self._connection.close()

    def _raise_if_lost(self, error: psycopg.Error) -> None:
        if isinstance(error, ConnectionLost):
            self._connection.close()
            raise error
        if self._connection.closed:
            raise ConnectionLost(str(error)) from error


def connected(server: Server, patience: Callable[[], float]) -> PostgresqlSession:
    """Connect to a server, which may be silent for so long afterwards. Raises psycopg's errors."""
    try:
        connection = _Connection.connect(server.conninfo(), autocommit=True)
    except (psycopg.OperationalError, PasswordUnavailable) as error:
        raise ConnectionLost(str(error)) from error
    session = PostgresqlSession(connection, patience)
    for statement in _OF_THE_SERVER:
        session.execute(statement)
    return session


@cache
def _placed(statement: str) -> bytes:
    return statement.replace("?", "%s").encode()
