"""What is at rest in a store that is lost for some looks."""

from collections.abc import ItemsView, Iterator, Mapping
from datetime import datetime

from monitor.core.tracking.record import CalmRecords, RecordKey, TrackedRecord
from monitor.core.views import View
from monitor.ports import StoreLost


class UnreadableRecords(CalmRecords):
    """Calm records that so many looks do not find."""

    def __init__(self, records: Mapping[RecordKey, TrackedRecord], looks: int) -> None:
        self._records, self.looks = records, looks

    def _read(self) -> Mapping[RecordKey, TrackedRecord]:
        _lose(self)
        return self._records

    def __getitem__(self, key: RecordKey) -> TrackedRecord:
        return self._read()[key]

    def __iter__(self) -> Iterator[RecordKey]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)

    def items(self) -> ItemsView[RecordKey, TrackedRecord]:
        return self._read().items()

    @property
    def followed_until(self) -> datetime | None:
        changes = (record.change for record in self._records.values())
        return max((c.deadline_at for c in changes if c is not None), default=None)

    @property
    def ended_at(self) -> datetime | None:
        changes = (record.change for record in self._records.values())
        return max((c.settled_at for c in changes if c is not None and c.settled_at), default=None)


class UnreadableViews(dict[str, View]):
    """Views that so many looks do not find."""

    looks = 1

    def items(self) -> ItemsView[str, View]:  # type: ignore[override]  # a plain view of them
        _lose(self)
        return super().items()


def _lose(unreadable: UnreadableRecords | UnreadableViews) -> None:
    if unreadable.looks:
        unreadable.looks -= 1
        raise StoreLost("the details cannot be read: wait")
