"""Gather what can be told of one change: the change, its records, and those of its domain."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from monitor.core.events import Record
from monitor.core.names import DomainName
from monitor.core.report import Report
from monitor.core.servers import Resolver
from monitor.core.tracking.changes import Change

_AT_ONCE = 500


class Shelf(Protocol):
    """The changes and the log. Each may raise StoreError."""

    async def change(self, number: str) -> Change | None: ...

    async def story(self, number: str, limit: int, after: int = 0) -> tuple[Record, ...]: ...

    async def history(
        self, domain: DomainName, limit: int, before: int | None = None
    ) -> tuple[Record, ...]: ...


async def report_of(
    number: str, shelf: Shelf, resolvers: Sequence[Resolver], at: datetime | None = None
) -> Report | None:
    """Return the report as of what was seen last, or of a later moment `at`.

    None for no such change. The same records give the same report. Raises StoreError.
    """
    change = await shelf.change(number)
    if change is None:
        return None
    story = await _story(number, shelf)
    records = await _with_domain(change, story, shelf) if story else ()
    seen = _seen_last(change, records)
    return Report(change, records, resolvers, max(at or seen, seen))


def _seen_last(change: Change, records: Sequence[Record]) -> datetime:
    samples = (track.recent[-1].at for track in change.tracks.values() if track.recent)
    return max((change.detected_at, *samples, *(record.event.at for record in records)))


async def _story(number: str, shelf: Shelf) -> list[Record]:
    story = list[Record]()
    while part := await shelf.story(number, _AT_ONCE, story[-1].seq if story else 0):
        story += part
    return story


async def _with_domain(
    change: Change, story: Sequence[Record], shelf: Shelf
) -> tuple[Record, ...]:
    """Return the records of the domain from the first of the change to its last.

    Those that belong to another change are left to that one's report.
    """
    first, before = story[0].seq, story[-1].seq + 1
    found = list[Record]()
    while part := await shelf.history(change.domain, _AT_ONCE, before):
        found += (record for record in part if record.seq >= first)
        before = part[-1].seq
        if before <= first:
            break
    return tuple(r for r in reversed(found) if r.event.change in {None, change.id})
