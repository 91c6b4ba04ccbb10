"""What all answers together mean for a domain: its status, coverage and faults."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from monitor.core.verdict import Verdict, VerdictKind
from monitor.core.views import Place, Standing, View, spells_of, stances_of, standings_of


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
