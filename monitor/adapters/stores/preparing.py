"""Prepare a PostgreSQL database: the lock of one daemon, and the newest schema."""

from time import sleep

from monitor.adapters.stores.connection import PostgresqlSession
from monitor.adapters.stores.session import Access, migrations_in, refuse_newer, refuse_older
from monitor.ports import StoreError

_FOLDER = "postgresql"  # of its migrations
_OLDEST = 11  # the first release with EXECUTE FUNCTION

# The server may need a moment to notice that a daemon before us has died.
_LOCK_ATTEMPTS = 10
_LOCK_PAUSE = 0.2  # seconds

# Advisory locks are of a database; two schemas of it are two stores. The class is "ocm".
_LOCK = "7299949, hashtext(current_schema())"
IS_LOCKED = """
SELECT count(*) > 0 FROM pg_locks
WHERE locktype = 'advisory' AND granted
    AND classid = 7299949 AND objid = hashtext(current_schema())::oid
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
EXISTS = "SELECT to_regclass('schema_version') IS NOT NULL"


class Locked(Exception):
    """Another session holds the daemon's lock."""


def prepare(session: PostgresqlSession, access: Access) -> None:
    """Make a session fit for its use. Raises Locked, StoreError, or psycopg's errors."""
    _refuse_unfit(session)
    if access is Access.READ:
        session.execute("SET default_transaction_read_only = on")
        _refuse_others(session)
        return
    if access is Access.OWN:
        _lock(session)
    # A commit that returned outlives a crash of the server, whatever its default.
    session.execute(
        "SELECT set_config('synchronous_commit', 'on', false) "
        "WHERE current_setting('synchronous_commit') = 'off'"
    )
    _migrate(session)


def _refuse_unfit(session: PostgresqlSession) -> None:
    query = "SELECT current_setting('server_version_num')::int, current_setting('server_encoding')"
    version, encoding = session.execute(query).fetchone()
    if version < _OLDEST * 10_000:
        raise StoreError(
            f"the server is PostgreSQL {version // 10_000}: {_OLDEST} is the oldest that will do"
        )
    if encoding != "UTF8":
        raise StoreError(
            f"the database is encoded in {encoding}: make another one with ENCODING 'UTF8'"
        )


def _lock(session: PostgresqlSession) -> None:
    for _ in range(_LOCK_ATTEMPTS):
        (is_ours,) = session.execute(f"SELECT pg_try_advisory_lock({_LOCK})").fetchone()
        if is_ours:
            return
        sleep(_LOCK_PAUSE)
    raise Locked


def _version(session: PostgresqlSession) -> int:
    (exists,) = session.execute(EXISTS).fetchone()
    if not exists:
        return 0
    (version,) = session.execute("SELECT version FROM schema_version").fetchone()
    return int(version)


def _refuse_others(session: PostgresqlSession) -> None:
    version, known = _version(session), len(migrations_in(_FOLDER))
    refuse_newer(version, known)
    refuse_older(version, known)


def _migrate(session: PostgresqlSession) -> None:
    scripts = migrations_in(_FOLDER)
    version = _version(session)
    refuse_newer(version, len(scripts))
    if version == len(scripts):
        return
    # One question is one transaction.
    kept = f"UPDATE schema_version SET version = {len(scripts)}"  # noqa: S608 - a number
    if version == 0:
        scripts.insert(0, "CREATE TABLE schema_version (version INTEGER NOT NULL)")
        kept = f"INSERT INTO schema_version VALUES ({len(scripts) - 1})"  # noqa: S608 - a number
    session.script(";\n".join((*scripts[version:], kept)))
