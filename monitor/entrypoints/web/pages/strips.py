"""What each resolver said over a stretch of time, as strips to draw under one another."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.core.servers import Resolver
from monitor.core.state import DomainState
from monitor.core.status import Said, View
from monitor.core.timeline import spells, stretch_of
from monitor.core.tracking.changes import Change
from monitor.entrypoints.web.pages.moments import clock, span_of
from monitor.usecases.snapshot import Snapshot
from monitor.wording import Wording

WIDTH = 1000  # of a strip, in the units of its drawing
_TICKS = 4


@dataclass(frozen=True, slots=True)
class Segment:
    """One thing that was said: where it begins and how wide it is, and the same in words."""

    said: Said
    x: float
    width: float
    words: str


@dataclass(frozen=True, slots=True)
class Strip:
    resolver: Resolver
    segments: tuple[Segment, ...]

    @property
    def words(self) -> str:
        return "; ".join(segment.words for segment in self.segments)


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment on the axis of time."""

    x: float
    at: datetime


@dataclass(frozen=True, slots=True)
class Strips:
    """The strips of all resolvers over one stretch, with the moments when the record changed."""

    strips: tuple[Strip, ...]
    ticks: tuple[Mark, ...]
    changes: tuple[Mark, ...]
    stretch: timedelta


def strips_of(
    snapshot: Snapshot, domain: DomainState, changes: Iterable[Change], words: Wording
) -> Strips | None:
    """Return the strips since all that is remembered; None where nobody has said anything yet."""
    views = tuple(snapshot.views(domain))
    if not views:
        return None
    end = snapshot.at
    stretch = stretch_of(min(map(_first, (view for _, view in views))), end)
    scale = _Scale(end - stretch, stretch)
    seen = (change.detected_at for change in changes)
    return Strips(
        tuple(Strip(resolver, _segments(view, scale, end, words)) for resolver, view in views),
        tuple(scale.mark(scale.start + stretch * n / _TICKS) for n in range(_TICKS + 1)),
        tuple(scale.mark(at) for at in seen if scale.start <= at <= end),
        stretch,
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    start: datetime
    stretch: timedelta

    def x(self, at: datetime) -> float:
        return round(WIDTH * ((at - self.start) / self.stretch), 1)

    def mark(self, at: datetime) -> Mark:
        return Mark(self.x(at), at)


def _first(view: View) -> datetime:
    return view.past[0].since if view.past else view.since


def _segments(view: View, scale: _Scale, end: datetime, words: Wording) -> tuple[Segment, ...]:
    return tuple(
        Segment(
            spell.said,
            scale.x(spell.since),
            max(1.0, round(scale.x(spell.until) - scale.x(spell.since), 1)),  # visible at least
            f"{words.verdict(spell.said.kind)}, {clock(spell.since)}, "
            f"{span_of(spell.until - spell.since, words)}",
        )
        for spell in spells(view, scale.start, end)
    )


def labels(ticks: Sequence[Mark]) -> Sequence[str]:
    """Return what to write at each tick: the time of day, with the date where that is another."""
    written, day = [], None
    for tick in ticks:
        form = "%H:%M" if tick.at.date() == day else "%m-%d %H:%M"
        written.append(tick.at.strftime(form))
        day = tick.at.date()
    return written
