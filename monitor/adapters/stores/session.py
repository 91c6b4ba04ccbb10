"""What a store needs of a database that speaks SQL, whichever it is."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from enum import Enum
from importlib import resources
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from monitor.ports import StoreError

Value: TypeAlias = str | int | bytes | None


class Access(Enum):
    """What is done to a database: a daemon owns it, a command reads it, a test may write too."""

    OWN = "own"  # a second daemon on the same database is refused
    WRITE = "write"
    READ = "read"  # changes nothing, not even an older schema


class PasswordUnavailable(LookupError):
    """The place that should hold the password has none; the message names it."""


class Rows(Protocol):
    """What a statement shows."""

    def fetchone(self) -> Any: ...

    def __iter__(self) -> Iterator[Any]: ...


class Session(Protocol):
    """A connection that commits each statement by itself, unless in a transaction.

    Statements are written with question marks for their values, in words that all databases know.
    """

    def execute(self, statement: str, values: Sequence[Value] = (), /) -> Rows: ...

    def executemany(self, statement: str, rows: Iterable[Sequence[Value]], /) -> object: ...

    def close(self) -> None: ...


class Database(Protocol):
    """Where a store's rows are: opened at the first use, by its one writer and by who looks."""

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """What its sessions raise."""

    @property
    def place(self) -> str:
        """What people know it by."""

    @property
    def exists(self) -> bool:
        """Tell whether a store was ever there. Raises StoreError."""

    @property
    def is_owned(self) -> bool:
        """Tell whether a daemon works on it now. Raises StoreError."""

    @property
    def look_patience(self) -> float | None:
        """For how long, in seconds, who looks may wait here; None where nobody ever has to."""

    def writer(self) -> Session:
        """Return the session that reads and writes, of a single thread. Raises `errors`."""

    def looker(self) -> Session:
        """Return another one, which any thread may use to read. Raises `errors` or StoreError.

        Nobody waits for long here: an event loop may stand still meanwhile.
        """

    def transaction(self, session: Session) -> AbstractContextManager[None]:
        """Keep all that is written within, or nothing of it. Raises `errors`."""

    def unguarded(self, session: Session) -> AbstractContextManager[None]:
        """Have records of the log be removed within, in a transaction. Raises `errors`."""

    def failure(self, error: Exception) -> StoreError:
        """Return what went wrong, and what to do about it."""

    def close(self) -> None:
        """Close the writer's session and let go of the database, if it was opened."""


def migrations_in(folder: str) -> list[str]:
    """Return the migrations of one kind of database in their order."""
    place = resources.files("monitor.adapters.stores") / "migrations" / folder
    files = sorted((f for f in place.iterdir() if f.name.endswith(".sql")), key=lambda f: f.name)
    return [file.read_text(encoding="utf-8") for file in files]


def no_database(place: str) -> StoreError:
    """Return what to say of a file, or a URL, where no daemon has kept anything yet."""
    if "://" in place:
        return StoreError(f"{place}: there is no log yet; the daemon makes it when it starts")
    return StoreError(
        f"{Path(place).absolute()}: there is no database yet; the daemon makes it when it starts\n"
        "  hint: a relative daemon.database begins at the folder where the command runs"
    )


def refuse_newer(version: int, known: int) -> None:
    """Raise StoreError when a database has a schema that this program does not know."""
    if version > known:
        raise StoreError(
            f"the database has schema version {version}, this program knows {known}: it was "
            "written by a newer release. Run that one, or use another database"
        )


def refuse_older(version: int, known: int) -> None:
    """Raise StoreError when a database has a schema that has to be migrated first."""
    if version < known:
        raise StoreError(
            f"the database has schema version {version}, this program reads {known}: it was "
            "written by an older release. Start the daemon of this one, which takes it over"
        )
