"""All that the daemon knows, and the steps by which it changes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from monitor.core.bindings import Binding
from monitor.core.events import Event, EventType, Json, evidence_of
from monitor.core.hysteresis import Settled
from monitor.core.inventory import AccountInventory
from monitor.core.names import DomainName
from monitor.core.servers import Delegation
from monitor.core.status import (
    DomainStatus,
    Fault,
    Sighting,
    StatusPolicy,
    View,
    authorities_differ,
    status_of,
    tally,
    views_after,
)

NOTHING_KNOWN = Settled(DomainStatus.UNKNOWN)
NO_SPLIT = Settled(value=False)


@dataclass(frozen=True, slots=True)
class DomainState:
    """Everything known of one domain.

    `binding` is the last one that was not disputed; None for a domain that rivals claimed from
    the start. `rivals` are the bindings that disagree now.
    """

    domain: DomainName
    binding: Binding | None
    since: datetime
    rivals: tuple[Binding, ...] = ()
    status: Settled[DomainStatus] = NOTHING_KNOWN
    split: Settled[bool] = NO_SPLIT
    faults: frozenset[Fault] = frozenset()
    resolvers: Mapping[str, View] = field(default_factory=dict)
    authorities: Mapping[str, View] = field(default_factory=dict)

    @property
    def watched(self) -> Binding | None:
        """The binding to ask about; None where asking is pointless: wildcard or never agreed."""
        return None if self.domain.is_wildcard else self.binding


@dataclass(frozen=True, slots=True)
class State:
    """The whole of what is known; `accounts` holds the inventory behind the domains."""

    accounts: Mapping[str, AccountInventory] = field(default_factory=dict)
    domains: Mapping[DomainName, DomainState] = field(default_factory=dict)

    def after(self, step: "Step") -> "State":
        """Return the state that the step leads to."""
        accounts = {name: a for name, a in self.accounts.items() if name not in step.closed}
        domains = {d: s for d, s in self.domains.items() if d not in step.forgotten}
        return State(
            accounts | {account.account: account for account in step.accounts},
            domains | {domain.domain: domain for domain in step.domains},
        )


@dataclass(frozen=True, slots=True)
class Step:
    """One change of state with the events that explain it: written together or not at all."""

    domains: tuple[DomainState, ...] = ()
    forgotten: frozenset[DomainName] = frozenset()
    accounts: tuple[AccountInventory, ...] = ()
    closed: frozenset[str] = frozenset()
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class RoundPolicy:
    """How rounds become a status: weights, coverage, and how often a change must be seen."""

    status: StatusPolicy
    fail_after: int = 2
    recover_after: int = 2


def see_resolvers(
    state: DomainState,
    sightings: Iterable[Sighting],
    policy: RoundPolicy,
    now: datetime,
) -> Step:
    """Take one round of the resolvers' answers; the policy's weights name who is asked."""
    views = views_after(state.resolvers, sightings, frozenset(policy.status.weights))
    seen = status_of(views, state.authorities, policy.status, now)
    needed = policy.recover_after if seen is DomainStatus.IN_EFFECT else policy.fail_after
    is_first = not state.resolvers or state.status.value is DomainStatus.PAUSED
    kind = "unknown" if seen is DomainStatus.UNKNOWN else "known"
    status = state.status.see(seen, needed=1 if is_first else needed, kind=kind)
    after = replace(state, resolvers=views, status=status)
    if status.value is state.status.value:
        return Step((after,))
    return Step((replace(after, since=now),), events=(_status_event(state, after, policy, now),))


def see_authorities(
    state: DomainState,
    sightings: Iterable[Sighting],
    delegation: Delegation,
    policy: RoundPolicy,
    now: datetime,
) -> Step:
    """Take one round of the authorities' answers, and what parent and child say of them."""
    asked = frozenset(authority.name for authority in delegation.authorities)
    views = views_after(state.authorities, sightings, asked)
    split, differ = state.split, authorities_differ(views)
    if differ is not None:
        needed = policy.fail_after if differ else policy.recover_after
        split = split.see(differ, needed=needed)
    found = {Fault.AUTHORITY_SPLIT: split.value}
    if delegation.is_consistent is not None:
        found[Fault.DELEGATION_MISMATCH] = not delegation.is_consistent
    return with_faults(replace(state, authorities=views, split=split), found, now)


def with_faults(state: DomainState, found: Mapping[Fault, bool], now: datetime) -> Step:
    """Raise and clear the faults that were looked at; the others stay."""
    raised = {fault for fault, is_present in found.items() if is_present}
    faults = frozenset(raised | (state.faults - found.keys()))
    changed = sorted(faults ^ state.faults, key=lambda fault: fault.value)
    events = tuple(_fault_event(state, fault, faults, now) for fault in changed)
    return Step((replace(state, faults=faults),), events=events)


def joined(steps: Iterable[Step]) -> Step:
    """Return several steps, each about domains of its own, as one."""
    all_steps = tuple(steps)
    return Step(
        domains=tuple(domain for step in all_steps for domain in step.domains),
        forgotten=frozenset(name for step in all_steps for name in step.forgotten),
        accounts=tuple(account for step in all_steps for account in step.accounts),
        closed=frozenset(name for step in all_steps for name in step.closed),
        events=tuple(event for step in all_steps for event in step.events),
    )


def _status_event(
    before: DomainState, after: DomainState, policy: RoundPolicy, now: datetime
) -> Event:
    counted = tally(after.resolvers, policy.status.weights)
    verdicts = {server: view.verdict.kind.value for server, view in after.resolvers.items()}
    data: dict[str, Json] = {
        "from": before.status.value.value,
        "to": after.status.value.value,
        "in_effect": counted.in_effect,
        "answering": counted.answering,
        "asked": counted.asked,
        "verdicts": verdicts,
    }
    evidence = tuple(evidence_of(view.sighting) for view in after.resolvers.values())
    return Event(EventType.STATUS, now, after.domain, data=data, evidence=evidence)


def _fault_event(
    state: DomainState, fault: Fault, faults: frozenset[Fault], now: datetime
) -> Event:
    data: dict[str, Json] = {
        "fault": fault.value,
        "state": "raised" if fault in faults else "cleared",
    }
    is_of_authorities = fault is Fault.AUTHORITY_SPLIT
    views = state.authorities.values() if is_of_authorities else ()
    evidence = tuple(evidence_of(view.sighting) for view in views)
    return Event(EventType.FAULT, now, state.domain, data=data, evidence=evidence)
