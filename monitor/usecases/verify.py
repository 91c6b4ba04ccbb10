"""Look through the whole audit log for what was edited, removed or moved."""

from collections.abc import Callable
from typing import Protocol

from monitor.core.tampering import Head, Inspection, turn_told, turns_of
from monitor.core.tracking.changes import Change
from monitor.ports import Log

_AT_ONCE = 1000
_NEWEST_CHANGES = 1000  # of which must be told: who cuts off the end meets these


class Book(Log, Protocol):
    """The log, and the list of changes beside it."""

    async def changes(
        self, limit: int, *, before: str | None = None, only_open: bool = False
    ) -> tuple[Change, ...]: ...


async def verify(
    book: Book, wanted: Head | None, advanced: Callable[[int], None] = lambda _: None
) -> Inspection:
    """Return what is wrong with the log; `advanced` is told how many more rows were looked at.

    A daemon may write on meanwhile. Raises StoreError.
    """
    # First the changes: whatever a daemon adds to them later it tells of later.
    changes = await book.changes(_NEWEST_CHANGES)
    inspection, after, told = Inspection(wanted), None, set[tuple[str, str] | None]()
    while rows := await book.rows(after, _AT_ONCE):
        inspection = inspection.along(rows)
        told |= {turn_told(row.record) for row in rows if row.record is not None}
        after = rows[-1].seq
        advanced(len(rows))
    before = inspection.pruned_before
    # What told of a change that never settled may have been let go.
    kept = (change for change in changes if before is None or change.detected_at >= before)
    return inspection.ended(sorted({c.id for c in kept if not turns_of(c) <= told}))
