"""By which rules people are told."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

from monitor.core.message import NoticeSeverity
from monitor.core.names import DomainName
from monitor.core.status import StatusPolicy

# Until when nobody is told of the domain; None where no maintenance is on.
MutedUntil: TypeAlias = Callable[[DomainName, datetime], datetime | None]


def never_muted(_domain: DomainName, _now: datetime) -> datetime | None:
    return None


def _everything(_domain: DomainName) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Route:
    """One channel: what is at least so grave, of the domains that it `covers`.

    For one that `is_pushed` no messages are written: it is shown what is open.
    """

    channel: str
    severity: NoticeSeverity = NoticeSeverity.INFO
    covers: Callable[[DomainName], bool] = _everything
    is_pushed: bool = False


@dataclass(frozen=True, slots=True)
class NoticePolicy:
    """To whom, and how patiently.

    `quorum` is the share of the answering resolvers that must see a domain wrong. What comes back
    within `hold_down` of its end is to and fro, and has to hold for as long before it is told.
    """

    status: StatusPolicy
    routes: tuple[Route, ...] = ()
    quorum: float = 0.5
    remind: timedelta = timedelta(hours=24)
    hold_down: timedelta = timedelta(minutes=15)
    split_after: timedelta = timedelta(hours=1)
    muted_until: MutedUntil = never_muted
