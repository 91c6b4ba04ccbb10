"""What each resolver said over a stretch of time, as strips to draw under one another."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.core.servers import Resolver
from monitor.core.state import DomainState
from monitor.core.timeline import spells, stretch_of
from monitor.core.tracking.changes import Change
from monitor.core.views import Said, View
from monitor.entrypoints.time_axis import ticks
from monitor.usecases.snapshot import Snapshot
from monitor.wording import Wording
from monitor.wording.spans import clock, span

_WHOLE = 100.0  # a strip is drawn in percent of its width
_LEAST = 0.2  # what is too short to see is drawn that wide


@dataclass(frozen=True, slots=True)
class Segment:
    """One thing that was said: from where and how wide, in percent, and the same in words."""

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
    """A moment on the axis of time, in percent, and what is written there."""

    x: float
    words: str
    is_fine: bool = False


@dataclass(frozen=True, slots=True)
class Strips:
    """The strips of all resolvers over one stretch, with the moments when the record changed."""

    strips: tuple[Strip, ...]
    ticks: tuple[Mark, ...]
    changes: tuple[Mark, ...]


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
        tuple(Mark(scale.x(t.at), t.text, t.is_fine) for t in ticks(scale.start, end)),
        tuple(Mark(scale.x(at), clock(at)) for at in seen if scale.start <= at <= end),
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    start: datetime
    stretch: timedelta

    def x(self, at: datetime) -> float:
        return round(_WHOLE * ((at - self.start) / self.stretch), 2)


def _first(view: View) -> datetime:
    return view.past[0].since if view.past else view.since


def _segments(view: View, scale: _Scale, end: datetime, words: Wording) -> tuple[Segment, ...]:
    return tuple(
        Segment(
            spell.said,
            scale.x(spell.since),
            max(_LEAST, round(scale.x(spell.until) - scale.x(spell.since), 2)),
            f"{words.verdict(spell.said.kind)}, {clock(spell.since)}, "
            f"{span(spell.until - spell.since, words)}",
        )
        for spell in spells(view, scale.start, end)
    )
