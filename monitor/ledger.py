"""The one place where what is known changes: first in the store, then in memory."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeAlias, TypeVar

import structlog

from monitor.core.events import Record
from monitor.core.names import DomainName
from monitor.core.state import State, Step
from monitor.ports import Kept, Store, StoreError, StoreLost, Telemetry, Withdrawn

log = structlog.get_logger()

_FIRST_PAUSE = 0.5  # seconds, before a lost store is tried again; doubled each time
_LONGEST_PAUSE = 5.0
_TOLD_AT_ONCE = 100  # records: some milliseconds
_SHORT_WHILE = 10.0  # seconds that steps may fail before it is a failure of the monitor

T = TypeVar("T")
Decision: TypeAlias = Callable[[State], Step]
Listener: TypeAlias = Callable[[Step], None]
Reader: TypeAlias = Callable[[tuple[Record, ...]], None]
Companion: TypeAlias = Callable[[State, Step], Step]
Sequel: TypeAlias = Callable[[], None]


def _nothing() -> None:
    pass


@dataclass(slots=True)
class _Recorded:
    """A decision on its way into the store; the step once it was decided."""

    decide: Decision
    about: Collection[DomainName] = ()
    sequel: Sequel = _nothing
    step: Step | None = None
    has_turn: bool = False
    is_withdrawn: bool = False


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
        self._hurried = asyncio.Event()
        self._is_lost = False
        self._failing_since: float | None = None
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

    async def record(
        self,
        decide: Decision,
        within: timedelta | None = None,
        about: Collection[DomainName] = (),
        sequel: Sequel = _nothing,
    ) -> bool:
        """Decide on the newest state, keep the step, and show it; one at a time.

        The `sequel` is what belongs to the step outside of the state: it is called once the step
        is kept, before anybody is told or decides anything on it.

        A store that is lost is waited for, until there is no time for it: callers wait with what
        they have brought, and bring no more. Returns False when the store could not keep the
        step: then nothing has changed, and the caller's next round brings it again.

        A caller who wants to know `within` a time gets False after it, and what is not kept by
        then is withdrawn. Only a COMMIT that was under way just then may still be kept. What is
        known `about` some domains is at hand for the decision, so that it need not be waited for.
        """
        # A step under way is finished even when the caller is cancelled (a reload, the end):
        # the store would keep it, and memory has to follow.
        recorded = _Recorded(decide, about, sequel)
        recording = asyncio.ensure_future(self._record(recorded))
        self._under_way.add(recording)
        self._tell_waiting()
        recording.add_done_callback(self._let_go)
        if within is None:
            return await asyncio.shield(recording)
        done, _ = await asyncio.wait({recording}, timeout=within.total_seconds())
        if done:
            return recording.result()
        recorded.is_withdrawn = True
        if not recorded.has_turn:
            recording.cancel()
        if recorded.step is not None:
            self._store.withdraw(recorded.step)
        return False

    async def _prepare(self, about: Collection[DomainName]) -> None:
        known = self.state.domains
        resting = [name for name in about if name in known and known[name].is_resting]
        if resting:
            await self._store.prepare(resting)

    async def look(self, look: Callable[[State], T], about: Collection[DomainName] = ()) -> T:
        """Return what is found in the newest state; a store that is lost is waited for.

        For those who look at details and decide nothing. At the end there is no answer any more:
        whoever looks then is about to be cancelled.
        """
        with suppress(StoreLost):
            await self._prepare(about)
            return look(self.state)
        found = list[T]()

        def decide(state: State) -> Step:
            found.append(look(state))
            return Step()

        if not await self.record(decide, about=about):
            await asyncio.get_running_loop().create_future()
        return found[-1]

    def _let_go(self, recording: asyncio.Future[bool]) -> None:
        self._under_way.discard(recording)
        self._tell_waiting()

    def hurry(self) -> None:
        """Wait no longer for a store that is lost: what is under way, or comes yet, fails."""
        self._hurried.set()

    @property
    def is_keeping(self) -> bool:
        """Tell whether steps are kept; a store may fail for a short while."""
        now = asyncio.get_running_loop().time()
        return self._failing_since is None or now - self._failing_since < _SHORT_WHILE

    async def _record(self, recorded: "_Recorded") -> bool:
        async with self._turn:
            recorded.has_turn = True
            try:
                found = await self._kept(recorded)
            except StoreError as error:
                self._fail("store.commit_failed", error)
                return False
            if found is None:
                recorded.sequel()
                return True
            step, kept = found
            self.state = self.state.after(replace(step, domains=kept.domains))
            recorded.sequel()
            for listener in tuple(self._listeners):
                listener(step)
            self._reader(kept.records)
            await self._tell(kept.records)
        return True

    async def _tell(self, records: Sequence[Record]) -> None:
        """Count and log what happened, in order; of thousands, others have their turn between."""
        for number, record in enumerate(records, 1):
            self._telemetry.happened(record.event)
            _log(record)
            if number % _TOLD_AT_ONCE == 0:
                await asyncio.sleep(0)

    async def _kept(self, recorded: "_Recorded") -> tuple[Step, Kept] | None:
        """Decide and commit, however often the store is lost; None when nothing changes.

        A step that was begun is not decided anew, since it may have been kept after all. Raises
        StoreError.
        """
        pause = _FIRST_PAUSE
        while recorded.step is not None or not recorded.is_withdrawn:
            try:
                if self._is_lost:
                    # A decision that has to read details does not wait for the store itself.
                    await self._store.reach()
                if recorded.step is None:
                    await self._prepare(recorded.about)
                    recorded.step = self._decided(recorded.decide)
                step = recorded.step
                kept = None if step == Step() else await self._store.commit(step)
            except Withdrawn:
                break
            except StoreLost as error:
                if self._hurried.is_set():
                    raise
                self._fail("store.lost", error, retry_in=pause)
                self._wait_for_store(is_lost=True)
                with suppress(TimeoutError):
                    async with asyncio.timeout(pause):
                        await self._hurried.wait()
                pause = min(2 * pause, _LONGEST_PAUSE)
            else:
                if self._is_lost or kept is not None:
                    self._failing_since = None
                self._wait_for_store(is_lost=False)
                return None if kept is None else (step, kept)
        return None

    def _decided(self, decide: Decision) -> Step:
        step = decide(self.state)
        return step if step == Step() else self._companion(self.state, step)

    def _fail(self, name: str, error: StoreError, **more: float) -> None:
        if self._failing_since is None:
            self._failing_since = asyncio.get_running_loop().time()
        self._telemetry.store_failed()
        log.error(name, error=str(error), **more)

    def _wait_for_store(self, *, is_lost: bool) -> None:
        if self._is_lost and not is_lost:
            log.info("store.back", waiting=len(self._under_way))
        self._is_lost = is_lost
        self._tell_waiting()

    def _tell_waiting(self) -> None:
        self._telemetry.store_waits(len(self._under_way) if self._is_lost else 0)


def _log(record: Record) -> None:
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
