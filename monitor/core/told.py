"""What people should hear, what they were told, and what is on its way to them."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import TypeAlias

from monitor.core.bindings import Binding
from monitor.core.message import NoticeSeverity
from monitor.core.names import DomainName
from monitor.core.status import DomainStatus, Fault, Remedy
from monitor.core.tracking.changes import ChangeKind, ChangeState
from monitor.core.tracking.reasons import Reason as LateReason
from monitor.core.tracking.values import Value
from monitor.core.verdict import Verdict


class ConcernKind(Enum):
    """What people should hear of, from mild to grave."""

    PROPAGATING = "propagating"  # a change is on its way: good news so far
    FAULT = "fault"
    AUTHORITY_SPLIT = "authority_split"
    OVERSTAY = "overstay"  # past its time, a resolver still has the old value
    REGRESSED = "regressed"  # a resolver went back to the old value
    PARTIAL = "partial"
    EXPIRED = "expired"  # the window is over, and the change is not settled
    BROKEN = "broken"


_SEVERITIES = {severity: order for order, severity in enumerate(NoticeSeverity)}
_KINDS = {kind: order for order, kind in enumerate(ConcernKind)}


def is_graver(one: NoticeSeverity, other: NoticeSeverity) -> bool:
    return _SEVERITIES[one] > _SEVERITIES[other]


@dataclass(frozen=True, slots=True)
class Concern:
    """The gravest thing that a person should hear of a domain; `change` is what it belongs to.

    `began_at` is when that change was first seen.
    """

    kind: ConcernKind
    severity: NoticeSeverity
    since: datetime
    change: str | None = None
    began_at: datetime | None = None

    @property
    def gravity(self) -> tuple[int, int]:
        return _SEVERITIES[self.severity], _KINDS[self.kind]


class Reason(Enum):
    """Why a person is told, or is not."""

    FIRST = "first"
    WORSE = "worse"
    OTHER = "other"  # another change has begun since
    REMINDER = "reminder"
    OVER = "over"
    NOTHING = "nothing"  # there is nothing to tell
    KNOWN = "known"  # it was told already
    UNCLEAR = "unclear"  # too few resolvers answer to say whether it is over
    HELD = "held"  # to and fro: it has to hold first
    MUTED = "muted"  # maintenance

    @property
    def is_told(self) -> bool:
        return self in _TOLD


_TOLD = frozenset({Reason.FIRST, Reason.WORSE, Reason.OTHER, Reason.REMINDER, Reason.OVER})


class ToldState(Enum):
    """Where a channel stands with a domain."""

    HELD = "held"  # something is to be told, but not yet
    OPEN = "open"
    OVER = "over"  # remembered until it is sure that it does not come back at once


@dataclass(frozen=True, slots=True)
class Told:
    """What one channel knows of one domain; nothing is kept where there is nothing to tell.

    `concern` is the gravest that was told, or is held. `since` is when it was opened, closed or
    first held. `flaps` counts how often it came back; `gone_since` is when it went, while that is
    not told. `look_at` is when to look again though nothing happens.
    """

    channel: str
    domain: DomainName
    state: ToldState
    concern: Concern
    since: datetime
    look_at: datetime
    told_at: datetime | None = None
    times: int = 0
    flaps: int = 0
    gone_since: datetime | None = None

    @property
    def key(self) -> "ToldKey":
        return self.channel, self.domain


ToldKey: TypeAlias = tuple[str, DomainName]


@dataclass(frozen=True, slots=True)
class Wrong:
    """Resolvers that say the same wrong thing."""

    resolvers: tuple[str, ...]
    verdict: Verdict
    remedy: Remedy


@dataclass(frozen=True, slots=True)
class Late:
    """A resolver that still has the old value, why, and until when as far as anybody can say."""

    resolver: str
    reason: LateReason | None = None
    eta_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ChangeFacts:
    """What a message says of a change; `behind` are the authorities that serve the old value."""

    id: str
    owner: DomainName
    kind: ChangeKind
    state: ChangeState
    old: Value | None
    new: Value
    detected_at: datetime
    deadline_at: datetime
    bound_at: datetime | None = None
    eta_at: datetime | None = None
    behind: tuple[str, ...] = ()
    late: tuple[Late, ...] = ()
    unverified: tuple[str, ...] = ()
    by: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Facts:
    """What a message needs besides the concern; counts are of resolvers."""

    binding: Binding | None = None
    status: DomainStatus = DomainStatus.UNKNOWN
    asked: int = 0
    answering: int = 0
    in_effect: int = 0
    wrong: tuple[Wrong, ...] = ()
    faults: tuple[Fault, ...] = ()
    change: ChangeFacts | None = None
    is_watched: bool = True


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell one channel; `concern` is what it is about, or was when it is over."""

    key: str
    channel: str
    domain: DomainName
    reason: Reason
    concern: Concern
    at: datetime
    facts: Facts = field(default_factory=Facts)
    flaps: int = 0

    @property
    def is_over(self) -> bool:
        return self.reason is Reason.OVER


class PostState(Enum):
    """Where a notice stands on its way."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"  # given up


@dataclass(frozen=True, slots=True)
class Letter:
    """A notice on its way; those of one `bundle` are sent as one message."""

    notice: Notice
    next_at: datetime
    attempts: int = 0
    bundle: str | None = None
    state: PostState = PostState.WAITING
    done_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Handed:
    """That a channel took a notice of the domain, alone or in a bundle."""

    domain: DomainName
    bundle: str | None
    at: datetime
