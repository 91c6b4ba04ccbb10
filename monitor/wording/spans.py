"""Instants, spans of time and shares, as people read them."""

from datetime import datetime, timedelta

from monitor.wording import Wording

_UNITS = (("days", 86_400), ("hours", 3_600), ("minutes", 60))
_SHORT = 10  # seconds, below which a tenth counts


def clock(at: datetime) -> str:
    """The moment in UTC, to the second; who shows it says once that it is UTC."""
    return f"{at:%Y-%m-%d %H:%M:%S}"


def span(length: timedelta, words: Wording) -> str:
    """The span in its two largest units, such as `1 h 3 min`; tenths where it is short."""
    seconds = max(0.0, length.total_seconds())
    if seconds < _SHORT:
        return words.word("seconds").format(n=f"{seconds:.1f}".removesuffix(".0"))
    rest, parts = round(seconds), list[str]()
    for unit, size in (*_UNITS, ("seconds", 1)):
        many, rest = divmod(rest, size)
        if many:
            parts.append(words.word(unit).format(n=many))
        if parts and (not many or len(parts) == 2):
            break
    return " ".join(parts[:2])


def percent(share: float) -> str:
    """The share in whole percent; 100 % and 0 % only where it is so."""
    whole = round(share * 100)
    if whole == 100 and share < 1 - 1e-9:
        whole = 99
    if whole == 0 and share > 1e-9:
        whole = 1
    return f"{whole} %"
