"""How far a change had come at each instant: a curve of steps, and what is known of its rest.

What a resolver's answers have shown by now is carried back: an old copy that was met late was old
from the start, and one whose expiry was seen gave way at that instant.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import itemgetter
from typing import TypeAlias

from monitor.core.events import Event, EventType
from monitor.core.tracking.changes import Change, ChangeState
from monitor.core.tracking.tracks import Track, TrackState

_ROUNDING = 1e-9
_ENDS = frozenset({EventType.SUPERSEDED, EventType.REVERTED, EventType.CHANGE_CANCELLED})
_STATES = {state.value: state for state in TrackState}

Level: TypeAlias = float | None
"""The new share of one resolver's answers, 0 to 1; None while it does not count."""


@dataclass(frozen=True, slots=True)
class Point:
    """From `at` on the share of the resolvers' answers that are new, 0 to 1."""

    at: datetime
    share: float


@dataclass(frozen=True, slots=True)
class Curve:
    """The progress of a change, by the answers of those resolvers that answer.

    `seen` are steps from `begins_at` to `until`; none where nobody was asked on its account.
    `expected` goes on from `until`, and ends with the last step that can be foretold; none where
    nothing is to come, or nobody can say.
    """

    begins_at: datetime
    until: datetime
    seen: tuple[Point, ...]
    expected: tuple[Point, ...]
    all_authorities_at: datetime | None
    bound_at: datetime | None
    converged_at: datetime | None
    settled_at: datetime | None
    deadline_at: datetime
    is_over: bool

    def share_at(self, at: datetime) -> float:
        """Return the share at an instant that was seen; before the first step it is 0."""
        return next((point.share for point in reversed(self.seen) if point.at <= at), 0.0)

    def reached_at(self, share: float) -> datetime | None:
        """Return since when at least this share was new without a break; None where it is not."""
        since = None
        for point in self.seen:
            if point.share < share - _ROUNDING:
                since = None
            elif since is None:
                since = point.at
        return since

    def time_to(self, share: float) -> timedelta | None:
        """Return how long after the change was seen that was."""
        at = self.reached_at(share)
        return None if at is None else at - self.begins_at

    def expected_at(self, share: float) -> datetime | None:
        """Return when this share is foretold for; None where it is not."""
        found = (point.at for point in self.expected if point.share >= share - _ROUNDING)
        return next(found, None)


def curve_of(
    change: Change, events: Iterable[Event], weights: Mapping[str, float], now: datetime
) -> Curve:
    """Return the curve of a change as far as `now`; `events` are those that tell of it.

    Each instant has the share that `Change.progress` weighs.
    """
    told = [event for event in events if event.change == change.id]
    until = _until(change, told, now)
    ways = {n: _Way(change, t, told, until) for n, t in sorted(change.tracks.items())}
    seen = _summed(change.detected_at, {n: way.seen() for n, way in ways.items()}, weights)
    expected: tuple[Point, ...] = ()
    if seen and change.state.is_open:
        expected = _summed(until, {n: way.expected() for n, way in ways.items()}, weights)
    return Curve(
        begins_at=change.detected_at,
        until=until,
        seen=seen,
        expected=expected if len(expected) > 1 else (),
        all_authorities_at=change.all_authorities_at,
        bound_at=change.bound_at,
        converged_at=change.converged_at,
        settled_at=change.settled_at,
        deadline_at=change.deadline_at,
        is_over=not change.is_watched(now),
    )


def _until(change: Change, told: Iterable[Event], now: datetime) -> datetime:
    until = now
    if change.state.is_final:
        until = max((event.at for event in told if event.type in _ENDS), default=now)
    elif change.state is ChangeState.SETTLED:
        until = min(now, max(change.deadline_at, change.settled_at or change.deadline_at))
    return max(change.detected_at, until)


@dataclass(frozen=True, slots=True)
class _Stay:
    """A resolver in one state; it ends where the next begins."""

    state: TrackState
    since: datetime
    until: datetime
    is_last: bool


