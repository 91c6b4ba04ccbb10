"""What a server said of a domain over a stretch of time."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from monitor.core.views import Said, View

STRETCHES = (
    timedelta(minutes=2),
    timedelta(minutes=10),
    timedelta(hours=1),
    timedelta(hours=6),
    timedelta(days=1),
    timedelta(days=3),
    timedelta(days=7),
)
"""How long a timeline may be, the shortest first."""


@dataclass(frozen=True, slots=True)
class Spell:
    """A while during which one thing was said."""

    said: Said
    since: datetime
    until: datetime


def spells(view: View, start: datetime, end: datetime) -> Iterator[Spell]:
    """Yield what was said between two moments, oldest first; nothing of what was before the first.

    What was said last counts until `end`.
    """
    now = Said(view.verdict.kind, view.verdict.is_in_effect, view.since)
    beginnings = [*view.past, now]
    ends = [*(later.since for _, later in pairwise(beginnings)), end]
    for said, until in zip(beginnings, ends, strict=True):
        since, until_shown = max(said.since, start), min(until, end)
        if since < until_shown:
            yield Spell(said, since, until_shown)


def stretch_of(first: datetime | None, now: datetime) -> timedelta:
    """Return the shortest stretch that reaches back to `first`, or the longest one there is."""
    age = now - first if first else timedelta()
    return next((stretch for stretch in STRETCHES if age <= stretch), STRETCHES[-1])
