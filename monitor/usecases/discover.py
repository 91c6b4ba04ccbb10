"""Look at one account, and take up what is bound there and what no longer is."""

from collections.abc import Callable

import structlog

from monitor.core.binding_faults import FaultPolicy, see_inventory
from monitor.core.discovery import close_accounts, take_listing
from monitor.core.inventory import AccountInventory, Failure, FailureReason, Listing, Scope
from monitor.core.names import DomainName
from monitor.core.state import DomainState, Step
from monitor.ledger import Ledger
from monitor.ports import Clock, Inventory, Telemetry

log = structlog.get_logger()


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
    _tell(listing, ledger.state.accounts.get(listing.account))
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


def _tell(listing: Listing, known: AccountInventory | None) -> None:
    """Say what can no longer be read, and that all can again, once and not at each look."""
    before = frozenset(_brief(failure) for failure in known.failures) if known else frozenset()
    fresh = [failure for failure in listing.failures if _brief(failure) not in before]
    if before and not listing.failures:
        log.info("inventory.readable", account=listing.account)
    if fresh:
        first = fresh[0]
        log.warning(
            "inventory.unreadable",
            account=listing.account,
            failures=len(fresh),
            bucket=first.bucket or None,
            error=first.detail,
        )


def _brief(failure: Failure) -> tuple[str, Scope, FailureReason]:
    return (failure.bucket, failure.scope, failure.reason)
