"""The one read model that metrics, pages, API and commands show, so that they cannot disagree."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from functools import cached_property
from itertools import repeat

from monitor.core.answers import Answer
from monitor.core.names import DomainName
from monitor.core.notices.policy import MutedUntil, never_muted
from monitor.core.servers import Resolver
from monitor.core.state import DomainState, State
from monitor.core.status import DomainStatus, Remedy, Tally, remedy, tally_of
from monitor.core.tracking.changes import Change
from monitor.core.tracking.record import RecordKey, is_only_looked_after
from monitor.core.verdict import Verdict, VerdictKind
from monitor.core.views import Counted, Standing, View, standing_of, standings_of
from monitor.ports import Latest, StoreLost
from monitor.usecases.roster import Key, Roster


class Sort(Enum):
    """In which order domains are shown; those that are equal in it, by name."""

    NAME = "name"
    STATUS = "status"  # those first that need somebody
    SINCE = "since"


@dataclass(frozen=True)
class Snapshot:
    """What is known at one moment, and by whom it was answered.

    `window` is for how long a cache may be late before it is more than that, `muted_until` until
    when nobody is told of a domain. The `roster` spares sorting what was sorted before.
    """

    at: datetime
    state: State
    resolvers: Sequence[Resolver]
    window: timedelta = timedelta(hours=72)
    latest: Latest | None = None
    muted_until: MutedUntil = never_muted
    roster: Roster = field(default_factory=Roster, compare=False, repr=False)

    @property
    def domains(self) -> Sequence[DomainState]:
        """All domains, by name."""
        return self.sorted(Sort.NAME)

    def sorted(self, sort: Sort) -> Sequence[DomainState]:
        """All domains in this order."""
        return self.roster.domains(self.state, PLACES[sort])

    def place(self, status: DomainStatus) -> slice:
        """Return where those of a status are among those that are sorted by status."""
        ordered, rank = self.sorted(Sort.STATUS), BY_URGENCY.index(status)
        begin, end = (bisect_left(ordered, n, key=_rank) for n in (rank, rank + 1))
        return slice(begin, end)

    @cached_property
    def counts(self) -> Mapping[DomainStatus, int]:
        """How many domains are of each status, those that need somebody first."""
        places = ((status, self.place(status)) for status in BY_URGENCY)
        return {status: place.stop - place.start for status, place in places}

    def domain(self, name: DomainName) -> DomainState | None:
        return self.state.domains.get(name)

    def views(self, domain: DomainState) -> Iterator[tuple[Resolver, View]]:
        """Each resolver that has answered or was waited for in vain, in the configured order."""
        views = dict(domain.resolvers.items())
        for resolver in self.resolvers:
            view = views.get(resolver.name)
            if view is not None:
                yield resolver, self._newest(domain, resolver, view)

    def _newest(self, domain: DomainState, resolver: Resolver, view: View) -> View:
        """Return the view with the reply that confirmed it last."""
        reply = self.latest.reply(domain.domain, resolver) if self.latest else None
        return view.newest(reply, self.at)

    def ttls(self, domains: Sequence[DomainState]) -> Iterator[Sequence[int | None]]:
        """Return of each domain the TTLs of its own record as the resolvers showed it last.

        They are in seconds and in the configured order; None where nobody knows.
        """
        shown: Iterable[Sequence[int | None]] = repeat((None,) * len(self.resolvers), len(domains))
        if self.latest:
            shown = self.latest.ttls([domain.domain for domain in domains], self.resolvers)
        for domain, newest in zip(domains, shown, strict=True):
            yield self._filled(newest, domain) if None in newest else newest

    def _is_in_views(self, domain: DomainState) -> bool:
        """Tell whether to look for what no sweep has shown; to read a fleet at rest takes long.

        Whose change is followed is not swept, so nothing but its views knows.
        """
        is_at_hand = not isinstance(domain.resolvers, Counted)
        return is_at_hand or not is_only_looked_after(domain.records, self.at)

    def _filled(self, newest: Sequence[int | None], domain: DomainState) -> Sequence[int | None]:
        if not self._is_in_views(domain):
            return newest
        try:
            views = domain.resolvers.items()
        except StoreLost:
            return newest
        seen = {server: view.sighting.verdict.chain.first_ttl for server, view in views}
        return [
            seen.get(resolver.name) if ttl is None else ttl
            for resolver, ttl in zip(self.resolvers, newest, strict=True)
        ]

    def tally(self, domain: DomainState) -> Tally:
        """Weigh where the resolvers stand that are configured and were asked."""
        found = standings_of(domain.resolvers)
        return tally_of((s for s in found if s[0] in self.weights), self.weights)

    def remedy(self, domain: DomainState, view: View) -> Remedy:
        """Tell where one wrong answer about the domain has to be mended."""
        found = remedy(view, domain.authorities, self.window, self.at)
        server = view.sighting.server
        tracks = (change.tracks.get(server) for change in self.changes(domain))
        is_late = any(track and track.state.is_beyond_waiting for track in tracks)
        return Remedy.CACHE if found is Remedy.WAIT and is_late else found

    def is_in_maintenance(self, domain: DomainState) -> bool:
        return self.muted_until(domain.domain, self.at) is not None

    def changes(self, domain: DomainState) -> tuple[Change, ...]:
        """Return what changes, or changed last, at each record of the domain; open ones first."""
        found = [
            change
            for key in sorted(domain.records, key=lambda key: _importance(key, domain))
            for change in (domain.records[key].planned, domain.records[key].change)
            if change is not None
        ]
        return tuple(sorted(found, key=lambda change: not change.state.is_open))

    def change(self, domain: DomainState) -> Change | None:
        """Return the change that matters most to the domain; None where none is known."""
        return next(iter(self.changes(domain)), None)

    @cached_property
    def weights(self) -> Mapping[str, float]:
        return {resolver.name: resolver.weight for resolver in self.resolvers}

    def is_up(self, resolver: Resolver) -> bool | None:
        """Tell whether the resolver's last replies hold any answer; None before the first.

        What cannot be read now is no answer.
        """
        is_asked = False
        for domain in self.state.domains.values():
            standing = standing_of(domain.resolvers, resolver.name)
            if standing is None:
                continue
            if standing.kind not in _OF_SILENCE:
                return True
            is_asked = True
            if standing.kind is VerdictKind.TIMEOUT:
                continue
            # The other kinds are no proof: an answer that nobody can use is one all the same.
            with suppress(StoreLost):
                view = dict(domain.resolvers.items()).get(resolver.name)
                if view is not None and isinstance(view.reply.outcome, Answer):
                    return True
        return False if is_asked else None

    @cached_property
    def worst(self) -> DomainStatus | None:
        """The status that needs somebody first; None when there is no domain."""
        return next((status for status, count in self.counts.items() if count), None)


_OF_SILENCE = frozenset({VerdictKind.TIMEOUT, VerdictKind.NETWORK_ERROR, VerdictKind.MALFORMED})


def _importance(key: RecordKey, domain: DomainState) -> tuple[bool, RecordKey]:
    """The domain's own record first, as everybody gets it."""
    return key.owner != domain.domain, key


