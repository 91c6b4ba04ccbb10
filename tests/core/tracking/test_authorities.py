from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.tracking.authorities import ServerHistory, bound, counted, longest_kept
from monitor.core.tracking.record import Delegated
from monitor.core.tracking.values import Sample, Value
from tests.core.properties import REPEATABLE
from tests.core.tracking.scenes import NEW, OLD, THIRD, VALUES, Story, at, changed, mixed, poll

DAY, HOUR = 86400, 3600
HALF_AN_HOUR = timedelta(minutes=30)


def history(*polls: tuple[float, Value | None, int], server: str = "ns1") -> ServerHistory:
    found = ServerHistory(server)
    for seconds, value, ttl in polls:
        found = found.answered(Sample(at(seconds), value, ttl), None)
    return found


def about(instant: datetime | None, seconds: float) -> bool:
    """True within the second or two by which caches are allowed to be late."""
    return instant is not None and 0 <= (instant - at(seconds)).total_seconds() <= 2


def test_every_value_is_kept_with_its_ttl_and_its_time() -> None:
    found = history((0, OLD, 600), (60, OLD, 600), (120, OLD, 60), (180, NEW, 60))
    assert [(s.value, s.ttl, s.since, s.until, s.ended_at) for s in found.served] == [
        (OLD, 600, at(0), at(60), at(120)),
        (OLD, 60, at(120), at(120), at(180)),
        (NEW, 60, at(180), at(180), None),
    ]
    assert found.serving == NEW
    assert found.value_since() == at(180)


def test_a_value_is_served_since_its_first_poll_whatever_its_ttl_became() -> None:
    assert history((0, OLD, 600), (60, OLD, 60)).value_since() == at(0)


def test_a_ttl_that_was_cut_an_hour_before_the_change_does_not_shorten_the_bound() -> None:
    of_one = history((-DAY, OLD, DAY), (-HOUR, OLD, 300), (0, NEW, 300))
    # By the TTL of the moment it would be 300 s: then a copy of half past still lives for a day.
    assert about(bound([of_one], NEW, at(0)), DAY - HOUR)
    assert longest_kept([of_one], NEW, at(0)) == DAY


def test_a_longer_ttl_that_has_drained_does_not_lengthen_the_bound() -> None:
    of_one = history((-3 * DAY, OLD, DAY), (-2 * DAY, OLD, 300), (0, NEW, 300))
    assert about(bound([of_one], NEW, at(0)), 300)
    assert longest_kept([of_one], NEW, at(0)) == 300


def test_the_bound_is_that_of_the_last_server_and_of_every_other_value() -> None:
    first = history((-60, OLD, 600), (0, NEW, 600))
    last = history((-60, OLD, 600), (120, NEW, 600), server="ns2")
    assert about(bound([first, last], NEW, at(0)), 720)
    twice = history((-60, OLD, HOUR), (0, THIRD, 60), (30, NEW, 60))
    assert about(bound([twice], NEW, at(0)), HOUR)


def test_there_is_no_bound_while_a_server_gives_another_value() -> None:
    assert bound([history((0, NEW, 600)), history((0, OLD, 600))], NEW, at(0)) is None


def test_there_is_a_bound_where_nothing_else_was_ever_seen() -> None:
    assert bound([history((0, NEW, 600))], NEW, at(600)) == at(600)


def test_a_denial_is_kept_for_three_hours_at_most() -> None:
    denied = history((-60, VALUES["absent"], DAY), (0, NEW, 600))
    assert about(bound([denied], NEW, at(0)), 3 * HOUR)
    assert longest_kept([denied], NEW, at(0)) == 3 * HOUR


def test_a_poll_that_came_no_later_than_the_last_changes_nothing() -> None:
    found = history((0, OLD, 600), (60, OLD, 600))
    assert found.answered(Sample(at(60), NEW, 600), 7) == found
    assert found.answered(Sample(at(30), NEW, 600), 7) == found


def test_silence_takes_nothing_away_and_ends_with_an_answer() -> None:
    silent = history((0, OLD, 600), (60, None, 0), (120, None, 0))
    assert (silent.serving, silent.silent_since) == (OLD, at(60))
    assert silent.answered(Sample(at(180), OLD, 600), None).silent_since is None


def test_a_server_counts_until_it_has_been_silent_for_too_long() -> None:
    known = {
        "ns1": history((0, OLD, 600)),
        "ns2": history((0, OLD, 600), (60, None, 0), server="ns2"),
        "ns3": ServerHistory("ns3"),
    }
    assert [h.server for h in counted(known, at(60), HALF_AN_HOUR)] == ["ns1", "ns2"]
    assert [h.server for h in counted(known, at(1860), HALF_AN_HOUR)] == ["ns1"]


def test_the_ttl_of_flattened_addresses_runs_down_and_the_longest_counts() -> None:
    found = history(*((t, VALUES["flattened"], 60 - t) for t in range(0, 60, 10)))
    assert len(found.served) == 1
    assert found.served[0].ttl == 60


@REPEATABLE
@given(
    st.lists(
        st.tuples(
            st.integers(1, 5000), st.sampled_from([OLD, THIRD]), st.sampled_from([0, 60, 600, DAY])
        ),
        min_size=1,
        max_size=20,
    )
)
def test_no_copy_that_an_honest_cache_may_hold_outlives_the_bound(
    polls: list[tuple[int, Value, int]],
) -> None:
    t, told = 0.0, list[tuple[float, Value | None, int]]()
    for pause, value, ttl in polls:
        t += pause
        told.append((t, value, ttl))
    changed_at = t + 60
    found = bound([history(*told, (changed_at, NEW, 60))], NEW, at(changed_at))
    assert found is not None
    ends = [*(seconds for seconds, _, _ in told[1:]), changed_at]
    for (_, _, ttl), end in zip(told, ends, strict=True):
        assert at(end + ttl) <= found  # fetched at the last moment


def test_a_former_server_may_be_asked_for_as_long_as_caches_know_the_delegation() -> None:
    story = Story()
    story.poll(-60, OLD)
    story.poll(-50, OLD)
    story.tell(0, Delegated(frozenset({"ns3"}), kept_for=timedelta(hours=1)))
    for t in (0, 10):
        story.tell(t, poll(t, NEW, servers=["ns3"]))
    assert about(story.change.bound_at, HOUR + 600)


@pytest.mark.parametrize("ttl", [60, 600])
def test_the_bound_is_set_when_the_last_authority_has_followed(ttl: int) -> None:
    story = Story()
    story.poll(-60, OLD, ttl)
    story.poll(-50, OLD, ttl)
    story.tell(0, mixed(0, ns1=NEW, ns2=OLD))
    story.tell(10, mixed(10, ns1=NEW, ns2=OLD))
    assert (story.change.all_authorities_at, story.change.bound_at) == (None, None)
    for t in (20, 30):
        story.poll(t, NEW)
    assert story.change.all_authorities_at == at(20)
    # What ns2 gave until 20 s had the TTL that it was given with.
    assert story.change.bound_at is not None
    assert story.change.bound_at >= at(20 + ttl)


def test_what_was_served_before_anybody_looked_is_assumed_to_have_had_the_same_ttl() -> None:
    story = changed(old_ttl=300)
    assert about(story.change.bound_at, 300)
    assert not story.change.bound_is_assumed
