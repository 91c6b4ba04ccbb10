"""At most so many questions a second, evenly spread, and so many that wait for an answer."""

import asyncio

_SLACK = 0.03  # seconds of pace that somebody who looks at times may make up for


class Room:
    """How many more questions may wait for one server's answer, of all who ask it."""

    __slots__ = ("left",)

    def __init__(self, window: int) -> None:
        self.left = window


class Pace:
    """Hands out moments to send, `1 / per_second` apart, in the order of asking."""

    def __init__(self, per_second: float) -> None:
        self._gap = 1.0 / per_second
        self._next = 0.0

    async def wait(self) -> None:
        """Return at this caller's moment."""
        now = asyncio.get_running_loop().time()
        moment = max(now, self._next)
        self._next = moment + self._gap
        if moment > now:
            await asyncio.sleep(moment - now)

    def take(self, now: float, most: int) -> int:
        """Take the moments that have come by `now`, by the loop's clock; none if none has."""
        first = max(self._next, now - _SLACK)
        if most <= 0 or first > now:
            return 0
        taken = min(most, int((now - first) / self._gap) + 1)
        self._next = first + taken * self._gap
        return taken
