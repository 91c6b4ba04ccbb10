"""What all answers together mean for a domain: its status, coverage and faults."""

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import NamedTuple, TypeAlias

from monitor.core.answers import Answer, Reply
from monitor.core.chain import rebuild
from monitor.core.gist import Gist
from monitor.core.verdict import Verdict, VerdictKind


class DomainStatus(Enum):
    """Where a domain stands, over the resolvers that answer."""

    IN_EFFECT = "in_effect"
    PROPAGATING = "propagating"
    PARTIAL = "partial"
    BROKEN = "broken"
    UNKNOWN = "unknown"
    PAUSED = "paused"


class Fault(Enum):
    """What is wrong with a domain besides what its resolvers answer."""

    WILDCARD = "wildcard"
    BOUND_TWICE = "bound_twice"
    BINDING_DISABLED = "binding_disabled"
    AUTHORITY_SPLIT = "authority_split"
    DELEGATION_MISMATCH = "delegation_mismatch"
    NOT_POINTING = "not_pointing"
    UNBOUND = "unbound"
    BUCKET_MISSING = "bucket_missing"
    CERTIFICATE_EXPIRING = "certificate_expiring"
    CERTIFICATE_MISSING = "certificate_missing"
    TTL_HIGH = "ttl_high"


# What was found by looks at a target, and says nothing of another one.
OF_LOOKS = frozenset(
    {
        Fault.AUTHORITY_SPLIT,
        Fault.DELEGATION_MISMATCH,
        Fault.NOT_POINTING,
        Fault.UNBOUND,
        Fault.BUCKET_MISSING,
        Fault.CERTIFICATE_EXPIRING,
        Fault.CERTIFICATE_MISSING,
        Fault.TTL_HIGH,
    }
)


@dataclass(frozen=True, slots=True)
class Sighting:
    """One server's reply in one round, and the verdict on it.

    Answers of the same `gist` get the same verdict; None where the answer alone does not decide.
    """

    server: str
    reply: Reply
    verdict: Verdict
    gist: Gist | None = None

    def until(self, now: datetime) -> "Sighting":
        """Return the sighting as it can have been made by now.

        A reply that is yet to come is of a clock that was put back before it was recorded.
        """
        if self.reply.at <= now:
            return self
        return replace(self, reply=replace(self.reply, at=now))


@dataclass(frozen=True, slots=True)
class Said:
    """What one server said of a domain from a moment on, until it said something else."""

    kind: VerdictKind
    is_in_effect: bool | None
    since: datetime


class Spell(NamedTuple):
    """What one server means, and since when: all that its next answer is compared with.

    The fields are those of a view, the first two those of its verdict.
    """

    kind: VerdictKind
    is_in_effect: bool | None
    since: datetime
    meaning: str = ""
    meant_since: datetime | None = None
    past: tuple[Said, ...] = ()

    @property
    def said_since(self) -> datetime:
        return self.meant_since or self.since


@dataclass(frozen=True, slots=True)
class View:
    """What one server last said of a domain, and since when it has said that.

    `meaning` is that of its last usable answer, which a lost round does not change, and
    `meant_since` when that began; both are empty before the first usable one. `past` is what it
    said before, the newest last, as far as it is remembered.
    """

    sighting: Sighting
    since: datetime
    meaning: str = ""
    meant_since: datetime | None = None
    past: tuple[Said, ...] = ()

    @property
    def verdict(self) -> Verdict:
        return self.sighting.verdict

    @property
    def reply(self) -> Reply:
        return self.sighting.reply

    @property
    def spell(self) -> Spell:
        kind, is_in_effect = self.sighting.verdict.kind, self.sighting.verdict.is_in_effect
        return Spell(kind, is_in_effect, self.since, self.meaning, self.meant_since, self.past)

    def newest(self, reply: Reply | None, now: datetime) -> "View":
        """Return the view with the reply that confirmed it, unless that one is the older.

        A view that is yet to come is of a clock that was put back since.
        """
        is_older = reply is None or reply.at < self.reply.at <= now
        return self if reply is None or is_older else self.shown_by(reply)

    def shown_by(self, reply: Reply) -> "View":
        """Return the view with a later reply that means the same."""
        sighting, verdict = self.sighting, self.verdict
        if isinstance(reply.outcome, Answer):
            verdict = replace(verdict, chain=rebuild(verdict.chain.domain, reply.outcome))
        return replace(self, sighting=replace(sighting, reply=reply, verdict=verdict))


class Standing(NamedTuple):
    """Where one server stands: what its newest answer means, and the gist of it."""

    kind: VerdictKind
    is_in_effect: bool | None
    gist: Gist | None


class Place(NamedTuple):
    """Where servers stand, with the number that the gist has among those of the domain.

    Many domains have the same few.
    """

    kind: VerdictKind
    is_in_effect: bool | None
    gist: int | None


# Servers, and in their order what the newest answer of each means: all tell kind and effect.
Stances: TypeAlias = tuple[tuple[str, ...], Sequence[Verdict | Place]]


