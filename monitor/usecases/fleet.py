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
    _domains: Mapping[DomainName, DomainState] = field(default_factory=dict)
    _resting: list[Binding] = field(default_factory=list)
    _awake: dict[DomainName, Binding] = field(default_factory=dict)

    def parted(self, state: State, now: datetime) -> tuple[Sequence[Binding], Sequence[Binding]]:
        """Return the bindings of all watched domains at rest, and the others."""
        if state.domains is not self._domains:  # the ledger makes another with each step
            self._forget_all_but(
                {*state.domains}
            )  # of those that are not watched nothing is known
            self._resting, awake = self.part(state.domains.values(), now)
            self._awake = {binding.domain: binding for binding in awake}
            self._domains = state.domains
        elif self._awake:  # for these, time passes
            calmed, awake = self.part([state.domains[name] for name in self._awake], now)
            if calmed:
                self._resting = [*self._resting, *calmed]
                self._awake = {binding.domain: binding for binding in awake}
        return self._resting, [*self._awake.values()]

    def part(
        self, domains: Iterable[DomainState], now: datetime
    ) -> tuple[list[Binding], list[Binding]]:
        """Return the bindings of those at rest, and of the others; of all that are watched."""
        resting, awake = list[Binding](), list[Binding]()
        for domain in domains:
            binding = domain.watched
            if binding is not None:
                (resting if self._rests(domain, now) else awake).append(binding)
        return resting, awake

    def _rests(self, domain: DomainState, now: datetime) -> bool:
        name = domain.domain
        if self._domains.get(name) is domain and name not in self._awake:
            return True
        self.sweeper.forget(name)
        return is_at_rest(domain, self.policy, now)

    def _forget_all_but(self, domains: Collection[DomainName]) -> None:
        self.sweeper.forget_all_but(domains)
        self.polls.forget_all_but(domains)


def watched_in(state: State, only: Collection[DomainName] | None = None) -> list[Binding]:
    """Return the bindings that are asked about: of all domains, or of those named."""
    known = state.domains
    found = known.values() if only is None else (known[name] for name in only if name in known)
    return [binding for domain in found if (binding := domain.watched) is not None]
