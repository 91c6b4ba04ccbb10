from datetime import datetime, timedelta

from tests.core.samples import START


class FakeClock:
    """Stands still until it is advanced."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        self._now += by
