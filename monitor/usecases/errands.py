"""Whom to ask about which domain when: in the order in which it is due, and a few at a time."""

import heapq
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from monitor.core.names import DomainName


@dataclass(slots=True)
class Errands:
    """What there is to do of one kind, such as to ask one resolver: each domain when it is due.

    `abreast` at most are under way at a time. Where thousands are due at once the others wait
    here, and not in a row before the server, in which the rounds have to have their turn too.
    No rest is longer than the `longest_rest`.
    """

    abreast: int
    longest_rest: timedelta
    _due: dict[DomainName, datetime] = field(default_factory=dict)
    _queue: list[tuple[datetime, DomainName]] = field(default_factory=list)
    _under_way: set[DomainName] = field(default_factory=set)
    _not_before: dict[DomainName, datetime] = field(default_factory=dict)

    def plan(self, domain: DomainName, at: datetime | None, now: datetime) -> None:
        """Do it when it is due, None for never; what is under way is planned when it is done."""
        if at is None:
            self._due.pop(domain, None)
        elif domain not in self._under_way:
            self._put(domain, at, now)

    def _put(self, domain: DomainName, at: datetime, now: datetime) -> None:
        rest_until = self._not_before.get(domain, at)
        # A rest beyond any that we take is of a clock that was put back since.
        if rest_until - now <= self.longest_rest:
            at = max(at, rest_until)
        if self._due.get(domain) != at:
            self._due[domain] = at
            heapq.heappush(self._queue, (at, domain))

    def taken(self, now: datetime) -> Iterator[DomainName]:
        """Hand over the domains for which it is to be done now; they are under way."""
        while (due_at := self.next_at) is not None and due_at <= now:
            at, domain = heapq.heappop(self._queue)
            if self._due.get(domain) == at:  # otherwise it was planned anew since
                del self._due[domain]
                self._under_way.add(domain)
                yield domain

    def done(self, domain: DomainName, not_before: datetime | None = None) -> None:
        """Take it that it is done, and is not to be done again before that."""
        self._under_way.discard(domain)
        if not_before is not None:
            self._not_before[domain] = not_before

    def drop(self, domains: Collection[DomainName]) -> None:
        for domain in domains:
            self._due.pop(domain, None)
            self._not_before.pop(domain, None)

    @property
    def next_at(self) -> datetime | None:
        """When to look again; None where something has to be planned or done before."""
        is_full = len(self._under_way) >= self.abreast
        return None if is_full or not self._queue else self._queue[0][0]
