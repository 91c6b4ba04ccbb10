"""What the TTL of an answer betrays: a copy that runs down, or something else."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from monitor.core.tracking.tracks import Facts
from monitor.core.tracking.values import Sample

STALE = frozenset({3, 19})  # EDE: stale answer, stale NXDOMAIN (RFC 8914 §4.4, §4.20)
STALE_TTL = 30  # seconds; what a server shows for expired data (RFC 8767 §4)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer beside the `earlier` ones; `had_new` where a new one was among all before."""

    sample: Sample
    earlier: tuple[Sample, ...]
    had_new: bool
    facts: Facts
    tolerance: timedelta

    @property
    def is_new(self) -> bool:
        return self.sample.value is not None and self.sample.value.is_same(self.facts.new)

    @property
    def is_told_stale(self) -> bool:
        """Tell whether the server itself says that it serves what has expired."""
        return not self.is_new and bool(STALE & set(self.sample.extended_errors))

    @property
    def is_opaque(self) -> bool:
        """Tell whether the TTL is no remaining life of a copy."""
        return self.is_told_stale or self._is_short or self._is_shown_before()

    @property
    def is_expired_copy(self) -> bool:
        """Tell whether old answers bear the same short TTL again: that of expired data."""
        if self.is_new:
            return False
        return self.is_told_stale or (self._is_short and self._is_shown_before())

    @property
    def is_constant(self) -> bool:
        """Tell whether the last old answers bore the same TTL as this: it does not run down.

        Where new answers came too, these may be several caches that give out expired data.
        """
        last = list(self._olds())[-2:]
        if self.is_new or self.had_new or self.is_told_stale or len(last) < 2:
            return False
        is_apart = self.sample.at - last[0].at > self.tolerance * 2
        return is_apart and all(sample.ttl == self.sample.ttl for sample in last)

    def is_overstaying(self, margin: timedelta) -> bool:
        """Tell whether the old value lives beyond the bound, or will by what is shown."""
        expires_at = self.sample.at + timedelta(seconds=self.sample.ttl)
        return not self.is_new and expires_at > self.facts.bound_at + margin

    @property
    def _is_short(self) -> bool:
        return self.sample.ttl <= STALE_TTL < self.facts.old_ttl

    def _is_shown_before(self) -> bool:
        ttl, at = self.sample.ttl, self.sample.at
        return any(old.ttl == ttl and at - old.at > self.tolerance for old in self._olds())

    def _olds(self) -> Iterator[Sample]:
        for sample in self.earlier:
            if sample.value is not None and not sample.value.is_same(self.facts.new):
                yield sample
