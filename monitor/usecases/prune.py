"""Let go of changes that were over long ago, and of the records that told of them."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from monitor.core.events import Record
from monitor.core.names import DomainName
from monitor.core.pruning import Pruned, PruningPolicy, forgettable, pruned_event
from monitor.core.state import Step
from monitor.core.tracking.changes import Change, first_id_at
from monitor.ledger import Ledger
from monitor.ports import Clock, Log, StoreError

log = structlog.get_logger()

_AT_ONCE = 500
_LEAST = 100  # records; fewer are not worth a record of their own


class Archive(Log, Protocol):
    """The log and the list of changes, to be read. Each may raise StoreError."""

    async def records(self, after: int, limit: int) -> tuple[Record, ...]: ...

    async def story(self, number: str, limit: int, after: int = 0) -> tuple[Record, ...]: ...

    async def changes(
        self,
        limit: int,
        *,
        before: str | None = None,
        only_open: bool = False,
        domain: DomainName | None = None,
    ) -> tuple[Change, ...]: ...


@dataclass(frozen=True, slots=True)
class Prune:
    """Keeps the log as long as the policy wants; what belongs to a change stays as long as it."""

    archive: Archive
    ledger: Ledger
    policy: PruningPolicy
    clock: Clock

    async def run(self) -> None:
        """Let go of what has had its time, if it is worth it; a failure waits for the next run."""
        now = self.clock.now()
        try:
            step = await self._step(now - self.policy.keep_for, now)
        except StoreError as error:
            log.error("retention.failed", error=str(error))
            return
        await self.ledger.record(lambda _: step)

    async def _step(self, before: datetime, now: datetime) -> Step:
        first = await self.archive.first_since(before)
        through = await self.archive.newest() if first is None else first - 1
        over = list[Change]()
        async for change in self._seen_before(before):
            if self.policy.is_over(change, before):
                over.append(change)
            elif story := await self.archive.story(change.id, 1):
                through = min(through, story[0].seq - 1)
        oldest = await self._at(0)
        if oldest is None or through - oldest.seq + 1 < _LEAST:
            return Step()
        last = await self._at(through - 1)
        assert last is not None, "the numbers of records have no gap"
        events = (pruned_event(last, before, now),)
        return Step(events=events, pruned=Pruned(last.seq, forgettable(over)))

    async def _seen_before(self, at: datetime) -> AsyncIterator[Change]:
        newest = first_id_at(at)
        while part := await self.archive.changes(_AT_ONCE, before=newest):
            for change in part:
                yield change
            newest = part[-1].id

    async def _at(self, after: int) -> Record | None:
        return next(iter(await self.archive.records(after, 1)), None)
