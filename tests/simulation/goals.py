"""What the tracker promises, measured on windows that nothing was tuned on."""

import math
import multiprocessing
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich import box
from rich.table import Table

from monitor.core.tracking.reasons import Reason
from tests.simulation.kinds import Kind
from tests.simulation.run import Outcome, watch
from tests.simulation.scenes import draw_scene
from tests.simulation.spells import HORIZON, MINUTE
from tests.simulation.summary import Share, summarise
from tests.simulation.tracker import Tracker
from tests.simulation.world import World

FRESH = 100_000  # seeds from here on were never looked at while the rules were made
POLLER = HORIZON / 300  # questions of one that asks every 300 s
_SEEDS_AT_A_TIME = 16

CAUSES = {
    Kind.TTL_FLOOR: {Reason.TTL_FLOOR},
    Kind.SERVE_STALE: {Reason.SERVE_STALE},
    Kind.OPTIMISTIC: {Reason.OPTIMISTIC},
    Kind.OPTIMISTIC_POOL: {Reason.OPTIMISTIC},
    Kind.TTL_LIAR: {Reason.TTL_OPAQUE},
    Kind.PINNED: {Reason.OVERRIDE},
}


@dataclass(frozen=True, slots=True)
class Case:
    """One window of the tracker, and how it explained what overstayed."""

    outcome: Outcome
    reasons: tuple[Reason, ...]  # in the order in which it came to them, while it overstayed

    @property
    def is_explained(self) -> bool:
        """Whether the last word on an overstaying resolver names its cause."""
        return bool(self.reasons) and self.reasons[-1] in CAUSES.get(self.outcome.kind, set())


@dataclass(frozen=True, slots=True)
class Goal:
    promise: str
    measured: str
    is_reached: bool


def measure(seeds: Sequence[int], processes: int = 2) -> list[Case]:
    """Let the tracker watch one window for each seed."""
    if processes == 1:
        return [_case(seed) for seed in seeds]
    with multiprocessing.Pool(processes) as pool:
        return pool.map(_case, seeds, chunksize=_SEEDS_AT_A_TIME)


def _case(seed: int) -> Case:
    world = World(draw_scene(random.Random(f"scene {seed}")), random.Random(f"world {seed}"))
    tracker = Tracker(random.Random(f"monitor {seed}"))
    outcome = watch(seed, world, tracker)
    return Case(outcome, tuple(tracker.overstays))


def goals(cases: Sequence[Case]) -> list[Goal]:
    """Return every promise with what was measured."""
    outcomes = [case.outcome for case in cases]
    row = summarise("", outcomes)
    questions = row.questions / POLLER
    bounds = [o for o in outcomes if o.kind.is_compliant and o.bound is not None]
    broken = sum(outcome.breaks_given_bound for outcome in bounds)
    median = row.delay_median if row.delay_median is not None else math.inf
    late = [case for case in cases if case.outcome.overstays]
    explained = Share(sum(case.is_explained for case in late), len(late))
    single, pools = _etas(outcomes, Kind.SINGLE), _etas(outcomes, Kind.POOL)
    return [
        Goal("premature CONVERGED ≤ 0.5 %", _shown(row.premature), row.premature.value <= 0.005),
        Goal(
            "premature SETTLED = 0", _shown(row.settled_premature), not row.settled_premature.hits
        ),
        Goal(
            "bound never below the truth, compliant caches",
            f"{broken} of {len(bounds)}",
            broken == 0,
        ),
        Goal("false regressions 0", _shown(row.regressing), row.regressing.hits == 0),
        Goal("questions ≤ 15 % of a 300 s poller's", f"{questions:.1%}", questions <= 0.15),
        Goal("median delay ≤ 60 s", f"{median:.0f} s", median <= MINUTE),
        Goal("ETA ± 60 s, one cache: ≥ 95 %", _shown(single), single.value >= 0.95),
        Goal("ETA ± 60 s, pools: ≥ 90 %", _shown(pools), pools.value >= 0.90),
        Goal(
            "overstays flagged with their cause ≥ 90 %",
            _shown(explained),
            explained.value >= 0.90,
        ),
    ]


def _etas(outcomes: Iterable[Outcome], kind: Kind) -> Share:
    """Of the windows that end, how many ended within a minute of what was foretold."""
    met = [o for o in outcomes if o.kind is kind and math.isfinite(o.truth)]
    hits = sum(o.eta_error is not None and abs(o.eta_error) <= MINUTE for o in met)
    return Share(hits, len(met))


def _shown(share: Share) -> str:
    low, high = share.interval
    return f"{share.value:.2%} ({share.hits} of {share.of}; 95 %: {low:.2%}–{high:.2%})"


def table(found: Iterable[Goal]) -> Table:
    """One line for each promise."""
    shown = Table(title="The tracker's promises", box=box.MARKDOWN, title_justify="left")
    for column in ("Promise", "Measured", "Reached"):
        shown.add_column(column, no_wrap=True)
    for goal in found:
        shown.add_row(goal.promise, goal.measured, "yes" if goal.is_reached else "NO")
    return shown
