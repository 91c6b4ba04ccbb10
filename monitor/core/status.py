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


@dataclass(frozen=True, slots=True)
class Sighting:
    """One server's reply in one round, and the verdict on it."""

    server: str
    reply: Reply
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class View:
    """What one server last said of a domain, and since when it has said that."""

    sighting: Sighting
    since: datetime

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
    same = known is not None and known.verdict.kind is sighting.verdict.kind
    return View(sighting, known.since if known and same else sighting.reply.at)


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
    late = [view for view in resolvers.values() if view.verdict.is_in_effect is False]
    is_recent = all(now - view.since <= policy.window for view in late)
    if is_recent and tally(authorities).ratio == 1.0:
        return DomainStatus.PROPAGATING
    return DomainStatus.BROKEN if counted.ratio == 0.0 else DomainStatus.PARTIAL


def authorities_differ(authorities: Mapping[str, View]) -> bool:
    """True while the authorities that answer do not all say the same of the domain."""
    answering = [view for view in authorities.values() if view.verdict.kind.is_answer]
    return len({_meaning(view) for view in answering}) > 1


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
    """Return what a resolver's wrong answer asks for, given what the authorities serve."""
    if view.verdict.is_in_effect is not False or tally(authorities).ratio != 1.0:
        return Remedy.RECORD
    return Remedy.WAIT if now - view.since <= window else Remedy.CACHE
