"""What a message needs to know of a domain, looked up only when there is one to write."""

from collections.abc import Mapping
from datetime import datetime

from monitor.core.state import DomainState
from monitor.core.status import StatusPolicy, remedy, tally
from monitor.core.told import ChangeFacts, Facts, Late, Wrong
from monitor.core.tracking.changes import AuthorityState, Change
from monitor.core.tracking.record import TrackedRecord
from monitor.core.tracking.telling import late, unverified
from monitor.core.verdict import Rule
from monitor.core.views import View


def facts_of(
    state: DomainState,
    policy: StatusPolicy,
    now: datetime,
    change: str | None = None,
    *,
    is_watched: bool = True,
) -> Facts:
    """Return the facts, with those of the change that has this id."""
    views = {name: view for name, view in state.resolvers.items() if name in policy.weights}
    counted = tally(views)
    return Facts(
        binding=state.binding,
        status=state.status.value,
        asked=int(counted.asked),
        answering=int(counted.answering),
        in_effect=int(counted.in_effect),
        wrong=_wrong(views, state, policy, now),
        faults=tuple(sorted(state.faults, key=lambda fault: fault.value)),
        change=_change_facts(state, change) if change is not None else None,
        is_watched=is_watched,
    )


def _wrong(
    views: Mapping[str, View], state: DomainState, policy: StatusPolicy, now: datetime
) -> tuple[Wrong, ...]:
    """Return who says what wrong, the most frequent first."""
    found = dict[tuple[Rule, str], list[View]]()
    for _, view in sorted(views.items()):
        if view.verdict.is_in_effect is False:
            found.setdefault((view.verdict.rule, view.verdict.seen), []).append(view)
    return tuple(
        Wrong(
            tuple(view.sighting.server for view in same),
            same[0].verdict,
            remedy(same[0], state.authorities, policy.window, now),
        )
        for same in sorted(found.values(), key=len, reverse=True)
    )


def _change_facts(state: DomainState, number: str) -> ChangeFacts | None:
    known = (change for record in state.records.values() for change in _changes(record))
    change = next((change for change in known if change.id == number), None)
    if change is None:
        return None
    return ChangeFacts(
        id=change.id,
        owner=change.owner,
        kind=change.kind,
        state=change.state,
        old=change.old,
        new=change.new,
        detected_at=change.detected_at,
        deadline_at=change.deadline_at,
        bound_at=change.bound_at,
        eta_at=change.eta(),
        behind=tuple(a.server for a in change.authorities if a.state is AuthorityState.OLD),
        late=_late(change),
        unverified=unverified(change),
        by=change.by,
        note=change.note,
    )


def _changes(record: TrackedRecord) -> tuple[Change, ...]:
    newest = (record.change,) if record.change is not None else ()
    return *newest, *reversed(record.ended)


def _late(change: Change) -> tuple[Late, ...]:
    tracks = (change.tracks[name] for name in late(change))
    return tuple(Late(t.resolver, t.reason, change.eta_of(t)) for t in tracks)
