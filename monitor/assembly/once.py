"""Everything for one look that keeps nothing: `check`, `explain` and `inventory`."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from monitor.assembly.parts import (
    Surroundings,
    abreast_of,
    asked_from_here,
    delegator_of,
    fault_policy_of,
    inventories_of,
    panel_of,
    prober_of,
    round_policy_of,
)
from monitor.assembly.stores import reading
from monitor.config import Settings
from monitor.core.binding_faults import see_inventory
from monitor.core.bindings import Binding, NameTarget
from monitor.core.discovery import take_listing
from monitor.core.events import Record
from monitor.core.names import DomainName
from monitor.core.state import DomainState, State
from monitor.core.tracking.values import Sample, sample_of
from monitor.usecases.check import Check
from monitor.usecases.delegate import NotDelegated
from monitor.usecases.snapshot import Snapshot

HISTORY_LIMIT = 50


@dataclass(frozen=True, slots=True)
class Once:
    """One look by the given settings."""

    settings: Settings
    around: Surroundings

    async def inventory(self) -> State:
        """Return what every account shows now."""
        state, now = State(), self.around.clock.now()
        policy = fault_policy_of(self.settings)
        policy = replace(policy, rounds=policy.at_once)  # one look is all there is
        inventories = inventories_of(self.settings, self.around)
        for listing in await asyncio.gather(*(inventory.look() for inventory in inventories)):
            state = state.after(take_listing(state, listing, now))
        for account in sorted(state.accounts):
            state = state.after(see_inventory(state, account, policy, now))
        return state

    async def check(self, domains: Iterable[DomainState], advance: Callable[[], None]) -> Snapshot:
        """Ask everybody about the domains. Raises NotAvailable."""
        clock = self.around.clock
        prober = prober_of(self.settings, clock)
        panel = panel_of(asked_from_here(self.settings), prober)
        check = Check(
            panel,
            delegator_of(self.settings, prober),
            # One round is all there is: what it shows is believed.
            replace(round_policy_of(self.settings), fail_after=1, recover_after=1),
            clock,
            abreast_of(self.settings),
        )
        state = await check.run(domains, advance)
        return Snapshot(clock.now(), state, panel.resolvers, self.settings.propagation.window)

    async def authorities(self, domain: DomainName) -> Mapping[str, Sample]:
        """Return what each authority says of the domain's record now; nothing where none is known.

        Raises NotAvailable.
        """
        clock = self.around.clock
        prober = prober_of(self.settings, clock)
        try:
            delegation = await delegator_of(self.settings, prober).find(domain, clock.now())
        except NotDelegated:
            return {}
        binding = Binding(domain, NameTarget(domain))
        panel = panel_of(self.settings, prober)
        sightings = await panel.ask_authorities(binding, delegation)
        return {sighting.server: sample_of(sighting, domain) for sighting in sightings}

    async def history(self, domain: DomainName) -> tuple[Record, ...]:
        """Return what the daemon's store remembers of the domain; nothing where there is none.

        Raises StoreError.
        """
        async with reading(self.settings, self.around) as store:
            return await store.history(domain, HISTORY_LIMIT) if store is not None else ()
