"""What a look at an account changes in what is known."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from monitor.core.bindings import Binding
from monitor.core.domain_tracking import unwatched
from monitor.core.events import Event, EventType, Json
from monitor.core.hysteresis import Settled
from monitor.core.inventory import (
    AccountInventory,
    Added,
    InventoryChange,
    Listing,
    Moved,
    Removed,
    WatchList,
    differences,
    fold,
    watch_list,
)
from monitor.core.names import DomainName
from monitor.core.state import DomainState, State, Step, joined, with_faults
from monitor.core.status import OF_LOOKS, DomainStatus, Fault


def take_listing(state: State, listing: Listing, now: datetime) -> Step:
    """Take one look at one account; what it could not read stays as it was last known."""
    known = state.accounts.get(listing.account, AccountInventory(listing.account))
    after = fold(known, listing, now)
    if after.bindings is known.bindings and listing.account in state.accounts:
        return Step(accounts=(after,))
    return _with_accounts(state, (after,), frozenset(), now)


def close_accounts(state: State, configured: Iterable[str], now: datetime) -> Step:
    """Forget the accounts that the configuration no longer names, and what only they bound."""
    closed = frozenset(state.accounts) - frozenset(configured)
    return _with_accounts(state, (), closed, now) if closed else Step()


def _with_accounts(
    state: State, accounts: tuple[AccountInventory, ...], closed: frozenset[str], now: datetime
) -> Step:
    after = state.after(Step(accounts=accounts, closed=closed))
    watched = watch_list(after.accounts.values())
    before = {d: s.binding for d, s in state.domains.items() if s.binding is not None}
    changes = differences(before, watched)
    bound, known = watched.domains, state.domains
    touched = (d for d in bound if not _is_as_before(known.get(d), d, watched))
    domains = (_domain_after(known.get(d), d, watched, now) for d in touched)
    faults = joined(_with_inventory_faults(domain, now) for domain in domains)
    changed = tuple(d for d in faults.domains if d != known.get(d.domain))
    forgotten = frozenset(known) - bound
    # A domain that rivals claimed from the start was never bound: its faults end with it.
    gone = (known[name] for name in sorted(forgotten))
    given_up = joined(
        with_faults(domain, dict.fromkeys(domain.faults, False), now)
        for domain in gone
        if domain.binding is None
    )
    ended = joined(unwatched(known[name], now) for name in sorted(forgotten))
    told = tuple(_event(change, now) for change in changes)
    return Step(
        domains=changed,
        forgotten=forgotten,
        accounts=accounts,
        closed=closed,
        changes=ended.changes,
        events=told + given_up.events + ended.events + faults.events,
    )


def _is_as_before(known: DomainState | None, domain: DomainName, watched: WatchList) -> bool:
    """Tell, of nearly every domain of a long list, that nothing follows for it."""
    return (
        known is not None
        and known.binding is watched.bindings.get(domain)
        and known.rivals == watched.rivals.get(domain, ())
    )


def _domain_after(
    known: DomainState | None, domain: DomainName, watched: WatchList, now: datetime
) -> DomainState:
    binding, rivals = watched.bindings.get(domain), watched.rivals.get(domain, ())
    if known is None:
        return _paused_if_unwatched(DomainState(domain, binding, now, rivals))
    if binding is None:
        return replace(known, rivals=rivals)
    after = replace(known, binding=binding, rivals=())
    if known.binding is not None and known.binding.target == binding.target:
        return after
    # The old verdicts were about another target: nothing is known until it is asked again.
    # What the authorities served is no matter of the binding: changes are followed on.
    faults = known.faults - OF_LOOKS
    fresh = DomainState(domain, binding, now, faults=faults, records=known.records)
    return _paused_if_unwatched(fresh)


def _paused_if_unwatched(state: DomainState) -> DomainState:
    return state if state.watched else replace(state, status=Settled(DomainStatus.PAUSED))


def _with_inventory_faults(state: DomainState, now: datetime) -> Step:
    found = {
        Fault.WILDCARD: state.domain.is_wildcard,
        Fault.BOUND_TWICE: bool(state.rivals),
        Fault.BINDING_DISABLED: state.binding is not None and not state.binding.is_enabled,
    }
    return with_faults(state, found, now)


def _event(change: InventoryChange, now: datetime) -> Event:
    match change:
        case Added(binding):
            return Event(EventType.BINDING_ADDED, now, binding.domain, data=_described(binding))
        case Removed(binding):
            return Event(EventType.BINDING_REMOVED, now, binding.domain, data=_described(binding))
        case Moved(before, after):
            data: dict[str, Json] = {"from": _described(before), "to": _described(after)}
            return Event(EventType.BINDING_MOVED, now, after.domain, data=data)


def _described(binding: Binding) -> dict[str, Json]:
    return {
        "account": binding.account,
        "target": binding.target.name.text,
        "bucket": binding.bucket or None,
        "endpoint": binding.endpoint or None,
    }
