"""Counters of what goes to vantage points and comes back, in a registry that is given."""

from prometheus_client import CollectorRegistry, Counter, Gauge

_ENDS = ("answered", "expired", "lost")
_REFUSALS = ("version", "size", "format", "forged", "misfit", "late")
OTHER = "other"  # a vantage that nobody expected


class VantageCounts:
    """By vantage, as the configuration names them; what a worker calls itself is no label."""

    def __init__(self, registry: CollectorRegistry) -> None:
        def gauge(name: str, promise: str, *labels: str) -> Gauge:
            return Gauge(f"oss_cname_vantage_{name}", promise, labels, registry=registry)

        def counter(name: str, promise: str, *labels: str) -> Counter:
            return Counter(f"oss_cname_vantage_{name}", promise, labels, registry=registry)

        self._up = gauge("up", "1 if a worker at the vantage was heard lately.", "vantage")
        self._workers = gauge(
            "workers", "Workers heard lately, of our release or of another.", "vantage", "release"
        )
        self._skew = gauge(
            "clock_skew_seconds", "How far ahead the clock of the last heard is.", "vantage"
        )
        self._batches = counter("batches", "Batches by what became of them.", "vantage", "result")
        self._refused = counter(
            "refused", "What came from a vantage and was not taken.", "vantage", "reason"
        )
        self._held_back = counter(
            "held_back", "Times that a batch had to wait, since the queue was full.", "vantage"
        )

    def expect(self, vantages: frozenset[str]) -> None:
        """Let the series of these, and no others, exist before anything happens."""
        for gauge in (self._up, self._workers, self._skew):
            gauge.clear()
        for vantage in vantages:
            self.workers(vantage, 0, 0)
            self._held_back.labels(vantage)
            for result in _ENDS:
                self._batches.labels(vantage, result)
        for vantage in (*vantages, *([OTHER] if vantages else [])):
            for reason in _REFUSALS:
                self._refused.labels(vantage, reason)

    def workers(self, vantage: str, of_our_release: int, of_others: int) -> None:
        self._up.labels(vantage).set(1 if of_our_release + of_others else 0)
        self._workers.labels(vantage, "same").set(of_our_release)
        self._workers.labels(vantage, OTHER).set(of_others)

    def beaten(self, vantage: str, skew: float) -> None:
        """Take it that a worker was heard, whose clock is ahead by so many seconds."""
        self._skew.labels(vantage).set(skew)

    def ended(self, vantage: str, how: str) -> None:
        self._batches.labels(vantage, how).inc()

    def refused(self, vantage: str, reason: str) -> None:
        self._refused.labels(vantage, reason).inc()

    def held_back(self, vantage: str) -> None:
        self._held_back.labels(vantage).inc()
