"""How patiently a change is followed, and how sure a verdict must be."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from monitor.core.servers import Resolver


@dataclass(frozen=True, slots=True)
class TrackingPolicy:
    """The parameters of following a change; `[propagation]` of the configuration explains each."""

    window: timedelta = timedelta(hours=72)
    follow_for: timedelta = timedelta(days=7)
    census_min: int = 8
    census_max: int = 24
    sample_gap: timedelta = timedelta(seconds=2)
    expiry_margin: timedelta = timedelta(seconds=2)
    fingerprint_tolerance: timedelta = timedelta(milliseconds=1600)
    merge_within: timedelta = timedelta(seconds=30)
    risk: float = 0.01
    residual_risk: float = 0.05
    max_caches: int = 64
    max_confirmations: int = 40
    watch_min: timedelta = timedelta(minutes=5)
    watch_max: timedelta = timedelta(hours=1)
    overstay_grace: timedelta = timedelta(minutes=5)
    overstay_retry: timedelta = timedelta(seconds=30)
    overstay_backoff: timedelta = timedelta(minutes=30)
    split_alert_after: timedelta = timedelta(hours=1)
    split_heartbeat: timedelta = timedelta(minutes=30)
    hold_down: timedelta = timedelta(minutes=15)
    retry_gap: timedelta = timedelta(seconds=3)
    retry_max: timedelta = timedelta(minutes=10)
    unreachable_after: timedelta = timedelta(minutes=5)
    authority_interval: timedelta = timedelta(seconds=60)
    authority_fast_interval: timedelta = timedelta(seconds=10)
    min_coverage: float = 0.5


@dataclass(frozen=True, slots=True)
class Panelists:
    """By whom a record is followed, and how: the resolvers of its view, by name."""

    policy: TrackingPolicy = TrackingPolicy()
    resolvers: Mapping[str, Resolver] = field(default_factory=dict)

    @property
    def weights(self) -> Mapping[str, float]:
        return {name: resolver.weight for name, resolver in self.resolvers.items()}