def urgency(domain: DomainState) -> tuple[int, DomainName]:
    """Return what puts the domains that need somebody first, each kind by name."""
    return BY_URGENCY.index(domain.status.value), domain.domain


def wrong_first(verdict: Verdict | Standing) -> int:
    """Return what puts wrong answers before missing ones before right ones."""
    return {False: 0, None: 1, True: 2}[verdict.is_in_effect]


BY_URGENCY = (
    DomainStatus.BROKEN,
    DomainStatus.PARTIAL,
    DomainStatus.PROPAGATING,
    DomainStatus.UNKNOWN,
    DomainStatus.PAUSED,
    DomainStatus.IN_EFFECT,
)

_RANKS = {status: rank for rank, status in enumerate(BY_URGENCY)}


def _rank(domain: DomainState) -> int:
    return _RANKS[domain.status.value]


def _by_name(domain: DomainState) -> str:
    return domain.domain.text


def _by_status(domain: DomainState) -> tuple[int, str]:
    return _RANKS[domain.status.value], domain.domain.text


def _by_since(domain: DomainState) -> tuple[datetime, str]:
    return domain.since, domain.domain.text


# Of each order, where a domain has its place in it: no two have the same.
PLACES: Mapping[Sort, Key] = {
    Sort.NAME: _by_name,
    Sort.STATUS: _by_status,
    Sort.SINCE: _by_since,
}
