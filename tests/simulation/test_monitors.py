import random

import pytest

from tests.simulation.monitors import BoundOnly, EqualAnswers, Monitor, Vantage
from tests.simulation.samples import TTL, Script
from tests.simulation.spells import BEGINNING, DAY

NAIVE = random.Random(0)


def test_a_naive_poller_believes_so_many_equal_answers_in_a_row() -> None:
    poller = EqualAnswers(NAIVE, every=300, needed=3)
    acted = _act(poller, Script(["new", "new", "old", "new", "new", "new"]))
    assert poller.converged_at == acted[5]
    assert poller.settled_at == acted[5]
    assert poller.regressions == 0


def test_a_lost_answer_neither_counts_nor_breaks_the_row() -> None:
    poller = EqualAnswers(NAIVE, every=300, needed=2)
    acted = _act(poller, Script(["new", "none", "new"]))
    assert poller.converged_at == acted[2]


def test_old_after_the_verdict_is_called_a_regression_once_each_time() -> None:
    poller = EqualAnswers(NAIVE, every=300, needed=1)
    acted = _act(poller, Script(["new", "old", "old", "new", "old", "new"]))
    assert poller.regressions == 2
    assert poller.converged_at == acted[0]
    assert poller.settled_at == acted[5]


@pytest.mark.parametrize("every", [60, 300, 900])
def test_a_naive_poller_begins_long_before_the_change_and_keeps_its_pace(every: int) -> None:
    poller = EqualAnswers(random.Random(0), every=every, needed=1)
    acted = _act(poller, Script(["old"] * 5))
    assert BEGINNING <= acted[0] < BEGINNING + DAY
    assert [t - acted[0] for t in acted] == [every * n for n in range(5)]


def test_who_waits_for_the_bound_asks_nobody_before() -> None:
    patient = BoundOnly(random.Random(0))
    script = Script(["new"], all_new_at=3000.0)
    acted = _act(patient, script)
    (asked_at,) = script.asked_at
    assert asked_at == acted[-2] + TTL
    assert 3000.0 + TTL <= asked_at < 3060.0 + TTL
    assert patient.converged_at == patient.settled_at == asked_at
    assert patient.next_at() is None


def test_who_hears_old_at_the_bound_asks_until_it_is_new() -> None:
    patient = BoundOnly(random.Random(0))
    script = Script(["old", "none", "new"], all_new_at=0.0)
    _act(patient, script)
    first = script.asked_at[0]
    assert script.asked_at == [first, first + 300, first + 600]
    assert patient.converged_at == first + 600


def _act(monitor: Monitor, script: Vantage) -> list[float]:
    """Let it act until it or the script is at its end."""
    acted = []
    while (t := monitor.next_at()) is not None:
        try:
            monitor.act(t, script)
        except IndexError:
            break
        acted.append(t)
    return acted
