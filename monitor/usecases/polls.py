"""Polls of the authorities that show what is known are recorded with the next news."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeAlias

from monitor.core.domain_tracking import (
    AuthorityLook,
    answered_at,
    gist_of_looks,
    is_but_later,
    polled_again,
)
from monitor.core.names import DomainName
from monitor.core.state import DomainState, Step, in_turn
from monitor.core.tracking.record import RecordKey
from monitor.core.tracking.sameness import Answered

_NEVER = datetime.min.replace(tzinfo=UTC)

Decide: TypeAlias = Callable[[DomainState], Step]


@dataclass(slots=True)
class Polls:
    """The newest poll of each domain that was but later than the one recorded.

    A steady fleet then writes nothing. What is lost with the process is when exactly a value was
    last seen: the record of it is older than the truth, never newer.
    """

    _known: dict[DomainName, "_Poll"] = field(default_factory=dict)

    def wanted(self, domain: DomainState) -> tuple[RecordKey, ...]:
        """Return which records the newest poll was about; none where something happened since."""
        known = self._known.get(domain.domain)
        return known.wanted if known is not None and known.state is domain else ()

    def take(
        self,
        domain: DomainState,
        looks: tuple[AuthorityLook, ...],
        wanted: tuple[RecordKey, ...],
        decide: Decide,
    ) -> Step:
        """Return what a poll changes, after those that were remembered; nothing for one more.

        `wanted` are the records that should have been asked about.
        """
        known, gist = self._known.get(domain.domain), gist_of_looks(looks, wanted)
        if known is not None and known.is_after(answered_at(looks)):
            del self._known[domain.domain]
            known = None
        if known is not None and known.state is domain and known.gist == gist:
            known.answered = {**known.answered, **answered_at(looks)}
            return Step()
        if is_but_later(domain, step := decide(domain)):
            before = known.answered if known is not None and known.state is domain else {}
            now_known = _Poll(domain, gist, wanted, {**before, **answered_at(looks)})
            self._known[domain.domain] = now_known
            return Step()
        if known is not None:
            answered = known.answered
            step = in_turn(domain, lambda it: polled_again(it, answered), decide)
            del self._known[domain.domain]
        return step

    def forget_all_but(self, domains: Collection[DomainName]) -> None:
        for domain in self._known.keys() - domains:
            del self._known[domain]


@dataclass(slots=True)
class _Poll:
    state: DomainState
    gist: int
    wanted: tuple[RecordKey, ...]
    answered: Answered

    def is_after(self, answered: Answered) -> bool:
        """Tell whether it seems to be later than a later one: somebody has put the clock back."""
        return _newest(self.answered) > _newest(answered)


def _newest(answered: Answered) -> datetime:
    instants = (at for servers in answered.values() for at in servers.values())
    return max(instants, default=_NEVER)
