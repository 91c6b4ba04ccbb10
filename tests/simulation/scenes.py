"""One record and one resolver, drawn by lot from the population."""

import math
import random
from collections import Counter
from dataclasses import dataclass
from enum import Enum

from tests.simulation.authorities import draw_authorities
from tests.simulation.caches import Setting
from tests.simulation.habits import Expired, Habit
from tests.simulation.kinds import SHARES, Kind
from tests.simulation.spells import AT_NO_TIME, DAY, HOUR, MINUTE, Spell

MEMBERS = (2, 20)
OPTIMISTIC_MEMBERS = (2, 10)
UNUSED_NAMES = 0.2
FLOORS = (900, 3600, 21600, 86400, 172800)
CAPS = (60, 300)
LIES = (5, 30, 60, 300)
PINNED_TTLS = (60, 300, 600, 3600)


class Routing(Enum):
    """Which member of a pool a question goes to."""

    RANDOM = "random"
    ROUND_ROBIN = "round_robin"
    STICKY = "sticky"  # by address and port: a client stays, who takes a new port wanders


@dataclass(frozen=True, slots=True)
class Member:
    """A cache's part in the work."""

    clients_per_second: float
    weight: float = 1.0  # of the questions of somebody who comes anew
    nsid: str | None = None


@dataclass(frozen=True, slots=True)
class Scene:
    """All that is decided before anybody asks."""

    kind: Kind
    setting: Setting
    habit: Habit
    members: tuple[Member, ...] = (Member(0.0),)
    routing: Routing = Routing.RANDOM
    loss: float = 0.01

    @property
    def bound(self) -> float:
        return self.setting.authorities.bound


def draw_scene(lots: random.Random, kind: Kind | None = None) -> Scene:
    """Draw a world, of that kind if one is given."""
    (drawn,) = lots.choices(list(SHARES), list(SHARES.values()))
    kind = kind or drawn
    authorities = draw_authorities(lots)
    rate = _draw_rate(lots)
    setting = Setting(
        authorities,
        cut_off=Spell(0.0, lots.uniform(1, 12) * HOUR) if kind is Kind.SERVE_STALE else AT_NO_TIME,
        down=_draw_down(lots) if kind is Kind.DOWN else AT_NO_TIME,
    )
    routing = lots.choice(list(Routing)) if kind.is_pool else Routing.RANDOM
    members = _draw_members(kind, routing, rate, lots)
    return Scene(kind, setting, _draw_habit(kind, authorities.ttl, lots), members, routing)


def _draw_rate(lots: random.Random) -> float:
    """Clients per second: none, or from one in a day to one in a second."""
    return 0.0 if lots.random() < UNUSED_NAMES else float(DAY ** (lots.random() - 1))


def _draw_down(lots: random.Random) -> Spell:
    start = -lots.uniform(0, 10) * MINUTE
    comes_back = lots.random() < 0.8
    return Spell(start, lots.uniform(1, 12) * HOUR if comes_back else math.inf)


def _draw_members(
    kind: Kind, routing: Routing, rate: float, lots: random.Random
) -> tuple[Member, ...]:
    if not kind.is_pool:
        return (Member(rate),)
    size = lots.randint(*(OPTIMISTIC_MEMBERS if kind is Kind.OPTIMISTIC_POOL else MEMBERS))
    main = lots.uniform(0.5, 0.9)
    rest = [(1 - main) / (size - 1)] * (size - 1)
    weights = [main, *rest] if kind is Kind.SKEWED_POOL else [1 / size] * size
    loads = _sticky_loads(weights, lots) if routing is Routing.STICKY else weights
    tells_names = lots.random() < 0.5
    return tuple(
        Member(rate * load, weight, f"member-{n}" if tells_names else None)
        for n, (load, weight) in enumerate(zip(loads, weights, strict=True), start=1)
    )


def _sticky_loads(weights: list[float], lots: random.Random) -> list[float]:
    """Few or many clients, each of whom always meets the same cache."""
    clients = lots.randint(1, 4 * len(weights))
    met = Counter(lots.choices(range(len(weights)), weights, k=clients))
    return [met[n] / clients for n in range(len(weights))]


def _draw_habit(kind: Kind, ttl: int, lots: random.Random) -> Habit:
    habit = Habit(ttl)
    match kind:
        case Kind.PREFETCH:
            habit = Habit(ttl, fresh_share=0.9)
        case Kind.TTL_CAP:
            habit = Habit(min(ttl, lots.choice(CAPS)))
        case Kind.TTL_FLOOR:
            habit = Habit(lots.choice([floor for floor in FLOORS if floor > ttl]))
        case Kind.SERVE_STALE:
            habit = Habit(ttl, gives_expired=Expired.WHILE_CUT_OFF)
        case Kind.OPTIMISTIC | Kind.OPTIMISTIC_POOL:
            habit = Habit(ttl, gives_expired=Expired.ALWAYS, expired_ttl=lots.randint(1, 30))
        case Kind.TTL_LIAR:
            habit = _draw_liar(ttl, lots)
        case Kind.PINNED:
            habit = Habit(ttl, shows_always=lots.choice(PINNED_TTLS), is_pinned=True)
        case Kind.SINGLE | Kind.POOL | Kind.SKEWED_POOL | Kind.DOWN:
            pass  # honest
    return habit


def _draw_liar(ttl: int, lots: random.Random) -> Habit:
    keeps = min(ttl * lots.choice((1, 1, 2, 4)), int(2 * DAY))
    lie = lots.choice(LIES)
    if lots.random() < 0.5:
        return Habit(keeps, shows_always=lie)
    return Habit(keeps, shows_at_most=lie)
