"""What rounds, announcements and time mean for the records of one domain, and for its changes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from monitor.core.events import Event, evidence_of
from monitor.core.names import DomainName
from monitor.core.servers import Delegation, Resolver
from monitor.core.showing import shown
from monitor.core.state import DomainState, State, Step
from monitor.core.targets import TargetPolicy, classify
from monitor.core.tracking.agenda import agenda
from monitor.core.tracking.changes import Change, ChangeKind
from monitor.core.tracking.policy import Panelists, TrackingPolicy
from monitor.core.tracking.record import (
    Agenda,
    Announced,
    AuthoritiesAnswered,
    ClockStepped,
    Delegated,
    Explained,
    Happening,
    RecordKey,
    ResolverAnswered,
    Restarted,
    TimePassed,
    TrackedRecord,
    Unwatched,
    is_any_followed,
    is_calm,
)
from monitor.core.tracking.sameness import Answered, is_anybody_silent, said_again
from monitor.core.tracking.sameness import is_but_later as records_but_later
from monitor.core.tracking.steps import step
from monitor.core.tracking.telling import as_one_notice
from monitor.core.tracking.values import sample_of
from monitor.core.views import Sighting, View

MOST_HOPS = 8  # of one chain that are followed each as a record of its own


@dataclass(frozen=True, slots=True)
class Followers:
    """Who follows the changes, by which parameters: all configured resolvers, by name."""

    policy: TrackingPolicy
    resolvers: Mapping[str, Resolver]

    @property
    def views(self) -> tuple[str, ...]:
        """The client subnets for which the authorities are asked; the empty one is everybody."""
        return tuple(sorted({r.client_subnet or "" for r in self.resolvers.values()})) or ("",)

    def of(self, view: str) -> Panelists:
        """Return the resolvers that get what the authorities give to that view."""
        found = {n: r for n, r in self.resolvers.items() if (r.client_subnet or "") == view}
        return Panelists(self.policy, found)


@dataclass(frozen=True, slots=True)
class AuthorityLook:
    """One poll of the authorities of one record; serials by server, where they are known."""

    key: RecordKey
    delegation: Delegation
    sightings: tuple[Sighting, ...]
    serials: Mapping[str, int] = field(default_factory=dict)

    def until(self, now: datetime) -> "AuthorityLook":
        """Return the look as it can have been made by now."""
        return replace(self, sightings=tuple(seen.until(now) for seen in self.sightings))


def track_authorities(
    state: DomainState,
    looks: Sequence[AuthorityLook],
    followers: Followers,
    now: datetime,
    wanted: frozenset[RecordKey] = frozenset(),
) -> Step:
    """Take one poll of the domain's record and of each later hop of its chain.

    Hops that are neither among the `looks` nor `wanted` are not passed any more.
    """
    steps = _Steps(state, followers, now)
    for look in looks:
        servers = frozenset(authority.name for authority in look.delegation.authorities)
        kept_for = look.delegation.kept_for
        steps.take(look.key, Delegated(servers, look.delegation.is_consistent, kept_for))
        samples = {s.server: sample_of(s, look.key.owner) for s in look.sightings}
        evidence = tuple(evidence_of(sighting) for sighting in look.sightings)
        steps.take(look.key, AuthoritiesAnswered(samples, look.serials, evidence))
    steps.drop(wanted.union(look.key for look in looks))
    return steps.joined()


def track_resolvers(
    state: DomainState, sightings: Iterable[Sighting], followers: Followers, now: datetime
) -> Step:
    """Take the resolvers' answers for every record that is changing in their view."""
    if not is_any_followed(state.records, now):
        return Step()
    steps = _Steps(state, followers, now)
    for sighting in sightings:
        resolver = followers.resolvers.get(sighting.server)
        if resolver is None:
            continue
        for key in _changing(state, resolver, now):
            sample = sample_of(sighting, key.owner)
            evidence = (evidence_of(sighting),)
            steps.take(key, ResolverAnswered(sighting.server, sample, evidence))
    return steps.joined()


