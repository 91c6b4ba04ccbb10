"""How sure the answers make us that no cache behind a resolver still has the old value."""

from datetime import datetime

from monitor.core.tracking.policy import TrackingPolicy
from monitor.core.tracking.tracks import Facts, Track, hidden_share

_LEAST = 2  # new answers, however sure
_AGAIN = 2  # looks after the bound
_HALVINGS = 5  # repeated looks share the allowed risk, at most 1/32 each
_MISTRUST = 4  # times the usual evidence, of a resolver that keeps more than the TTL
_SURER = 10  # times, before a word that is final


def is_sure(track: Track, at: datetime, facts: Facts, policy: TrackingPolicy) -> bool:
    """Tell whether a resolver may be declared new as far as can be seen from here."""
    if at >= facts.bound_at and track.agreed >= _most(track, policy):
        return True  # only a cache that breaks the rule could be old: more would show no more
    hidden = hidden_share(track.caches, track.agreed)
    risk = _prior(track, at, facts, policy) * hidden
    return track.agreed >= _LEAST and risk <= _allowed(track, policy)


def is_final(track: Track, policy: TrackingPolicy) -> bool:
    """Tell whether the looks after the bound are enough for a word that is final."""
    if track.confirmed < _AGAIN:
        return False
    if track.agreed >= policy.max_confirmations * _MISTRUST:
        return True
    prior = 1.0 if track.is_mistrusted else policy.residual_risk
    return prior * hidden_share(track.caches, track.agreed) <= policy.risk / _SURER


def next_confirmation(
    track: Track, at: datetime, facts: Facts, policy: TrackingPolicy
) -> datetime | None:
    """Return when one more new answer helps: soon, or where only time does, once it has passed.

    None past the bound when neither helps.
    """
    soon = at + policy.sample_gap
    if track.agreed < _most(track, policy):
        return soon
    latest = facts.bound_at + policy.expiry_margin
    if latest <= at:
        return None
    hidden = hidden_share(track.caches, track.agreed)
    safe_at = facts.bound_at - facts.span * min(1.0, _allowed(track, policy) / hidden)
    return max(soon, min(safe_at, latest))


def _most(track: Track, policy: TrackingPolicy) -> int:
    """Return how many new answers are asked for; more where time alone does not help."""
    most = policy.max_confirmations
    return most * _MISTRUST if track.is_mistrusted else most


def _prior(track: Track, at: datetime, facts: Facts, policy: TrackingPolicy) -> float:
    """Return the chance that a cache that was never met has the old value."""
    if track.is_mistrusted:
        return 1.0  # a resolver that breaks the rule once is not trusted to keep it
    left = (facts.bound_at - at) / facts.span
    # Those that were met tell of those that were not: the rule of succession.
    olds = sum(not entry.is_new for entry in track.entries)
    likely = (olds + 1) / (len(track.entries) + 2)
    return min(1.0, max(policy.residual_risk, min(left, likely)))


def _allowed(track: Track, policy: TrackingPolicy) -> float:
    looks = min(track.surprises + 1, _HALVINGS)
    return float(policy.risk / 2**looks)
