"""What the service manager hears of the daemon's course, in the words of the log."""

import asyncio
from collections.abc import Collection
from datetime import timedelta

from monitor.adapters.service_manager import ServiceManager
from monitor.entrypoints.scheduler import Scheduler

# A sign of life that comes late, or is lost, is followed by another in time.
_SIGNS_WITHIN_PATIENCE = 3
# Seconds: a lease that nobody has is taken sooner.
_STANDS_BY_AFTER = 3.0


class Service:
    """The daemon as a service: when it is ready, what it does, and that it lives."""

    def __init__(self, manager: ServiceManager) -> None:
        self._manager = manager
        self.url = ""  # of the pages, once they are served

    async def stand_by(self) -> None:
        """Until cancelled, tell that another daemon leads, and that this one lives.

        Else a start that ends with the other daemon would count as one that takes too long.
        """
        await asyncio.sleep(_STANDS_BY_AFTER)
        self._manager.ready("stands by: another daemon leads, or the broker is away")
        while (interval := self._between_signs()) is not None:
            self._manager.alive()
            await asyncio.sleep(interval.total_seconds())

    def opening(self) -> None:
        self._manager.say("opening the database")

    def ready(self) -> None:
        self._manager.ready(f"{self.url} serves; every domain is looked at for the first time")

    def looked(self, domains: int, resolvers: int) -> None:
        self._manager.say(f"{self.url} serves; domains: {domains}, resolvers: {resolvers}")

    def reloading(self) -> None:
        self._manager.reloading("the configuration is read anew")

    def reloaded(self, faults: Collection[str]) -> None:
        """Tell how a reload ended; either way the daemon goes on."""
        self._manager.ready(
            f"{self.url} serves; the new configuration has faults ({len(faults)}, see the log), "
            "the former one stays in force"
            if faults
            else f"{self.url} serves; every domain is looked at by the new configuration"
        )

    def stopping(self) -> None:
        self._manager.stopping("ending what is under way")

    def show_life(self, scheduler: Scheduler) -> None:
        """Have the scheduler give signs of life: where it calls nothing any more, there are none.

        A thread of its own would go on telling that all is well while the loop stands still.
        """
        if (interval := self._between_signs()) is not None:
            self._manager.alive()
            scheduler.every("sign of life", interval, self._live, jitter=timedelta(0))

    def _between_signs(self) -> timedelta | None:
        patience = self._manager.patience
        return None if patience is None else patience / _SIGNS_WITHIN_PATIENCE

    async def _live(self) -> None:
        self._manager.alive()
