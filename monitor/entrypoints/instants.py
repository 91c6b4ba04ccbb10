"""Instants as scripts read them: RFC 3339 in UTC, with fractions."""

from datetime import datetime


def instant(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def maybe(at: datetime | None) -> str | None:
    return instant(at) if at is not None else None
