"""Records of events, as a store would seal them."""

from collections.abc import Iterable

from monitor.core.events import GENESIS, Event, Record, seal


def sealed(events: Iterable[Event]) -> tuple[Record, ...]:
    """Return the events as a log."""
    records = list[Record]()
    for event in events:
        prev_hash = records[-1].hash if records else GENESIS
        records.append(seal(event, len(records) + 1, prev_hash))
    return tuple(records)
