"""From what the authorities serve to a change: begun, agreed, split again, ended by another."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from monitor.core.tracking.authorities import (
    ServerHistory,
    bound,
    counted,
    longest_kept,
)
from monitor.core.tracking.changes import Change, ChangeState, Source, change_id, kind_of
from monitor.core.tracking.policy import TrackingPolicy
from monitor.core.tracking.record import TrackedRecord
from monitor.core.tracking.values import Value

_ENDED_BY_ANOTHER = frozenset({ChangeState.SUPERSEDED, ChangeState.REVERTED})
_POLLS = 2  # on end, before the authorities count as agreed


def judged(record: TrackedRecord, policy: TrackingPolicy, now: datetime) -> TrackedRecord:
    """Return the record with its change as the authorities' newest answers make it."""
    heard = counted(record.authorities, now, policy.split_alert_after)
    if not heard:
        return record
    record = _without_the_silent(record, heard, now)
    if record.under_way is None:
        return _begun_by_difference(record, heard, policy, now)
    return _continued(record, record.under_way, heard, policy, now)


def _without_the_silent(
    record: TrackedRecord, heard: Iterable[ServerHistory], now: datetime
) -> TrackedRecord:
    """End what servers give that have been silent for too long: nobody can fetch it there."""
    names = {history.server for history in heard}
    return replace(
        record,
        authorities={
            name: history if name in names else history.ended(now)
            for name, history in record.authorities.items()
        },
    )


def _begun_by_difference(
    record: TrackedRecord,
    heard: tuple[ServerHistory, ...],
    policy: TrackingPolicy,
    now: datetime,
) -> TrackedRecord:
    values = _values(heard)
    agreed = record.agreed
    if agreed is None:
        if len(values) > 1:
            new = _newest_of(record, heard)
            old = next(value for value in values if not value.is_same(new))
            return _continued_from(begun(record, old, new, policy, now), heard, policy, now)
        record = replace(record, agreed=values[0])
        return _begun_by_plan(record, values[0], heard, policy, now)
    fresh = [value for value in values if not value.is_same(agreed)]
    if not fresh:
        return _begun_by_plan(record, agreed, heard, policy, now)
    return _continued_from(begun(record, agreed, fresh[0], policy, now), heard, policy, now)


def _begun_by_plan(
    record: TrackedRecord,
    serving: Value,
    heard: tuple[ServerHistory, ...],
    policy: TrackingPolicy,
    now: datetime,
) -> TrackedRecord:
    """Begin the announced change where the authorities serve it already.

    What they served before is not known, and so the bound is assumed.
    """
    planned = record.planned
    if planned is None or now < (planned.planned_at or now) or not planned.new.is_same(serving):
        return record
    if record.change is not None and record.change.new.is_same(serving):
        return replace(record, planned=None)  # it came, and was seen, before it was announced
    return _continued_from(begun(record, None, serving, policy, now), heard, policy, now)


def _continued_from(
    record: TrackedRecord,
    heard: tuple[ServerHistory, ...],
    policy: TrackingPolicy,
    now: datetime,
) -> TrackedRecord:
    change = record.under_way
    return _continued(record, change, heard, policy, now) if change else record


def _continued(
    record: TrackedRecord,
    change: Change,
    heard: tuple[ServerHistory, ...],
    policy: TrackingPolicy,
    now: datetime,
) -> TrackedRecord:
    values = _values(heard)
    olds = [v for v in (change.old, *_earlier_values(record, change)) if v is not None]
    third = [
        v for v in values if not v.is_same(change.new) and not any(v.is_same(old) for old in olds)
    ]
    if third and change.detected_at < now:
        ended = _ended(record, change, ChangeState.SUPERSEDED, now)
        return _continued_from(begun(ended, change.new, third[0], policy, now), heard, policy, now)
    is_steady = all(history.polls >= _POLLS for history in heard)
    if len(values) > 1 or not is_steady:
        return _split(record, change, now) if _serves_other(heard, change.new) else record
    if values[0].is_same(change.new):
        return _agreed(record, change, heard)
    ended = _ended(record, change, ChangeState.REVERTED, now)
    return _continued_from(begun(ended, change.new, values[0], policy, now), heard, policy, now)


