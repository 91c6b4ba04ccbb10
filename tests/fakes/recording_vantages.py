"""Telemetry of vantages that notes what it is told."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class RecordingVantages:
    """Counts by vantage and word."""

    counts: Counter[tuple[str, str]] = field(default_factory=Counter)
    seen: dict[str, tuple[int, int]] = field(default_factory=dict)
    skews: dict[str, float] = field(default_factory=dict)

    def workers(self, vantage: str, of_our_release: int, of_others: int) -> None:
        self.seen[vantage] = (of_our_release, of_others)

    def beaten(self, vantage: str, skew: float) -> None:
        self.skews[vantage] = skew

    def ended(self, vantage: str, how: str) -> None:
        self.counts[vantage, how] += 1

    def refused(self, vantage: str, reason: str) -> None:
        self.counts[vantage, reason] += 1

    def held_back(self, vantage: str) -> None:
        self.counts[vantage, "held_back"] += 1
