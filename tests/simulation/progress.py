"""How one window went: what was so, and what the monitor made of it, over time."""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

from tests.simulation.authorities import Published
from tests.simulation.kinds import Kind
from tests.simulation.monitors import Forecasting, Monitor, Vantage
from tests.simulation.run import Factory, run
from tests.simulation.scenes import draw_scene
from tests.simulation.spells import HORIZON, MINUTE
from tests.simulation.world import Shown, World

Points: TypeAlias = list[tuple[float, float]]

SAMPLES = 400


@runtime_checkable
class ShowingProgress(Protocol):
    """A monitor that knows more of the way than its last answer."""

    def progress(self, t: float) -> float | None:
        """Return the share of clients who get NEW by then, as far as it knows."""


@dataclass(frozen=True, slots=True)
class Curve:
    """One window for the eye; shares are those of clients who are told NEW."""

    title: str
    truth: Points
    believed: Points
    done_at: float  # nobody can be told OLD any more
    verdict_at: float | None
    eta: float | None = None
    bound: float | None = None


class Overheard:
    """A vantage that notes the last answer on its way to the monitor."""

    def __init__(self, vantage: Vantage) -> None:
        self.last: bool | None = None
        self._vantage = vantage

    def ask_resolver(self, t: float) -> Shown | None:
        shown = self._vantage.ask_resolver(t)
        self.last = shown.is_new if shown else self.last
        return shown

    def ask_authorities(self, t: float) -> Mapping[str, Published]:
        return self._vantage.ask_authorities(t)


def follow(seed: int, factory: Factory, title: str, kind: Kind | None = None) -> Curve:
    """Watch the window of a seed again, looking into its caches at even steps."""
    outcome = run(seed, factory, kind)
    done_at, verdict = outcome.truth, outcome.converged
    world = World(draw_scene(random.Random(f"scene {seed}"), kind), random.Random(f"world {seed}"))
    monitor = factory(random.Random(f"monitor {seed}"))
    last = max(done_at, verdict.at if verdict else 0.0, outcome.bound or 0.0)
    seen_until = min(HORIZON, max(1.25 * last, 10 * MINUTE))
    truth, believed = _sample(world, monitor, seen_until)
    forecasting = monitor if isinstance(monitor, Forecasting) else None
    return Curve(
        title,
        truth,
        believed,
        done_at,
        verdict_at=monitor.converged_at,
        eta=forecasting.eta_at_census if forecasting else None,
        bound=forecasting.bound if forecasting else None,
    )


def _sample(world: World, monitor: Monitor, end: float) -> tuple[Points, Points]:
    vantage = Overheard(world)
    truth: Points = []
    believed: Points = []
    last = -HORIZON
    for n in range(SAMPLES + 1):
        instant = end * n / SAMPLES
        while (t := monitor.next_at()) is not None and t <= instant:
            last = max(t, last)
            monitor.act(last, vantage)
        truth.append((instant, 1 - world.old_share(instant)))
        known: float | bool | None = vantage.last
        if isinstance(monitor, ShowingProgress):
            known = monitor.progress(instant)
        if known is not None:
            believed.append((instant, float(known)))
    return truth, believed
