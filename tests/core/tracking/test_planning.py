from datetime import datetime, timedelta

import pytest

from monitor.core.tracking.authorities import ServerHistory
from monitor.core.tracking.planning import LOW_TTL, Plan, plan
from monitor.core.tracking.values import ABSENT, Sample, Value
from tests.core.tracking.scenes import NEW, OLD, THIRD, at

HOUR, DAY = 3600, 86400
# Some servers keep a record for up to a second more than its whole seconds.
A_SECOND = timedelta(seconds=1)


def server(*polls: tuple[float, Value | None, int], name: str = "ns1") -> ServerHistory:
    """Return the history of a server that was polled at those seconds."""
    history = ServerHistory(name)
    for seconds, value, ttl in polls:
        history = history.answered(Sample(at(seconds), value, ttl), None)
    return history


def planned(when: float, *servers: ServerHistory) -> Plan:
    found = plan(servers, at(when))
    assert found is not None
    return found


def is_about(instant: datetime, seconds: float) -> bool:
    return timedelta() <= instant - at(seconds) <= A_SECOND


@pytest.mark.parametrize(
    ("ttl", "lower_first"), [(0, False), (60, False), (600, False), (601, True), (DAY, True)]
)
def test_a_long_ttl_is_to_be_lowered_first(ttl: int, *, lower_first: bool) -> None:
    found = planned(300, server((0, OLD, ttl), (240, OLD, ttl)))
    assert found.ttl == timedelta(seconds=ttl)
    assert found.value == OLD
    assert is_about(found.old_until, 300 + ttl)
    assert is_about(found.then_at, 300 + ttl)
    assert (found.lower_first, found.wait_first, found.is_split) == (lower_first, False, False)
    assert found.has_advice is lower_first


def test_the_default_of_the_vendor_needs_no_advice_and_a_low_ttl_is_a_minute() -> None:
    assert not planned(0, server((0, OLD, 600))).has_advice
    assert timedelta(minutes=1) == LOW_TTL


def test_a_ttl_that_was_lowered_an_hour_ago_has_not_drained() -> None:
    lowered = server((-2 * HOUR, OLD, DAY), (0, OLD, 300), (HOUR - 60, OLD, 300))
    found = planned(HOUR, lowered)
    assert found.ttl == timedelta(seconds=300)
    assert is_about(found.drained_at, DAY)
    assert is_about(found.old_until, DAY)
    assert is_about(found.then_at, DAY)
    assert (found.lower_first, found.wait_first, found.has_advice) == (False, True, True)


def test_a_ttl_that_was_lowered_a_day_ago_has_drained() -> None:
    lowered = server((-2 * HOUR, OLD, DAY), (0, OLD, 300), (DAY + HOUR - 60, OLD, 300))
    found = planned(DAY + HOUR, lowered)
    assert is_about(found.old_until, DAY + HOUR + 300)
    assert not found.has_advice


def test_what_drains_within_ten_minutes_is_not_worth_waiting_for() -> None:
    lowered = server((-60, OLD, HOUR), (0, OLD, 60), (HOUR - 60, OLD, 60))
    found = planned(HOUR - 300, lowered)
    assert is_about(found.old_until, HOUR)
    assert not found.has_advice


def test_copies_of_an_earlier_value_count_too() -> None:
    moved = server((-60, THIRD, DAY), (0, OLD, 60), (HOUR, OLD, 60))
    found = planned(HOUR, moved)
    assert found.value == OLD
    assert is_about(found.old_until, DAY)


def test_the_longest_ttl_of_all_authorities_counts() -> None:
    one = server((0, OLD, 60), (60, OLD, 60))
    other = server((0, OLD, 7200), (60, OLD, 7200), name="ns2")
    for servers in ((one, other), (other, one)):
        found = planned(60, *servers)
        assert found.ttl == timedelta(hours=2)
        assert found.lower_first and not found.is_split


def test_authorities_that_differ_are_said_so() -> None:
    one = server((0, OLD, 60), (60, OLD, 60))
    other = server((0, NEW, 60), (60, NEW, 60), name="ns2")
    found = planned(60, one, other)
    assert found.is_split and found.has_advice
    assert not found.lower_first


def test_a_server_that_is_gone_is_no_split_but_its_copies_live_on() -> None:
    gone = server((0, NEW, 7200)).ended(at(60))
    found = planned(60, gone, server((0, OLD, 60), (60, OLD, 60), name="ns2"))
    assert (found.value, found.is_split) == (OLD, False)
    assert found.ttl == timedelta(minutes=1)
    assert is_about(found.old_until, 60 + 7200)


@pytest.mark.parametrize("servers", [(), (server(),), (server((0, None, 0)),)])
def test_nothing_can_be_said_where_no_authority_has_answered(
    servers: tuple[ServerHistory, ...],
) -> None:
    assert plan(servers, at(60)) is None


def test_that_a_name_is_absent_is_kept_for_three_hours_at_most() -> None:
    found = planned(60, server((0, ABSENT, DAY), (60, ABSENT, DAY)))
    assert found.value == ABSENT
    assert is_about(found.old_until, 60 + 3 * HOUR)
