"""A change of one record: its states, the legal moves between them, and its whole story."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum

from monitor.core.names import DomainName
from monitor.core.tracking.tracks import BY_URGENCY, Track, TrackState
from monitor.core.tracking.values import Value, ValueKind


class ChangeState(Enum):
    """Where a change stands."""

    ANNOUNCED = "announced"  # expected, not seen yet
    AUTH_SPLIT = "auth_split"  # the authorities do not all serve the new value
    PROPAGATING = "propagating"  # they do; some resolver's caches may not
    CONVERGED = "converged"  # every resolver that answers has the new value, as far as we can see
    SETTLED = "settled"  # so after the bound too
    EXPIRED = "expired"  # the window is over, and it is not settled
    SUPERSEDED = "superseded"  # another change came upon it
    REVERTED = "reverted"  # the old value came back
    CANCELLED = "cancelled"  # no longer watched, or announced and never seen

    @property
    def is_open(self) -> bool:
        return self in _OPEN

    @property
    def is_final(self) -> bool:
        return not CHANGE_MOVES[self]


_C = ChangeState
_OPEN = frozenset({_C.ANNOUNCED, _C.AUTH_SPLIT, _C.PROPAGATING, _C.CONVERGED, _C.EXPIRED})
_FINAL = frozenset({_C.SUPERSEDED, _C.REVERTED, _C.CANCELLED})

CHANGE_MOVES: Mapping[ChangeState, frozenset[ChangeState]] = {
    _C.ANNOUNCED: frozenset({_C.AUTH_SPLIT, _C.PROPAGATING, _C.SUPERSEDED, _C.CANCELLED}),
    _C.AUTH_SPLIT: frozenset({_C.PROPAGATING, _C.EXPIRED}) | _FINAL,
    _C.PROPAGATING: frozenset({_C.CONVERGED, _C.AUTH_SPLIT, _C.EXPIRED}) | _FINAL,
    _C.CONVERGED: frozenset({_C.SETTLED, _C.PROPAGATING, _C.AUTH_SPLIT, _C.EXPIRED}) | _FINAL,
    _C.SETTLED: frozenset({_C.PROPAGATING, _C.AUTH_SPLIT, _C.EXPIRED}) | _FINAL,
    _C.EXPIRED: frozenset({_C.SETTLED}) | _FINAL,
    _C.SUPERSEDED: frozenset(),
    _C.REVERTED: frozenset(),
    _C.CANCELLED: frozenset(),
}
"""The specification: every step stays where it is or makes one of these moves."""


class ChangeKind(Enum):
    """What was changed."""

    NEW = "new"
    MODIFIED = "modified"
    REMOVED = "removed"
    TTL = "ttl"
    CHAIN = "chain"  # a later hop of the chain


class Source(Enum):
    """How we came to know."""

    OBSERVED = "observed"
    ANNOUNCED = "announced"
    ALIDNS = "alidns"


class AuthorityState(Enum):
    """What one authority has to do with a change."""

    NEW = "new"
    OLD = "old"
    SILENT = "silent"


@dataclass(frozen=True, slots=True)
class AuthorityNow:
    """What one authority serves; a silent one did so last."""

    server: str
    state: AuthorityState
    value: Value | None
    ttl: int | None
    serial: int | None


@dataclass(frozen=True, slots=True)
class Change:
    """One change and how far it has come.

    `owner` is the name of the record, the domain or a later hop of its chain; `view` the client
    subnet to which the authorities give it, None for everybody. `unseen_since` is when the old
    value was last seen: the record changed between then and `detected_at`; `edited_at` and `lines`
    are what the DNS provider's own API says of it. `split_at` is when the authorities parted
    again. `bound_at` is when the last cache that keeps to the TTL has forgotten, None while an
    authority serves the old value.
    """

    id: str
    domain: DomainName
    owner: DomainName
    view: str | None
    kind: ChangeKind
    state: ChangeState
    source: Source
    old: Value | None
    new: Value
    detected_at: datetime
    deadline_at: datetime
    unseen_since: datetime | None = None
    old_ttl: int | None = None
    all_authorities_at: datetime | None = None
    bound_at: datetime | None = None
    bound_is_assumed: bool = False
    is_observable: bool = True
    split_at: datetime | None = None
    split_told: bool = False
    authorities: tuple[AuthorityNow, ...] = ()
    tracks: Mapping[str, Track] = field(default_factory=dict)
    by: str = ""
    note: str = ""
    planned_at: datetime | None = None
    edited_at: datetime | None = None
    lines: tuple[str, ...] = ()
    supersedes: str | None = None
    converged_at: datetime | None = None
    settled_at: datetime | None = None
    expired_at: datetime | None = None

    def is_watched(self, now: datetime) -> bool:
        """Tell whether resolvers are still asked on its account."""
        return self.state.is_open or (self.state is ChangeState.SETTLED and now < self.deadline_at)

    def quiet(self) -> "Change":
        """Return the change with nobody asked on its account any more."""
        return replace(self, tracks={n: replace(t, next_at=None) for n, t in self.tracks.items()})

    def moved(self, state: ChangeState, at: datetime) -> "Change":
        match state:
            case ChangeState.CONVERGED:
                return replace(self, state=state, converged_at=at)
            case ChangeState.SETTLED:
                return replace(self, state=state, settled_at=at)
            case ChangeState.EXPIRED:
                return replace(self, state=state, expired_at=at)
            case _:
                return replace(self, state=state)

    def eta(self) -> datetime | None:
        """Return when the last old copy that is known expires, or did; None if nobody can say.

        Before the census that is the bound.
        """
        if self.bound_at is None or self.all_authorities_at is None:
            return None
        etas = list[datetime]()
        for track in self.tracks.values():
            if not track.state.is_verified:
                continue
            if track.state is TrackState.CENSUS:
                etas.append(self.bound_at)
            elif (eta := track.eta(self.all_authorities_at)) is None:
                return None
            else:
                etas.append(eta)
        return max(etas, default=self.bound_at)

    def eta_of(self, track: Track) -> datetime | None:
        """Return the same of one resolver; None also before its census."""
        if self.all_authorities_at is None or not track.census.is_done:
            return None
        return track.eta(self.all_authorities_at)

    def instants(self) -> Mapping[str, datetime]:
        """Return what is known of when, in the order of time, each under its name."""
        found = {
            "detected": self.detected_at,
            "all_authorities": self.all_authorities_at,
            "eta": self.eta(),
            "bound": self.bound_at,
            "deadline": self.deadline_at,
        }
        return {name: at for name, at in found.items() if at is not None}

    @property
    def is_pending(self) -> bool:
        return self.state in {ChangeState.AUTH_SPLIT, ChangeState.PROPAGATING, ChangeState.EXPIRED}

    def progress(self, now: datetime, weights: Mapping[str, float]) -> float:
        """Return the share of the reachable resolvers' answers that are new by now, 0 to 1."""
        if self.all_authorities_at is None:
            return 0.0
        weighed = [
            (weights.get(name, 1.0), track.progress(now) or 0.0)
            for name, track in self.tracks.items()
            if track.state is not TrackState.UNREACHABLE
        ]
        total = sum(weight for weight, _ in weighed)
        return sum(weight * share for weight, share in weighed) / total if total else 0.0

    @property
    def ordered(self) -> tuple[Track, ...]:
        """The tracks, those that need somebody first, each kind by name."""
        tracks = self.tracks.values()
        return tuple(sorted(tracks, key=lambda t: (BY_URGENCY.index(t.state), t.resolver)))

    @property
    def late(self) -> tuple[Track, ...]:
        """Those that answer and have not got it for sure."""
        return tuple(t for t in self.ordered if t.state.is_verified and not t.state.has_converged)

    @property
    def unverified(self) -> tuple[Track, ...]:
        """Those of which nobody can say whether they have it."""
        return tuple(track for track in self.ordered if not track.state.is_verified)

    def coverage(self, weights: Mapping[str, float]) -> float:
        """Return the share of the resolvers, by weight, that can be reached."""
        total = sum(weights.get(name, 1.0) for name in self.tracks)
        verified = (name for name, track in self.tracks.items() if track.state.is_verified)
        reached = sum(weights.get(name, 1.0) for name in verified)
        return reached / total if total else 0.0


def kind_of(old: Value | None, new: Value, *, is_hop: bool) -> ChangeKind:
    if is_hop:
        return ChangeKind.CHAIN
    if new.kind is ValueKind.ABSENT:
        return ChangeKind.REMOVED
    if old is not None and old.kind is ValueKind.ABSENT:
        return ChangeKind.NEW
    return ChangeKind.MODIFIED


_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def change_id(at: datetime, *parts: str) -> str:
    """Return a ULID that follows from when and what: replaying a log gives the same one."""
    return _ulid(at, hashlib.sha256("\n".join((at.isoformat(), *parts)).encode()).digest()[:10])


def first_id_at(at: datetime) -> str:
    """Return what no change has as its id that was seen earlier, nor a greater one."""
    return _ulid(at, bytes(10))


def _ulid(at: datetime, lots: bytes) -> str:
    milliseconds = int((at - datetime.fromtimestamp(0, at.tzinfo)) / timedelta(milliseconds=1))
    number = int.from_bytes(milliseconds.to_bytes(6, "big") + lots, "big")
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))
