"""What the daemon gives to its pages."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from monitor.core.events import Record
from monitor.core.names import DomainName
from monitor.usecases.snapshot import Snapshot
from monitor.wording import Language


@dataclass(frozen=True, slots=True)
class Site:
    """What the pages need of the daemon.

    `history` gives the newest records first and may raise StoreError. `reload` returns the faults
    that kept it from succeeding. Without `may_write` nothing can be changed. `language` is for
    readers who did not choose one; None means: as the browser asks.
    """

    snapshot: Callable[[], Snapshot]
    history: Callable[[DomainName, int], Awaitable[tuple[Record, ...]]]
    registry: CollectorRegistry
    is_ready: Callable[[], bool]
    reload: Callable[[], Awaitable[tuple[str, ...]]]
    may_write: bool
    language: Language | None = None
