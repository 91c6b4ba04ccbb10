"""Every stored instant moved with a clock that was set: what remains of a wait stays as it was."""

from dataclasses import fields, is_dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

T = TypeVar("T")


def shifted(value: T, by: timedelta) -> T:
    """Return the value, or the frozen values within it, with all its instants moved."""
    moved: object = _shifted(value, by)
    return moved  # type: ignore[return-value]  # the shape is kept


def _shifted(value: object, by: timedelta) -> object:
    match value:
        case datetime():
            return value + by
        case tuple():
            return tuple(_shifted(item, by) for item in value)
        case dict():
            return {key: _shifted(item, by) for key, item in value.items()}
        case _ if is_dataclass(value) and not isinstance(value, type):
            parts = {f.name: getattr(value, f.name) for f in fields(value)}
            return replace(value, **{name: _shifted(part, by) for name, part in parts.items()})
        case _:
            return value
