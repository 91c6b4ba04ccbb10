"""Look at one account, and take up what is bound there and what no longer is."""

from monitor.core.discovery import close_accounts, take_listing
from monitor.core.names import DomainName
from monitor.core.state import DomainState
from monitor.ledger import Ledger
from monitor.ports import Clock, Inventory, Telemetry


async def discover(
    inventory: Inventory, ledger: Ledger, telemetry: Telemetry, clock: Clock
) -> frozenset[DomainName]:
    """Look once, and return the domains that have to be asked about anew.

    What could not be read keeps its last known bindings.
    """
    listing = await inventory.look()
    telemetry.listed(listing)
    await ledger.record(lambda state: take_listing(state, listing, clock.now()))
    domains = ledger.state.domains
    return frozenset(name for name, known in domains.items() if _is_unasked(known))


async def forget_accounts(configured: frozenset[str], ledger: Ledger, clock: Clock) -> None:
    """Drop what only accounts bound that the configuration no longer names."""
    await ledger.record(lambda state: close_accounts(state, configured, clock.now()))


def _is_unasked(domain: DomainState) -> bool:
    return domain.watched is not None and not domain.resolvers
