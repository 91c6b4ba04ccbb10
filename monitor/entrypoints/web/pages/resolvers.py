"""Whom we ask, how well and how fast they answer, and how many caches are behind each."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from statistics import quantiles

from monitor.core.answers import Answer
from monitor.core.servers import Resolver, Transport
from monitor.core.tracking.changes import Change
from monitor.core.views import View, stances_of
from monitor.entrypoints.web.pages.rendering import Frame, rendered
from monitor.usecases.snapshot import Snapshot

_MOST_READ = 100  # domains whose last replies are looked at: each may have to be read from disk


@dataclass(frozen=True, slots=True)
class Latency:
    """Round-trip times in milliseconds: the usual one, and what nineteen of twenty stay below."""

    median: float
    most: float


@dataclass(frozen=True, slots=True)
class Health:
    """How a resolver answers.

    `answered` and `asked` count the last replies about each domain; `latency` is that of some.
    `nodes` are the names by which its caches told themselves apart (NSID, RFC 5001), `caches` the
    most that a change in sight allows; None where none was counted.
    """

    resolver: Resolver
    is_up: bool | None
    answered: int
    asked: int
    latency: Latency | None
    nodes: tuple[str, ...]
    caches: int | None

    @property
    def address(self) -> str:
        """Where it is asked: a URL, or an address with its port."""
        host, port = self.resolver.address, self.resolver.port
        if self.resolver.transport is Transport.DOH:
            return host
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def resolvers_page(frame: Frame, snapshot: Snapshot, changes: Sequence[Change]) -> str:
    """Return the page; the census of the `changes` tells of the caches."""
    counts, views = _counts(snapshot), _views(snapshot)
    health = [
        _health(snapshot, resolver, counts, views.get(resolver, ()), changes)
        for resolver in snapshot.resolvers
    ]
    return rendered(
        "resolvers.html",
        frame,
        health=health,
        has_groups=any(one.resolver.group for one in health),
        slowest=max((one.latency.most for one in health if one.latency), default=0.0),
    )


def _health(
    snapshot: Snapshot,
    resolver: Resolver,
    counts: Mapping[tuple[str, bool], int],
    views: Sequence[View],
    changes: Sequence[Change],
) -> Health:
    answered, silent = (counts.get((resolver.name, is_answer), 0) for is_answer in (True, False))
    answers = [view for view in views if view.verdict.kind.is_answer]
    return Health(
        resolver,
        snapshot.is_up(resolver),
        answered,
        answered + silent,
        _latency([view.reply.rtt.total_seconds() * 1000 for view in answers]),
        tuple(sorted({nsid for view in answers if (nsid := _nsid(view))})),
        _caches(resolver, changes),
    )


def _counts(snapshot: Snapshot) -> Mapping[tuple[str, bool], int]:
    """Count the domains about which each resolver last gave an answer, or none."""
    found = Counter[tuple[str, bool]]()
    for domain in snapshot.state.domains.values():
        servers, stances = stances_of(domain.resolvers)
        found.update(zip(servers, (stance.kind.is_answer for stance in stances), strict=True))
    return found


def _views(snapshot: Snapshot) -> Mapping[Resolver, Sequence[View]]:
    """Return the newest views of some domains, as many as tell how fast the resolvers are."""
    found = defaultdict[Resolver, list[View]](list)
    for domain in islice(snapshot.state.domains.values(), _MOST_READ):
        for resolver, view in snapshot.views(domain):
            found[resolver].append(view)
    return found


def _latency(times: Sequence[float]) -> Latency | None:
    if not times:
        return None
    if len(times) == 1:
        return Latency(times[0], times[0])
    cuts = quantiles(times, n=20, method="inclusive")
    return Latency(cuts[9], cuts[18])


def _nsid(view: View) -> str | None:
    return view.reply.outcome.nsid if isinstance(view.reply.outcome, Answer) else None


def _caches(resolver: Resolver, changes: Sequence[Change]) -> int | None:
    tracks = (change.tracks.get(resolver.name) for change in changes)
    return max((track.caches for track in tracks if track and track.census.is_done), default=None)
