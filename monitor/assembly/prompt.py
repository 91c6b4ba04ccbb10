"""The store as pages read it: who is not answered in time is told so."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from monitor.core.events import Record
from monitor.core.names import DomainName
from monitor.core.tracking.changes import Change
from monitor.ports import Store, StoreLost

_T = TypeVar("_T")

PATIENCE = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class PromptReads:
    """Reads that wait no longer than a reader would. Each may raise StoreError.

    A server that is stopped answers nobody, and what the daemon itself wants of it comes first.
    """

    store: Store

    async def history(
        self, domain: DomainName, limit: int, before: int | None = None
    ) -> tuple[Record, ...]:
        return await _soon(self.store.history(domain, limit, before))

    async def records(self, after: int, limit: int) -> tuple[Record, ...]:
        return await _soon(self.store.records(after, limit))

    async def changes(
        self, limit: int, *, before: str | None = None, only_open: bool = False
    ) -> tuple[Change, ...]:
        return await _soon(self.store.changes(limit, before=before, only_open=only_open))

    async def change(self, number: str) -> Change | None:
        return await _soon(self.store.change(number))

    async def story(self, number: str, limit: int, after: int = 0) -> tuple[Record, ...]:
        return await _soon(self.store.story(number, limit, after))


async def _soon(reading: Awaitable[_T]) -> _T:
    try:
        async with asyncio.timeout(PATIENCE.total_seconds()):
            return await reading
    except TimeoutError as error:
        seconds = PATIENCE.total_seconds()
        raise StoreLost(f"the database has not answered within {seconds:g} seconds") from error
