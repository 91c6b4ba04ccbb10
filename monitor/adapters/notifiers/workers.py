"""Deliveries that block, in a few threads of their own, each with a deadline."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeAlias, TypeVar

from monitor.adapters.notifiers.line import Line, Place, Terms
from monitor.ports import DeliveryFailure, NotDelivered

T = TypeVar("T")

# Where a host and port are found, best first. Raises OSError.
Finder: TypeAlias = Callable[[str, int], Awaitable[Sequence[Place]]]


class Workers:
    """Does what blocks in at most so many threads, each time over a line that is new."""

    def __init__(
        self, find: Finder, terms: Terms, *, threads: int = 8, deadline: float = 30.0
    ) -> None:
        self._find = find
        self._terms = terms
        self._deadline = deadline
        self._threads = ThreadPoolExecutor(threads, "delivery")

    async def run(self, work: Callable[[Line], T]) -> T:
        """Return what the work returns, or cut its line when its time is over.

        Waiting for a free thread counts. Raises NotDelivered.
        """
        loop = asyncio.get_running_loop()
        line = Line(_from_threads(self._find, loop, self._deadline), self._terms)

        def worked() -> T:
            try:
                return work(line)
            finally:
                line.close()

        try:
            async with asyncio.timeout(self._deadline):
                return await loop.run_in_executor(self._threads, worked)
        except TimeoutError:
            line.cut()
            raise NotDelivered(
                DeliveryFailure.TIMEOUT, f"it was not delivered within {self._deadline:g} s"
            ) from None
        except asyncio.CancelledError:
            line.cut()
            raise


def _from_threads(
    find: Finder, loop: asyncio.AbstractEventLoop, deadline: float
) -> Callable[[str, int], Sequence[Place]]:
    """Return a search that threads can wait for, while the loop does it."""

    def search(host: str, port: int) -> Sequence[Place]:
        asking = _awaited(find, host, port)
        try:
            return asyncio.run_coroutine_threadsafe(asking, loop).result(deadline)
        except RuntimeError as error:
            asking.close()
            raise OSError("the loop has ended, and nobody waits any more") from error

    return search


async def _awaited(find: Finder, host: str, port: int) -> Sequence[Place]:
    return await find(host, port)
