"""The cached records that a resolver's answers reveal, told apart by when they expire."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.core.tracking.values import Sample, Value

_TTL_UNIT = timedelta(seconds=1)  # a TTL is shown in whole seconds: up to one more may be left
_KEPT = 128


@dataclass(frozen=True, slots=True)
class Entry:
    """One cache's copy of the record, as its answers show it.

    `expires_at` follows from the answer: when it came, plus the `ttl` that it showed, in seconds.
    """

    value: Value
    is_new: bool
    expires_at: datetime
    first_at: datetime
    last_at: datetime
    ttl: int = 0
    nsid: str | None = None
    hits: int = 1

    @property
    def gone_at(self) -> datetime:
        """From when on a cache that keeps to the TTL no longer gives it."""
        return self.expires_at + _TTL_UNIT

    def is_alive(self, at: datetime) -> bool:
        return at < self.gone_at


def with_sample(
    entries: tuple[Entry, ...], sample: Sample, *, is_new: bool, tolerance: timedelta
) -> tuple[tuple[Entry, ...], bool]:
    """Return the entries after one more answer, and whether it was of one never met before."""
    if sample.value is None:
        raise ValueError("an answer without a value is no cache's copy")
    expires_at = sample.at + timedelta(seconds=sample.ttl)
    for index, known in enumerate(entries):
        if _is_of(known, sample, is_new=is_new, expires_at=expires_at, tolerance=tolerance):
            met = replace(known, last_at=sample.at, ttl=sample.ttl, hits=known.hits + 1)
            return (*entries[:index], met, *entries[index + 1 :]), False
    first = Entry(sample.value, is_new, expires_at, sample.at, sample.at, sample.ttl, sample.nsid)
    return (*entries, first)[-_KEPT:], True


def _is_of(
    entry: Entry, sample: Sample, *, is_new: bool, expires_at: datetime, tolerance: timedelta
) -> bool:
    if entry.is_new is not is_new or abs(entry.expires_at - expires_at) > tolerance:
        return False
    return entry.nsid is None or sample.nsid is None or entry.nsid == sample.nsid


def with_constant(entries: tuple[Entry, ...], sample: Sample) -> tuple[Entry, ...]:
    """Return the entries after an old answer whose TTL never falls: all such are one."""
    olds = [entry for entry in entries if not entry.is_new]
    alike = [entry for entry in olds if entry.ttl == sample.ttl] or olds[-1:]
    if not alike:
        return with_sample(entries, sample, is_new=False, tolerance=timedelta())[0]
    others = tuple(entry for entry in entries if entry not in alike)
    one = replace(
        alike[0],
        last_at=sample.at,
        expires_at=sample.at + timedelta(seconds=sample.ttl),
        hits=sum(entry.hits for entry in alike) + 1,
    )
    return (*others, one)


def replaced(entries: tuple[Entry, ...], at: datetime) -> tuple[Entry, ...]:
    """Return the entries after the only cache was seen with a new copy: no old one lives on."""
    gone = at - _TTL_UNIT
    return tuple(
        entry if entry.is_new or not entry.is_alive(at) else replace(entry, expires_at=gone)
        for entry in entries
    )


def old_alive(entries: Iterable[Entry], at: datetime) -> tuple[Entry, ...]:
    """Return the old copies that may still be served, the first to expire first."""
    alive = (entry for entry in entries if not entry.is_new and entry.is_alive(at))
    return tuple(sorted(alive, key=lambda entry: entry.expires_at))


def expiry_to_wait_for(alive: tuple[Entry, ...], within: timedelta) -> datetime:
    """Return when to look again: copies that expire soon after the first share one look."""
    limit = alive[0].expires_at + within
    return max(entry.expires_at for entry in alive if entry.expires_at <= limit)
