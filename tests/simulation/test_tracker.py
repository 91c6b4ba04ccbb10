"""The tracker keeps its promises in fresh windows; `make simulate` shows more."""

import pytest

from tests.simulation.goals import FRESH, POLLER, Case, goals, measure, table
from tests.simulation.kinds import Kind
from tests.simulation.spells import MINUTE
from tests.simulation.summary import summarise

SEEDS = range(FRESH, FRESH + 300)


@pytest.fixture(scope="module")
def cases() -> list[Case]:
    return measure(SEEDS)


def test_nobody_is_told_settled_while_an_old_copy_lives(cases: list[Case]) -> None:
    settled = [case.outcome for case in cases if case.outcome.settled]
    assert len(settled) > 0.8 * len(cases)
    assert not [o.seed for o in settled if o.settled and o.settled.is_premature]


def test_no_cache_that_keeps_to_the_ttl_outlives_the_bound(cases: list[Case]) -> None:
    bounds = [c.outcome for c in cases if c.outcome.kind.is_compliant and c.outcome.bound]
    assert len(bounds) > 0.5 * len(cases)
    assert not [outcome.seed for outcome in bounds if outcome.breaks_given_bound]


def test_no_verdict_is_taken_back(cases: list[Case]) -> None:
    assert not [case.outcome.seed for case in cases if case.outcome.regressions]


def test_an_override_is_never_called_new(cases: list[Case]) -> None:
    pinned = [case for case in cases if case.outcome.kind is Kind.PINNED]
    assert pinned and all(case.outcome.converged is None for case in pinned)
    assert all(case.is_explained for case in pinned)


def test_the_promises_are_plausible_by_so_few_windows(cases: list[Case]) -> None:
    row = summarise("", [case.outcome for case in cases])
    assert row.premature.interval[0] <= 0.005
    assert row.questions <= 0.15 * POLLER
    assert row.delay_median is not None and row.delay_median <= 1.25 * MINUTE
    assert table(goals(cases)).row_count == len(goals(cases))


def test_the_same_seed_is_the_same_window_again(cases: list[Case]) -> None:
    assert measure(SEEDS[:8], processes=1) == cases[:8]
