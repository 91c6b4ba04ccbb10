"""The only place that reads the clock."""

import time
from datetime import UTC, datetime, timedelta


class SystemClock:
    """The time of the machine, which goes on evenly when somebody sets it.

    What is planned for an instant is due after the time that was left when it was planned; by how
    much the wall has been moved meanwhile is the `drift`, which `follow_wall` takes over.
    """

    def __init__(self) -> None:
        self._offset = time.time() - time.monotonic()

    def now(self) -> datetime:
        return datetime.fromtimestamp(time.monotonic() + self._offset, UTC)

    def drift(self) -> timedelta:
        """Return by how much the clock on the wall is ahead; negative where it was put back."""
        return timedelta(seconds=time.time() - time.monotonic() - self._offset)

    def follow_wall(self, by: timedelta) -> None:
        """Go on from so much later."""
        self._offset += by.total_seconds()