def track_time(state: DomainState, followers: Followers, now: datetime) -> Step:
    """Take it that nothing happened but that it is later."""
    return _all_take(state, TimePassed(), followers, now)


def track_restart(state: DomainState, followers: Followers, now: datetime) -> Step:
    """Take up the open changes after the process began anew."""
    return _all_take(state, Restarted(), followers, now)


def track_clock(state: DomainState, by: timedelta, followers: Followers, now: datetime) -> Step:
    """Move what is stored with the clock on the wall, so that what remains stays as it was."""
    return _all_take(state, ClockStepped(by), followers, now)


def track_announcement(
    state: DomainState, announced: Announced, followers: Followers, now: datetime
) -> Step:
    """Expect a change of the domain's own record, in every view."""
    steps = _Steps(state, followers, now)
    for view in followers.views:
        steps.take(RecordKey(state.domain, view), announced)
    return steps.joined()


def track_explanation(
    state: DomainState, key: RecordKey, told: Explained, followers: Followers, now: datetime
) -> Step:
    """Take what the DNS provider's API says of a change."""
    steps = _Steps(state, followers, now)
    steps.take(key, told)
    return steps.joined()


def unexplained(state: DomainState) -> tuple[tuple[RecordKey, Change], ...]:
    """Return the domain's own changes under way of which only the authorities have told."""
    if is_calm(state.records):
        return ()
    return tuple(
        (key, change)
        for key, record in state.records.items()
        if key.owner == state.domain
        and (change := record.under_way) is not None
        and change.edited_at is None
        and change.kind is not ChangeKind.TTL
    )


def unwatched(state: DomainState, now: datetime) -> Step:
    """End the changes of a domain that is no longer bound."""
    return _all_take(state, Unwatched(), Followers(TrackingPolicy(), {}), now)


def agendas(
    state: DomainState, followers: Followers, now: datetime
) -> Iterator[tuple[RecordKey, Agenda]]:
    """Yield what is due when for each record of the domain."""
    for key, record in state.records.items():
        yield key, agenda(record, followers.of(key.view), now)


def is_left_alone(state: DomainState, resolver: Resolver, now: datetime) -> bool:
    """Tell whether usual rounds leave the resolver out, since a question would do harm or waste.

    While a change is under way its own agenda asks, just when an answer can be new.
    """
    if not is_any_followed(state.records, now):
        return False
    for key in _changing(state, resolver, now):
        change = state.records[key].change
        track = change.tracks.get(resolver.name) if change else None
        if track is not None and track.next_at is not None and not track.state.has_converged:
            return True
    return False


def records_of(state: DomainState, view: str, policy: TargetPolicy) -> tuple[RecordKey, ...]:
    """Return the records whose authorities have to be asked: the domain's, and later hops.

    The chain is followed as the authorities agreed on it, up to where OSS or a proxy begins: what
    is behind that is the vendor's own affair.
    """
    owners = [state.domain]
    while len(owners) <= MOST_HOPS:
        record = state.records.get(RecordKey(owners[-1], view))
        target = record.agreed.target if record and record.agreed else None
        if target is None or target in owners or _is_vendors(target, state, policy):
            break
        owners.append(target)
    return tuple(RecordKey(owner, view) for owner in owners)


def _is_vendors(name: DomainName, state: DomainState, policy: TargetPolicy) -> bool:
    bound = state.binding
    is_target = bound is not None and bound.target.name == name
    return is_target or classify(name, policy) is not None or policy.is_proxy(name)


def _changing(state: DomainState, resolver: Resolver, now: datetime) -> list[RecordKey]:
    view = resolver.client_subnet or ""
    return [
        key
        for key, record in state.records.items()
        if key.view == view and record.change is not None and record.change.is_watched(now)
    ]


