"""Small worlds put together by hand."""

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.simulation.authorities import Authorities, Published
from tests.simulation.caches import Cache, Setting
from tests.simulation.habits import Habit
from tests.simulation.kinds import Kind
from tests.simulation.monitors import Vantage
from tests.simulation.scenes import Member, Routing, Scene
from tests.simulation.world import Shown, World

TTL = 600
# Both servers change in the instant of the change, so that all that follows is the caches' doing.
AT_ONCE = Authorities(TTL, (0.0, 0.0))


def setting(ttl: int = TTL, lag: float = 0.0) -> Setting:
    return Setting(Authorities(ttl, (0.0, lag)))


def cache(
    habit: Habit | None = None, where: Setting | None = None, rate: float = 0.0, seed: int = 0
) -> Cache:
    return Cache(habit or Habit(TTL), where or Setting(AT_ONCE), rate, random.Random(seed))


def world(
    *members: Member,
    habit: Habit | None = None,
    where: Setting | None = None,
    routing: Routing = Routing.RANDOM,
    seed: int = 0,
) -> World:
    """A world without loss."""
    scene = Scene(
        Kind.SINGLE,
        where or Setting(AT_ONCE),
        habit or Habit(TTL),
        members or (Member(0.0),),
        routing,
        loss=0.0,
    )
    return World(scene, random.Random(seed))


@dataclass(slots=True)
class AsksAt:
    """A monitor that asks at given instants and judges nothing."""

    instants: list[float]
    heard: list[bool | None] = field(default_factory=list)
    converged_at: float | None = None
    settled_at: float | None = None
    regressions: int = 0

    def next_at(self) -> float | None:
        return self.instants[0] if self.instants else None

    def act(self, t: float, vantage: Vantage) -> None:
        self.instants.pop(0)
        shown = vantage.ask_resolver(t)
        self.heard.append(shown.is_new if shown else None)


@dataclass(slots=True)
class Script:
    """A vantage whose resolver answers one word after another."""

    words: list[str]  # new, old, none
    all_new_at: float = math.inf
    asked_at: list[float] = field(default_factory=list)

    def ask_resolver(self, t: float) -> Shown | None:
        self.asked_at.append(t)
        word = self.words.pop(0)
        return None if word == "none" else Shown(word == "new", TTL, None, ())

    def ask_authorities(self, t: float) -> Mapping[str, Published]:
        return Authorities(TTL, (0.0, self.all_new_at)).publish(t)