class Counted:
    """Marks views whose standings are at hand without a look at each."""

    __slots__ = ()

    @abstractmethod
    def stances(self) -> tuple[tuple[str, ...], tuple[Place, ...]]:
        """Return the servers, and in their order where they stand."""

    @abstractmethod
    def standings(self) -> Iterable[tuple[str, Standing]]: ...

    @abstractmethod
    def standing(self, server: str) -> Standing | None: ...

    @abstractmethod
    def spells(self) -> Mapping[str, Spell]:
        """Return since when each server means what it does, at less than a look at its view."""

    @abstractmethod
    def places(self) -> tuple[Standing, ...]:
        """Return where anybody stands, mostly one place."""

    @abstractmethod
    def servers_with(self, gist: Gist) -> tuple[str, ...]: ...


def standings_of(views: Mapping[str, View]) -> Iterable[tuple[str, Standing]]:
    """Return where each server stands."""
    if isinstance(views, Counted):
        return views.standings()
    return [(server, _standing(view)) for server, view in views.items()]


def stances_of(views: Mapping[str, View]) -> Stances:
    """Return what `standings_of` does but for the gists; for those who look at a whole fleet."""
    if isinstance(views, Counted):
        return views.stances()
    return tuple(views), [view.sighting.verdict for view in views.values()]


def standing_of(views: Mapping[str, View], server: str) -> Standing | None:
    if isinstance(views, Counted):
        return views.standing(server)
    view = views.get(server)
    return None if view is None else _standing(view)


def spells_of(views: Mapping[str, View]) -> Mapping[str, Spell]:
    """Return what each server means, and since when."""
    if isinstance(views, Counted):
        return views.spells()
    return {server: view.spell for server, view in views.items()}


def places_of(views: Mapping[str, View]) -> Sequence[Standing]:
    """Return where anybody stands; a place may come more than once."""
    if isinstance(views, Counted):
        return views.places()
    return [_standing(view) for view in views.values()]


def servers_with(views: Mapping[str, View], gist: Gist) -> Sequence[str]:
    """Return the servers whose newest answer has that gist."""
    if isinstance(views, Counted):
        return views.servers_with(gist)
    return [server for server, view in views.items() if view.sighting.gist == gist]


def _standing(view: View) -> Standing:
    verdict = view.verdict
    return Standing(verdict.kind, verdict.is_in_effect, view.sighting.gist)


def views_after(
    views: Mapping[str, View], sightings: Iterable[Sighting], servers: frozenset[str]
) -> Mapping[str, View]:
    """Return the views of the servers that are still asked, brought up to date."""
    spells = spells_of(views)
    seen = {s.server: _view_after(spells.get(s.server), s) for s in sightings}
    # Where every server was seen, nobody needs to know what it said before.
    unseen = servers.intersection(views) - seen.keys()
    after = (dict(views.items()) if unseen else {}) | seen
    order = dict.fromkeys((*views, *seen))
    return {name: after[name] for name in order if name in servers and name in after}


def _view_after(known: Spell | None, sighting: Sighting) -> View:
    at, verdict = sighting.reply.at, sighting.verdict
    # Where there is no CNAME the addresses were seen, and those rotate without any change.
    said = f"{verdict.kind.value} {verdict.seen if verdict.chain.links else ''}".rstrip()
    if known is None:
        return View(sighting, at) if verdict.is_in_effect is None else View(sighting, at, said, at)
    if known.kind is verdict.kind:
        since, past = known.since, known.past
    else:
        since, past = at, _past_after(known)
    if verdict.is_in_effect is None:
        return View(sighting, since, known.meaning, known.meant_since, past)
    if said == known.meaning:
        return View(sighting, since, said, known.meant_since, past)
    return View(sighting, at, said, at, past)


_LONGEST_PAST = 32  # of one server's views of one domain: flapping must not fill the disk


def _past_after(known: Spell) -> tuple[Said, ...]:
    """Return the past when something else than `known` is said."""
    last = Said(known.kind, known.is_in_effect, known.since)
    return (*known.past, last)[-_LONGEST_PAST:]


@dataclass(frozen=True, slots=True)
class StatusPolicy:
    """How the answers of a round become a status."""

    weights: Mapping[str, float]
    min_coverage: float = 0.5
    window: timedelta = timedelta(hours=72)


@dataclass(frozen=True, slots=True)
class Tally:
    """The weights of the servers that are asked, that answer, and that reach the target."""

    asked: float
    answering: float
    in_effect: float

    @property
    def coverage(self) -> float:
        return self.answering / self.asked if self.asked else 0.0

    @property
    def ratio(self) -> float | None:
        """The share of the answering that reaches the target; None when nobody answers."""
        return self.in_effect / self.answering if self.answering else None


def tally(views: Mapping[str, View], weights: Mapping[str, float] | None = None) -> Tally:
    """Weigh the views; a server without a weight counts as one."""
    return tally_of(zip(*stances_of(views), strict=True), weights)


