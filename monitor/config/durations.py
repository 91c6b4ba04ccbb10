"""Durations as people write them: `500ms`, `10s`, `5m`, `72h`, `7d`, `0.5s`."""

import re
from datetime import timedelta
from decimal import Decimal
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, PlainSerializer, PlainValidator, WithJsonSchema

from monitor.config.faults import NUMBER_TOO_LONG, quoted, refused

_MICROSECONDS = {
    "ms": 1_000,
    "s": 1_000_000,
    "m": 60_000_000,
    "h": 3_600_000_000,
    "d": 86_400_000_000,
}
_WRITTEN = re.compile(r"(?P<number>\d{1,12}(?:\.\d{1,12})?)(?P<unit>ms|s|m|h|d)")
_SCHEMA = {"type": "string", "pattern": r"^\d+(\.\d+)?(ms|s|m|h|d)$", "examples": ["10s", "72h"]}
_LONGEST = timedelta(days=3650)
_HINT = 'write a number and a unit, such as "500ms", "10s", "5m", "72h" or "7d"'


def parse_duration(written: object) -> timedelta:
    """Return the duration; raises the refusal that says how to write one."""
    return _parse(written, _HINT)


def duration_text(duration: timedelta) -> str:
    """Return the shortest exact writing; hours up to 72, as operators speak of windows."""
    total = duration // timedelta(microseconds=1)
    for unit in ("d", "h", "m", "s"):
        size = _MICROSECONDS[unit]
        if total and total % size == 0 and (unit != "d" or duration > timedelta(hours=72)):
            return f"{total // size}{unit}"
    if total % 1_000 == 0:
        return f"{total // 1_000}ms" if total else "0s"
    return f"{Decimal(total) / 1_000:f}ms"


def parse_recursive_interval(written: object) -> timedelta | None:
    """Return None for `off`: asked only while a change is open."""
    if written is None or written == "off":
        return None
    return _above_zero(_parse(written, f'{_HINT}; or "off"'))


def parse_retention(written: object) -> timedelta | None:
    """Return None for `0`: kept for ever."""
    if written is None or written == "0" or (written == 0 and type(written) is int):
        return None
    return _above_zero(_parse(written, f'{_HINT}; or "0" to keep all'))


def _parse(written: object, hint: str) -> timedelta:
    if isinstance(written, timedelta):
        return written
    if isinstance(written, (int, float)) and not isinstance(written, bool):
        number = quoted(written)
        remedy = hint if number == NUMBER_TOO_LONG else _with_unit(number, hint)
        raise refused(f"has no unit (got {number})", remedy)
    if not isinstance(written, str):
        raise refused("must be a duration in quotes", hint)
    match = _WRITTEN.fullmatch(written.strip())
    if match is None:
        raise refused(f"is no duration (got {quoted(written)})", _remedy(written.strip(), hint))
    return _exact(Decimal(match["number"]) * _MICROSECONDS[match["unit"]], written)


def _exact(microseconds: Decimal, written: str) -> timedelta:
    if microseconds != int(microseconds):
        raise refused(f"is finer than a microsecond (got {quoted(written)})", "write fewer digits")
    if microseconds > _LONGEST // timedelta(microseconds=1):
        longest = duration_text(_LONGEST)
        raise refused(f"must be at most {longest} (got {quoted(written)})", f'write "{longest}"')
    return timedelta(microseconds=int(microseconds))


def _remedy(written: str, hint: str) -> str:
    if re.fullmatch(r"-?\d+(\.\d+)?", written):
        return _with_unit(written, hint)
    return f"a duration is never negative: {hint}" if written.startswith("-") else hint


def _with_unit(number: str, hint: str) -> str:
    if number.startswith("-"):
        return f"a duration is never negative: {hint}"
    return f'if seconds are meant, write "{number}s"'


def _above_zero(duration: timedelta) -> timedelta:
    if duration <= timedelta(0):
        raise refused("must be longer than nothing", _HINT)
    return duration


def _or(duration: timedelta | None, word: str) -> str:
    return word if duration is None else duration_text(duration)


Duration: TypeAlias = Annotated[
    timedelta,
    PlainValidator(parse_duration),
    PlainSerializer(duration_text, return_type=str),
    WithJsonSchema(_SCHEMA),
]
"""A duration that may be nothing at all."""

Interval: TypeAlias = Annotated[Duration, AfterValidator(_above_zero)]
"""A duration longer than nothing."""

RecursiveInterval: TypeAlias = Annotated[
    timedelta | None,
    PlainValidator(parse_recursive_interval),
    PlainSerializer(lambda value: _or(value, "off"), return_type=str),
    WithJsonSchema({"anyOf": [_SCHEMA, {"const": "off"}]}),
]

Retention: TypeAlias = Annotated[
    timedelta | None,
    PlainValidator(parse_retention),
    PlainSerializer(lambda value: _or(value, "0"), return_type=str),
    WithJsonSchema({"anyOf": [_SCHEMA, {"const": "0"}, {"const": 0}]}),
]
