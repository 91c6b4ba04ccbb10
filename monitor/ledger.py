"""The one place where what is known changes: first in the store, then in memory."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import structlog

from monitor.core.events import Record
from monitor.core.state import State, Step
from monitor.ports import Store, StoreError, Telemetry

log = structlog.get_logger()

Decision: TypeAlias = Callable[[State], Step]
Listener: TypeAlias = Callable[[Step], None]
Reader: TypeAlias = Callable[[tuple[Record, ...]], None]
Companion: TypeAlias = Callable[[State, Step], Step]


def _alone(_state: State, step: Step) -> Step:
    return step


def _unread(_records: tuple[Record, ...]) -> None:
    pass


class Ledger:
    """Holds the state that was last committed; nothing else is ever shown to anybody."""

    def __init__(self, store: Store, telemetry: Telemetry) -> None:
        self._store = store
        self._telemetry = telemetry
        self._turn = asyncio.Lock()
        self._under_way: set[asyncio.Future[bool]] = set()
        self._listeners: list[Listener] = []
        self._companion: Companion = _alone
        self._reader: Reader = _unread
        self.state = State()

    async def open(self) -> None:
        """Take up what the store holds. Raises StoreError."""
        self.state = await self._store.load()

    def listen(self, listener: Listener) -> None:
        """Have the listener told each step right after it is kept."""
        self._listeners.append(listener)

    def unlisten(self, listener: Listener) -> None:
        self._listeners.remove(listener)

    def accompany(self, companion: Companion) -> None:
        """Have every step pass by the companion, who may add to it what is kept with it."""
        self._companion = companion

    def read_to(self, reader: Reader) -> None:
        """Have the reader told the records of each step, in order, right after they are kept."""
        self._reader = reader

    async def record(self, decide: Decision) -> bool:
        """Decide on the newest state, keep the step, and show it; one at a time.

        Returns False when the store could not keep it: then nothing has changed, and the caller's
        next round brings it again.
        """
        # A step under way is finished even when the caller is cancelled (a reload, the end):
        # the store would keep it, and memory has to follow.
        recording = asyncio.ensure_future(self._record(decide))
        self._under_way.add(recording)
        recording.add_done_callback(self._under_way.discard)
        return await asyncio.shield(recording)

    async def _record(self, decide: Decision) -> bool:
        async with self._turn:
            step = decide(self.state)
            if step == Step():
                return True
            step = self._companion(self.state, step)
            try:
                kept = await self._store.commit(step)
            except StoreError as error:
                self._telemetry.store_failed()
                log.error("store.commit_failed", error=str(error), events=len(step.events))
                return False
            self.state = self.state.after(replace(step, domains=kept.domains))
            for listener in tuple(self._listeners):
                listener(step)
            self._reader(kept.records)
        for record in kept.records:
            self._telemetry.happened(record.event)
            _tell(record)
        return True


def _tell(record: Record) -> None:
    event = record.event
    name = "event." + event.type.value
    where = {
        "domain": event.domain.display if event.domain else None,
        "resolver": event.resolver,
        "change": event.change,
    }
    where = {key: value for key, value in where.items() if value is not None}
    told = {key: value for key, value in event.data.items() if key != "verdicts"}  # one line each
    log.info(name, seq=record.seq, **where, **told)
