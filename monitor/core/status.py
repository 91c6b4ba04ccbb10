"""What all answers together mean for a domain: its status, coverage and faults."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from monitor.core.answers import Reply
from monitor.core.verdict import Verdict


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


OF_AUTHORITIES = frozenset({Fault.AUTHORITY_SPLIT, Fault.DELEGATION_MISMATCH})


@dataclass(frozen=True, slots=True)
class Sighting:
    """One server's reply in one round, and the verdict on it."""

    server: str
    reply: Reply
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class View:
    """What one server last said of a domain, and since when it has said that.

    `meaning` is that of its last usable answer, which a lost round does not change, and
    `meant_since` when that began; both are empty before the first usable one.
    """

    sighting: Sighting
    since: datetime
    meaning: str = ""
    meant_since: datetime | None = None

    @property
    def verdict(self) -> Verdict:
        return self.sighting.verdict

    @property
    def reply(self) -> Reply:
        return self.sighting.reply


def views_after(
    views: Mapping[str, View], sightings: Iterable[Sighting], servers: frozenset[str]
) -> Mapping[str, View]:
    """Return the views of the servers that are still asked, brought up to date."""
    seen = {s.server: _view_after(views.get(s.server), s) for s in sightings}
    kept = {server: view for server, view in views.items() if server in servers}
    return kept | {server: view for server, view in seen.items() if server in servers}


def _view_after(known: View | None, sighting: Sighting) -> View:
    at, verdict = sighting.reply.at, sighting.verdict
    # Where there is no CNAME the addresses were seen, and those rotate without any change.
    said = f"{verdict.kind.value} {verdict.seen if verdict.chain.links else ''}".rstrip()
    if known is None:
        return View(sighting, at) if verdict.is_in_effect is None else View(sighting, at, said, at)
    since = known.since if known.verdict.kind is verdict.kind else at
    if verdict.is_in_effect is None:
        return View(sighting, since, known.meaning, known.meant_since)
    if said == known.meaning:
        return View(sighting, since, said, known.meant_since)
    return View(sighting, at, said, at)


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

    def total(servers: Iterable[str]) -> float:
        return sum(1.0 if weights is None else weights.get(server, 1.0) for server in servers)

    return Tally(
        asked=total(views),
        answering=total(s for s, v in views.items() if v.verdict.is_in_effect is not None),
        in_effect=total(s for s, v in views.items() if v.verdict.is_in_effect),
    )


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
    wrong = [view for view in resolvers.values() if view.verdict.is_in_effect is False]
    if all(remedy(view, authorities, policy.window, now) is Remedy.WAIT for view in wrong):
        return DomainStatus.PROPAGATING
    return DomainStatus.BROKEN if counted.ratio == 0.0 else DomainStatus.PARTIAL


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
    WAIT = "wait"  # nowhere: a cache holds an old answer and will forget it
    CACHE = "cache"  # at the resolver: it holds on for longer than the window


def remedy(
    view: View, authorities: Mapping[str, View], window: timedelta, now: datetime
) -> Remedy:
    """Return what a resolver's wrong answer asks for, given what the authorities serve.

    It is late from the moment when both were so: its answer wrong, and every authority right.
    """
    if view.verdict.is_in_effect is not False or tally(authorities).ratio != 1.0:
        return Remedy.RECORD
    right = [served for served in authorities.values() if served.verdict.is_in_effect]
    late_since = max(said.meant_since or said.since for said in (view, *right))
    return Remedy.WAIT if now - late_since <= window else Remedy.CACHE
