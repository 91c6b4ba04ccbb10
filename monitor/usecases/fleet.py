"""The watched domains, parted into those at rest and those that have to be looked at."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from monitor.core.bindings import Binding
from monitor.core.names import DomainName
from monitor.core.state import DomainState, RoundPolicy, State, is_at_rest
from monitor.ports import Sweeper
from monitor.usecases.polls import Polls


@dataclass(slots=True)
class Fleet:
    """Knows who is at rest: who was once is so always, until something happens.

    As long as nothing happens to any domain, the same list is handed out again, at no cost. What
    is known elsewhere of a domain is forgotten with the domain.
    """

    policy: RoundPolicy
    sweeper: Sweeper
    polls: Polls = field(default_factory=Polls)
    _at_rest: dict[DomainName, DomainState] = field(default_factory=dict)
    _domains: Mapping[DomainName, DomainState] = field(default_factory=dict)
    _resting: list[Binding] = field(default_factory=list)
    _awake: list[Binding] = field(default_factory=list)

    def parted(self, state: State, now: datetime) -> tuple[Sequence[Binding], Sequence[Binding]]:
        """Return the bindings of all watched domains at rest, and the others."""
        if state.domains is not self._domains:  # the ledger makes another with each step
            watched = watched_in(state)
            self._forget_all_but({binding.domain for binding in watched})
            self._resting, self._awake = self.part(watched, state, now)
            self._domains = state.domains
        elif self._awake:  # for these, time passes
            calmed, self._awake = self.part(self._awake, state, now)
            if calmed:
                self._resting = [*self._resting, *calmed]
        return self._resting, self._awake

    def part(
        self, bindings: Iterable[Binding], state: State, now: datetime
    ) -> tuple[list[Binding], list[Binding]]:
        """Return those of domains at rest, and the others."""
        parts: tuple[list[Binding], list[Binding]] = ([], [])
        for binding in bindings:
            parts[not self._rests(state.domains[binding.domain], now)].append(binding)
        return parts

    def _rests(self, domain: DomainState, now: datetime) -> bool:
        name = domain.domain
        if self._at_rest.get(name) is domain:
            return True
        self.sweeper.forget(name)
        if not is_at_rest(domain, self.policy, now):
            self._at_rest.pop(name, None)
            return False
        self._at_rest[name] = domain
        return True

    def _forget_all_but(self, watched: Collection[DomainName]) -> None:
        self.sweeper.forget_all_but(watched)
        self.polls.forget_all_but(watched)
        for domain in self._at_rest.keys() - watched:
            del self._at_rest[domain]


def watched_in(state: State, only: Collection[DomainName] | None = None) -> list[Binding]:
    """Return the bindings that are asked about: of all domains, or of those named."""
    found = (domain.watched for domain in state.domains.values())
    return [b for b in found if b is not None and (only is None or b.domain in only)]
