"""The servers that own the record: each serves OLD until its own instant, then NEW."""

import random
from dataclasses import dataclass
from functools import cached_property

from tests.simulation.spells import HOUR

TTLS = {60: 10, 300: 15, 600: 40, 3600: 20, 86400: 15}
SERVERS = (2, 4)
MOST_SKEW = 20.0
LAGGING_WORLDS = 0.1
LAG = (0.5 * HOUR, 6 * HOUR)

OLD_SERIAL = 2026010101
NEW_SERIAL = 2026010102


@dataclass(frozen=True, slots=True)
class Published:
    """What one server says of the record, and the serial of its zone."""

    is_new: bool
    ttl: int
    serial: int


@dataclass(frozen=True)
class Authorities:
    """One record with its TTL, and the instant at which each server changes over."""

    ttl: int
    flips: tuple[float, ...]

    @cached_property
    def first_new(self) -> float:
        return min(self.flips)

    @cached_property
    def all_new(self) -> float:
        """The instant from which no server gives OLD."""
        return max(self.flips)

    @property
    def bound(self) -> float:
        """The instant after which no compliant cache can hold OLD, whoever asked it."""
        return self.all_new + self.ttl

    @property
    def is_lagging(self) -> bool:
        return self.all_new > MOST_SKEW

    def old_share(self, t: float) -> float:
        """Return the chance that a server drawn by lot gives OLD."""
        return sum(t < flip for flip in self.flips) / len(self.flips)

    def fetch(self, t: float, lots: random.Random) -> bool:
        """Ask a server drawn by lot, as recursives do; return whether it gave NEW."""
        return t >= self.flips[int(lots.random() * len(self.flips))]

    def publish(self, t: float) -> dict[str, Published]:
        return {f"ns{n}": self._said(t, flip) for n, flip in enumerate(self.flips, start=1)}

    def _said(self, t: float, flip: float) -> Published:
        serial = NEW_SERIAL if t >= flip else OLD_SERIAL
        return Published(t >= flip, self.ttl, serial)


def draw_authorities(lots: random.Random) -> Authorities:
    """Draw a record and its servers; in some worlds one of them lags for hours."""
    (ttl,) = lots.choices(list(TTLS), list(TTLS.values()))
    flips = [lots.uniform(0, MOST_SKEW) for _ in range(lots.choice(SERVERS))]
    if lots.random() < LAGGING_WORLDS:
        flips[-1] = lots.uniform(*LAG)
    return Authorities(ttl, tuple(flips))
