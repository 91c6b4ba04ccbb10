"""The kinds of resolver there are, and how many of each."""

from enum import Enum


class Kind(Enum):
    SINGLE = "single"
    POOL = "pool"
    SKEWED_POOL = "skewed pool"
    PREFETCH = "prefetch"
    TTL_CAP = "TTL cap"
    TTL_FLOOR = "TTL floor"
    SERVE_STALE = "serve-stale"
    OPTIMISTIC = "optimistic"
    OPTIMISTIC_POOL = "optimistic pool"
    TTL_LIAR = "TTL liar"
    PINNED = "pinned"
    DOWN = "down"

    @property
    def is_compliant(self) -> bool:
        """Whether the bound must hold: nothing lives longer than its TTL."""
        return self in _COMPLIANT

    @property
    def is_pool(self) -> bool:
        return self in _POOLS


SHARES = {
    Kind.SINGLE: 22,
    Kind.POOL: 24,
    Kind.SKEWED_POOL: 8,
    Kind.PREFETCH: 6,
    Kind.TTL_CAP: 5,
    Kind.TTL_FLOOR: 8,
    Kind.SERVE_STALE: 5,
    Kind.OPTIMISTIC: 8,
    Kind.OPTIMISTIC_POOL: 6,
    Kind.TTL_LIAR: 3,
    Kind.PINNED: 2,
    Kind.DOWN: 3,
}

_COMPLIANT = frozenset({Kind.SINGLE, Kind.POOL, Kind.SKEWED_POOL, Kind.PREFETCH, Kind.TTL_CAP})
_POOLS = frozenset({Kind.POOL, Kind.SKEWED_POOL, Kind.OPTIMISTIC_POOL})
