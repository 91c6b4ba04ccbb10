from hypothesis import given
from hypothesis import strategies as st

from monitor.core.hysteresis import Settled


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


@given(st.lists(st.booleans()), st.integers(1, 5))
def test_the_belief_is_always_what_was_last_seen_often_enough(
    seen: list[bool], needed: int
) -> None:
    belief, run = Settled(value=False), 0
    for value in seen:
        before = belief.value
        run = run + 1 if value != before else 0
        belief = belief.see(value, needed=needed)
        assert belief.value == (value if run >= needed else before)
        run = 0 if belief.value != before else run
