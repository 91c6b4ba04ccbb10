"""The doors to the state: all that a scrape asks of it, once for each domain and each pair.

With a million series they are most of what a scrape costs that is not writing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import repeat
from typing import NamedTuple, TypeAlias

from monitor.core.names import DomainName
from monitor.core.state import DomainState
from monitor.core.tracking.changes import Change
from monitor.core.tracking.record import ended_at, is_calm
from monitor.core.tracking.tracks import TrackState
from monitor.core.views import stances_of
from monitor.ports import StoreLost
from monitor.usecases.snapshot import Snapshot

Said: TypeAlias = tuple[tuple[str, ...], tuple[str, ...], tuple[bool | None, ...]]
Ttls: TypeAlias = Sequence[int | None]

SHOWN_FOR = timedelta(hours=24)  # that a change is shown after its end


def said_of(
    snapshot: Snapshot, domains: Sequence[DomainState], *, with_ttls: bool = True
) -> Iterator[tuple[DomainState, Said, Ttls]]:
    """Return of each domain the resolvers that have a view: names, verdicts, effects; and TTLs."""
    names = tuple(resolver.name for resolver in snapshot.resolvers)
    newest = snapshot.ttls(domains) if with_ttls else repeat((), len(domains))
    for domain, ttls in zip(domains, newest, strict=True):
        asked, stances = stances_of(domain.resolvers)
        shown = ttls
        if asked != names:  # hardly ever: all are asked about each domain
            known = dict(zip(asked, stances, strict=True))
            asked = tuple([name for name in names if name in known])
            stances = [known[name] for name in asked]
            shown = [ttl for name, ttl in zip(names, ttls, strict=with_ttls) if name in known]
        verdicts = tuple([stance.kind._value_ for stance in stances])  # `value` costs a call
        effects = tuple([stance.is_in_effect for stance in stances])
        yield domain, (asked, verdicts, effects), shown


def authority_ratio(domain: DomainState) -> float | None:
    """Return the share of the answering authorities that name the target, as `tally` would."""
    _, stances = stances_of(domain.authorities)
    said = [stance.is_in_effect for stance in stances]
    answering = len(said) - said.count(None)
    return said.count(True) / answering if answering else None


class Shown(NamedTuple):
    """The change of a domain that matters most, and what is known of when."""

    change: Change
    instants: Mapping[str, datetime]

    def at(self, now: datetime) -> "Shown":
        """Return it as it is shown then: some time after its end without instants."""
        change = self.change
        ended = change.settled_at or change.deadline_at
        is_shown = change.state.is_open or now < ended + SHOWN_FOR
        return self if is_shown else Shown(change, {})


class _Read(NamedTuple):
    """What was read of a domain: it holds as long as that is the same object."""

    domain: DomainState
    shown: Shown | None


Past: TypeAlias = Mapping[DomainName, _Read]
"""Changes that are over: a storm leaves thousands, and each would be read at each scrape."""


class Changes:
    """The changes of one scrape; those that are over are taken from the `former` one."""

    def __init__(self, snapshot: Snapshot, former: Past) -> None:
        self._snapshot = snapshot
        self._former = former
        self.past: dict[DomainName, _Read] = {}

    def of(self, domain: DomainState) -> Shown | None:
        """Return the change that matters most to the domain; most have none to be shown."""
        shown = self._past(domain) if is_calm(domain.records) else self._read(domain)
        return None if shown is None else shown.at(self._snapshot.at)

    def _past(self, domain: DomainState) -> Shown | None:
        ended = ended_at(domain.records)
        if ended is None or self._snapshot.at >= ended + SHOWN_FOR:
            return None
        known = self._former.get(domain.domain)
        if known is None or known.domain is not domain:
            try:
                known = _Read(domain, _slim(self._read(domain)))
            except StoreLost:  # it is shown again when the store is back
                return None
        self.past[domain.domain] = known
        return known.shown

    def _read(self, domain: DomainState) -> Shown | None:
        change = self._snapshot.change(domain)
        return None if change is None else Shown(change, change.instants())


def _slim(shown: Shown | None) -> Shown | None:
    """Return it with those tracks alone that have series of their own."""
    if shown is None:
        return None
    tracks = shown.change.tracks.items()
    unsettled = {name: track for name, track in tracks if track.state is not TrackState.SETTLED}
    return Shown(replace(shown.change, tracks=unsettled), shown.instants)
