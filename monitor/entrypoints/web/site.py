"""What the daemon gives to its pages."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from prometheus_client import CollectorRegistry

from monitor.core.events import Record
from monitor.core.names import DomainName
from monitor.core.tracking.changes import Change
from monitor.entrypoints.series.writing import Encoder
from monitor.entrypoints.web.feed import Feed
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


@dataclass(frozen=True, slots=True)
class Site:
    """What the pages need of the daemon.

    `history` gives the newest records first and, as `changes`, may raise StoreError. `feed` is the
    audit log as it grows. `announce` may raise NotAnnounced. `registry` holds the metrics of the
    monitor itself, `state_metrics` writes those of what is known, a piece at a time. `is_keeping`
    tells whether the store keeps what is seen. `reload` returns the faults that kept it from
    succeeding. Without `may_write` nothing can be changed.
    `language` is for readers who did not choose one; None means: as the browser asks.
    """

    snapshot: Callable[[], Snapshot]
    history: Callable[[DomainName, int], Awaitable[tuple[Record, ...]]]
    changes: Changes
    feed: Feed
    announce: Callable[[Announcement], Awaitable[Change]]
    registry: CollectorRegistry
    state_metrics: Callable[[Encoder], Iterator[str]]
    is_ready: Callable[[], bool]
    is_keeping: Callable[[], bool]
    reload: Callable[[], Awaitable[tuple[str, ...]]]
    may_write: bool
    language: Language | None = None