class _Way:
    """What one resolver adds to the curve."""

    def __init__(
        self, change: Change, track: Track, told: Iterable[Event], until: datetime
    ) -> None:
        self._change, self._track, self._until = change, track, until
        self._begins_at = change.detected_at
        self._moves = _moves(change, track, told, until)

    def seen(self) -> Iterator[tuple[datetime, Level]]:
        """Yield from when on the resolver had which share, the instants in order."""
        for stay in self._stays():
            for at in self._turns(stay):
                yield at, self._level(stay, at)

    def expected(self) -> Iterator[tuple[datetime, Level]]:
        """Yield the same from `until` on, as far as anybody can say."""
        track, until, bound_at = self._track, self._until, self._change.bound_at
        *_, last = self._stays()
        yield until, self._level(last, until)
        if last.state in _BEFORE_COUNT:
            if bound_at is not None and bound_at > until:
                yield bound_at, 1.0
        elif last.state in _FORETOLD and not (track.reason and track.reason.hides_expiry):
            ends = sorted(end for end in self._ends() if end > until)
            for end in ends[-1:] if track.is_mistrusted else ends:
                yield end, 1.0 if track.is_mistrusted else self._by_entries(last, end)

    def _stays(self) -> Iterator[_Stay]:
        for number, (since, state) in enumerate(self._moves, start=1):
            is_last = number == len(self._moves)
            until = self._until if is_last else self._moves[number][0]
            yield _Stay(state, since, until, is_last=is_last)

    def _turns(self, stay: _Stay) -> list[datetime]:
        """Return when the share may change while the resolver stays in a state."""
        turns = {stay.since}
        if stay.state in _BY_ENTRIES:
            turns |= self._ends()
            turns |= {entry.first_at for entry in self._track.entries}
        if stay.is_last and (turned_at := self._turned_at()) is not None:
            turns.add(turned_at)
        return sorted(at for at in turns if stay.since <= at <= stay.until)

    def _ends(self) -> set[datetime]:
        return {entry.gone_at for entry in self._track.entries if not entry.is_new}

    def _turned_at(self) -> datetime | None:
        """Return when the last of the old answers was followed by a new one."""
        track, new = self._track, self._change.new
        last_old = track.last_old_at
        if last_old is None or not track.agreed:
            return None
        news = (s.at for s in track.recent if s.value is not None and s.value.is_same(new))
        return min((at for at in news if at > last_old), default=last_old)

    def _level(self, stay: _Stay, at: datetime) -> Level:
        track, state = self._track, stay.state
        if state is TrackState.UNREACHABLE:
            return None
        if state.has_converged:
            return 1.0
        if state in {TrackState.UNKNOWN, TrackState.AUTH_WAIT}:
            return 0.0
        if state.is_beyond_waiting or (stay.is_last and track.is_mistrusted):
            # Its old copies are renewed: only the last answer tells.
            turned_at = self._turned_at()
            is_new = track.last_old_at is None or (turned_at is not None and turned_at <= at)
            return 1.0 if stay.is_last and is_new else 0.0
        return self._by_entries(stay, at)

    def _by_entries(self, stay: _Stay, at: datetime) -> float:
        met = [e for e in self._track.entries if not e.is_new or e.first_at <= at]
        old = sum(entry.hits for entry in met if not entry.is_new)
        new = sum(entry.hits for entry in met if entry.is_new)
        if not stay.is_last:
            # Later looks met them again, which says nothing of how many there were by then.
            many = sum(entry.is_new for entry in met)
            new = min(new, max(self._track.census.samples - old, many))
        alive = sum(entry.hits for entry in met if not entry.is_new and entry.is_alive(at))
        return (new + old - alive) / (new + old) if new + old else 0.0


_S = TrackState
_BY_ENTRIES = frozenset({_S.CENSUS, _S.WAITING, _S.CONFIRMING})
_BEFORE_COUNT = frozenset({_S.AUTH_WAIT, _S.CENSUS})
_FORETOLD = frozenset({_S.WAITING, _S.CONFIRMING, _S.OVERSTAY, _S.REGRESSED, _S.FLAPPING})


def _moves(
    change: Change, track: Track, told: Iterable[Event], until: datetime
) -> list[tuple[datetime, TrackState]]:
    """Return the states of a resolver with their beginnings; what was not told is filled in."""
    moves = [(change.detected_at, TrackState.AUTH_WAIT)]
    for event in told:
        state = _STATES.get(str(event.data.get("to")))
        if event.resolver == track.resolver and state is not None:
            moves.append((event.at, state))
    if len(moves) == 1:
        agreed_at, converged_at = change.all_authorities_at, track.converged_at
        moves += [(agreed_at, TrackState.CENSUS)] if agreed_at else []
        moves += [(converged_at, TrackState.CONVERGED)] if converged_at else []
        moves += [(track.since, track.state)]
    found = list[tuple[datetime, TrackState]]()
    latest = min(track.since, until)  # the log keeps its instants even when the clock is put back
    for at, state in moves:
        since = max(change.detected_at, min(at, latest))
        if not found or found[-1][1] is not state:
            found.append((since, state))
    return sorted(found, key=itemgetter(0))


def _summed(
    begins_at: datetime,
    ways: Mapping[str, Iterable[tuple[datetime, Level]]],
    weights: Mapping[str, float],
) -> tuple[Point, ...]:
    """Return the weighted share of all, at each instant where it is another than before."""
    turns = sorted((at, name, level) for name, way in ways.items() for at, level in _whole(way))
    levels = dict[str, Level]()
    points = list[Point]()
    for number, (at, name, level) in enumerate(turns, start=1):
        levels[name] = level
        if number < len(turns) and turns[number][0] == at:
            continue
        share = _share(levels, weights)
        if not points or abs(points[-1].share - share) > _ROUNDING:
            points.append(Point(max(at, begins_at), share))
    return tuple(points)


def _whole(way: Iterable[tuple[datetime, Level]]) -> Iterator[tuple[datetime, Level]]:
    """Yield one level for each instant: the last one."""
    return iter({at: (at, level) for at, level in way}.values())


def _share(levels: Mapping[str, Level], weights: Mapping[str, float]) -> float:
    counted = [(weights.get(n, 1.0), share) for n, share in levels.items() if share is not None]
    total = sum(weight for weight, _ in counted)
    return sum(weight * share for weight, share in counted) / total if total else 0.0