def tally_of(
    standings: Iterable[tuple[str, Standing | Verdict | Place]],
    weights: Mapping[str, float] | None = None,
) -> Tally:
    """Weigh the standings of these servers alone."""
    asked = answering = in_effect = 0.0
    for server, standing in standings:
        weight = 1.0 if weights is None else weights.get(server, 1.0)
        asked += weight
        if standing.is_in_effect is not None:
            answering += weight
            in_effect += weight if standing.is_in_effect else 0.0
    return Tally(asked, answering, in_effect)


def status_of(
    resolvers: Mapping[str, View],
    authorities: Mapping[str, View],
    policy: StatusPolicy,
    now: datetime,
) -> DomainStatus:
    """Return the status that one round shows, before hysteresis.

    While every answering authority serves the right target, resolvers that do not yet are
    propagating, but no longer than the window.
    """
    counted = tally(resolvers, policy.weights)
    if counted.ratio is None or counted.coverage < policy.min_coverage:
        return DomainStatus.UNKNOWN
    if counted.ratio == 1.0:
        return DomainStatus.IN_EFFECT
    right_since = _right_since(authorities)
    if right_since is not None:
        wrong_since = min(_said_since(resolvers, is_in_effect=False), default=right_since)
        late_since = max(right_since, wrong_since)
        if now - late_since <= policy.window:
            return DomainStatus.PROPAGATING
    return DomainStatus.BROKEN if counted.ratio == 0.0 else DomainStatus.PARTIAL


def pointing(status: DomainStatus, resolvers: Mapping[str, View]) -> Mapping[Fault, bool]:
    """Tell whether a bound name leads elsewhere, by its settled status; nothing without answers.

    Elsewhere is away from OSS, or nowhere at all: to lead to another bucket, or to another name
    of the bucket, is another mistake.
    """
    match status:
        case DomainStatus.BROKEN:
            wrong = [s.kind for _, s in standings_of(resolvers) if s.is_in_effect is False]
            return {Fault.NOT_POINTING: _ELSEWHERE.issuperset(wrong)} if wrong else {}
        case DomainStatus.IN_EFFECT | DomainStatus.PROPAGATING | DomainStatus.PARTIAL:
            return {Fault.NOT_POINTING: False}
        case DomainStatus.UNKNOWN | DomainStatus.PAUSED:
            return {}


_ELSEWHERE = frozenset(
    {VerdictKind.NOT_OSS, VerdictKind.NO_CNAME, VerdictKind.NO_DATA, VerdictKind.NXDOMAIN}
)


def longest_ttl(authorities: Mapping[str, View]) -> timedelta | None:
    """Return for how long caches may keep the domain's own record; None where nobody tells."""
    ttls = [view.verdict.chain.first_ttl for view in authorities.values()]
    told = [ttl for ttl in ttls if ttl is not None]
    return timedelta(seconds=max(told)) if told else None


def authorities_differ(authorities: Mapping[str, View]) -> bool | None:
    """Tell whether the authorities say different things of the domain.

    None where those that answer agree and others are silent: silence is no agreement.
    """
    answering = [view for view in authorities.values() if view.verdict.kind.is_answer]
    if len({_meaning(view) for view in answering}) > 1:
        return True
    return None if len(answering) < len(authorities) else False


def _meaning(view: View) -> object:
    # One authority may also serve the zone that a chain leads to, another may not: what counts
    # is what each says of the domain's own record.
    chain = view.verdict.chain
    return chain.targets[0] if chain.links else (view.verdict.kind, chain.addresses)


class Remedy(Enum):
    """Where a wrong answer has to be mended."""

    RECORD = "record"  # at the source: the record itself is not right
    AUTHORITY = "authority"  # at the authorities: some serve the right record, others do not
    WAIT = "wait"  # nowhere: a cache holds an old answer and will forget it
    CACHE = "cache"  # at the resolver: it holds on for longer than the window


def remedy(
    view: View, authorities: Mapping[str, View], window: timedelta, now: datetime
) -> Remedy:
    """Return what a resolver's wrong answer asks for, given what the authorities serve.

    It is late from the moment when both were so: its answer wrong, and every authority right.
    """
    if view.verdict.is_in_effect is not False:
        return Remedy.RECORD
    right_since = _right_since(authorities)
    if right_since is None:
        return Remedy.AUTHORITY if tally(authorities).ratio else Remedy.RECORD
    late_since = max(view.spell.said_since, right_since)
    return Remedy.WAIT if now - late_since <= window else Remedy.CACHE


def _right_since(authorities: Mapping[str, View]) -> datetime | None:
    """Return since when all authorities that answer serve the right target; None if not all."""
    if tally(authorities).ratio != 1.0:
        return None
    return max(_said_since(authorities, is_in_effect=True), default=None)


def _said_since(views: Mapping[str, View], *, is_in_effect: bool) -> list[datetime]:
    """Return since when each server says so whose answer is right, or is wrong."""
    spells = spells_of(views).values()
    return [spell.said_since for spell in spells if spell.is_in_effect is is_in_effect]
