"""Refused requests are counted each, and logged now and then."""

from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from monitor.entrypoints.web.access import Reason, Refusal

log = structlog.get_logger()

_PAUSE = timedelta(minutes=1)

# A browser's first request shows nothing: that is how it learns to ask its reader.
_ORDINARY = frozenset({Reason.NO_CREDENTIALS})


class Refusals:
    """Tells of refused requests: a line for each reason, at most one a minute.

    A line says how many there were since the last one. It never holds what was shown: a password
    may stand where a name belongs.
    """

    def __init__(self, count: Callable[[str], None], now: Callable[[], datetime]) -> None:
        self._count = count
        self._now = now
        self._logged_at: dict[Reason, datetime] = {}
        self._untold: dict[Reason, int] = {}

    def tell(self, refusal: Refusal, client: str, path: str = "") -> None:
        reason, now = refusal.reason, self._now()
        self._count(reason.value)
        if reason in _ORDINARY:
            return
        last = self._logged_at.get(reason)
        if last is not None and now - last < _PAUSE:
            self._untold[reason] = self._untold.get(reason, 0) + 1
            return
        self._logged_at[reason] = now
        untold = self._untold.pop(reason, 0)
        facts = {"client": client, "path": path, "who": refusal.who, "more_before": untold}
        said = {key: fact for key, fact in facts.items() if fact}
        log.warning("web.refused", reason=reason.value, **said)
