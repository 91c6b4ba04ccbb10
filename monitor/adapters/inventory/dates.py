"""The two ways in which OSS writes dates."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def from_iso(written: str) -> datetime | None:
    """Return the moment of `2021-09-15T02:35:07.000Z`; None where it is no date."""
    try:
        return _in_utc(datetime.fromisoformat(written))
    except (ValueError, OverflowError):
        return None


def from_rfc1123(written: str) -> datetime | None:
    """Return the moment of `Mon, 4 May 2048 10:14:51 GMT`; None where it is no date."""
    try:
        return _in_utc(parsedate_to_datetime(written))
    except (ValueError, OverflowError):
        return None


def _in_utc(moment: datetime) -> datetime:
    # OSS means UTC where it names no zone.
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
