"""Maintenance: when nobody is told of which domains. APScheduler reads the cron schedules."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeAlias

from apscheduler.triggers.cron import CronTrigger

from monitor.core.names import DomainName

Covers: TypeAlias = Callable[[DomainName], bool]

_MOMENT = timedelta(microseconds=1)
_FOREVER = datetime.max.replace(tzinfo=UTC)
_WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun")  # crontab(5) has two Sundays
_MONTHS = (
    *("", "jan", "feb", "mar", "apr", "may", "jun"),
    *("jul", "aug", "sep", "oct", "nov", "dec"),
)


class Window(Protocol):
    """A span of time, once or again and again, and the domains that it is about."""

    @property
    def covers(self) -> Covers: ...

    def ends(self, now: datetime) -> datetime | None:
        """Return when it ends, if it is on; None if it is not."""


@dataclass(frozen=True, slots=True)
class Once:
    covers: Covers
    starts_at: datetime
    until: datetime

    def ends(self, now: datetime) -> datetime | None:
        return self.until if self.starts_at <= now < self.until else None


@dataclass(slots=True)
class Recurring:
    """Begins by a schedule in the five fields of crontab(5), in UTC, and lasts for a while."""

    covers: Covers
    cron: str
    duration: timedelta
    _triggers: tuple[CronTrigger, ...] = ()
    _known: "_Known" = field(default_factory=lambda: _Known(_FOREVER, _FOREVER, None))

    def __post_init__(self) -> None:
        self._triggers = tuple(_triggers(self.cron))

    def ends(self, now: datetime) -> datetime | None:
        if not self._known.since <= now < self._known.until:  # asked for each domain of a step
            self._known = self._look(now)
        return self._known.ends

    def _look(self, now: datetime) -> "_Known":
        starts_at = self._first_from(now - self.duration + _MOMENT)
        if starts_at is None:
            return _Known(now, _FOREVER, None)
        if starts_at > now:
            return _Known(now, starts_at, None)
        ends = starts_at + self.duration
        return _Known(starts_at, ends, ends)

    def _first_from(self, at: datetime) -> datetime | None:
        found = [trigger.get_next_fire_time(None, at) for trigger in self._triggers]
        return min((start for start in found if start is not None), default=None)


@dataclass(frozen=True, slots=True)
class _Known:
    """From when until when the answer is the same."""

    since: datetime
    until: datetime
    ends: datetime | None


@dataclass(frozen=True, slots=True)
class Calendar:
    """All windows; where several are on, the last to end counts."""

    windows: Sequence[Window] = ()

    def muted_until(self, domain: DomainName, now: datetime) -> datetime | None:
        """Return until when nobody is told of the domain; None where no window is on."""
        found = ((window.ends(now), window) for window in self.windows)
        ends = (end for end, window in found if end is not None and window.covers(domain))
        return max(ends, default=None)


def _triggers(cron: str) -> Iterator[CronTrigger]:
    """Yield what the schedule means; crontab(5) lets either of two given days start it."""
    minute, hour, day, month, weekday = cron.split()
    given = {
        "minute": minute,
        "hour": hour,
        "month": _named(month, _MONTHS, 1),
        "timezone": UTC,
    }
    by_weekday = {"day_of_week": _named(weekday, _WEEKDAYS, 0)}
    if day.startswith("*") or weekday.startswith("*"):
        yield CronTrigger(**given, **by_weekday, day=day)
    else:
        yield CronTrigger(**given, day=day)
        yield CronTrigger(**given, **by_weekday)


def _named(written: str, names: Sequence[str], least: int) -> str:
    """Return a field with each day or month by its name: APScheduler begins weeks on Monday."""
    if written == "*":
        return written
    numbers = (n for part in written.split(",") for n in _numbers(part, names, least))
    return ",".join(dict.fromkeys(names[number] for number in numbers))


def _numbers(part: str, names: Sequence[str], least: int) -> range:
    span, _, step = part.partition("/")
    first, _, last = span.partition("-")
    greatest = len(names) - 1
    if first == "*":
        return range(least, greatest + 1, int(step or 1))
    begin = _number(first, names)
    end = _number(last, names) if last else greatest if step else begin
    return range(begin, end + 1, int(step or 1))


def _number(written: str, names: Sequence[str]) -> int:
    return int(written) if written.isdecimal() else names.index(written)
