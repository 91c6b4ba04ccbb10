"""Look at one account, and take up what is bound there and what no longer is."""

from collections.abc import Callable

from monitor.core.binding_faults import FaultPolicy, see_inventory
from monitor.core.discovery import close_accounts, take_listing
from monitor.core.names import DomainName
from monitor.core.state import DomainState, Step
from monitor.ledger import Ledger
from monitor.ports import Clock, Inventory, Telemetry


def _always() -> bool:
    return True


async def discover(
    inventory: Inventory,
    ledger: Ledger,
    telemetry: Telemetry,
    clock: Clock,
    policy: FaultPolicy,
    is_wanted: Callable[[], bool] = _always,
) -> frozenset[DomainName]:
    """Look once, and return the domains that have to be asked about anew.

    What could not be read keeps its last known bindings. When the look is no longer wanted by
    the time that it ends, it changes nothing.
    """
    listing = await inventory.look()
    telemetry.listed(listing)
    await ledger.record(
        lambda state: take_listing(state, listing, clock.now()) if is_wanted() else Step()
    )
    await ledger.record(
        lambda state: (
            see_inventory(state, listing.account, policy, clock.now()) if is_wanted() else Step()
        )
    )
    domains = ledger.state.domains
    return frozenset(name for name, known in domains.items() if _is_unasked(known))


async def forget_accounts(configured: frozenset[str], ledger: Ledger, clock: Clock) -> None:
    """Drop what only accounts bound that the configuration no longer names."""
    await ledger.record(lambda state: close_accounts(state, configured, clock.now()))


def _is_unasked(domain: DomainState) -> bool:
    return domain.watched is not None and not domain.resolvers
