"""Prepare a PostgreSQL database: the lock of one daemon, and the newest schema."""

from dataclasses import dataclass
from time import sleep

import structlog

from monitor.adapters.stores.connection import PostgresqlSession
from monitor.adapters.stores.session import Access, migrations_in, refuse_newer, refuse_older
from monitor.ports import StoreError

log = structlog.get_logger()

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
# What daemons with the same lease hold too, so that they know each other; the next class.
_LEASED = "7299950, hashtext(?)"
_END_FORMER_LEADER = """
SELECT pg_terminate_backend(owns.pid) FROM pg_locks AS owns, pg_locks AS leads
WHERE owns.locktype = 'advisory' AND owns.granted
    AND owns.classid = 7299949 AND owns.objid = hashtext(current_schema())::oid
    AND owns.database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND leads.pid = owns.pid AND leads.database = owns.database
    AND leads.locktype = 'advisory' AND leads.granted
    AND leads.classid = 7299950 AND leads.objid = hashtext(?)::oid
"""
EXISTS = "SELECT to_regclass('schema_version') IS NOT NULL"


class Locked(Exception):
    """Another session holds the daemon's lock."""


@dataclass(frozen=True, slots=True)
class Claim:
    """By which lease a daemon owns the database, if by one.

    Who `succeeds` has just been given it, and whoever had it before has to end by then: one that
    was stopped cannot, and neither does the server learn of that.
    """

    lease: str = ""
    succeeds: bool = False


def prepare(session: PostgresqlSession, access: Access, claim: Claim = Claim()) -> None:
    """Make a session fit for its use. Raises Locked, StoreError, or psycopg's errors."""
    _refuse_unfit(session)
    if access is Access.READ:
        session.execute("SET default_transaction_read_only = on")
        _refuse_others(session)
        return
    if access is Access.OWN:
        _own(session, claim)
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


def _own(session: PostgresqlSession, claim: Claim) -> None:
    is_ours = _lock(session)
    if not is_ours and claim.lease and claim.succeeds:
        ended = session.execute(_END_FORMER_LEADER, (claim.lease,)).fetchone()
        log.warning("store.former_leader", lease=claim.lease, is_ended=bool(ended))
        is_ours = _lock(session)
    if not is_ours:
        raise Locked
    if claim.lease:
        session.execute(f"SELECT pg_try_advisory_lock_shared({_LEASED})", (claim.lease,))


def _lock(session: PostgresqlSession) -> bool:
    for _ in range(_LOCK_ATTEMPTS):
        (is_ours,) = session.execute(f"SELECT pg_try_advisory_lock({_LOCK})").fetchone()
        if is_ours:
            return True
        sleep(_LOCK_PAUSE)
    return False


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
