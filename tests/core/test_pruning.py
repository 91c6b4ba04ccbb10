from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from monitor.core.events import Event, EventType
from monitor.core.pruning import PruningPolicy, forgettable, pruned_event
from monitor.core.tracking.changes import Change, ChangeState, change_id, first_id_at
from tests.contracts.followed import changes
from tests.core.samples import START
from tests.core.sealed import sealed

POLICY = PruningPolicy(timedelta(days=30), timedelta(days=7))
DAY = timedelta(days=1)
ANY = changes()[0]


def change(state: ChangeState, settled_at: datetime | None = None) -> Change:
    return replace(
        ANY, state=state, detected_at=START, deadline_at=START + 3 * DAY, settled_at=settled_at
    )


@pytest.mark.parametrize("state", [s for s in ChangeState if not s.is_open])
def test_what_has_ended_is_over_once_its_window_is(state: ChangeState) -> None:
    assert not POLICY.is_over(change(state), START + 3 * DAY)
    assert POLICY.is_over(change(state), START + 3 * DAY + timedelta(seconds=1))


def test_what_settled_late_is_over_later() -> None:
    late = change(ChangeState.SETTLED, START + 5 * DAY)
    assert not POLICY.is_over(late, START + 5 * DAY)
    assert POLICY.is_over(late, START + 6 * DAY)


def test_what_never_settled_is_over_when_nobody_looks_after_it_any_more() -> None:
    expired = change(ChangeState.EXPIRED)
    assert not POLICY.is_over(expired, START + 10 * DAY)
    assert POLICY.is_over(expired, START + 11 * DAY)


@pytest.mark.parametrize(
    "state", [s for s in ChangeState if s.is_open and s is not ChangeState.EXPIRED]
)
def test_what_is_under_way_is_never_over(state: ChangeState) -> None:
    assert not POLICY.is_over(change(state), START + 1000 * DAY)


def test_what_never_settled_stays_listed() -> None:
    settled, expired = change(ChangeState.SETTLED), replace(change(ChangeState.EXPIRED), id="x")
    assert forgettable([settled, expired]) == {settled.id}


def test_the_last_that_goes_is_named_with_its_hash() -> None:
    last = sealed(Event(EventType.STATUS, START) for _ in range(3))[-1]
    event = pruned_event(last, START, START + DAY)
    assert event.data == {"through": 3, "hash": last.hash, "before": START.isoformat()}
    assert event.at == START + DAY


def test_no_change_of_an_earlier_time_has_a_greater_id() -> None:
    edge = START + timedelta(hours=1)
    earlier = change_id(edge - timedelta(milliseconds=1), "any", "lots")
    assert earlier < first_id_at(edge) <= change_id(edge, "any", "lots")