def begun(
    record: TrackedRecord, old: Value | None, new: Value, policy: TrackingPolicy, now: datetime
) -> TrackedRecord:
    """Return the record in a new change; an announced one that says the same is this one."""
    planned = record.planned
    if planned is not None and not planned.new.is_same(new):
        planned = None
    before, key = record.change, record.key
    lots = (record.domain.text, key.owner.text, key.view, new.text)
    change = Change(
        id=planned.id if planned else change_id(now, *lots),
        domain=record.domain,
        owner=key.owner,
        view=key.view or None,
        kind=kind_of(old, new, is_hop=key.owner != record.domain),
        state=ChangeState.AUTH_SPLIT,
        source=planned.source if planned else Source.OBSERVED,
        old=old,
        new=new,
        detected_at=now,
        deadline_at=now + policy.window,
        unseen_since=_last_seen(record, old) if old else None,
        is_observable=old is None or old.is_told_apart_from(new),
        by=planned.by if planned else "",
        note=planned.note if planned else "",
        planned_at=planned.planned_at if planned else None,
        supersedes=before.id if before is not None and before.state in _ENDED_BY_ANOTHER else None,
    )
    return replace(record, change=change, planned=None if planned else record.planned)


def _ended(
    record: TrackedRecord, change: Change, state: ChangeState, now: datetime
) -> TrackedRecord:
    ended = change.moved(state, now).quiet()
    return replace(record, change=ended).with_ended(ended)


def _agreed(
    record: TrackedRecord,
    change: Change,
    heard: tuple[ServerHistory, ...],
) -> TrackedRecord:
    if change.all_authorities_at is not None:
        return record
    since = [at for history in heard if (at := history.value_since()) is not None]
    agreed_at = max((*since, change.detected_at)) if change.old is None else max(since)
    old_ttl = longest_kept(record.authorities.values(), change.new, change.detected_at)
    assumed = timedelta(seconds=old_ttl or _longest_ttl(heard))
    limit = bound(
        record.authorities.values(),
        change.new,
        agreed_at + (assumed if old_ttl is None else timedelta()),
    )
    after = replace(
        change,
        all_authorities_at=agreed_at,
        bound_at=limit,
        bound_is_assumed=old_ttl is None,
        old_ttl=old_ttl,
    )
    if after.state is ChangeState.AUTH_SPLIT:
        after = replace(after, state=ChangeState.PROPAGATING)
    return replace(record, change=after, agreed=change.new)


def _split(record: TrackedRecord, change: Change, now: datetime) -> TrackedRecord:
    if change.all_authorities_at is None:
        return record
    after = replace(change, all_authorities_at=None, bound_at=None, split_at=now, split_told=False)
    if after.state is not ChangeState.EXPIRED:
        after = replace(after, state=ChangeState.AUTH_SPLIT)
    return replace(record, change=after)


def _values(heard: Iterable[ServerHistory]) -> list[Value]:
    found: list[Value] = []
    since = {h.server: at for h in heard if (at := h.value_since()) is not None}
    latest_first = sorted((h for h in heard if h.server in since), key=lambda h: since[h.server])
    for history in reversed(latest_first):
        value = history.serving
        if value is not None and not any(value.is_same(known) for known in found):
            found.append(value)
    return found


def _serves_other(heard: Iterable[ServerHistory], new: Value) -> bool:
    return any(h.serving is not None and not h.serving.is_same(new) for h in heard)


def _earlier_values(record: TrackedRecord, change: Change) -> list[Value]:
    """Return what caches may still have held of earlier values when the change began."""
    return [
        served.value
        for history in record.authorities.values()
        for served in history.served
        if served.since < change.detected_at
        and not served.value.is_same(change.new)
        and (served.forgotten_by() or change.detected_at) >= change.detected_at
    ]


def _newest_of(record: TrackedRecord, heard: tuple[ServerHistory, ...]) -> Value:
    """Guess which of several values is the new one where the first look finds them apart."""
    planned = record.planned
    values = _values(heard)
    if planned is not None and any(value.is_same(planned.new) for value in values):
        return planned.new
    serials = {h.serial for h in heard if h.serial is not None}
    if len(serials) > 1:
        ahead = max((h for h in heard if h.serial is not None), key=lambda h: h.serial or 0)
        if ahead.serving is not None:
            return ahead.serving

    def support(value: Value) -> int:
        return sum(h.serving is not None and h.serving.is_same(value) for h in heard)

    return max(values, key=lambda value: (support(value), value.text))


def _last_seen(record: TrackedRecord, old: Value) -> datetime | None:
    seen = [
        served.until
        for history in record.authorities.values()
        for served in history.served
        if served.value.is_same(old)
    ]
    return max(seen, default=None)


def _longest_ttl(heard: Iterable[ServerHistory]) -> int:
    return max((h.newest.ttl for h in heard if h.newest is not None), default=0)
