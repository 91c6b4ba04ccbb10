"""The doors to the state: all that a scrape asks of it, once for each domain and each pair.

With a million series they are most of what a scrape costs that is not writing.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import repeat
from typing import TypeAlias

from monitor.core.state import DomainState
from monitor.core.tracking.changes import Change
from monitor.core.tracking.record import ended_at, is_calm
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


def change_of(snapshot: Snapshot, domain: DomainState) -> Change | None:
    """Return the change that matters most to the domain; most domains have none to be shown."""
    records = domain.records
    if is_calm(records):
        ended = ended_at(records)
        if ended is None or snapshot.at >= ended + SHOWN_FOR:
            return None
    try:
        return snapshot.change(domain)
    except StoreLost:  # it is over: it is shown again when the store is back
        return None


def instants_of(change: Change, now: datetime) -> Mapping[str, datetime]:
    """Return what is known of when; nothing of a change that is no longer shown."""
    ended = change.settled_at or change.deadline_at
    return change.instants() if change.state.is_open or now < ended + SHOWN_FOR else {}
