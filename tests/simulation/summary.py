"""Many outcomes of one monitor as the few figures by which monitors are compared."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean

from tests.simulation.run import Outcome
from tests.simulation.spells import MINUTE


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many, with the interval that the true share lies in (Wilson, 95 %)."""

    hits: int
    of: int

    @property
    def value(self) -> float:
        return self.hits / self.of if self.of else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        if not self.of:
            return 0.0, 1.0
        z = NormalDist().inv_cdf(0.975)
        spread = z * math.sqrt(self.value * (1 - self.value) / self.of + (z / self.of) ** 2 / 4)
        middle = self.value + z * z / self.of / 2
        scale = 1 + z * z / self.of
        return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


@dataclass(frozen=True, slots=True)
class Row:
    """One monitor's figures; those that were never measured are None."""

    name: str
    windows: int
    questions_to_verdict: float
    questions: float
    delay_median: float | None
    delay_p90: float | None
    premature: Share
    settled_premature: Share
    old_traffic: float | None
    undecided: Share
    regressing: Share
    eta_within_a_minute: Share
    overstaying: Share
    broken_bounds: Share  # of the windows in which the monitor gave a bound


def summarise(name: str, outcomes: Sequence[Outcome]) -> Row:
    """Return a monitor's figures; delays are those of its correct verdicts."""
    delays = sorted(
        outcome.converged.delay
        for outcome in outcomes
        if outcome.converged and outcome.converged.delay is not None
    )
    old = [outcome.old_share for outcome in outcomes if outcome.old_share is not None]
    etas = [outcome.eta_error for outcome in outcomes if outcome.eta_error is not None]
    return Row(
        name,
        len(outcomes),
        questions_to_verdict=fmean(outcome.questions_to_verdict for outcome in outcomes),
        questions=fmean(outcome.questions for outcome in outcomes),
        delay_median=_quantile(delays, 0.5),
        delay_p90=_quantile(delays, 0.9),
        premature=_share(bool(it.converged and it.converged.is_premature) for it in outcomes),
        settled_premature=_share(bool(it.settled and it.settled.is_premature) for it in outcomes),
        old_traffic=fmean(old) if old else None,
        undecided=_share(outcome.converged is None for outcome in outcomes),
        regressing=_share(outcome.regressions > 0 for outcome in outcomes),
        eta_within_a_minute=_share(abs(error) <= MINUTE for error in etas),
        overstaying=_share(outcome.overstays for outcome in outcomes),
        broken_bounds=_share(it.breaks_given_bound for it in outcomes if it.bound is not None),
    )


def _share(hits: Iterable[bool]) -> Share:
    counted = list(hits)
    return Share(sum(counted), len(counted))


def _quantile(ordered: Sequence[float], share: float) -> float | None:
    return ordered[math.ceil(share * len(ordered)) - 1] if ordered else None
