"""In which order and how evenly the questions of a sweep are asked."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from monitor.adapters.resolvers.watchlist import Seconds


@dataclass(slots=True)
class Course:
    """A sweep's questions, evenly spread `over` a time; what `until` was not taken is left."""

    numbers: Sequence[int]
    since: Seconds
    over: Seconds = 0.0
    until: Seconds = math.inf
    taken: int = 0

    @property
    def left(self) -> Sequence[int]:
        return self.numbers[self.taken :]

    def take(self, most: int) -> Sequence[int]:
        taken = self.numbers[self.taken : self.taken + most]
        self.taken += len(taken)
        return taken

    def due(self, now: Seconds) -> int:
        """Return how many more are due by now."""
        if now >= self.until:
            return 0
        if not self.over:
            return len(self.numbers) - self.taken
        share = min(1.0, (now - self.since) / self.over)
        return int(len(self.numbers) * share) - self.taken

    def is_over(self, now: Seconds) -> bool:
        return self.taken >= len(self.numbers) or now >= self.until

    def lag(self, now: Seconds) -> Seconds:
        """Return by how much the next one is late, or negative for how long it is not due."""
        if self.taken >= len(self.numbers):
            return 0.0
        return now - (self.since + self.over * (self.taken + 1) / len(self.numbers))
