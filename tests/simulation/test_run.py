import math
from dataclasses import dataclass, field, replace
from functools import cache, partial

import pytest

from tests.simulation.kinds import Kind
from tests.simulation.lineup import MONITORS
from tests.simulation.monitors import EqualAnswers, Vantage
from tests.simulation.run import Outcome, Verdict, run, run_many, watch
from tests.simulation.samples import AsksAt, world
from tests.simulation.scenes import Member
from tests.simulation.spells import HORIZON
from tests.simulation.summary import Row, Share, summarise

NAIVE = partial(EqualAnswers, every=900, needed=1)


@dataclass(slots=True)
class Says:
    """Says at one instant that all is well, having foretold when it would be."""

    at: float
    eta_at_census: float | None = None
    bound: float | None = None
    converged_at: float | None = None
    settled_at: float | None = None
    regressions: int = 0
    acted_at: list[float] = field(default_factory=list)

    def next_at(self) -> float | None:
        return None if self.acted_at else self.at

    def act(self, t: float, vantage: Vantage) -> None:
        self.acted_at.append(t)
        vantage.ask_resolver(t)
        self.converged_at = self.settled_at = 0.0  # whatever it claims


def test_a_verdict_before_the_truth_is_premature_and_one_after_it_late() -> None:
    outcome = _watched(-100.0, Says(499.0))
    assert outcome.truth == 500.0
    assert outcome.converged == Verdict(499.0, 500.0)
    assert outcome.converged.is_premature
    assert outcome.converged.delay is None
    assert outcome.old_share == 1.0
    late = _watched(-100.0, Says(530.0)).converged
    assert late is not None
    assert late.delay == 30.0


def test_a_verdict_counts_from_the_act_in_which_it_was_given() -> None:
    outcome = _watched(-100.0, Says(530.0))
    assert outcome.converged == Verdict(530.0, 500.0)


def test_what_was_foretold_is_measured_by_the_truth() -> None:
    outcome = _watched(-100.0, Says(600.0, eta_at_census=520.0, bound=490.0))
    assert outcome.eta_error == 20.0
    assert outcome.breaks_given_bound
    assert outcome.could_answer_old_after(499.0)
    assert not outcome.could_answer_old_after(500.0)


def test_who_foretells_nothing_has_no_error() -> None:
    outcome = run(3, NAIVE)
    assert outcome.eta_error is None
    assert not outcome.breaks_given_bound


def test_who_never_judges_has_asked_all_its_questions_in_vain() -> None:
    outcome = run(0, NAIVE, Kind.PINNED)
    assert outcome.converged is None
    assert outcome.questions_to_verdict == outcome.questions == HORIZON / 900


def test_a_monitor_that_never_lets_time_pass_is_reported() -> None:
    with pytest.raises(RuntimeError, match=r"seed 0: the monitor never lets 5\.0 pass"):
        watch(0, world(), AsksAt([5.0] * 2000))


def test_outcomes_come_in_the_order_of_their_seeds_however_many_work() -> None:
    alone = run_many(range(40), MONITORS["bound only"])
    assert [outcome.seed for outcome in alone] == list(range(40))
    assert run_many(range(40), MONITORS["bound only"], processes=2) == alone


def test_the_summary_counts_delays_only_of_correct_verdicts() -> None:
    correct, premature = _watched(-100.0, Says(560.0)), _watched(-100.0, Says(300.0))
    silent = replace(correct, converged=None, settled=None, old_share=None)
    row = summarise("any", [correct, premature, silent])
    assert row.delay_median == row.delay_p90 == 60.0
    assert row.premature == Share(1, 3)
    assert row.undecided == Share(1, 3)
    assert row.old_traffic == 0.5


def test_the_interval_is_wilson_s() -> None:
    assert Share(2, 1200).interval == pytest.approx((0.00046, 0.00606), abs=1e-5)
    assert Share(0, 0).interval == (0.0, 1.0)


# What the published model found, in percent; 400 windows scatter by some points.
@pytest.mark.parametrize(
    ("name", "published", "scatter"),
    [
        ("naive 900 s, first NEW", 22.1, 6),
        ("naive 300 s, 3 equal", 18.6, 6),
        ("naive 900 s, 3 equal", 13.7, 5),
        ("bound only", 3.0, 2.5),
    ],
)
def test_naive_monitors_are_as_wrong_as_in_the_published_model(
    name: str, published: float, scatter: float
) -> None:
    assert 100 * _row(name).premature.value == pytest.approx(published, abs=scatter)


def test_patience_costs_time_and_saves_errors() -> None:
    hasty, patient = _row("naive 900 s, first NEW"), _row("bound only")
    assert hasty.premature.value > patient.premature.value
    assert (hasty.delay_median or 0) < (patient.delay_median or math.inf)
    assert hasty.questions > 5 * patient.questions


@cache
def _row(name: str) -> Row:
    return summarise(name, run_many(range(400), MONITORS[name]))


def _watched(planted_at: float, monitor: Says) -> Outcome:
    """A single cache that somebody asked at that instant, then watched."""
    seen = world(Member(0.0))
    planting = AsksAt([planted_at])
    planting.act(planted_at, seen)
    return watch(0, seen, monitor)
