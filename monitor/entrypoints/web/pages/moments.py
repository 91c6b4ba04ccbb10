"""Moments and spans of time as pages write them."""

from datetime import datetime, timedelta

from monitor.wording import Wording

_STEPS = (("days", 86_400), ("hours", 3_600), ("minutes", 60))


def rfc3339(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def clock(at: datetime) -> str:
    """The moment as people read it; all pages are in UTC and say so once."""
    return at.strftime("%Y-%m-%d %H:%M:%S")


def age(span: timedelta, words: Wording) -> str:
    """The span in its largest whole unit, such as `3 min ago`."""
    return words.word("ago").format(age=span_of(span, words))


def distance(span: timedelta, words: Wording) -> str:
    """Such as `in 3 min`, or of a negative span `3 min ago`."""
    if span < timedelta():
        return age(-span, words)
    return words.word("ahead").format(span=span_of(span, words))


def span_of(span: timedelta, words: Wording) -> str:
    """The span in its largest whole unit, such as `3 min`."""
    seconds = max(0, int(span.total_seconds()))
    for unit, size in _STEPS:
        if seconds >= size:
            return words.word(unit).format(n=seconds // size)
    return words.word("seconds").format(n=seconds)
