"""The truth by brute force: stop the world at many instants and put the question to everybody.

It shares nothing with the bookkeeping of the truth but the caches' answers themselves.
"""

import copy
import random
from collections.abc import Iterable
from dataclasses import dataclass

from tests.simulation.caches import Cache
from tests.simulation.monitors import Monitor
from tests.simulation.spells import BEGINNING, HORIZON
from tests.simulation.world import World


@dataclass(frozen=True, slots=True)
class Inspected:
    """At an instant: which members told OLD to somebody, and what chance they were given."""

    at: float
    told_old: tuple[bool, ...]
    chances: tuple[float, ...]


def inspect(
    world: World, monitor: Monitor, instants: Iterable[float], tries: int
) -> list[Inspected]:
    """Let a monitor act until the window ends, and look into the caches at these instants."""
    seen, last = [], BEGINNING
    for instant in sorted(instants):
        last = _act_until(instant, last, world, monitor)
        seen.append(_look(world, instant, tries))
    _act_until(HORIZON, last, world, monitor)
    return seen


def _act_until(end: float, last: float, world: World, monitor: Monitor) -> float:
    while (t := monitor.next_at()) is not None and t < end:
        last = max(t, last)
        monitor.act(last, world)
    return last


def _look(world: World, t: float, tries: int) -> Inspected:
    world.old_share(t)
    lots = random.Random(t)
    return Inspected(
        t,
        tuple(any(_tells_old(cache, t, lots) for _ in range(tries)) for cache in world.caches),
        tuple(cache.old_chance(t) for cache in world.caches),
    )


def _tells_old(cache: Cache, t: float, lots: random.Random) -> bool:
    """Ask a copy, so that nothing is changed by it."""
    twin = copy.copy(cache)
    twin._lots = lots
    said = twin.ask(t)
    return said is not None and not said.is_new
