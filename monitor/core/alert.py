"""What an Alertmanager is told."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

Fingerprint: TypeAlias = frozenset[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing that is wrong, named by its labels; it is over from `ends_at` on.

    `generator_url` leads to the page that shows it.
    """

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: datetime
    ends_at: datetime | None = None
    generator_url: str | None = None

    @property
    def fingerprint(self) -> Fingerprint:
        """What makes two alerts the same: their labels, as Alertmanager sees it."""
        return frozenset(self.labels.items())
