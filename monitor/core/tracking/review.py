"""What follows from the parts of a change: its tracks, its state, its deadlines."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from monitor.core.tracking.changes import AuthorityNow, AuthorityState, Change, ChangeState
from monitor.core.tracking.following import awaiting, counted
from monitor.core.tracking.policy import Panelists, TrackingPolicy
from monitor.core.tracking.reasons import Reason
from monitor.core.tracking.record import TrackedRecord
from monitor.core.tracking.tracks import Track, TrackState

SPLIT_FOR = 2  # usual intervals, after which a difference is more than the usual transfer


def reviewed(record: TrackedRecord, panelists: Panelists, now: datetime) -> TrackedRecord:
    """Return the record with what follows from its parts: tracks begun, states, deadlines."""
    record = _plan_reviewed(record, now)
    change = record.change
    if change is None or change.state.is_final or not change.is_watched(now):
        return record
    tracks, authorities = _tracks(change, panelists, now), _authorities(record, change)
    if tracks is not change.tracks or authorities != change.authorities:
        change = replace(change, tracks=tracks, authorities=authorities)
    change = _with_told(change, panelists.policy, now)
    change = _state_reviewed(change, panelists, now)
    return record if change is record.change else replace(record, change=change)


def _plan_reviewed(record: TrackedRecord, now: datetime) -> TrackedRecord:
    planned = record.planned
    if planned is None or now < planned.deadline_at:
        return record
    return replace(record, planned=None).with_ended(planned.moved(ChangeState.CANCELLED, now))


def _authorities(record: TrackedRecord, change: Change) -> tuple[AuthorityNow, ...]:
    found = list[AuthorityNow]()
    for name, history in sorted(record.authorities.items()):
        if not history.is_listed:
            continue
        newest, serving = history.newest, history.serving
        state = AuthorityState.OLD
        if serving is None or history.silent_since is not None:
            state = AuthorityState.SILENT
        elif serving.is_same(change.new):
            state = AuthorityState.NEW
        value, ttl = (newest.value, newest.ttl) if newest else (None, None)
        found.append(AuthorityNow(name, state, value, ttl, history.serial))
    return tuple(found)


def _tracks(change: Change, panelists: Panelists, now: datetime) -> Mapping[str, Track]:
    """Return one track for each resolver, in or out of the wait for the authorities."""
    policy = panelists.policy
    found = dict[str, Track]()
    for name in panelists.resolvers:
        track = change.tracks.get(name) or awaiting(name, change.detected_at)
        if not change.is_observable:
            track = replace(track, reason=Reason.NOT_OBSERVABLE).moved(TrackState.UNKNOWN, now)
        elif change.all_authorities_at is None:
            is_asked = now < change.detected_at + policy.follow_for
            if track.state is not TrackState.AUTH_WAIT or (track.next_at is None and is_asked):
                track = replace(
                    awaiting(name, now),
                    recent=track.recent[-1:],
                    next_at=now + policy.split_heartbeat,
                    first_new_at=track.first_new_at,
                    last_old_at=track.last_old_at,
                )
        elif track.state is TrackState.AUTH_WAIT:
            track = counted(track, now, policy)
        found[name] = track
    return found if found != change.tracks else change.tracks


def _with_told(change: Change, policy: TrackingPolicy, now: datetime) -> Change:
    is_split = change.all_authorities_at is None and not change.split_told
    if is_split and now >= split_since(change) + policy.authority_interval * SPLIT_FOR:
        change = replace(change, split_told=True)
    patience = grace(change, policy)
    late = {
        name: replace(track, overstay_told=True)
        for name, track in change.tracks.items()
        if track.state is TrackState.OVERSTAY
        and not track.overstay_told
        and now >= track.since + patience
    }
    return replace(change, tracks={**change.tracks, **late}) if late else change


def split_since(change: Change) -> datetime:
    return change.split_at or change.detected_at


def grace(change: Change, policy: TrackingPolicy) -> timedelta:
    """How long a resolver may overstay before anybody is told."""
    return max(policy.overstay_grace, timedelta(seconds=(change.old_ttl or 0) / 10))


def _state_reviewed(change: Change, panelists: Panelists, now: datetime) -> Change:
    if change.all_authorities_at is not None:
        moved = _by_tracks(change, panelists, now)
        if moved is not change:  # what has settled has converged before
            change = _by_tracks(moved, panelists, now)
    is_late = now >= change.deadline_at and change.state is not ChangeState.EXPIRED
    if is_late and change.state.is_open:
        change = change.moved(ChangeState.EXPIRED, now)
    if (
        change.state is ChangeState.EXPIRED
        and now >= change.detected_at + panelists.policy.follow_for
    ):
        change = change.quiet()
    return change


def _by_tracks(change: Change, panelists: Panelists, now: datetime) -> Change:
    reached = [t for t in change.tracks.values() if t.state is not TrackState.UNREACHABLE]
    has_all = (
        bool(reached)
        and all(t.state.has_converged and t.doubt is None for t in reached)
        and change.coverage(panelists.weights) >= panelists.policy.min_coverage
    )
    is_settled = has_all and all(track.state is TrackState.SETTLED for track in reached)
    match change.state:
        case ChangeState.PROPAGATING if has_all:
            return change.moved(ChangeState.CONVERGED, now)
        case ChangeState.CONVERGED if is_settled:
            return change.moved(ChangeState.SETTLED, now)
        case ChangeState.EXPIRED if is_settled:
            return change.moved(ChangeState.SETTLED, now)
        case ChangeState.CONVERGED | ChangeState.SETTLED if reached and not all(
            track.state.has_converged for track in reached
        ):
            return change.moved(ChangeState.PROPAGATING, now)
        case _:
            return change
