"""Questions and what came of them, counted in bulk: a label's own counter would cost more."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from itertools import accumulate

from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from monitor.core.answers import NoAnswerReason, Rcode
from monitor.ports import RTT_BOUNDS

_OUTCOMES = (
    *(rcode.name.lower() for rcode in Rcode),
    *(reason.value for reason in NoAnswerReason),
)
_UNMATCHED = ("late", "stray")


def rtts_of(rtt: timedelta) -> tuple[int, ...]:
    """Return one round trip as counts by `RTT_BOUNDS`."""
    rank = bisect_left(RTT_BOUNDS, rtt.total_seconds())
    return tuple(int(place == rank) for place in range(len(RTT_BOUNDS) + 1))


class ProbeCounts(Collector):
    """By resolver: outcomes, round-trip times, and datagrams that answered nothing."""

    def __init__(self) -> None:
        self._outcomes: Counter[tuple[str, str]] = Counter()
        self._unmatched: Counter[tuple[str, str]] = Counter()
        self._rtts: dict[str, list[int]] = {}
        self._rtt_totals: dict[str, float] = {}

    def expect(self, resolver: str) -> None:
        """Let the series of all known label values exist before anything happens."""
        self.add(resolver, dict.fromkeys(_OUTCOMES, 0), (), timedelta())

    def add(
        self, resolver: str, outcomes: Mapping[str, int], rtts: Sequence[int], total: timedelta
    ) -> None:
        """Add to the counts; `rtts` by `RTT_BOUNDS`, the last beyond them, `total` their sum."""
        for outcome, count in outcomes.items():
            self._outcomes[resolver, outcome] += count
        known = self._rtts.setdefault(resolver, [0] * (len(RTT_BOUNDS) + 1))
        for rank, count in enumerate(rtts):
            known[rank] += count
        sum_before = self._rtt_totals.get(resolver, 0.0)
        self._rtt_totals[resolver] = sum_before + total.total_seconds()

    def add_unmatched(self, resolver: str, *, late: int, stray: int) -> None:
        for kind, count in zip(_UNMATCHED, (late, stray), strict=True):
            self._unmatched[resolver, kind] += count

    def describe(self) -> Iterable[Metric]:
        return self.collect()

    def collect(self) -> Iterator[Metric]:
        probes = CounterMetricFamily(
            "oss_cname_probes", "Questions asked.", labels=("resolver", "outcome")
        )
        for labels, count in self._outcomes.items():
            probes.add_metric(labels, count)
        unmatched = CounterMetricFamily(
            "oss_cname_unmatched_datagrams",
            "Datagrams that answered a question given up, or none that was asked.",
            labels=("resolver", "kind"),
        )
        for labels, count in self._unmatched.items():
            unmatched.add_metric(labels, count)
        yield from (probes, unmatched, self._histogram())

    def _histogram(self) -> Metric:
        durations = HistogramMetricFamily(
            "oss_cname_probe_duration_seconds",
            "Time from the last attempt's question to its outcome.",
            labels=("resolver",),
        )
        bounds = (*map(str, RTT_BOUNDS), "+Inf")
        for resolver, counts in self._rtts.items():
            buckets = list(zip(bounds, map(float, accumulate(counts)), strict=True))
            durations.add_metric((resolver,), buckets, self._rtt_totals[resolver])
        return durations
