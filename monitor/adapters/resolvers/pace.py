"""At most so many questions a second, evenly spread."""

import asyncio


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
