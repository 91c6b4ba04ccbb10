"""The events that explain a step: read off the difference between a record before and after.

So a step that changes nothing tells nothing, and what is told is what was kept.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from monitor.core.events import Event, EventType, Json
from monitor.core.tracking.changes import Change, ChangeState
from monitor.core.tracking.policy import Panelists
from monitor.core.tracking.record import Evidence, TrackedRecord
from monitor.core.tracking.tracks import Track, TrackState
from monitor.core.tracking.values import Value

_ENDS = {
    ChangeState.SUPERSEDED: EventType.SUPERSEDED,
    ChangeState.REVERTED: EventType.REVERTED,
    ChangeState.CANCELLED: EventType.CHANGE_CANCELLED,
}
_ARRIVALS = {
    ChangeState.SETTLED: EventType.SETTLED,
    ChangeState.EXPIRED: EventType.WINDOW_EXPIRED,
}
_OLD_AGAIN = frozenset({TrackState.REGRESSED, TrackState.FLAPPING})


class Teller:
    """Tells what one step of one record changed."""

    def __init__(self, panelists: Panelists, now: datetime, evidence: Evidence) -> None:
        self._weights = panelists.weights
        self._now = now
        self._evidence = evidence

    def tell(
        self, before: TrackedRecord, after: TrackedRecord, retimed: tuple[Change, ...]
    ) -> Iterator[Event]:
        """Yield the events, the end of one change before the beginning of the next."""
        for timed in retimed:
            yield self._event(EventType.CHANGE_DETECTED, timed, **_described(timed))
        yield from self._of_plan(before.planned, after.planned)
        yield from self._of_end(before, after)
        change = after.change
        if change is None or change == before.change:
            return
        known = before.change if before.change and before.change.id == change.id else None
        if known is None:
            yield self._event(EventType.CHANGE_DETECTED, change, **_described(change))
        if known is not None and known.planned_at is None and change.planned_at is not None:
            yield self._event(EventType.CHANGE_ANNOUNCED, change, **_described(change))
        if change.edited_at is not None and (known is None or known.edited_at is None):
            said: dict[str, Json] = {"edited_at": _time(change.edited_at), "lines": change.lines}
            yield self._event(EventType.CHANGE_EXPLAINED, change, **said)
        if change.state not in _ENDS:
            yield from self._of_authorities(known, change, after)
            yield from self._of_tracks(known, change)
            yield from self._of_state(known, change)

    def _of_plan(self, before: Change | None, planned: Change | None) -> Iterator[Event]:
        if planned is not None and (before is None or before.id != planned.id):
            yield self._event(EventType.CHANGE_ANNOUNCED, planned, **_described(planned))

    def _of_end(self, before: TrackedRecord, after: TrackedRecord) -> Iterator[Event]:
        ended = {change.id: change for change in (*after.ended, after.change) if change}
        known = {c.id: c.state for c in (*before.ended, before.change) if c}
        for change in ended.values():
            if change.state in _ENDS and known.get(change.id) is not change.state:
                newest = after.change.id if after.change else None
                by = newest if newest != change.id else None
                yield self._event(_ENDS[change.state], change, by=by, **_described(change))

    def _of_authorities(
        self, known: Change | None, change: Change, record: TrackedRecord
    ) -> Iterator[Event]:
        was_split = known is not None and known.split_told
        if change.split_told and not was_split:
            yield self._event(EventType.AUTHORITY_SPLIT, change, servers=_serving(record))
        had_agreed = known is not None and known.all_authorities_at is not None
        if change.all_authorities_at is not None and not had_agreed:
            bound = change.bound_at
            yield self._event(
                EventType.AUTHORITY_AGREED,
                change,
                all_authorities_at=_time(change.all_authorities_at),
                bound_at=_time(bound),
                bound_is_assumed=change.bound_is_assumed,
                bound_after_deadline=bound is not None and bound > change.deadline_at,
                old_ttl=change.old_ttl,
            )

    def _of_tracks(self, known: Change | None, change: Change) -> Iterator[Event]:
        for name, track in sorted(change.tracks.items()):
            was = known.tracks.get(name) if known else None
            if track == was:
                continue
            if track.census.is_done and not (was and was.census.is_done):
                yield self._of_track(EventType.CENSUS_DONE, change, track, was)
            if was is not None and was.state is not track.state:
                kind = EventType.TRACK_STATE
                if track.state in _OLD_AGAIN and was.state not in _OLD_AGAIN:
                    kind = EventType.REGRESSED
                yield self._of_track(kind, change, track, was)
            if track.overstay_told and not (was and was.overstay_told):
                yield self._of_track(EventType.OVERSTAY, change, track, was)

    def _of_track(self, kind: EventType, change: Change, track: Track, was: Track | None) -> Event:
        data: dict[str, Json] = {
            "from": was.state.value if was else None,
            "to": track.state.value,
            "reason": track.reason.value if track.reason else None,
            "caches": track.caches if track.census.is_done else None,
            "samples": track.census.samples,
            "distinct": track.census.distinct,
            "eta_at": _time(track.eta(change.all_authorities_at or self._now)),
        }
        return Event(
            kind, self._now, change.domain, track.resolver, change.id, data, self._evidence
        )

    def _of_state(self, known: Change | None, change: Change) -> Iterator[Event]:
        if change.converged_at is not None and _has_just_converged(known, change):
            yield self._arrived(EventType.CONVERGED, known, change)
        has_moved = known is None or known.state is not change.state
        if has_moved and (arrived := _ARRIVALS.get(change.state)) is not None:
            yield self._arrived(arrived, known, change)

    def _arrived(self, event: EventType, known: Change | None, change: Change) -> Event:
        return self._event(
            event,
            change,
            kind=change.kind.value,
            after_seconds=round((self._now - change.detected_at).total_seconds(), 3),
            is_first=known is None or known.converged_at is None,
            coverage=round(change.coverage(self._weights), 4),
            progress=round(change.progress(self._now, self._weights), 4),
            late=late(change),
            unverified=unverified(change),
        )

    def _event(self, event: EventType, change: Change, /, **data: Json) -> Event:
        where: dict[str, Json] = {}
        if change.owner != change.domain:
            where["owner"] = change.owner.text
        if change.view:
            where["view"] = change.view
        return Event(
            event, self._now, change.domain, None, change.id, where | data, self._evidence
        )


def _has_just_converged(known: Change | None, change: Change) -> bool:
    if known is None or known.converged_at is None:
        return True
    has = {ChangeState.CONVERGED, ChangeState.SETTLED}
    return known.state is ChangeState.PROPAGATING and change.state in has


def late(change: Change) -> dict[str, Json]:
    """Return the resolvers that still have the old value, each with its reason."""
    return {
        name: track.reason.value if track.reason else None
        for name, track in sorted(change.tracks.items())
        if not track.state.has_converged and not _is_unverified(track)
    }


def unverified(change: Change) -> tuple[str, ...]:
    """Return the resolvers of which nobody knows: they do not answer, or cannot be told apart."""
    return tuple(n for n, track in sorted(change.tracks.items()) if _is_unverified(track))


def _is_unverified(track: Track) -> bool:
    return track.state in {TrackState.UNREACHABLE, TrackState.UNKNOWN, TrackState.AUTH_WAIT}


def as_one_notice(events: Sequence[Event]) -> tuple[Event, ...]:
    """Return the events with all windows of the domain that are over told in one."""
    over = [event for event in events if event.type is EventType.WINDOW_EXPIRED]
    if len(over) < 2:
        return tuple(events)
    first = over[0]
    late: dict[str, Json] = {}
    for event in over:
        part = event.data["late"]
        late |= part if isinstance(part, Mapping) else {}
    unverified = sorted(
        {name for e in over for name in _names(e.data["unverified"])} - late.keys()
    )
    changes = tuple(event.change for event in over)
    data = {**first.data, "late": late, "unverified": tuple(unverified), "changes": changes}
    rest = [event for event in events if event.type is not EventType.WINDOW_EXPIRED]
    return (*rest, replace(first, data=data))


def _names(value: Json) -> tuple[str, ...]:
    return tuple(str(name) for name in value) if isinstance(value, tuple) else ()


def _described(change: Change) -> dict[str, Json]:
    return {
        "kind": change.kind.value,
        "source": change.source.value,
        "old": _shown(change.old),
        "new": _shown(change.new),
        "old_ttl": change.old_ttl,
        "unseen_since": _time(change.unseen_since),
        "deadline_at": _time(change.deadline_at),
        "planned_at": _time(change.planned_at),
        "by_whom": change.by or None,
        "note": change.note or None,
        "supersedes": change.supersedes,
    }


def _serving(record: TrackedRecord) -> dict[str, Json]:
    return {
        name: _shown(history.serving)
        for name, history in sorted(record.authorities.items())
        if history.is_listed
    }


def _shown(value: Value | None) -> str | None:
    return value.text if value is not None else None


def _time(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None
