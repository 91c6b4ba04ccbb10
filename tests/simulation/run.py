"""One window of one monitor in one world, judged by the truth."""

import multiprocessing
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from tests.simulation.kinds import Kind
from tests.simulation.monitors import Forecasting, Monitor
from tests.simulation.scenes import Scene, draw_scene
from tests.simulation.spells import BEGINNING, HORIZON
from tests.simulation.world import World

Factory: TypeAlias = Callable[[random.Random], Monitor]

_SEEDS_AT_A_TIME = 16
_MOST_ACTS_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Verdict:
    """A monitor's word that OLD is gone, and what was so."""

    at: float
    truth: float

    @property
    def is_premature(self) -> bool:
        """Whether somebody could still be told OLD afterwards."""
        return self.truth > self.at

    @property
    def delay(self) -> float | None:
        """How long OLD had been gone; None if it was not."""
        return None if self.is_premature else self.at - self.truth


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one window."""

    seed: int
    scene: Scene
    truth: float  # nobody could be told OLD after this instant
    converged: Verdict | None
    settled: Verdict | None
    old_share: float | None  # at the first verdict
    questions_to_verdict: int
    questions: int
    regressions: int
    eta: float | None = None  # as the monitor foretold it
    bound: float | None = None

    @property
    def kind(self) -> Kind:
        return self.scene.kind

    @property
    def overstays(self) -> bool:
        """Whether OLD outlived every entry that keeps to its TTL."""
        return self.truth > self.scene.bound

    def could_answer_old_after(self, t: float) -> bool:
        return self.truth > t

    @property
    def eta_error(self) -> float | None:
        return None if self.eta is None else self.eta - self.truth

    @property
    def breaks_given_bound(self) -> bool:
        """Whether OLD outlived the bound that the monitor gave."""
        return self.bound is not None and self.truth > self.bound


def run(seed: int, factory: Factory, kind: Kind | None = None) -> Outcome:
    """Draw the world of that seed and let a monitor watch it for 72 hours."""
    scene = draw_scene(random.Random(f"scene {seed}"), kind)
    world = World(scene, random.Random(f"world {seed}"))
    return watch(seed, world, factory(random.Random(f"monitor {seed}")))


def watch(seed: int, world: World, monitor: Monitor) -> Outcome:
    """Let a monitor act until the window ends, then judge it."""
    converged_at, old_share, to_verdict = None, None, None
    last, acts = BEGINNING, 0
    while (t := monitor.next_at()) is not None and t < HORIZON:
        acts = acts + 1 if t <= last else 0
        if acts > _MOST_ACTS_AT_ONCE:
            raise RuntimeError(f"seed {seed}: the monitor never lets {last} pass")
        last = max(t, last)  # what is overdue is done now
        monitor.act(last, world)
        if converged_at is None and monitor.converged_at is not None:
            # A verdict counts from when it was given, whatever time it bears.
            converged_at, old_share, to_verdict = last, world.old_share(last), world.questions
    truth = world.old_until()
    forecasting = monitor if isinstance(monitor, Forecasting) else None
    return Outcome(
        seed,
        world.scene,
        truth,
        converged=None if converged_at is None else Verdict(converged_at, truth),
        settled=None if monitor.settled_at is None else Verdict(monitor.settled_at, truth),
        old_share=old_share,
        questions_to_verdict=world.questions if to_verdict is None else to_verdict,
        questions=world.questions,
        regressions=monitor.regressions,
        eta=forecasting.eta_at_census if forecasting else None,
        bound=forecasting.bound if forecasting else None,
    )


def run_many(seeds: Iterable[int], factory: Factory, processes: int = 1) -> list[Outcome]:
    """Run many windows; the outcomes come in the order of their seeds."""
    one = partial(run, factory=factory)
    if processes == 1:
        return [one(seed) for seed in seeds]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        return pool.map(one, seeds, chunksize=_SEEDS_AT_A_TIME)
