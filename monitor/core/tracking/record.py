"""One record that is followed: what its authorities served, and the change it is in."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from monitor.core.events import Event, Json
from monitor.core.names import DomainName
from monitor.core.tracking.authorities import ServerHistory
from monitor.core.tracking.changes import Change, ChangeState, Source
from monitor.core.tracking.values import Sample, Value, ValueKind

_ENDED_KEPT = 4  # more than can end in one step

Evidence: TypeAlias = tuple[Mapping[str, Json], ...]


@dataclass(frozen=True, slots=True, order=True)
class RecordKey:
    """Which record: that of the domain or of a later hop, as one view of clients gets it."""

    owner: DomainName
    view: str = ""  # a client subnet; empty for everybody


@dataclass(frozen=True, slots=True)
class TrackedRecord:
    """Everything known of one record and of its changes.

    `agreed` is the value that all authorities gave last, `agreed_ttl` its TTL in seconds.
    `change` is the newest one, `planned` one that is announced, `ended` are the last that another
    one, their reversal or their cancellation ended.
    """

    domain: DomainName
    key: RecordKey
    authorities: Mapping[str, ServerHistory] = field(default_factory=dict)
    agreed: Value | None = None
    agreed_ttl: int | None = None
    polled_at: datetime | None = None
    change: Change | None = None
    ended: tuple[Change, ...] = ()
    planned: Change | None = None
    is_delegation_consistent: bool | None = None

    @property
    def previous(self) -> Change | None:
        return self.ended[-1] if self.ended else None

    def with_ended(self, change: Change) -> "TrackedRecord":
        return replace(self, ended=(*self.ended, change)[-_ENDED_KEPT:])

    @property
    def under_way(self) -> Change | None:
        """The change that the authorities or the caches have not finished."""
        change = self.change
        return change if change is not None and change.state.is_open else None

    def is_followed(self, now: datetime) -> bool:
        """Tell whether a change is expected, under way, or still looked after."""
        return self.planned is not None or (
            self.change is not None and self.change.is_watched(now)
        )


class CalmRecords(Mapping[RecordKey, TrackedRecord]):
    """The records of a domain in which no change is expected or under way."""

    __slots__ = ()

    @property
    @abstractmethod
    def followed_until(self) -> datetime | None:
        """Until when the last change is looked after; None where none is."""

    @property
    @abstractmethod
    def ended_at(self) -> datetime | None:
        """When the last change was over; None where there never was one."""

    @property
    def gists_tell(self) -> bool:
        """True where no answer can go back on the last changes and have the gist that it has."""
        return False


def is_calm(records: Mapping[RecordKey, TrackedRecord]) -> bool:
    """Tell whether no change of any record is expected or under way."""
    return isinstance(records, CalmRecords) or all(
        record.planned is None and record.under_way is None for record in records.values()
    )


def followed_until(records: Mapping[RecordKey, TrackedRecord]) -> datetime | None:
    """Return until when the last change of calm records is looked after."""
    if isinstance(records, CalmRecords):
        return records.followed_until
    changes = (record.change for record in records.values())
    ends = (c.deadline_at for c in changes if c is not None and c.state is ChangeState.SETTLED)
    return max(ends, default=None)


def ended_at(records: Mapping[RecordKey, TrackedRecord]) -> datetime | None:
    """Return when the last change of calm records was over."""
    if isinstance(records, CalmRecords):
        return records.ended_at
    changes = (record.change for record in records.values())
    ends = (change.settled_at or change.deadline_at for change in changes if change is not None)
    return max(ends, default=None)


def is_any_followed(records: Mapping[RecordKey, TrackedRecord], now: datetime) -> bool:
    """Tell whether a change of any record is expected, under way, or still looked after."""
    if isinstance(records, CalmRecords):
        return records.followed_until is not None and now < records.followed_until
    return any(record.is_followed(now) for record in records.values())


def gists_tell(records: Mapping[RecordKey, TrackedRecord]) -> bool:
    """Tell whether any answer that goes back on the last changes has a gist of its own.

    Addresses behind a chain are in no gist.
    """
    if isinstance(records, CalmRecords):
        return records.gists_tell
    changes = (record.change for record in records.values())
    return all(change is None or change.new.kind in _TOLD_BY_GISTS for change in changes)


_TOLD_BY_GISTS = frozenset({ValueKind.ALIAS, ValueKind.ABSENT})


def is_only_looked_after(records: Mapping[RecordKey, TrackedRecord], now: datetime) -> bool:
    """Tell whether answers matter to the records only where their gist is another one.

    So it is once a change has settled, beside the few looks that it asks for itself.
    """
    return not is_any_followed(records, now) or (is_calm(records) and gists_tell(records))


@dataclass(frozen=True, slots=True)
class AuthoritiesAnswered:
    """One poll of some authorities; a sample without a value is one that did not answer."""

    samples: Mapping[str, Sample]
    serials: Mapping[str, int] = field(default_factory=dict)
    evidence: Evidence = ()


@dataclass(frozen=True, slots=True)
class Delegated:
    """Which servers are the authorities now; `kept_for` is how long caches know the former."""

    servers: frozenset[str]
    is_consistent: bool | None = None
    kept_for: timedelta = timedelta()


@dataclass(frozen=True, slots=True)
class ResolverAnswered:
    resolver: str
    sample: Sample
    evidence: Evidence = ()


@dataclass(frozen=True, slots=True)
class Announced:
    """A change that is meant to come: from when on, by whom, and why."""

    new: Value
    planned_at: datetime
    by: str = ""
    note: str = ""
    source: Source = Source.ANNOUNCED


@dataclass(frozen=True, slots=True)
class Explained:
    """The provider's API says when the record was edited, and for which lines."""

    change: str
    edited_at: datetime
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TimePassed:
    """Nothing but that it is later."""


@dataclass(frozen=True, slots=True)
class Restarted:
    """The process began anew: what was due meanwhile is spread, bursts begin again."""


@dataclass(frozen=True, slots=True)
class ClockStepped:
    """The clock on the wall was put forward (or back, negative): instants go with it."""

    by: timedelta


@dataclass(frozen=True, slots=True)
class Unwatched:
    """The domain is no longer bound."""


Happening: TypeAlias = (
    AuthoritiesAnswered
    | Delegated
    | ResolverAnswered
    | Announced
    | Explained
    | TimePassed
    | Restarted
    | ClockStepped
    | Unwatched
)


@dataclass(frozen=True, slots=True)
class Agenda:
    """What is due when: the authorities, each resolver, and the next look at the time alone."""

    authorities_at: datetime | None = None
    resolvers: Mapping[str, datetime] = field(default_factory=dict)
    deadline_at: datetime | None = None

    @property
    def next_at(self) -> datetime | None:
        """When there is something to do next; None for nothing but the usual rounds."""
        instants = [*self.resolvers.values(), self.authorities_at, self.deadline_at]
        return min((at for at in instants if at is not None), default=None)


@dataclass(frozen=True, slots=True)
class Stepped:
    """The record after a step, what to ask next, the changes that moved, and the events."""

    record: TrackedRecord
    agenda: Agenda
    changes: tuple[Change, ...] = ()
    events: tuple[Event, ...] = ()
