"""What people were told, and notices on their way."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from pydantic import TypeAdapter

from monitor.adapters.stores.session import Session
from monitor.core.names import DomainName
from monitor.core.state import Step
from monitor.core.told import Handed, Letter, Notice, PostState, Told, ToldKey

_KEPT_FOR = timedelta(days=1)

_TOLD = TypeAdapter(Told)
_NOTICE = TypeAdapter(Notice)


def keep(session: Session, step: Step) -> None:
    """Write what the step tells, and how far earlier notices have come."""
    session.executemany(
        "DELETE FROM told WHERE channel = ? AND domain = ?",
        [(channel, domain.text) for channel, domain in step.untold],
    )
    session.executemany(
        "INSERT INTO told VALUES (?, ?, ?) "
        "ON CONFLICT (channel, domain) DO UPDATE SET told = excluded.told",
        [(t.channel, t.domain.text, _TOLD.dump_json(t).decode()) for t in step.told],
    )
    session.executemany(
        "INSERT INTO notice (key, channel, domain, notice, next_at) VALUES (?, ?, ?, ?, ?)",
        [
            (n.key, n.channel, n.domain.text, _NOTICE.dump_json(n).decode(), n.at.isoformat())
            for n in step.notices
        ],
    )
    _move(session, step.letters)


def _move(session: Session, letters: tuple[Letter, ...]) -> None:
    session.executemany(
        "UPDATE notice SET next_at = ?, attempts = ?, bundle = ?, state = ?, done_at = ? "
        "WHERE key = ?",
        [
            (
                letter.next_at.isoformat(),
                letter.attempts,
                letter.bundle,
                letter.state.value,
                letter.done_at.isoformat() if letter.done_at else None,
                letter.notice.key,
            )
            for letter in letters
        ],
    )
    done_at = max((letter.done_at for letter in letters if letter.done_at), default=None)
    if done_at is not None:
        before = (done_at - _KEPT_FOR).isoformat()
        session.execute("DELETE FROM notice WHERE done_at < ?", (before,))


def told(session: Session) -> Mapping[ToldKey, Told]:
    found = (_TOLD.validate_json(text) for (text,) in session.execute("SELECT told FROM told"))
    return {entry.key: entry for entry in found}


def waiting(session: Session, limit: int, channel: str | None) -> tuple[Letter, ...]:
    query = (
        "SELECT notice, next_at, attempts, bundle FROM notice "
        "WHERE state = 'waiting' AND channel = coalesce(?, channel) ORDER BY seq LIMIT ?"
    )
    return tuple(
        Letter(_NOTICE.validate_json(text), datetime.fromisoformat(next_at), attempts, bundle)
        for text, next_at, attempts, bundle in session.execute(query, (channel, limit))
    )


def handed(session: Session, since: datetime, channel: str) -> tuple[Handed, ...]:
    query = (
        "SELECT domain, bundle, done_at FROM notice "
        "WHERE done_at >= ? AND state = ? AND channel = ? ORDER BY done_at, seq"
    )
    found = session.execute(query, (since.isoformat(), PostState.SENT.value, channel))
    return tuple(
        Handed(DomainName(domain), bundle, datetime.fromisoformat(done_at))
        for domain, bundle, done_at in found
    )
