"""All that the daemon knows, and the steps by which it changes."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from monitor.core.bindings import Binding
from monitor.core.events import Event, EventType, Json, evidence_of
from monitor.core.hysteresis import Settled
from monitor.core.inventory import AccountInventory
from monitor.core.names import DomainName
from monitor.core.pruning import Pruned
from monitor.core.resting import Resting
from monitor.core.servers import Delegation
from monitor.core.showing import shown as with_evidence
from monitor.core.status import (
    DomainStatus,
    Fault,
    StatusPolicy,
    authorities_differ,
    longest_ttl,
    pointing,
    status_of,
    tally,
)
from monitor.core.told import Letter, Notice, Told, ToldKey
from monitor.core.tracking.changes import Change, ChangeState
from monitor.core.tracking.record import (
    RecordKey,
    TrackedRecord,
    is_calm,
    is_only_looked_after,
)
from monitor.core.tracking.values import sample_of
from monitor.core.views import Sighting, View, places_of, views_after

NOTHING_KNOWN = Settled(DomainStatus.UNKNOWN)
NO_SPLIT = Settled(value=False)
NOTHING_SHOWN: Mapping[str, Json] = {}


@dataclass(frozen=True, slots=True)
class Doubt:
    """A fault of which the last looks on end said other than what is believed, and how many."""

    fault: Fault
    looks: int


@dataclass(frozen=True, slots=True)
class DomainState:
    """Everything known of one domain.

    `binding` is the last one that was not disputed; None for a domain that rivals claimed from
    the start. `rivals` are the bindings that disagree now. `records` are followed for changes: the
    domain's own and those of later hops.
    """

    domain: DomainName
    binding: Binding | None
    since: datetime
    rivals: tuple[Binding, ...] = ()
    status: Settled[DomainStatus] = NOTHING_KNOWN
    split: Settled[bool] = NO_SPLIT
    faults: frozenset[Fault] = frozenset()
    doubts: frozenset[Doubt] = frozenset()
    resolvers: Mapping[str, View] = field(default_factory=dict)
    authorities: Mapping[str, View] = field(default_factory=dict)
    records: Mapping[RecordKey, TrackedRecord] = field(default_factory=dict)

    @property
    def watched(self) -> Binding | None:
        """The binding to ask about; None where asking is pointless: wildcard or never agreed."""
        return None if self.domain.is_wildcard else self.binding

    @property
    def is_resting(self) -> bool:
        """True where some of the details are read when somebody looks."""
        return any(
            isinstance(part, Resting) for part in (self.resolvers, self.authorities, self.records)
        )


@dataclass(frozen=True, slots=True)
class State:
    """The whole of what is known; `accounts` holds the inventory behind the domains.

    `told` is what each channel knows of each domain of which there was something to tell.
    """

    accounts: Mapping[str, AccountInventory] = field(default_factory=dict)
    domains: Mapping[DomainName, DomainState] = field(default_factory=dict)
    told: Mapping[ToldKey, Told] = field(default_factory=dict)

    def after(self, step: "Step") -> "State":
        """Return the state that the step leads to."""
        accounts = {name: a for name, a in self.accounts.items() if name not in step.closed}
        domains = dict(self.domains)  # copied as a whole: a hash for each domain would cost more
        for name in step.forgotten:
            domains.pop(name, None)
        domains.update((domain.domain, domain) for domain in step.domains)
        accounts |= {account.account: account for account in step.accounts}
        return State(accounts, domains, self._told_after(step))

    def _told_after(self, step: "Step") -> Mapping[ToldKey, Told]:
        if not step.told and not step.untold:
            return self.told
        kept = {key: told for key, told in self.told.items() if key not in step.untold}
        return kept | {told.key: told for told in step.told}


@dataclass(frozen=True, slots=True)
class Step:
    """One change of state with the events that explain it: written together or not at all.

    `changes` are the followed changes that moved, for the list of all that ever were. `notices`
    are what people are told on its account, `told` and `untold` what is remembered of that, and
    `letters` are earlier notices that got further on their way. `pruned` is what the log lets go.
    """

    domains: tuple[DomainState, ...] = ()
    forgotten: frozenset[DomainName] = frozenset()
    accounts: tuple[AccountInventory, ...] = ()
    closed: frozenset[str] = frozenset()
    changes: tuple[Change, ...] = ()
    events: tuple[Event, ...] = ()
    told: tuple[Told, ...] = ()
    untold: frozenset[ToldKey] = frozenset()
    notices: tuple[Notice, ...] = ()
    letters: tuple[Letter, ...] = ()
    pruned: Pruned | None = None


@dataclass(frozen=True, slots=True)
class RoundPolicy:
    """How rounds become a status: weights, coverage, and how often a change must be seen.

    A record with a TTL above the `ttl_warning` has a fault: whoever changes it waits for long.
    """

    status: StatusPolicy
    fail_after: int = 2
    recover_after: int = 2
    ttl_warning: timedelta = timedelta(days=1)


def see_resolvers(
    state: DomainState,
    sightings: Sequence[Sighting],
    policy: RoundPolicy,
    now: datetime,
    *,
    is_round: bool = True,
) -> Step:
    """Take one round of the resolvers' answers; the policy's weights name who is asked.

    What is no round, but single answers in between, counts for no hysteresis. Nothing changes
    where nobody was asked and all is as believed.
    """
    step = in_turn(
        state,
        lambda it: _answered(it, sightings, policy, now, is_round=is_round),
        lambda it: with_faults(it, pointing(it.status.value, it.resolvers), now),
    )
    return Step() if not sightings and step.domains == (state,) else step


def _answered(
    state: DomainState,
    sightings: Sequence[Sighting],
    policy: RoundPolicy,
    now: datetime,
    *,
    is_round: bool,
) -> Step:
    views = views_after(state.resolvers, sightings, frozenset(policy.status.weights))
    after = replace(state, resolvers=views)
    seen = status_of(views, state.authorities, policy.status, now)
    needed = policy.recover_after if seen is DomainStatus.IN_EFFECT else policy.fail_after
    if not state.resolvers or state.status.value is DomainStatus.PAUSED:
        needed = 1  # the first look
    if seen is not DomainStatus.UNKNOWN and is_coming_right(state):
        # However new the last answers are: as long as caches may have others, it is on its way.
        seen, needed = DomainStatus.PROPAGATING, 1
    elif seen is DomainStatus.IN_EFFECT and state.status.value is DomainStatus.PROPAGATING:
        needed = 1  # the change has converged, which is more than some rounds
    if not is_round and needed > 1:
        return Step((after,))
    kind = "unknown" if seen is DomainStatus.UNKNOWN else "known"
    status = state.status.see(seen, needed=needed, kind=kind)
    after = replace(after, status=status)
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
    ttl = longest_ttl(views)
    if ttl is not None:
        found[Fault.TTL_HIGH] = ttl > policy.ttl_warning
    return with_faults(replace(state, authorities=views, split=split), found, now)


def see_change(state: DomainState, policy: RoundPolicy, now: datetime) -> Step:
    """Say at once that a change to the right target is under way, before anybody is asked."""
    known = {DomainStatus.UNKNOWN, DomainStatus.PAUSED, DomainStatus.PROPAGATING}
    if state.status.value in known or not is_coming_right(state):
        return Step()
    after = replace(state, status=Settled(DomainStatus.PROPAGATING), since=now)
    return Step((after,), events=(_status_event(state, after, policy, now),))


def is_at_rest(state: DomainState, policy: RoundPolicy, now: datetime) -> bool:
    """Tell whether the same answers from the resolvers would change nothing, now or ever after.

    Then an answer has to be looked at only if its gist is not the one that is known. Not so while
    a change is under way, a belief is in doubt, a window runs, or an answer decides nothing alone.
    """
    if state.status.contradicted or state.status.value in _RESTLESS:
        return False
    if {*state.resolvers} != policy.status.weights.keys():
        return False
    places = places_of(state.resolvers)
    if not places or None in [place.gist for place in places]:
        return False
    if not is_only_looked_after(state.records, now):
        return False
    if {place.is_in_effect for place in places} == {True}:
        return state.status.value is DomainStatus.IN_EFFECT
    told = pointing(state.status.value, state.resolvers)
    seen = status_of(state.resolvers, state.authorities, policy.status, now)
    is_told = all((fault in state.faults) is is_present for fault, is_present in told.items())
    return is_told and seen is state.status.value


_RESTLESS = (DomainStatus.PROPAGATING, DomainStatus.PAUSED)


def is_coming_right(state: DomainState) -> bool:
    """Tell whether a change to the right target is under way, and its window not over."""
    if is_calm(state.records):
        return False
    return any(
        change.state in _ON_THE_WAY
        and any(_serves(view, record.key, change) for view in state.authorities.values())
        for record in state.records.values()
        if (change := record.under_way) is not None
    )


_ON_THE_WAY = frozenset({ChangeState.AUTH_SPLIT, ChangeState.PROPAGATING})


def _serves(view: View, key: RecordKey, change: Change) -> bool:
    value = sample_of(view.sighting, key.owner).value
    return view.verdict.is_in_effect is True and value is not None and value.is_same(change.new)


def see_faults(
    state: DomainState,
    found: Mapping[Fault, bool],
    policy: RoundPolicy,
    now: datetime,
    shown: Mapping[str, Json] = NOTHING_SHOWN,
) -> Step:
    """Take one look at some faults; each is raised, or cleared, after several looks on end.

    `shown` is the evidence that goes with the events. Nothing changes where all is as believed.
    """
    if not state.doubts and all((f in state.faults) is present for f, present in found.items()):
        return Step()  # mostly so, and a fleet is long
    looks = {doubt.fault: doubt.looks for doubt in state.doubts}
    beliefs = {
        fault: Settled(fault in state.faults, looks.get(fault, 0)).see(
            is_present, needed=policy.fail_after if is_present else policy.recover_after
        )
        for fault, is_present in found.items()
    }
    kept = {doubt for doubt in state.doubts if doubt.fault not in found}
    new = {Doubt(fault, one.contradicted) for fault, one in beliefs.items() if one.contradicted}
    believed = {fault: belief.value for fault, belief in beliefs.items()}
    step = with_faults(replace(state, doubts=frozenset(kept | new)), believed, now, shown)
    return Step() if step.domains == (state,) else step


def with_faults(
    state: DomainState,
    found: Mapping[Fault, bool],
    now: datetime,
    shown: Mapping[str, Json] = NOTHING_SHOWN,
) -> Step:
    """Raise and clear the faults that were looked at; the others stay."""
    raised = {fault for fault, is_present in found.items() if is_present}
    faults = frozenset(raised | (state.faults - found.keys()))
    changed = sorted(faults ^ state.faults, key=lambda fault: fault.value)
    events = tuple(_fault_event(state, fault, faults, now, shown) for fault in changed)
    return Step((replace(state, faults=faults),), events=events)


def in_turn(state: DomainState, *decide: Callable[[DomainState], Step]) -> Step:
    """Return several steps of one domain as one, each on what the one before left."""
    steps = list[Step]()
    for one in decide:
        step = one(state)
        steps.append(step)
        (state,) = step.domains or (state,)
    whole = joined(steps)
    return replace(whole, domains=(state,) if whole.domains else ())


def joined(steps: Iterable[Step]) -> Step:
    """Return several steps, each about domains of its own, as one."""
    all_steps = tuple(steps)
    return Step(
        domains=tuple(domain for step in all_steps for domain in step.domains),
        forgotten=frozenset(name for step in all_steps for name in step.forgotten),
        accounts=tuple(account for step in all_steps for account in step.accounts),
        closed=frozenset(name for step in all_steps for name in step.closed),
        changes=tuple(change for step in all_steps for change in step.changes),
        events=tuple(event for step in all_steps for event in step.events),
        told=tuple(told for step in all_steps for told in step.told),
        untold=frozenset(key for step in all_steps for key in step.untold),
        notices=tuple(notice for step in all_steps for notice in step.notices),
        letters=tuple(letter for step in all_steps for letter in step.letters),
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
    state: DomainState,
    fault: Fault,
    faults: frozenset[Fault],
    now: datetime,
    shown: Mapping[str, Json],
) -> Event:
    data: dict[str, Json] = {
        "fault": fault.value,
        "state": "raised" if fault in faults else "cleared",
    }
    if shown:
        data["shown"] = shown
    event = Event(EventType.FAULT, now, state.domain, data=data)
    return with_evidence(event, state.resolvers, state.authorities)
