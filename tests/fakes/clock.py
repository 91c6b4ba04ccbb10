from datetime import datetime, timedelta

from tests.core.samples import START


class FakeClock:
    """Stands still until it is advanced; `set_wall` puts the clock on the wall forward or back."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now
        self._drift = timedelta()

    def now(self) -> datetime:
        return self._now

    def advance(self, by: timedelta) -> None:
        self._now += by

    def set_wall(self, by: timedelta) -> None:
        self._drift += by

    def drift(self) -> timedelta:
        return self._drift

    def follow_wall(self, by: timedelta) -> None:
        self._now += by
        self._drift -= by
