"""Which instants an axis of time is marked with, and how each is written, in UTC."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

MOST = 8

_SECOND, _MINUTE = timedelta(seconds=1), timedelta(minutes=1)
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_STEPS = (
    *(_SECOND * n for n in (1, 2, 5, 10, 15, 30)),
    *(_MINUTE * n for n in (1, 2, 5, 10, 15, 30)),
    *(_HOUR * n for n in (1, 2, 3, 6, 12)),
    *(_DAY * n for n in (1, 2, 7, 14, 28, 91, 364)),
)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Tick:
    """One marked instant; every other one `is_fine`: it may be left out where space is short."""

    at: datetime
    text: str
    is_fine: bool


def ticks(begin: datetime, end: datetime) -> tuple[Tick, ...]:
    """Return at most `MOST` whole instants between two, evenly apart."""
    step = next((s for s in _STEPS if (end - begin) / s <= MOST), (end - begin) / MOST)
    number = -((_EPOCH - begin) // step)  # the first whole multiple that is not before
    found = list[Tick]()
    while (at := _EPOCH + step * number) <= end and len(found) < MOST:
        text = _written(at, step, is_new_day=at > begin)
        found.append(Tick(at, text, is_fine=bool(number % 2)))
        number += 1
    return tuple(found)


def _written(at: datetime, step: timedelta, *, is_new_day: bool) -> str:
    is_midnight = (at.hour, at.minute, at.second) == (0, 0, 0)
    if step >= _DAY or (is_midnight and is_new_day):
        return f"{at:%m-%d}"
    return f"{at:%H:%M:%S}" if step < _MINUTE else f"{at:%H:%M}"
