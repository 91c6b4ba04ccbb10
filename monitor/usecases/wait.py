"""Tell whether what somebody waits for has come: a change that everybody has, or another one."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from enum import Enum

from monitor.core.names import DomainName
from monitor.core.state import DomainState
from monitor.core.tracking.changes import Change, ChangeState
from monitor.core.tracking.record import TrackedRecord
from monitor.core.tracking.values import Value, alias, sample_of


class Waited(Enum):
    """How a wait stands."""

    NOT_YET = "not_yet"
    REACHED = "reached"
    ANOTHER_WON = "another_won"


_ONE_VIEW: Mapping[str, str] = {}
_SETTLED = frozenset({ChangeState.SETTLED})
_ARRIVED = frozenset({ChangeState.CONVERGED, ChangeState.SETTLED})


def waited(
    state: DomainState,
    target: DomainName | None,
    since: datetime,
    *,
    is_settled: bool,
    views: Mapping[str, str] = _ONE_VIEW,
) -> Waited:
    """Tell how a wait that began at `since` stands, over all views of the domain's own record.

    Without a target, whatever is under way is waited for. What had ended before is no answer.
    `views` names the client subnet of each resolver that has one.
    """
    asked = {views.get(name, "") for name in state.resolvers}
    own = [
        record
        for key, record in state.records.items()
        if key.owner == state.domain and (record.change is not None or key.view in asked)
    ]
    found = [
        _of_record(_seen_by(state, record, views), record, target, since, is_settled=is_settled)
        for record in own
    ]
    if Waited.ANOTHER_WON in found:
        return Waited.ANOTHER_WON
    is_all = bool(found) and all(one is Waited.REACHED for one in found)
    return Waited.REACHED if is_all else Waited.NOT_YET


def _seen_by(state: DomainState, record: TrackedRecord, views: Mapping[str, str]) -> DomainState:
    """Return the domain as only the resolvers of the record's view see it."""
    shown = {n: v for n, v in state.resolvers.items() if views.get(n, "") == record.key.view}
    return replace(state, resolvers=shown)


def _of_record(
    state: DomainState,
    record: TrackedRecord,
    target: DomainName | None,
    since: datetime,
    *,
    is_settled: bool,
) -> Waited:
    wanted, change = alias(target) if target else None, record.change
    is_current = change is not None and not _is_history(change, since)
    if (
        is_current
        and change is not None
        and change.state in (_SETTLED if is_settled else _ARRIVED)
    ):
        is_wanted = wanted is None or change.new.is_same(wanted)
        return Waited.REACHED if is_wanted else Waited.ANOTHER_WON
    is_planned = record.planned is not None and record.planned.new == wanted
    if is_current or is_planned:
        return Waited.NOT_YET  # it is expected, so that what is everywhere now is the old one
    return _standing(state, record, wanted)


def _is_history(change: Change, since: datetime) -> bool:
    ended = change.settled_at or change.converged_at
    return not change.state.is_open and (ended is None or ended < since)


def _standing(state: DomainState, record: TrackedRecord, wanted: Value | None) -> Waited:
    """Tell whether everybody has what is wanted, where nothing changes."""
    if record.agreed is None or (wanted is not None and not record.agreed.is_same(wanted)):
        return Waited.NOT_YET
    samples = [sample_of(view.sighting, state.domain) for view in state.resolvers.values()]
    values = [sample.value for sample in samples if sample.value is not None]
    has_all = bool(values) and all(value.is_same(record.agreed) for value in values)
    return Waited.REACHED if has_all else Waited.NOT_YET
