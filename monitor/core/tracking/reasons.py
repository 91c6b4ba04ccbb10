"""Why a resolver still has the old value: the closed set of explanations."""

from enum import Enum


class Reason(Enum):
    """The first rule that applies names the reason (`explain.py`); the order is theirs."""

    AUTH_LAG = "auth_lag"
    AUTH_HIDDEN_LAG = "auth_hidden_lag"
    DELEGATION = "delegation"
    SPLIT_VIEW = "split_view"
    SERVE_STALE = "serve_stale"
    SERVFAIL = "servfail"
    TTL_FLOOR = "ttl_floor"
    OPTIMISTIC = "optimistic"
    TTL_OPAQUE = "ttl_opaque"
    OVERRIDE = "override"
    INTERCEPTED = "intercepted"
    NEGATIVE_CACHE = "negative_cache"
    CHAIN_HOP = "chain_hop"
    LATE_CACHE = "late_cache"
    NOT_OBSERVABLE = "not_observable"
    UNEXPLAINED = "unexplained"

    @property
    def hides_expiry(self) -> bool:
        """True where the TTL that is shown does not tell when the old value goes."""
        return self in _WITHOUT_ETA


_WITHOUT_ETA = frozenset(
    {
        Reason.SERVE_STALE,
        Reason.OPTIMISTIC,
        Reason.TTL_OPAQUE,
        Reason.OVERRIDE,
        Reason.INTERCEPTED,
        Reason.SPLIT_VIEW,
        Reason.UNEXPLAINED,
    }
)
