"""Declare a change that is to come: it is expected then, and the audit names who and why."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.core.domain_tracking import Followers, announce_all
from monitor.core.names import DomainName
from monitor.core.state import DomainState, State, Step
from monitor.core.tracking.changes import Change
from monitor.core.tracking.record import Announced, RecordKey
from monitor.core.tracking.values import Value, alias
from monitor.ledger import Ledger
from monitor.ports import Clock

_FARTHEST = timedelta(days=3660)
PATIENCE = timedelta(seconds=5)  # who announces by a command waits for ten


@dataclass(frozen=True, slots=True)
class Announcement:
    """A domain's CNAME will lead to `target`, from `at` on (None: from now on)."""

    domain: DomainName
    target: DomainName
    at: datetime | None = None
    by: str = ""
    note: str = ""


class NotAnnounced(Exception):
    """The change cannot be expected; the message says why and what to do."""


class NotKept(NotAnnounced):
    """The store could not keep the announcement in time: nothing is announced."""


async def announce(
    announcement: Announcement, ledger: Ledger, followers: Followers, clock: Clock
) -> Change:
    """Expect the change, and return it after a few seconds at most. Raises NotAnnounced."""
    domain, now = announcement.domain, clock.now()
    known = ledger.state.domains.get(domain)
    if known is None or known.watched is None:
        raise NotAnnounced(f"{domain.display} is not watched: bind it at OSS or list it first")
    if announcement.at is not None and announcement.at - now > _FARTHEST:
        raise NotAnnounced("that is more than ten years from now: announce it when it is nearer")
    value = alias(announcement.target)
    announced = Announced(value, announcement.at or now, announcement.by, announcement.note)

    found = list[Change | None]()

    def decide(state: State) -> Step:
        step = announce_all(state, domain, announced, followers, now)
        found.append(_expected(step.domains or (state.domains.get(domain),), value))
        return step

    if not await ledger.record(decide, PATIENCE):
        raise NotKept("the announcement could not be kept: the log says why; try again later")
    expected = found[-1]
    if expected is None:
        raise NotAnnounced(
            f"{domain.display} leads to {announcement.target} already, and nothing is under way"
        )
    return expected


def _expected(domains: Iterable[DomainState | None], value: Value) -> Change | None:
    """Return the change to that value at the domain's own record, expected or under way."""
    records = (d.records.get(RecordKey(d.domain)) for d in domains if d is not None)
    changes = (change for r in records if r is not None for change in (r.planned, r.change))
    return next((c for c in changes if c is not None and c.new == value), None)
