"""What a person should hear of a domain: the gravest thing leads, and there is one at most."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from monitor.core.message import NoticeSeverity
from monitor.core.notices.policy import NoticePolicy
from monitor.core.state import DomainState
from monitor.core.status import DomainStatus, Fault, tally_of
from monitor.core.told import Concern, ConcernKind
from monitor.core.tracking.changes import Change, ChangeKind, ChangeState
from monitor.core.tracking.record import RecordKey, is_calm
from monitor.core.tracking.review import split_since
from monitor.core.tracking.telling import late
from monitor.core.tracking.tracks import TrackState
from monitor.core.views import standings_of

# All others are warnings.
_FAULTS: Mapping[Fault, NoticeSeverity | None] = {
    Fault.WILDCARD: None,  # meant so, and no news
    Fault.TTL_HIGH: NoticeSeverity.INFO,  # it bears on the next change alone
    Fault.BINDING_DISABLED: NoticeSeverity.CRITICAL,
    Fault.BUCKET_MISSING: NoticeSeverity.CRITICAL,
    Fault.UNBOUND: NoticeSeverity.CRITICAL,
}


@dataclass(frozen=True, slots=True)
class Standing:
    """The concern of a domain; it is not `is_clear` where nobody can say that there is none."""

    concern: Concern | None
    is_clear: bool = True


def standing_of(state: DomainState, policy: NoticePolicy, now: datetime) -> Standing:
    """Return what a person should hear of the domain now."""
    if state.status.value in _FINE and not state.faults and is_calm(state.records):
        return _NOTHING  # as it is with nearly all of a fleet
    change = leading_change(state)
    found = list(_of_faults(state, change, now))
    found += _of_status(state, change, policy)
    found += _of_changes(state, policy, now)
    if found:
        return Standing(max(found, key=lambda concern: concern.gravity))
    is_split = change is not None and change.state is ChangeState.AUTH_SPLIT
    is_unknown = state.status.value is DomainStatus.UNKNOWN
    return Standing(None, is_clear=not is_unknown and not is_split)


_FINE = frozenset({DomainStatus.IN_EFFECT, DomainStatus.PAUSED})
_NOTHING = Standing(None)


def leading_change(state: DomainState) -> Change | None:
    """Return the change under way that matters most: the domain's own first."""
    return next(_under_way(state), None)


def _under_way(state: DomainState) -> Iterator[Change]:
    if is_calm(state.records):
        return
    for key in sorted(state.records, key=lambda key: _importance(key, state)):
        change = state.records[key].under_way
        if change is not None and change.kind is not ChangeKind.TTL:
            yield change


def _importance(key: RecordKey, state: DomainState) -> tuple[bool, RecordKey]:
    return key.owner != state.domain, key


def _of_faults(state: DomainState, change: Change | None, now: datetime) -> Iterator[Concern]:
    for fault in state.faults:
        severity = _FAULTS.get(fault, NoticeSeverity.WARNING)
        kind = ConcernKind.FAULT
        if fault is Fault.AUTHORITY_SPLIT:
            kind = ConcernKind.AUTHORITY_SPLIT
            if change is not None and change.state is not ChangeState.EXPIRED:
                continue  # so it is while a change goes round: that has a patience of its own
        if severity is not None:
            yield Concern(kind, severity, now)  # nobody remembers since when


def _of_status(
    state: DomainState, change: Change | None, policy: NoticePolicy
) -> Iterator[Concern]:
    status = state.status.value
    if status not in _STATUSES or not _is_to_be_told(state, change, policy):
        return
    kind, severity = _STATUSES[status]
    number = change.id if change else None
    began_at = change.detected_at if change else None
    yield Concern(kind, severity, state.since, number, began_at)


_STATUSES = {
    DomainStatus.BROKEN: (ConcernKind.BROKEN, NoticeSeverity.CRITICAL),
    DomainStatus.PARTIAL: (ConcernKind.PARTIAL, NoticeSeverity.WARNING),
    DomainStatus.PROPAGATING: (ConcernKind.PROPAGATING, NoticeSeverity.INFO),
}


def _is_to_be_told(state: DomainState, change: Change | None, policy: NoticePolicy) -> bool:
    if state.status.value is DomainStatus.PROPAGATING:
        # While the change goes round the authorities nobody can say until when it lasts.
        return change is None or change.state is not ChangeState.AUTH_SPLIT
    ratio = tally_of(standings_of(state.resolvers), policy.status.weights).ratio
    return ratio is not None and 1.0 - ratio >= policy.quorum


def _of_changes(state: DomainState, policy: NoticePolicy, now: datetime) -> Iterator[Concern]:
    for change in _under_way(state):
        found = _of_change(change, policy, now)
        if found is not None:
            kind, severity, since = found
            yield Concern(kind, severity, since, change.id, change.detected_at)


def _of_change(
    change: Change, policy: NoticePolicy, now: datetime
) -> tuple[ConcernKind, NoticeSeverity, datetime] | None:
    match change.state:
        case ChangeState.AUTH_SPLIT if now >= split_since(change) + policy.split_after:
            return ConcernKind.AUTHORITY_SPLIT, NoticeSeverity.WARNING, split_since(change)
        case ChangeState.PROPAGATING:
            return _of_propagation(change)
        case ChangeState.EXPIRED if any(t.next_at for t in change.tracks.values()):
            severity = NoticeSeverity.CRITICAL if late(change) else NoticeSeverity.WARNING
            return ConcernKind.EXPIRED, severity, change.expired_at or change.deadline_at
        case _:
            return None  # not seen yet, arrived, ended, or followed no more


def _of_propagation(change: Change) -> tuple[ConcernKind, NoticeSeverity, datetime]:
    tracks = change.tracks.values()
    back = [t.since for t in tracks if t.state in {TrackState.REGRESSED, TrackState.FLAPPING}]
    if back:
        return ConcernKind.REGRESSED, NoticeSeverity.WARNING, min(back)
    stays = [t.since for t in tracks if t.state is TrackState.OVERSTAY and t.overstay_told]
    if stays:
        return ConcernKind.OVERSTAY, NoticeSeverity.WARNING, min(stays)
    return ConcernKind.PROPAGATING, NoticeSeverity.INFO, change.detected_at
