"""Record together what many bring at once."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

T = TypeVar("T")

# To decide on thousands at once would keep the loop for seconds.
MOST_OF_ONE_RECORD = 250


@dataclass(slots=True)
class Together(Generic[T]):
    """While one part is being recorded, the next one gathers: one transaction for many.

    A part has `most` items at most, and no two `about` the same.
    """

    record: Callable[[list[T]], Awaitable[None]]
    about: Callable[[T], Hashable]
    most: int = MOST_OF_ONE_RECORD
    _waiting: list[T] = field(default_factory=list)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def bring(self, items: Iterable[T]) -> None:
        """Return when these are recorded, by whoever came first."""
        self._waiting += items
        async with self._turn:
            left = len(self._waiting)  # what comes meanwhile is left to those who bring it
            while left > 0 and self._waiting:
                part = self._next_part()
                left -= len(part)
                await self.record(part)

    def _next_part(self) -> list[T]:
        part, rest, taken = list[T](), list[T](), set[Hashable]()
        for item in self._waiting:
            key = self.about(item)
            if len(part) < self.most and key not in taken:
                taken.add(key)
                part.append(item)
            else:
                rest.append(item)
        self._waiting = rest
        return part
