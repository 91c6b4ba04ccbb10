"""Whom to ask when on account of a change, and when to look at the time alone."""

from datetime import datetime

from monitor.core.tracking.changes import Change, ChangeState
from monitor.core.tracking.policy import Panelists, TrackingPolicy
from monitor.core.tracking.record import Agenda, TrackedRecord
from monitor.core.tracking.review import SPLIT_FOR, grace, split_since
from monitor.core.tracking.tracks import TrackState

_FAST_FOR = 10  # usual intervals, during which a difference is polled fast


def agenda(record: TrackedRecord, panelists: Panelists, now: datetime) -> Agenda:
    """Return what is due for the record beyond the usual rounds."""
    policy = panelists.policy
    change, planned = record.change, record.planned
    deadlines: list[datetime] = [planned.deadline_at] if planned else []
    asked: dict[str, datetime] = {}
    if change is not None and change.is_watched(now) and not change.state.is_final:
        asked = {
            name: track.next_at
            for name, track in change.tracks.items()
            if track.next_at is not None and name in panelists.resolvers
        }
        deadlines += _deadlines(change, policy)
    pending = [at for at in deadlines if at > now]
    return Agenda(_fast_poll(record, policy, now), asked, min(pending, default=None))


def _deadlines(change: Change, policy: TrackingPolicy) -> list[datetime]:
    found = [change.deadline_at]
    if change.state is ChangeState.AUTH_SPLIT and not change.split_told:
        found.append(split_since(change) + policy.authority_interval * SPLIT_FOR)
    found += [
        track.since + grace(change, policy)
        for track in change.tracks.values()
        if track.state is TrackState.OVERSTAY and not track.overstay_told
    ]
    return found


def _fast_poll(record: TrackedRecord, policy: TrackingPolicy, now: datetime) -> datetime | None:
    change, planned = record.under_way, record.planned
    pause = policy.authority_fast_interval
    starts = []
    if change is not None and change.all_authorities_at is None:
        starts.append(change.detected_at)
        if _only_to_be_confirmed(record, change):
            pause = min(pause, policy.retry_gap)
    if planned is not None and planned.planned_at is not None:
        starts.append(planned.planned_at)
    polled = record.polled_at or now - pause
    until = policy.authority_interval * _FAST_FOR
    due = [max(start, polled + pause) for start in starts if now < start + until]
    return min(due, default=None)


def _only_to_be_confirmed(record: TrackedRecord, change: Change) -> bool:
    """True where every authority has shown the new value, some of them but once."""
    serving = [h.serving for h in record.authorities.values() if h.is_listed]
    return all(value is not None and value.is_same(change.new) for value in serving)
