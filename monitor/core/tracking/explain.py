"""Why a resolver still has the old value: the first rule that applies decides."""

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.core.names import DomainName
from monitor.core.servers import Resolver, Transport
from monitor.core.tracking.authorities import ServerHistory
from monitor.core.tracking.reasons import Reason
from monitor.core.tracking.signs import STALE, STALE_TTL
from monitor.core.tracking.tracks import Track, TrackState
from monitor.core.tracking.values import Sample, Value, ValueKind

_UNREACHED = frozenset({22, 23})  # EDE: no reachable authority, network error
_SLACK = timedelta(seconds=2)
_TTL_SLACK = 2  # seconds
_MANY_RENEWALS = 4
_FEW_CACHES = 2

_EXPLAINED = frozenset(
    {TrackState.WAITING, TrackState.OVERSTAY, TrackState.REGRESSED, TrackState.FLAPPING}
)


@dataclass(frozen=True, slots=True)
class Scene:
    """Everything that a rule may look at: one track, and the change around it."""

    track: Track
    owner: DomainName
    domain: DomainName
    new: Value
    detected_at: datetime
    all_authorities_at: datetime | None
    bound_at: datetime | None
    authorities: Mapping[str, ServerHistory]
    tracks: Mapping[str, Track]
    resolvers: Mapping[str, Resolver]
    is_delegation_consistent: bool | None = None

    def of(self, track: Track) -> "Scene":
        """Return the same scene with another resolver's track in front."""
        return replace(self, track=track)

    def is_new(self, sample: Sample) -> bool:
        return sample.value is not None and sample.value.is_same(self.new)

    @property
    def old_samples(self) -> tuple[Sample, ...]:
        """The last old answers, the newest last."""
        return tuple(s for s in self.track.recent if s.value and not s.value.is_same(self.new))

    @property
    def last_old(self) -> Sample | None:
        return self.old_samples[-1] if self.old_samples else None

    def published(self, value: Value) -> int | None:
        """Return the longest TTL with which any authority gave this value."""
        ttls = (
            served.ttl
            for history in self.authorities.values()
            for served in history.served
            if served.value.is_same(value)
        )
        return max(ttls, default=None)

    def fetched_at(self) -> datetime | None:
        """Return when the last old answer's copy was fetched, where its TTL tells."""
        old = self.last_old
        published = self.published(old.value) if old and old.value else None
        if old is None or published is None or old.ttl > published or _is_stale(old):
            return None
        if old.ttl <= STALE_TTL < published or _ttl_floor(self):
            return None  # as likely the short TTL of an expired copy, or a TTL of its own making
        return old.at - timedelta(seconds=published - old.ttl)

    @property
    def is_fetched_late(self) -> bool:
        """True where the copy was fetched after every authority seemed to have the new value."""
        fetched = self.fetched_at()
        if fetched is None or self.all_authorities_at is None:
            return False
        return fetched > self.all_authorities_at + _SLACK


def _is_stale(sample: Sample) -> bool:
    return bool(STALE & set(sample.extended_errors))


def explain(scene: Scene) -> Reason | None:
    """Return why the resolver is late; None where it is not."""
    track = scene.track
    if track.state is TrackState.UNREACHABLE:
        return Reason.SERVFAIL if _servfail(scene) else None
    if track.state not in _EXPLAINED:
        return None
    if not scene.old_samples:
        return track.reason  # what explained its last old answer holds on
    return next((reason for reason, applies in RULES if applies(scene)), Reason.UNEXPLAINED)


def _auth_lag(scene: Scene) -> bool:
    if scene.all_authorities_at is None:
        return True
    fetched = scene.fetched_at()
    late = scene.all_authorities_at + _SLACK
    return fetched is not None and scene.detected_at < fetched <= late


def _auth_hidden_lag(scene: Scene) -> bool:
    if not scene.is_fetched_late or _is_constant(scene):
        return False
    others = (scene.of(track) for track in scene.tracks.values() if track is not scene.track)
    return any(other.is_fetched_late and not _is_constant(other) for other in others)


def _delegation(scene: Scene) -> bool:
    return scene.is_delegation_consistent is False and scene.is_fetched_late


