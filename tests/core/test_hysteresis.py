from itertools import takewhile

from hypothesis import given
from hypothesis import strategies as st

from monitor.core.hysteresis import Settled
from tests.core.properties import REPEATABLE


def test_a_change_is_believed_after_so_many_rounds_on_end() -> None:
    once = Settled("good").see("bad", needed=2)
    assert once.value == "good"
    assert once.see("bad", needed=2) == Settled("bad")


def test_one_good_round_between_starts_the_count_anew() -> None:
    belief = Settled("good")
    for seen in ("bad", "good", "bad", "good", "bad"):
        belief = belief.see(seen, needed=2)
    assert belief.value == "good"


def test_rounds_of_one_kind_count_together_and_another_kind_begins_anew() -> None:
    once = Settled("good").see("bad", needed=2, kind="known")
    assert once.see("worse", needed=2, kind="known") == Settled("worse")
    assert once.see("unknown", needed=2, kind="unknown").value == "good"


@REPEATABLE
@given(st.lists(st.sampled_from(["good", "bad", "worse", "silent"])), st.integers(1, 4))
def test_the_belief_is_always_what_was_last_seen_often_enough_without_a_break(
    seen: list[str], needed: int
) -> None:
    belief, against = Settled("good"), list[str]()
    for value in seen:
        against = [] if value == belief.value else [*against, value]
        is_enough = bool(against) and _alike_at_the_end(against) >= needed
        expected = value if is_enough else belief.value
        belief = belief.see(value, needed=needed, kind=_kind(value))
        assert belief.value == expected
        against = [] if is_enough else against


def _alike_at_the_end(seen: list[str]) -> int:
    last = _kind(seen[-1])
    return len(list(takewhile(lambda value: _kind(value) == last, reversed(seen))))


def _kind(value: str) -> str:
    return "unknown" if value == "silent" else "known"
