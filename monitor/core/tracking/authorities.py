"""What each authority has served, since when and for how long it may be kept: the history.

The bound on all caches that keep to the TTL follows from it. The TTL of the moment would not do:
one that was lowered an hour before the change says nothing of the copies fetched until then.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from monitor.core.tracking.values import Sample, Value, ValueKind

# Negative answers are kept for three hours at most by the usual servers, whatever the SOA says.
LONGEST_NEGATIVE = timedelta(hours=3)
_KEPT = 32


@dataclass(frozen=True, slots=True)
class Served:
    """One value with one TTL, as one server gave it: seen from `since` until `until`.

    `ended_at` is when something else was first seen there: until then it may have been served.
    """

    value: Value
    ttl: int
    since: datetime
    until: datetime
    ended_at: datetime | None = None

    def forgotten_by(self) -> datetime | None:
        """Return when a copy fetched at the last moment expires; None while it is served."""
        if self.ended_at is None:
            return None
        # Unbound and Knot Resolver keep a record for up to a second more than its whole seconds.
        return self.ended_at + self.kept_for + timedelta(seconds=1)

    @property
    def kept_for(self) -> timedelta:
        ttl = timedelta(seconds=self.ttl)
        return min(ttl, LONGEST_NEGATIVE) if self.value.kind is ValueKind.ABSENT else ttl


@dataclass(frozen=True, slots=True)
class ServerHistory:
    """What one authoritative address has served, the newest last.

    `polls` counts the polls on end that brought the newest value. `silent_since` is when it
    stopped answering; `serial` is that of its zone, where it was told.
    """

    server: str
    served: tuple[Served, ...] = ()
    polls: int = 0
    answered_at: datetime | None = None
    silent_since: datetime | None = None
    serial: int | None = None
    is_listed: bool = True

    @property
    def newest(self) -> Served | None:
        return self.served[-1] if self.served else None

    @property
    def serving(self) -> Value | None:
        """What it serves as far as is known; None before its first answer and after its end."""
        newest = self.newest
        return newest.value if newest and newest.ended_at is None else None

    def value_since(self) -> datetime | None:
        """Return since when it serves its value, whatever the TTL."""
        newest, since = self.newest, None
        for served in reversed(self.served):
            if newest is None or not served.value.is_same(newest.value):
                break
            since = served.since
        return since

    def answered(self, sample: Sample, serial: int | None) -> "ServerHistory":
        """Return the history after one poll; one that came no later changes nothing."""
        if self.answered_at is not None and sample.at <= self.answered_at:
            return self
        if sample.value is None:
            return replace(self, silent_since=self.silent_since or sample.at)
        newest = self.newest
        is_same = newest is not None and newest.value.is_same(sample.value)
        return replace(
            self,
            served=_extended(self.served, sample),
            polls=self.polls + 1 if is_same else 1,
            answered_at=sample.at,
            silent_since=None,
            serial=self.serial if serial is None else serial,
        )

    def ended(self, at: datetime) -> "ServerHistory":
        """Return the history of a server that serves nothing from `at` on."""
        newest = self.newest
        if newest is None or newest.ended_at is not None:
            return self
        return replace(self, served=(*self.served[:-1], replace(newest, ended_at=at)), polls=0)


def _extended(served: tuple[Served, ...], sample: Sample) -> tuple[Served, ...]:
    if sample.value is None:
        return served
    fresh = Served(sample.value, sample.ttl, sample.at, sample.at)
    if not served or served[-1].ended_at is not None:
        return (*served, fresh)[-_KEPT:]
    *before, newest = served
    is_same = newest.value.is_same(sample.value)
    if is_same and newest.value.kind is not ValueKind.ALIAS:
        # The TTL of flattened addresses runs down at the provider: the longest one counts.
        fresh = replace(fresh, ttl=max(sample.ttl, newest.ttl))
    if is_same and fresh.ttl == newest.ttl:
        return (*before, replace(newest, until=sample.at))
    return (*before, replace(newest, ended_at=sample.at), fresh)[-_KEPT:]


def bound(histories: Iterable[ServerHistory], new: Value, otherwise: datetime) -> datetime | None:
    """Return when the last copy of any other value than `new` expires in honest caches.

    None while an authority serves another value; `otherwise` where none was ever seen.
    """
    ends = [otherwise]
    for history in histories:
        for served in history.served:
            if not served.value.is_same(new):
                forgotten = served.forgotten_by()
                if forgotten is None:
                    return None
                ends.append(forgotten)
    return max(ends)


def longest_kept(histories: Iterable[ServerHistory], new: Value, since: datetime) -> int | None:
    """Return the longest TTL in seconds of another value that caches may still hold at `since`."""
    found = [
        int(served.kept_for.total_seconds())
        for history in histories
        for served in history.served
        if not served.value.is_same(new) and (served.forgotten_by() or since) >= since
    ]
    return max(found, default=None)


def counted(
    histories: Mapping[str, ServerHistory], now: datetime, silent_after: timedelta
) -> tuple[ServerHistory, ...]:
    """Return the servers whose word counts: listed, heard once, not silent for too long."""
    return tuple(
        history
        for history in histories.values()
        if history.is_listed
        and history.serving is not None
        and (history.silent_since is None or now - history.silent_since < silent_after)
    )
