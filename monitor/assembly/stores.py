"""The database that the settings name, as a store or to be copied."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from monitor.adapters.stores.session import Access, Database, PasswordUnavailable, no_database
from monitor.adapters.stores.sql import SqlStore
from monitor.adapters.stores.sqlite import SqliteDatabase, SqliteStore
from monitor.assembly.parts import NotAvailable, Surroundings, revealing
from monitor.config import Settings

_SQLITE = "sqlite:///"


def store_of(
    settings: Settings, access: Access, around: Surroundings, *, leads: bool = False
) -> SqlStore:
    """Return the store; who `leads` owns it by the lease of the settings, if there is one.

    Raises NotAvailable when the library of its kind is missing.
    """
    database = settings.daemon.database
    if database.startswith(_SQLITE):
        return SqliteStore(database_file_of(settings), access)
    _require_postgresql()
    from monitor.adapters.stores.postgresql import PostgresqlStore  # noqa: PLC0415 - who uses it

    lease = settings.distributed.lease if leads and settings.distributed else None
    password = _password(settings, around)
    return PostgresqlStore(database, access, password=password, lease=lease or "")


def database_of(url: str, settings: Settings, access: Access, around: Surroundings) -> Database:
    """Return the database of a URL; a password is as configured. Raises NotAvailable."""
    if url.startswith(_SQLITE):
        return SqliteDatabase(Path(url.removeprefix(_SQLITE)), access)
    _require_postgresql()
    from monitor.adapters.stores.postgresql import PostgresqlDatabase  # noqa: PLC0415 - who uses it

    return PostgresqlDatabase(url, access, password=_password(settings, around))


def database_file_of(settings: Settings) -> Path:
    """Return the file of the database. Raises NotAvailable for a kind that has none."""
    database = settings.daemon.database
    if not database.startswith(_SQLITE):
        raise NotAvailable("daemon.database: PostgreSQL has no file; pg_dump makes a backup")
    return Path(database.removeprefix(_SQLITE))


@asynccontextmanager
async def reading(settings: Settings, around: Surroundings) -> AsyncIterator[SqlStore | None]:
    """Give the store that a daemon keeps, only to be read; None where there is none yet."""
    store = store_of(settings, Access.READ, around)
    try:
        yield store if store.exists else None
    finally:
        await store.close()


@asynccontextmanager
async def reading_what_is_there(
    settings: Settings, around: Surroundings
) -> AsyncIterator[SqlStore]:
    """Give the store that a daemon keeps, only to be read. Raises StoreError without one."""
    async with reading(settings, around) as store:
        if store is None:
            raise no_database(settings.daemon.database.removeprefix(_SQLITE))
        yield store


def _require_postgresql() -> None:
    try:
        import monitor.adapters.stores.postgresql  # noqa: F401, PLC0415 - who uses it
    except ImportError as error:
        raise NotAvailable(
            "daemon.database: PostgreSQL needs a library that is not installed; "
            "install the wheel with its extra [postgresql]"
        ) from error


def _password(settings: Settings, around: Surroundings) -> Callable[[], str] | None:
    given = settings.daemon.database_password
    return None if given is None else revealing(given, around, PasswordUnavailable)
