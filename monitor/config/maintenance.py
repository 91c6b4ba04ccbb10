"""`[[maintenance]]`: times in which nobody is told, though all is recorded."""

import re
from datetime import datetime, timedelta
from typing import Annotated, TypeAlias

from pydantic import (
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from monitor.config.durations import Interval
from monitor.config.faults import quoted, refused
from monitor.config.fields import NOT_EMPTY, parse_text
from monitor.config.globs import DomainGlob
from monitor.config.section import Section

_DAYS = {"sun": 0, "mon": 1, "tue": 2, "wed": 3, "thu": 4, "fri": 5, "sat": 6}
_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_MONTH_NAMES, start=1)}
_NUMBERS_ONLY: dict[str, int] = {}
# The five fields of crontab(5): what each is called, its least and most, and its words.
_FIELDS = (
    ("minute", range(60), _NUMBERS_ONLY),
    ("hour", range(24), _NUMBERS_ONLY),
    ("day of month", range(1, 32), _NUMBERS_ONLY),
    ("month", range(1, 13), _MONTHS),
    ("day of week", range(8), _DAYS),
)
_PART = re.compile(r"(?:\*|(?P<first>\w+)(?:-(?P<last>\w+))?)(?:/(?P<step>[1-9]\d*))?")
_HINT = 'write minute, hour, day, month, weekday, as in "0 2 * * sun" (UTC)'


def parse_instant(written: object) -> datetime:
    """Return a moment that is the same everywhere."""
    if isinstance(written, str):
        raise refused(f"must be a time (got {quoted(written)})", f"{_INSTANT}, without quotes")
    if not isinstance(written, datetime):
        raise refused("must be a time with date and offset", _INSTANT)
    if written.tzinfo is None:
        hint = f"write {written.isoformat()}Z for UTC, or an offset such as +08:00"
        raise refused(f"has no offset from UTC (got {written.isoformat()})", hint)
    return written


def parse_cron(written: object) -> str:
    """Return a schedule in the five fields of crontab(5)."""
    text = parse_text(written)
    fields = text.lower().split()
    if len(fields) != len(_FIELDS):
        raise refused(f"must have five fields (got {quoted(text)})", _HINT)
    for field, (name, numbers, words) in zip(fields, _FIELDS, strict=True):
        if not all(_is_part(part, numbers, words) for part in field.split(",")):
            raise refused(f"has no such {name}: {field} (got {quoted(text)})", _HINT)
    return " ".join(fields)


def _is_part(part: str, numbers: range, words: dict[str, int]) -> bool:
    match = _PART.fullmatch(part)
    if match is None:
        return False
    ends = [_number(end, words) for end in (match["first"], match["last"]) if end is not None]
    return all(end in numbers for end in ends) and ends == sorted(ends)


def _number(text: str, words: dict[str, int]) -> int:
    return words.get(text, int(text) if text.isdecimal() else -1)


_INSTANT = "write it as 2026-11-11T00:00:00+08:00"

Instant: TypeAlias = Annotated[
    datetime,
    PlainValidator(parse_instant),
    PlainSerializer(datetime.isoformat, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]
Cron: TypeAlias = Annotated[
    str, PlainValidator(parse_cron), WithJsonSchema({"type": "string", "minLength": 9})
]


class Maintenance(Section):
    """One span (`starts_at`, written `from`, to `until`), or one that returns by a schedule."""

    domains: Annotated[tuple[DomainGlob, ...], NOT_EMPTY]
    starts_at: Instant | None = Field(default=None, alias="from")
    until: Instant | None = None
    cron: Cron | None = None
    duration: Interval | None = Field(default=None, validate_default=True)

    @field_validator("until")
    @classmethod
    def _ends_after_its_start(
        cls, until: datetime | None, info: ValidationInfo
    ) -> datetime | None:
        start: datetime | None = info.data.get("starts_at")
        if start is not None and until is not None and until <= start:
            raise refused(
                f"must be after from, {start.isoformat()} (got {until.isoformat()})",
                "exchange the two, or mend the dates",
            )
        return until

    @field_validator("duration")
    @classmethod
    def _has_one_span(cls, duration: timedelta | None, info: ValidationInfo) -> timedelta | None:
        keys = ("starts_at", "until", "cron")
        if not set(keys) <= info.data.keys():
            return duration
        given = (*(info.data[key] is not None for key in keys), duration is not None)
        if given not in {(True, True, False, False), (False, False, True, True)}:
            raise refused(
                "must say when, in one way",
                "write from and until for one time, or cron and duration for one that returns",
                about_table=True,
            )
        return duration