def _split_view(scene: Scene) -> bool:
    old = scene.last_old
    if old is None or old.value is None:
        return False
    return bool(old.subnet_scope) or (
        scene.published(old.value) is None
        and scene.all_authorities_at is not None
        and not _is_constant(scene)
    )


def _serve_stale(scene: Scene) -> bool:
    if any(_is_stale(sample) for sample in scene.old_samples):
        return True
    shown = [sample.ttl for sample in scene.old_samples]
    around = {code for sample in scene.track.recent for code in sample.extended_errors}
    return shown.count(STALE_TTL) > 1 and bool(around & _UNREACHED)


def _servfail(scene: Scene) -> bool:
    last = scene.track.recent[-1] if scene.track.recent else None
    return last is not None and (last.is_failure or 22 in last.extended_errors)


def _ttl_floor(scene: Scene) -> bool:
    return not _is_constant(scene) and any(
        sample.value is not None
        and (published := scene.published(sample.value)) is not None
        and sample.ttl > published + _TTL_SLACK
        for sample in scene.track.recent
    )


def _optimistic(scene: Scene) -> bool:
    answers = [sample for sample in scene.track.recent if sample.value is not None]
    pairs = itertools.pairwise(answers)
    return any(
        before.ttl <= STALE_TTL
        and scene.track.surprises > 0
        and not scene.is_new(before)
        and scene.is_new(after)
        for before, after in pairs
    )


def _ttl_opaque(scene: Scene) -> bool:
    track = scene.track
    is_short = all(sample.ttl <= STALE_TTL for sample in scene.old_samples)
    return (
        is_short
        and not _is_constant(scene)
        and (track.surprises > _MANY_RENEWALS and track.caches <= _FEW_CACHES)
    )


def _override(scene: Scene) -> bool:
    return _is_constant(scene) or scene.is_fetched_late


def _intercepted(scene: Scene) -> bool:
    """The same resolver tells the new value where nobody on the way can answer for it."""
    ours = scene.resolvers.get(scene.track.resolver)
    if ours is None or ours.transport not in {Transport.UDP, Transport.TCP}:
        return False
    return any(
        other.name != ours.name
        and other.transport in {Transport.DOT, Transport.DOH, Transport.DOQ}
        and other.group == ours.group != ""
        and (track := scene.tracks.get(other.name)) is not None
        and track.state.has_converged
        for other in scene.resolvers.values()
    )


def _negative_cache(scene: Scene) -> bool:
    old = scene.last_old
    return old is not None and old.value is not None and old.value.kind is ValueKind.ABSENT


def _chain_hop(scene: Scene) -> bool:
    return scene.owner != scene.domain


def _late_cache(scene: Scene) -> bool:
    old, bound = scene.last_old, scene.bound_at
    if old is None or bound is None:
        return False
    return old.at + timedelta(seconds=old.ttl) <= bound + _SLACK


def _is_constant(scene: Scene) -> bool:
    """True where the TTL does not run down: nothing is cached, or it is not shown."""
    shown = scene.old_samples[-3:]
    if len(shown) < 3 or shown[-1].at - shown[0].at < 2 * _SLACK:
        return False
    return len({sample.ttl for sample in shown}) == 1 and shown[0].ttl > 0


RULES: tuple[tuple[Reason, Callable[[Scene], bool]], ...] = (
    (Reason.AUTH_LAG, _auth_lag),
    (Reason.AUTH_HIDDEN_LAG, _auth_hidden_lag),
    (Reason.DELEGATION, _delegation),
    (Reason.SPLIT_VIEW, _split_view),
    (Reason.SERVE_STALE, _serve_stale),
    (Reason.TTL_FLOOR, _ttl_floor),
    (Reason.OPTIMISTIC, _optimistic),
    (Reason.TTL_OPAQUE, _ttl_opaque),
    (Reason.INTERCEPTED, _intercepted),
    (Reason.OVERRIDE, _override),
    (Reason.NEGATIVE_CACHE, _negative_cache),
    (Reason.CHAIN_HOP, _chain_hop),
    (Reason.LATE_CACHE, _late_cache),
)
