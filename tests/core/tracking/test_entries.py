from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.tracking.entries import (
    Entry,
    expiry_to_wait_for,
    old_alive,
    replaced,
    with_sample,
)
from monitor.core.tracking.values import Sample, Value
from tests.core.properties import REPEATABLE
from tests.core.tracking.scenes import NEW, OLD, at

TOLERANCE = timedelta(seconds=1.6)


def with_answers(*answers: tuple[float, Value, int, str | None]) -> tuple[Entry, ...]:
    entries: tuple[Entry, ...] = ()
    for seconds, value, ttl, nsid in answers:
        sample = Sample(at(seconds), value, ttl, nsid=nsid)
        entries, _ = with_sample(entries, sample, is_new=value is NEW, tolerance=TOLERANCE)
    return entries


def test_answers_that_run_down_together_are_of_one_cache() -> None:
    (entry,) = with_answers((0, OLD, 300, None), (2, OLD, 298, None), (4.4, OLD, 296, None))
    assert entry.hits == 3
    assert entry.expires_at == at(300)
    assert (entry.first_at, entry.last_at) == (at(0), at(4.4))


def test_answers_that_expire_at_other_times_are_of_other_caches() -> None:
    entries = with_answers((0, OLD, 300, None), (2, OLD, 100, None), (4, OLD, 296, None))
    assert [entry.hits for entry in entries] == [2, 1] or [e.hits for e in entries] == [1, 2]
    assert {entry.expires_at for entry in entries} == {at(300), at(102)}


def test_an_old_and_a_new_copy_that_expire_together_are_two() -> None:
    assert len(with_answers((0, OLD, 300, None), (0.1, NEW, 300, None))) == 2


def test_copies_of_other_instances_are_told_apart_although_they_expire_together() -> None:
    assert len(with_answers((0, OLD, 300, "a"), (0.1, OLD, 300, "b"))) == 2
    assert len(with_answers((0, OLD, 300, "a"), (0.1, OLD, 300, None))) == 1


def test_an_answer_says_whether_its_copy_was_never_met() -> None:
    entries, is_unseen = with_sample((), Sample(at(0), OLD, 60), is_new=False, tolerance=TOLERANCE)
    assert is_unseen
    _, is_unseen = with_sample(entries, Sample(at(10), OLD, 50), is_new=False, tolerance=TOLERANCE)
    assert not is_unseen


def test_no_answer_is_no_copy() -> None:
    with pytest.raises(ValueError, match="without a value"):
        with_sample((), Sample(at(0), None), is_new=False, tolerance=TOLERANCE)


@REPEATABLE
@given(
    st.lists(
        st.tuples(st.integers(0, 900), st.sampled_from([OLD, NEW]), st.integers(0, 600)),
        max_size=30,
    )
)
def test_no_answer_is_lost_and_what_lives_is_sorted(told: list[tuple[int, Value, int]]) -> None:
    entries = with_answers(*((t, value, ttl, None) for t, value, ttl in sorted(told, key=repr)))
    assert sum(entry.hits for entry in entries) == len(told)
    alive = old_alive(entries, at(450))
    assert all(not entry.is_new and entry.expires_at > at(449) for entry in alive)
    assert list(alive) == sorted(alive, key=lambda entry: entry.expires_at)
    missing = [e for e in entries if e not in alive and not e.is_new]
    assert all(entry.expires_at <= at(450) for entry in missing)


def test_whole_seconds_are_shown_so_that_a_copy_may_live_one_more() -> None:
    entries = with_answers((0, OLD, 60, None))
    assert old_alive(entries, at(60.9))
    assert not old_alive(entries, at(61))


def test_copies_that_expire_soon_after_the_first_share_one_look() -> None:
    entries = with_answers((0, OLD, 100, None), (0, OLD, 125, None), (0, OLD, 200, None))
    alive = old_alive(entries, at(1))
    assert expiry_to_wait_for(alive, timedelta(seconds=30)) == at(125)
    assert expiry_to_wait_for(alive, timedelta(seconds=10)) == at(100)


def test_the_only_cache_with_a_new_copy_has_no_old_one_left() -> None:
    entries = replaced(with_answers((0, OLD, 300, None), (5, NEW, 600, None)), at(5))
    assert not old_alive(entries, at(5))
    assert [entry.is_new for entry in entries] == [False, True]
    assert entries[1].is_alive(at(5))
