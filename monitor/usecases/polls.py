"""Polls of the authorities that show what is known are recorded with the next news."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias

from monitor.core.domain_tracking import AuthorityLook, gist_of_looks, is_but_later, polled_again
from monitor.core.names import DomainName
from monitor.core.state import DomainState, Step, in_turn

Decide: TypeAlias = Callable[[DomainState], Step]


@dataclass(slots=True)
class Polls:
    """The newest poll of each domain that was but later than the one recorded.

    A steady fleet then writes nothing. What is lost with the process is when exactly a value was
    last seen: the record of it is older than the truth, never newer.
    """

    _known: dict[DomainName, "_Poll"] = field(default_factory=dict)

    def take(
        self, domain: DomainState, looks: tuple[AuthorityLook, ...], decide: Decide, now: datetime
    ) -> Step:
        """Return what a poll changes, after those that were remembered; nothing for one more."""
        known, gist = self._known.get(domain.domain), gist_of_looks(looks)
        if known is not None and known.state is domain and known.gist == gist:
            known.at = now
            return Step()
        if is_but_later(domain, step := decide(domain)):
            self._known[domain.domain] = _Poll(domain, gist, now)
            return Step()
        if known is not None:
            until = known.at
            step = in_turn(domain, lambda it: polled_again(it, until), decide)
            del self._known[domain.domain]
        return step

    def forget_all_but(self, domains: Collection[DomainName]) -> None:
        for domain in self._known.keys() - domains:
            del self._known[domain]


@dataclass(slots=True)
class _Poll:
    state: DomainState
    gist: int
    at: datetime
