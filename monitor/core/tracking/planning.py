"""Before a change: until when the old value is served, and whether to lower the TTL first."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.core.tracking.authorities import ServerHistory
from monitor.core.tracking.values import Value

# A TTL that makes a change quick, and costs little traffic for the time of a move.
LOW_TTL = timedelta(seconds=60)
# Not worth two steps: the default of Alibaba Cloud DNS passes in ten minutes.
_SHORT = timedelta(seconds=600)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a change made `at` would mean, and a better way where there is one.

    `ttl` is the one that is published now. `old_until` is the last instant at which a cache that
    keeps to the TTL serves `value` if the record is changed at once; with the TTL lowered to
    `LOW_TTL` at once instead, a change from `then_at` on is served everywhere within that TTL.
    `drained_at` is when copies with longer TTLs of former days are gone by themselves.
    """

    value: Value | None
    at: datetime
    ttl: timedelta
    old_until: datetime
    drained_at: datetime
    then_at: datetime
    is_split: bool

    @property
    def lower_first(self) -> bool:
        """Tell whether to lower the TTL some time before the change."""
        return self.ttl > _SHORT

    @property
    def wait_first(self) -> bool:
        """Tell whether the TTL is low already, but longer ones have not drained."""
        return not self.lower_first and self.drained_at > self.at + _SHORT

    @property
    def has_advice(self) -> bool:
        return self.is_split or self.lower_first or self.wait_first


def plan(authorities: Iterable[ServerHistory], at: datetime) -> Plan | None:
    """Return what a change at that instant would mean; None where no authority has answered."""
    served = [served for history in authorities for served in history.served]
    now = [it for it in served if it.ended_at is None]
    if not now:
        return None
    # Copies fetched just before the change live for the TTL of today; older ones as they were.
    drained = [over for it in served if (over := it.forgotten_by()) is not None]
    longest = max(it.kept_for for it in now)
    drained_at = max(drained, default=at)
    return Plan(
        value=now[0].value,
        at=at,
        ttl=longest,
        old_until=max(at + longest, drained_at),
        drained_at=drained_at,
        then_at=max(at + longest, drained_at),
        is_split=any(not it.value.is_same(now[0].value) for it in now),
    )