def _all_take(
    state: DomainState, happening: Happening, followers: Followers, now: datetime
) -> Step:
    steps = _Steps(state, followers, now)
    for key in state.records:
        steps.take(key, happening)
    return steps.joined()


class _Steps:
    """Steps of several records of one domain, joined to one."""

    def __init__(self, state: DomainState, followers: Followers, now: datetime) -> None:
        self._before = state
        self._records = dict(state.records.items())
        self._followers = followers
        self._now = now
        self._events = list[Event]()
        self._changes = dict[str, Change]()

    def take(self, key: RecordKey, happening: Happening) -> None:
        known = self._records.get(key) or TrackedRecord(self._before.domain, key)
        stepped = step(known, happening, self._followers.of(key.view), self._now)
        self._records[key] = stepped.record
        self._events += stepped.events
        self._changes |= {change.id: change for change in stepped.changes}

    def drop(self, wanted: frozenset[RecordKey]) -> None:
        """Forget hops that the chain does not pass any more; a change there matters to nobody."""
        for key, record in list(self._records.items()):
            if key in wanted:
                continue
            if record.under_way is not None or record.planned is not None:
                self.take(key, Unwatched())
            del self._records[key]

    def joined(self) -> Step:
        events = tuple(
            shown(event, self._before.resolvers, self._before.authorities)
            for event in as_one_notice(self._events)
        )
        found = Step(changes=tuple(self._changes.values()), events=events)
        if self._records == self._before.records:
            return found
        return replace(found, domains=(replace(self._before, records=self._records),))


def is_but_later(before: DomainState, step: Step) -> bool:
    """Tell whether a poll of the authorities brought nothing but a later time.

    A domain whose changes are followed needs the times too.
    """
    if step.events or step.changes or not is_calm(before.records):
        return False
    (after,) = step.domains or (before,)
    return (
        is_calm(after.records)
        and (before.split, before.faults, before.status)
        == (after.split, after.faults, after.status)
        and _meanings(before.authorities) == _meanings(after.authorities)
        and not is_anybody_silent(after.records)
        and records_but_later(before.records, after.records)
    )


def _meanings(views: Mapping[str, View]) -> Mapping[str, object]:
    return {
        server: (
            view.verdict.kind,
            view.verdict.rule,
            view.verdict.seen,
            view.verdict.chain.targets,
        )
        for server, view in views.items()
    }


def polled_again(state: DomainState, answered: Answered) -> Step:
    """Return what polls have left that were but later, the last ones at these times."""
    return Step((replace(state, records=said_again(state.records, answered)),))


def answered_at(looks: Sequence[AuthorityLook]) -> Answered:
    """Return when each server answered about each record."""
    return {look.key: {s.server: s.reply.at for s in look.sightings} for look in looks}


def gist_of_looks(looks: Sequence[AuthorityLook], wanted: tuple[RecordKey, ...]) -> int:
    """Return what two polls of one domain have in common that show the same; for this process.

    Records that were `wanted` and could not be asked are a part of it.
    """
    said = tuple(
        (
            look.key,
            look.delegation.authorities,
            look.delegation.is_consistent,
            tuple(_said(sighting, look.key.owner) for sighting in look.sightings),
        )
        for look in looks
    )
    return hash((wanted, said))


def _said(sighting: Sighting, owner: DomainName) -> tuple[object, ...]:
    verdict, sample = sighting.verdict, sample_of(sighting, owner)
    targets = tuple(target.text for target in verdict.chain.targets)
    return sighting.server, verdict.rule, verdict.seen, targets, sample.value, sample.ttl


def announce_all(
    state: State, domain: DomainName, announced: Announced, followers: Followers, now: datetime
) -> Step:
    """Expect a change of a watched domain; nothing where it is not watched."""
    known = state.domains.get(domain)
    return Step() if known is None else track_announcement(known, announced, followers, now)
