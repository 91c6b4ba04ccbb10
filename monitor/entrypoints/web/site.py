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
from monitor.entrypoints.web.feed import Feed
from monitor.entrypoints.web.gate import Access
from monitor.usecases.announce import Announcement
from monitor.usecases.snapshot import Snapshot
from monitor.wording import Language


class History(Protocol):
    """The newest records of a domain before a number, newest first. May raise StoreError."""

    async def __call__(
        self, domain: DomainName, limit: int, /, before: int | None = None
    ) -> tuple[Record, ...]: ...


class Changes(Protocol):
    """All changes that ever were, as the store keeps them. Each may raise StoreError."""

    async def changes(
        self, limit: int, *, before: str | None = None, only_open: bool = False
    ) -> tuple[Change, ...]: ...

    async def change(self, number: str) -> Change | None: ...

    async def story(self, number: str, limit: int, after: int = 0) -> tuple[Record, ...]: ...


class Reports(Protocol):
    """What can be handed over of changes. May raise StoreError."""

    async def of_change(self, number: str, at: datetime | None) -> Report | None: ...

    def readable(self, wire: bytes) -> str: ...


@dataclass(frozen=True, slots=True)
class Site:
    """What the pages need of the daemon.

    `feed` is the audit log as it grows. `announce` may raise NotAnnounced. `registry` holds the
    metrics of the monitor itself, `state_metrics` writes those of what is known, a piece at a
    time. `is_keeping` tells whether the store keeps what is seen. `reload` returns the faults that
    kept it from succeeding. `access` says who may read and write. `language` is for readers who
    did not choose one; None means: as the browser asks.
    """

    snapshot: Callable[[], Snapshot]
    history: History
    changes: Changes
    feed: Feed
    reports: Reports
    announce: Callable[[Announcement], Awaitable[Change]]
    registry: CollectorRegistry
    state_metrics: Callable[[Encoder], Iterator[str]]
    is_ready: Callable[[], bool]
    is_keeping: Callable[[], bool]
    reload: Callable[[], Awaitable[tuple[str, ...]]]
    access: Access
    language: Language | None = None
