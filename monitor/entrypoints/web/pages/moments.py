"""Moments and spans of time as pages write them."""

from datetime import datetime, timedelta

from monitor.wording import Wording
from monitor.wording.spans import span

_STEPS = (("days", 86_400), ("hours", 3_600), ("minutes", 60))


def rfc3339(at: datetime) -> str:
    return at.isoformat(timespec="seconds").replace("+00:00", "Z")


def age(elapsed: timedelta, words: Wording) -> str:
    """How long ago, in the largest whole unit, such as `3 min ago`."""
    seconds = max(0, int(elapsed.total_seconds()))
    unit, size = next(((u, s) for u, s in _STEPS if seconds >= s), ("seconds", 1))
    return words.word("ago").format(age=words.word(unit).format(n=seconds // size))


def distance(ahead: timedelta, words: Wording) -> str:
    """How far away, such as `in 3 min 20 s`, or of what is over `3 min ago`."""
    if ahead < timedelta():
        return age(-ahead, words)
    return words.word("ahead").format(span=span(ahead, words))
