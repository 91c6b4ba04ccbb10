"""The doors to the state: all that a scrape asks of it, once for each domain and each pair.

With a million series they are most of what a scrape costs that is not writing.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import TypeAlias

from monitor.core.servers import Resolver
from monitor.core.state import DomainState
from monitor.core.status import standings_of
from monitor.core.tracking.changes import Change
from monitor.core.tracking.record import ended_at, is_calm
from monitor.core.verdict import VerdictKind
from monitor.usecases.snapshot import Snapshot

Standing: TypeAlias = tuple[Resolver, VerdictKind, bool | None, int | None]

SHOWN_FOR = timedelta(hours=24)  # that a change is shown after its end


def standings(snapshot: Snapshot, domain: DomainState) -> Iterable[Standing]:
    """Return for each resolver that has a view: its verdict, in effect or not, the first TTL."""
    known = dict(standings_of(domain.resolvers))
    return [
        (resolver, said.kind, said.is_in_effect, snapshot.ttl(domain, resolver))
        for resolver in snapshot.resolvers
        if (said := known.get(resolver.name)) is not None
    ]


def authority_ratio(domain: DomainState) -> float | None:
    """Return the share of the answering authorities that name the target, as `tally` would."""
    said = [standing.is_in_effect for _, standing in standings_of(domain.authorities)]
    answering = len(said) - said.count(None)
    return said.count(True) / answering if answering else None


def change_of(snapshot: Snapshot, domain: DomainState) -> Change | None:
    """Return the change that matters most to the domain; most domains have none to be shown."""
    records = domain.records
    if is_calm(records):
        ended = ended_at(records)
        if ended is None or snapshot.at >= ended + SHOWN_FOR:
            return None
    return snapshot.change(domain)


def instants_of(change: Change, now: datetime) -> Mapping[str, datetime]:
    """Return what is known of when; nothing of a change that is no longer shown."""
    ended = change.settled_at or change.deadline_at
    return change.instants() if change.state.is_open or now < ended + SHOWN_FOR else {}
