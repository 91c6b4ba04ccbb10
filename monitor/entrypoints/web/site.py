"""What the daemon gives to its pages."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from prometheus_client import CollectorRegistry

from monitor.core.events import Record
from monitor.core.names import DomainName
from monitor.core.report import Report
from monitor.core.tracking.changes import Change
from monitor.entrypoints.series.writing import Encoder
from monitor.usecases.announce import Announcement
from monitor.usecases.snapshot import Snapshot
from monitor.wording import Language


class Changes(Protocol):
    """All changes that ever were, as the store keeps them. Each may raise StoreError."""

    async def changes(
        self, limit: int, *, before: str | None = None, only_open: bool = False
    ) -> tuple[Change, ...]: ...

    async def change(self, number: str) -> Change | None: ...

    async def story(self, number: str, limit: int) -> tuple[Record, ...]: ...


class History(Protocol):
    """The newest records of a domain before a number, newest first. May raise StoreError."""

    async def __call__(
        self, domain: DomainName, limit: int, before: int | None = None, /
    ) -> tuple[Record, ...]: ...


class Reports(Protocol):
    """What can be handed over of changes. May raise StoreError."""

    async def of_change(self, number: str, at: datetime | None) -> Report | None: ...

    def readable(self, wire: bytes) -> str: ...


@dataclass(frozen=True, slots=True)
class Site:
    """What the pages need of the daemon.

    `announce`
    may raise NotAnnounced. `registry` holds the metrics of the monitor itself, `state_metrics`
    writes those of what is known, a piece at a time. `reload` returns the faults that kept it from
    succeeding. Without `may_write` nothing can be changed. `language` is for
    readers who did not choose one; None means: as the browser asks.
    """

    snapshot: Callable[[], Snapshot]
    history: History
    changes: Changes
    reports: Reports
    announce: Callable[[Announcement], Awaitable[Change]]
    registry: CollectorRegistry
    state_metrics: Callable[[Encoder], Iterator[str]]
    is_ready: Callable[[], bool]
    reload: Callable[[], Awaitable[tuple[str, ...]]]
    may_write: bool
    language: Language | None = None
