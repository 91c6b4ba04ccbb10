"""What the service manager hears of a worker's course."""

import asyncio

from monitor.adapters.service_manager import ServiceManager

# A sign of life that comes late, or is lost, is followed by another in time.
_SIGNS_WITHIN_PATIENCE = 3


class WorkerService:
    """A worker as a service: ready when it waits for work, with a broker or for one."""

    def __init__(self, manager: ServiceManager, vantage: str) -> None:
        self._manager = manager
        self._vantage = vantage
        self._said = ""

    def started(self) -> None:
        self._manager.ready(f"looks for the broker, to ask at {self._vantage}")

    def broker_is(self, away: Exception | None) -> None:
        """Show whether the broker is there, once for as long as it stays so."""
        at = self._vantage
        line = f"asks at {at}" if away is None else f"asks nothing at {at}: no broker: {away}"
        if line != self._said:
            self._said = line
            self._manager.say(line)

    def stopping(self) -> None:
        self._manager.stopping("leaves what is under way to others")

    async def live(self) -> None:
        """Give signs of life for as long as the loop that asks goes round."""
        if self._manager.patience is None:
            return
        while True:
            self._manager.alive()
            await asyncio.sleep(self._manager.patience.total_seconds() / _SIGNS_WITHIN_PATIENCE)
