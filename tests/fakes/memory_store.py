"""A store in memory that keeps the contract of a real one."""

from collections.abc import Collection
from datetime import datetime, timedelta

from monitor.core.events import GENESIS, Record, seal
from monitor.core.names import DomainName
from monitor.core.state import DomainState, State, Step
from monitor.core.tampering import Logged
from monitor.core.told import Handed, Letter, PostState
from monitor.core.tracking.changes import Change
from monitor.ports import Kept, StoreError, StoreLost, Withdrawn


class MemoryStore:
    """`is_broken` makes it refuse every step, as a full disk would; `is_lost`, as a dead line."""

    def __init__(self) -> None:
        self.is_broken = False
        self.is_lost = False
        self.prepared: set[DomainName] = set()
        self._withdrawn: Step | None = None
        self._state = State()
        self._records: tuple[Record, ...] = ()
        self._changes: dict[str, Change] = {}
        self._letters: dict[str, Letter] = {}

    async def load(self) -> State:
        return self._state

    async def domain(self, name: DomainName) -> DomainState | None:
        return self._state.domains.get(name)

    async def commit(self, step: Step) -> Kept:
        if self.is_lost:
            raise StoreLost("the store is lost: wait")
        if self.is_broken:
            raise StoreError("the store is broken: mend it")
        if step is self._withdrawn:
            raise Withdrawn
        if len({notice.key for notice in step.notices} - self._letters.keys()) < len(step.notices):
            raise StoreError("a notice has the key of another one")
        added: list[Record] = []
        newest = self._records[-1] if self._records else None
        for event in step.events:
            seq, prev_hash = (newest.seq + 1, newest.hash) if newest else (1, GENESIS)
            newest = seal(event, seq, prev_hash)
            added.append(newest)
        self._state = self._state.after(step)
        self._records += tuple(added)
        if step.pruned is not None:
            through, gone = step.pruned.through, step.pruned.changes
            self._records = tuple(r for r in self._records if r.seq > through)
            self._changes = {n: c for n, c in self._changes.items() if n not in gone}
        self._changes |= {change.id: change for change in step.changes}
        self._letters |= {n.key: Letter(n, n.at) for n in step.notices}
        self._letters |= {letter.notice.key: letter for letter in step.letters}
        self._let_go(step)
        return Kept(tuple(added), step.domains)

    async def prepare(self, names: Collection[DomainName]) -> None:
        if self.is_lost:
            raise StoreLost("the store is lost: wait")
        self.prepared |= {*names}

    def withdraw(self, step: Step) -> None:
        self._withdrawn = step

    def _let_go(self, step: Step) -> None:
        done_at = max((one.done_at for one in step.letters if one.done_at), default=None)
        if done_at is not None:
            for key, one in list(self._letters.items()):
                if one.done_at is not None and one.done_at < done_at - timedelta(days=1):
                    del self._letters[key]

    async def history(
        self, domain: DomainName, limit: int, before: int | None = None
    ) -> tuple[Record, ...]:
        of_domain = [record for record in self._records if record.event.domain == domain]
        found = (r for r in reversed(of_domain) if before is None or r.seq < before)
        return tuple(found)[:limit]

    async def records(self, after: int, limit: int) -> tuple[Record, ...]:
        return tuple(record for record in self._records if record.seq > after)[:limit]

    async def rows(self, after: int | None, limit: int) -> tuple[Logged, ...]:
        return tuple(Logged(r.seq, r.hash, r) for r in await self.records(after or 0, limit))

    async def newest(self) -> int:
        return self._records[-1].seq if self._records else 0

    async def first_since(self, at: datetime) -> int | None:
        return next((r.seq for r in self._records if r.event.at >= at), None)

    async def changes(
        self,
        limit: int,
        *,
        before: str | None = None,
        only_open: bool = False,
        domain: DomainName | None = None,
    ) -> tuple[Change, ...]:
        newest_first = sorted(self._changes.values(), key=lambda change: change.id, reverse=True)
        found = (c for c in newest_first if before is None or c.id < before)
        of_domain = (c for c in found if domain is None or c.domain == domain)
        return tuple(c for c in of_domain if c.state.is_open or not only_open)[:limit]

    async def change(self, number: str) -> Change | None:
        return self._changes.get(number)

    async def story(self, number: str, limit: int, after: int = 0) -> tuple[Record, ...]:
        found = (r for r in self._records if r.event.change == number and r.seq > after)
        return tuple(found)[:limit]

    async def waiting(self, limit: int, channel: str | None = None) -> tuple[Letter, ...]:
        found = [one for one in self._letters.values() if one.state is PostState.WAITING]
        return tuple(one for one in found if channel in {None, one.notice.channel})[:limit]

    async def handed(self, since: datetime, channel: str) -> tuple[Handed, ...]:
        return tuple(
            Handed(one.notice.domain, one.bundle, one.done_at)
            for one in self._letters.values()
            if one.state is PostState.SENT and one.notice.channel == channel
            if one.done_at is not None and one.done_at >= since
        )

    async def reach(self) -> None:
        if self.is_lost:
            raise StoreLost("the store is lost: wait")

    async def close(self) -> None:
        pass
