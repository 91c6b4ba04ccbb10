"""Declare a change that is to come: it is expected then, and the audit names who and why."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.core.domain_tracking import Followers, announce_all
from monitor.core.names import DomainName
from monitor.core.tracking.changes import Change
from monitor.core.tracking.record import Announced, RecordKey
from monitor.core.tracking.values import alias
from monitor.ledger import Ledger
from monitor.ports import Clock

_FARTHEST = timedelta(days=3660)


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


async def announce(
    announcement: Announcement, ledger: Ledger, followers: Followers, clock: Clock
) -> Change:
    """Expect the change, and return it. Raises NotAnnounced."""
    domain, now = announcement.domain, clock.now()
    known = ledger.state.domains.get(domain)
    if known is None or known.watched is None:
        raise NotAnnounced(f"{domain.display} is not watched: bind it at OSS or list it first")
    if announcement.at is not None and announcement.at - now > _FARTHEST:
        raise NotAnnounced("that is more than ten years from now: announce it when it is nearer")
    value = alias(announcement.target)
    announced = Announced(value, announcement.at or now, announcement.by, announcement.note)

    if not await ledger.record(
        lambda state: announce_all(state, domain, announced, followers, now)
    ):
        raise NotAnnounced("the announcement could not be kept: the log says why; try again")
    record = ledger.state.domains[domain].records[RecordKey(domain)]
    found = next((c for c in (record.planned, record.change) if c and c.new == value), None)
    if found is None:
        raise NotAnnounced(
            f"{domain.display} leads to {announcement.target} already, and nothing is under way"
        )
    return found
