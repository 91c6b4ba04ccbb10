"""One resolver's way through a change: its states, and the legal moves between them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from monitor.core.tracking.entries import Entry
from monitor.core.tracking.reasons import Reason
from monitor.core.tracking.values import Sample, Value


class TrackState(Enum):
    """Where one resolver stands in one change."""

    UNKNOWN = "unknown"  # old and new lead to the same addresses: nobody can know
    AUTH_WAIT = "auth_wait"  # an authority still serves the old value: not judged
    CENSUS = "census"  # a burst of questions shows how many caches answer
    WAITING = "waiting"  # copies of the old value are known, and when they expire
    CONFIRMING = "confirming"  # no old copy is known to live; the new ones are counted
    CONVERGED = "converged"  # new, as sure as the risk that is allowed
    SETTLED = "settled"  # new after the bound too, and confirmed
    OVERSTAY = "overstay"  # old for longer than any cache may that keeps to the TTL
    UNREACHABLE = "unreachable"  # no usable answer for a while: neither old nor new
    REGRESSED = "regressed"  # old again, confirmed, after it was new
    FLAPPING = "flapping"  # to and fro

    @property
    def has_converged(self) -> bool:
        return self in {TrackState.CONVERGED, TrackState.SETTLED}

    @property
    def is_verified(self) -> bool:
        """False where its answers say neither old nor new."""
        return self not in {TrackState.UNREACHABLE, TrackState.UNKNOWN}

    @property
    def is_beyond_waiting(self) -> bool:
        """True where time alone does not mend it: somebody has to look at the resolver."""
        return self in {TrackState.OVERSTAY, TrackState.REGRESSED, TrackState.FLAPPING}


BY_URGENCY = (
    TrackState.OVERSTAY,
    TrackState.REGRESSED,
    TrackState.FLAPPING,
    TrackState.WAITING,
    TrackState.CONFIRMING,
    TrackState.CENSUS,
    TrackState.AUTH_WAIT,
    TrackState.UNREACHABLE,
    TrackState.UNKNOWN,
    TrackState.CONVERGED,
    TrackState.SETTLED,
)
"""Those first that somebody must look at, then those that are waited for."""

_S = TrackState
_ASKED = frozenset({_S.CENSUS, _S.WAITING, _S.CONFIRMING, _S.OVERSTAY})
_ANYWHERE = frozenset({_S.AUTH_WAIT, _S.CENSUS, _S.UNREACHABLE})

TRACK_MOVES: Mapping[TrackState, frozenset[TrackState]] = {
    _S.UNKNOWN: _ASKED | _ANYWHERE | {_S.CONVERGED},
    _S.AUTH_WAIT: frozenset({_S.CENSUS}),
    _S.CENSUS: frozenset(
        {_S.WAITING, _S.CONFIRMING, _S.CONVERGED, _S.OVERSTAY, _S.AUTH_WAIT, _S.UNREACHABLE}
    ),
    _S.WAITING: frozenset({_S.CONFIRMING, _S.CONVERGED, _S.OVERSTAY}) | _ANYWHERE,
    _S.CONFIRMING: frozenset({_S.WAITING, _S.CONVERGED, _S.OVERSTAY}) | _ANYWHERE,
    _S.CONVERGED: frozenset(
        {_S.SETTLED, _S.WAITING, _S.CONFIRMING, _S.OVERSTAY, _S.REGRESSED, _S.FLAPPING} | _ANYWHERE
    ),
    _S.SETTLED: frozenset({_S.REGRESSED, _S.FLAPPING, _S.AUTH_WAIT, _S.CENSUS}),
    _S.OVERSTAY: frozenset({_S.CONVERGED}) | _ANYWHERE,
    _S.UNREACHABLE: frozenset(_S) - {_S.UNREACHABLE},
    _S.REGRESSED: frozenset({_S.CONVERGED, _S.FLAPPING}) | _ANYWHERE,
    _S.FLAPPING: frozenset({_S.CONVERGED}) | _ANYWHERE,
}
"""The specification: every step stays where it is or makes one of these moves."""


@dataclass(frozen=True, slots=True)
class Census:
    """A burst of questions: how many answers, how many told apart, when the last new one came."""

    since: datetime | None = None
    samples: int = 0
    distinct: int = 0
    last_unseen: int = 0
    is_done: bool = False


@dataclass(frozen=True, slots=True)
class Doubt:
    """An old answer where a new one was certain: asked again before anybody is alarmed."""

    asked: int
    old: int


@dataclass(frozen=True, slots=True)
class Trouble:
    """Failures on end; `before` is the state to go back to."""

    since: datetime
    failures: int
    before: TrackState


@dataclass(frozen=True, slots=True)
class Track:
    """What is known of one resolver in one change, and when to ask it next.

    `caches` is the largest number of caches behind it that its answers allow. `agreed` counts the
    new answers that speak for it, `surprises` the old ones that came when none was left to expect.
    """

    resolver: str
    state: TrackState
    since: datetime
    next_at: datetime | None
    reason: Reason | None = None
    census: Census = Census()
    entries: tuple[Entry, ...] = ()
    caches: int = 1
    agreed: int = 0
    surprises: int = 0
    taps: int = 0
    visits: int = 0
    looks: int = 0
    confirmed: int = 0
    doubt: Doubt | None = None
    trouble: Trouble | None = None
    is_mistrusted: bool = False
    overstay_told: bool = False
    first_new_at: datetime | None = None
    last_old_at: datetime | None = None
    converged_at: datetime | None = None
    turns: tuple[datetime, ...] = ()
    recent: tuple[Sample, ...] = ()

    @property
    def confidence(self) -> float | None:
        """How sure it is that no cache hidden behind the resolver still has the old value."""
        if not self.state.has_converged:
            return None
        return 1.0 - hidden_share(self.caches, self.agreed)

    def moved(self, state: TrackState, at: datetime) -> "Track":
        """Return the track in another state; the same state keeps its beginning."""
        return self if state is self.state else replace(self, state=state, since=at)

    def eta(self, agreed_at: datetime) -> datetime | None:
        """Return when the last old copy that is known expires, or did; None if nobody can say.

        Where none was seen, all was over when the authorities agreed, at `agreed_at`.
        """
        if self.reason is not None and self.reason.hides_expiry:
            return None
        known = (entry.expires_at for entry in self.entries if not entry.is_new)
        return max(known, default=agreed_at)

    def progress(self, now: datetime) -> float | None:
        """Return the share of this resolver's answers that are new by now; None if unknown."""
        if self.state.has_converged:
            return 1.0
        if self.is_mistrusted:  # its old copies are renewed: only the last answer tells
            return 1.0 if self.last_old_at is None or self.agreed else 0.0
        hits = sum(entry.hits for entry in self.entries)
        new = sum(e.hits for e in self.entries if e.is_new or not e.is_alive(now))
        return new / hits if hits else None


def hidden_share(caches: int, agreed: int) -> float:
    """Return the chance that a cache among so many was met by none of the answers."""
    return float((1 - 1 / caches) ** agreed)


@dataclass(frozen=True, slots=True)
class Facts:
    """What a resolver's answers are measured by.

    `bound_at` is when the last cache that keeps to the TTL has forgotten; `old_ttl` the seconds
    for which it may keep the old value.
    """

    new: Value
    all_authorities_at: datetime
    bound_at: datetime
    old_ttl: int
    deadline_at: datetime

    @property
    def span(self) -> timedelta:
        """How long caches that keep to the TTL go on after the authorities agree."""
        return max(self.bound_at - self.all_authorities_at, timedelta(seconds=1))
