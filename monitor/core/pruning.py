"""Let go of the oldest records of the log, so that the rest still proves itself.

Only a beginning of the log can go: each record is sealed with the hash of the one before it. Which
was the last to go, and its hash, is told by a record of its own.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.core.events import Event, EventType, Json, Record
from monitor.core.tracking.changes import Change, ChangeState


@dataclass(frozen=True, slots=True)
class Pruned:
    """What goes: all records up to number `through`, and the changes of these ids."""

    through: int
    changes: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PruningPolicy:
    """For how long changes and their records are kept after the end of each.

    `follow_for` is how long a change is looked after that never settles.
    """

    keep_for: timedelta
    follow_for: timedelta

    def is_over(self, change: Change, before: datetime) -> bool:
        """Tell whether nothing has become of the change since then, nor will."""
        if change.state.is_open and change.state is not ChangeState.EXPIRED:
            return False
        last = max(change.deadline_at, change.settled_at or change.deadline_at)
        wait = self.follow_for if change.state is ChangeState.EXPIRED else timedelta()
        return last + wait < before


def pruned_event(last: Record, before: datetime, now: datetime) -> Event:
    """Return the event by which it is known that all went up to the `last` record."""
    data: dict[str, Json] = {
        "through": last.seq,
        "hash": last.hash,
        "before": before.isoformat(),
    }
    return Event(EventType.LOG_PRUNED, now, data=data)


def forgettable(changes: Collection[Change]) -> frozenset[str]:
    """Return the ids of those that nobody follows any more; what never settled stays listed."""
    return frozenset(change.id for change in changes if not change.state.is_open)
