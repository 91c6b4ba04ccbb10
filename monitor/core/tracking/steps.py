"""The tracker: one thing that happened moves a record; time and chance come from outside.

`step` is the only way in. It returns the record after it, the changes that moved, the events that
explain the moves, and the agenda: whom to ask when, and when to step for the time alone.
Everything follows from the record, so that after a crash the record and `Restarted` are enough.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from monitor.core.tracking.agenda import agenda
from monitor.core.tracking.authorities import ServerHistory
from monitor.core.tracking.changes import Change, ChangeKind, ChangeState, Source, change_id
from monitor.core.tracking.detection import judged
from monitor.core.tracking.explain import Scene, explain
from monitor.core.tracking.following import counted, take
from monitor.core.tracking.policy import Panelists, TrackingPolicy
from monitor.core.tracking.reasons import Reason
from monitor.core.tracking.record import (
    Announced,
    AuthoritiesAnswered,
    ClockStepped,
    Delegated,
    Explained,
    Happening,
    ResolverAnswered,
    Restarted,
    Stepped,
    TimePassed,
    TrackedRecord,
    Unwatched,
)
from monitor.core.tracking.review import reviewed
from monitor.core.tracking.shifting import shifted
from monitor.core.tracking.telling import Teller
from monitor.core.tracking.tracks import Facts, Track, TrackState
from monitor.core.tracking.values import Sample, Value


def step(
    record: TrackedRecord, happening: Happening, panelists: Panelists, now: datetime
) -> Stepped:
    """Return the record after what happened, as seen at `now`."""
    after = reviewed(_taken(record, happening, panelists, now), panelists, now)
    retimed, after = _with_agreed_ttl(record, after, now)
    moved = tuple(
        change
        for change in (*after.ended, after.change, after.planned)
        if change is not None and change not in (*record.ended, record.change, record.planned)
    )
    evidence = (
        happening.evidence if isinstance(happening, AuthoritiesAnswered | ResolverAnswered) else ()
    )
    events = tuple(Teller(panelists, now, evidence).tell(record, after, retimed))
    return Stepped(after, agenda(after, panelists, now), (*moved, *retimed), events)


def _taken(  # noqa: PLR0911  # one way out for each thing that can happen
    record: TrackedRecord, happening: Happening, panelists: Panelists, now: datetime
) -> TrackedRecord:
    policy = panelists.policy
    match happening:
        case AuthoritiesAnswered():
            return judged(_polled(record, happening), policy, now)
        case Delegated():
            return judged(_delegated(record, happening, now), policy, now)
        case ResolverAnswered():
            return _answered(record, happening, panelists)
        case Announced():
            return judged(_announced(record, happening, policy, now), policy, now)
        case Explained():
            return _explained_by_provider(record, happening)
        case TimePassed():
            return judged(record, policy, now)
        case Restarted():
            return _restarted(record, panelists, now)
        case ClockStepped():
            return shifted(record, happening.by)
        case Unwatched():
            return _cancelled(record, now)


def _polled(record: TrackedRecord, poll: AuthoritiesAnswered) -> TrackedRecord:
    known = dict(record.authorities)
    for server, sample in poll.samples.items():
        history = known.get(server, ServerHistory(server))
        known[server] = history.answered(sample, poll.serials.get(server))
    at = max((sample.at for sample in poll.samples.values()), default=record.polled_at)
    return replace(record, authorities=known, polled_at=at)


def _delegated(record: TrackedRecord, found: Delegated, now: datetime) -> TrackedRecord:
    authorities = {
        name: replace(history, is_listed=True)
        if name in found.servers
        else replace(history.ended(now + found.kept_for), is_listed=False)
        for name, history in record.authorities.items()
    }
    return replace(record, authorities=authorities, is_delegation_consistent=found.is_consistent)


def _announced(
    record: TrackedRecord, announced: Announced, policy: TrackingPolicy, now: datetime
) -> TrackedRecord:
    at, key, known = announced.planned_at, record.key, record.change
    if known is not None and not known.state.is_final and known.new.is_same(announced.new):
        # It was seen before it was announced: the announcement names who and why.
        source = Source.ANNOUNCED if known.source is Source.OBSERVED else known.source
        named = replace(known, source=source, by=announced.by, note=announced.note, planned_at=at)
        return replace(record, change=named)
    if _is_served_for_long(record, announced.new, now):
        return record  # nothing is to come: it is what everybody has
    deadline = max(at, now) + policy.window
    planned = Change(
        id=change_id(
            now, record.domain.text, key.owner.text, key.view, announced.new.text, "plan"
        ),
        domain=record.domain,
        owner=key.owner,
        view=key.view or None,
        kind=ChangeKind.MODIFIED,
        state=ChangeState.ANNOUNCED,
        source=announced.source,
        old=record.agreed,
        new=announced.new,
        detected_at=now,
        deadline_at=deadline,
        by=announced.by,
        note=announced.note,
        planned_at=at,
    )
    if record.planned is not None:
        record = record.with_ended(record.planned.moved(ChangeState.SUPERSEDED, now))
    return replace(record, planned=planned)


def _is_served_for_long(record: TrackedRecord, value: Value, now: datetime) -> bool:
    """Tell whether all authorities have given the value for longer than any other may be kept."""
    if record.agreed is None or not record.agreed.is_same(value):
        return False
    histories = record.authorities.values()
    since = [at for history in histories if (at := history.value_since()) is not None]
    kept_for = max((h.newest.kept_for for h in histories if h.newest), default=timedelta())
    return bool(since) and now - max(since) > kept_for


def _explained_by_provider(record: TrackedRecord, told: Explained) -> TrackedRecord:
    change = record.change
    if change is None or change.id != told.change:
        return record
    source = Source.ALIDNS if change.source is Source.OBSERVED else change.source
    after = replace(change, source=source, edited_at=told.edited_at, lines=told.lines)
    return replace(record, change=after)


def _cancelled(record: TrackedRecord, now: datetime) -> TrackedRecord:
    change = record.change
    if record.planned is not None:
        record = record.with_ended(record.planned.moved(ChangeState.CANCELLED, now))
    if change is not None and change.state.is_open:
        change = change.moved(ChangeState.CANCELLED, now)
    return replace(record, change=change.quiet() if change else None, planned=None)


def _answered(
    record: TrackedRecord, answered: ResolverAnswered, panelists: Panelists
) -> TrackedRecord:
    change = record.change
    if change is None or not change.is_watched(answered.sample.at):
        return record
    track = change.tracks.get(answered.resolver)
    if track is None or _is_repeated(track, answered.sample):
        return record
    change = _with_assumption(change, track, answered.sample)
    facts = _facts(change)
    if facts is None or not change.is_observable:
        return _with_track(record, change, _glanced(track, answered.sample, change, panelists))
    after = take(track, answered.sample, facts, panelists.policy)
    return _explained(_with_track(record, change, after), after.resolver, panelists)


def _is_repeated(track: Track, sample: Sample) -> bool:
    return bool(track.recent) and sample.at <= track.recent[-1].at


def _facts(change: Change) -> Facts | None:
    if change.all_authorities_at is None or change.bound_at is None:
        return None
    span = change.bound_at - change.all_authorities_at
    ttl = change.old_ttl if change.old_ttl is not None else int(span.total_seconds())
    return Facts(change.new, change.all_authorities_at, change.bound_at, ttl, change.deadline_at)


def _with_assumption(change: Change, track: Track, sample: Sample) -> Change:
    """Raise a bound that no history vouches for to what the census shows."""
    is_first_look = track.state is TrackState.CENSUS and change.bound_is_assumed
    if not is_first_look or sample.value is None or sample.value.is_same(change.new):
        return change
    expires_at = sample.at + timedelta(seconds=sample.ttl)
    if change.bound_at is None or expires_at <= change.bound_at:
        return change
    return replace(change, bound_at=expires_at)


def _glanced(track: Track, sample: Sample, change: Change, panelists: Panelists) -> Track:
    """Note an answer that decides nothing: an authority still serves the old value."""
    is_new = sample.value is not None and sample.value.is_same(change.new)
    return replace(
        track,
        next_at=sample.at + panelists.policy.split_heartbeat,
        recent=(*track.recent, sample)[-2:],
        first_new_at=track.first_new_at or (sample.at if is_new else None),
        last_old_at=track.last_old_at if is_new or sample.value is None else sample.at,
    )


def _with_track(record: TrackedRecord, change: Change, track: Track) -> TrackedRecord:
    tracks = {**change.tracks, track.resolver: track}
    return replace(record, change=replace(change, tracks=tracks))


def _explained(record: TrackedRecord, resolver: str, panelists: Panelists) -> TrackedRecord:
    change = record.change
    assert change is not None
    track = change.tracks[resolver]
    scene = _scene(record, change, track, panelists)
    reason = explain(scene)
    if reason is Reason.AUTH_HIDDEN_LAG and (fetched := scene.fetched_at()) is not None:
        # A stale node of the authorities: what it gives out may be kept from then on.
        limit = fetched + timedelta(seconds=(change.old_ttl or 0) + 1)
        change = replace(change, bound_at=max(limit, change.bound_at or limit))
        # What one resolver alone did not show explains the others too.
        tracks = {n: replace(t, reason=explain(scene.of(t))) for n, t in change.tracks.items()}
        return replace(record, change=replace(change, tracks=tracks))
    if reason is track.reason:
        return record
    return _with_track(record, change, replace(track, reason=reason))


def _scene(record: TrackedRecord, change: Change, track: Track, panelists: Panelists) -> Scene:
    return Scene(
        track=track,
        owner=change.owner,
        domain=change.domain,
        new=change.new,
        detected_at=change.detected_at,
        all_authorities_at=change.all_authorities_at,
        bound_at=change.bound_at,
        authorities=record.authorities,
        tracks=change.tracks,
        resolvers=panelists.resolvers,
        is_delegation_consistent=record.is_delegation_consistent,
    )


def _restarted(record: TrackedRecord, panelists: Panelists, now: datetime) -> TrackedRecord:
    """Begin bursts again, and spread what was due meanwhile over one usual interval."""
    change = record.change
    if change is None or not change.is_watched(now):
        return record
    policy, tracks = panelists.policy, dict[str, Track]()
    for number, (name, track) in enumerate(sorted(change.tracks.items())):
        if track.state is TrackState.CENSUS:
            track = counted(track, now, policy)  # noqa: PLW2901
        is_due = track.next_at is not None and track.next_at <= now
        if is_due or track.state is TrackState.CENSUS:
            share = number / len(change.tracks)
            track = replace(track, next_at=now + policy.authority_interval * share)  # noqa: PLW2901
        tracks[name] = track
    return replace(record, change=replace(change, tracks=tracks))


def _with_agreed_ttl(
    before: TrackedRecord, after: TrackedRecord, now: datetime
) -> tuple[tuple[Change, ...], TrackedRecord]:
    """Note the TTL on which all authorities agree; where it alone changed, as a change."""
    newest = [
        h.newest for h in after.authorities.values() if h.is_listed and h.serving is not None
    ]
    ttls = {served.ttl for served in newest if served is not None}
    agreed = after.agreed
    is_agreed = agreed is not None and all(
        s is not None and s.value.is_same(agreed) for s in newest
    )
    seen_twice = all(s is not None and s.until > s.since for s in newest)
    if len(ttls) != 1 or not is_agreed or not seen_twice or agreed is None:
        return (), after
    (ttl,) = ttls
    if ttl == after.agreed_ttl:
        return (), after
    retimed = replace(after, agreed_ttl=ttl)
    is_alone = before.agreed is not None and agreed.is_same(before.agreed)
    if after.agreed_ttl is None or not is_alone or after.under_way is not None:
        return (), retimed
    return (_retimed(after, ttl, now),), retimed


def _retimed(record: TrackedRecord, ttl: int, now: datetime) -> Change:
    key, agreed = record.key, record.agreed
    assert agreed is not None
    lots = (record.domain.text, key.owner.text, key.view, f"ttl {ttl}")
    return Change(
        id=change_id(now, *lots),
        domain=record.domain,
        owner=key.owner,
        view=key.view or None,
        kind=ChangeKind.TTL,
        state=ChangeState.SETTLED,
        source=Source.OBSERVED,
        old=agreed,
        new=agreed,
        detected_at=now,
        deadline_at=now,
        old_ttl=record.agreed_ttl,
        all_authorities_at=now,
        bound_at=now,
        settled_at=now,
    )
