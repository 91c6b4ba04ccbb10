"""Ask everybody once about given bindings, and keep nothing."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from monitor.core.bindings import Binding
from monitor.core.names import DomainName
from monitor.core.servers import Delegation
from monitor.core.state import (
    DomainState,
    RoundPolicy,
    State,
    see_authorities,
    see_resolvers,
)
from monitor.ports import Clock
from monitor.usecases.ask import Panel
from monitor.usecases.delegate import Delegator, NotDelegated


@dataclass(frozen=True, slots=True)
class Check:
    """One look at some bindings, `abreast` of them at a time."""

    panel: Panel
    delegator: Delegator
    policy: RoundPolicy
    clock: Clock
    abreast: int = 100

    async def run(self, domains: Iterable[DomainState], advance: Callable[[], None]) -> State:
        """Return what one round shows; `advance` is called as each domain is done.

        The authorities are asked before the resolvers, so that a question for a name that does
        not exist yet plants nothing in a cache before that is known.
        """
        waiting, seen = iter(tuple(domains)), dict[DomainName, DomainState]()
        async with asyncio.TaskGroup() as group:
            for _ in range(self.abreast):
                group.create_task(self._look_at_each(waiting, seen, advance))
        return State(domains=seen)

    async def _look_at_each(
        self,
        waiting: Iterator[DomainState],
        seen: dict[DomainName, DomainState],
        advance: Callable[[], None],
    ) -> None:
        for domain in waiting:
            binding = domain.watched
            seen[domain.domain] = await self._look(domain, binding) if binding else domain
            advance()

    async def _look(self, domain: DomainState, binding: Binding) -> DomainState:
        delegation = await self._delegation_of(domain.domain)
        if delegation is not None:
            sightings = await self.panel.ask_authorities(binding, delegation)
            (domain,) = see_authorities(
                domain, sightings, delegation, self.policy, self.clock.now()
            ).domains
        sightings = await self.panel.ask_resolvers(binding)
        (domain,) = see_resolvers(domain, sightings, self.policy, self.clock.now()).domains
        return domain

    async def _delegation_of(self, domain: DomainName) -> Delegation | None:
        try:
            return await self.delegator.find(domain, self.clock.now())
        except NotDelegated:
            return None
