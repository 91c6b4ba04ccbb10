"""Spans of simulated time, in seconds since the change."""

import math
from dataclasses import dataclass

MINUTE = 60.0
HOUR = 60 * MINUTE
DAY = 24 * HOUR

# Who polls in peace began on the first of these two days: whatever he fills, its age is
# anything up to the longest TTL when the change comes.
BEGINNING = -2 * DAY
# What the console promises: a modified record is everywhere within 72 hours.
HORIZON = 72 * HOUR


@dataclass(frozen=True, slots=True)
class Spell:
    """From one instant until just before another."""

    start: float
    end: float

    def covers(self, t: float) -> bool:
        return self.start <= t < self.end


AT_NO_TIME = Spell(math.inf, math.inf)
