"""A poll that shows what is known already: what it changes is the time, and nothing else."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeAlias

from monitor.core.tracking.authorities import ServerHistory
from monitor.core.tracking.record import RecordKey, TrackedRecord

_LATER = datetime.max.replace(tzinfo=UTC)
_ENOUGH_POLLS = 2  # on end; more say nothing new

Records: TypeAlias = Mapping[RecordKey, TrackedRecord]
Answered: TypeAlias = Mapping[RecordKey, Mapping[str, datetime]]
"""When each server last answered about each record."""


def is_but_later(before: Records, after: Records) -> bool:
    """Tell whether both differ only in when the authorities last said what they say."""
    return {key: _timeless(record) for key, record in before.items()} == {
        key: _timeless(record) for key, record in after.items()
    }


def is_anybody_silent(records: Records) -> bool:
    """Tell whether one that is silent still counts: then time alone may change something."""
    histories = (h for record in records.values() for h in record.authorities.values())
    return any(h.silent_since is not None and h.serving is not None for h in histories)


def said_again(records: Records, answered: Answered) -> Records:
    """Return the records as polls with the same answers leave them, the last ones at these times.

    Who was not asked in them stays as it was.
    """
    return {
        key: _said_again(record, answered[key]) if key in answered else record
        for key, record in records.items()
    }


def _said_again(record: TrackedRecord, answered: Mapping[str, datetime]) -> TrackedRecord:
    authorities = {
        name: _served_until(history, answered[name]) if name in answered else history
        for name, history in record.authorities.items()
    }
    polled_at = max(answered.values(), default=record.polled_at)
    return replace(record, authorities=authorities, polled_at=polled_at)


def _served_until(history: ServerHistory, at: datetime) -> ServerHistory:
    newest = history.newest
    if newest is None or newest.ended_at is not None or at <= newest.until:
        return history
    served = (*history.served[:-1], replace(newest, until=at))
    return replace(history, served=served, polls=history.polls + 1, answered_at=at)


def _timeless(record: TrackedRecord) -> TrackedRecord:
    authorities = {name: _without_times(h) for name, h in record.authorities.items()}
    return replace(record, authorities=authorities, polled_at=None)


def _without_times(history: ServerHistory) -> ServerHistory:
    served, newest = history.served, history.newest
    if newest is not None and newest.until > newest.since:
        served = (
            *served[:-1],
            replace(newest, until=datetime.max.replace(tzinfo=newest.until.tzinfo)),
        )
    return replace(
        history,
        served=served,
        polls=min(history.polls, _ENOUGH_POLLS),
        answered_at=None,
        serial=None,  # a zone is edited for other records too
    )
