"""Bring notices from the outbox to people: each at least once, in order, and not too many."""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from monitor.core.events import Event, EventType, Json
from monitor.core.message import Message
from monitor.core.notices.dispatch import (
    MINUTE,
    Limits,
    Parcel,
    Pause,
    next_parcel,
    pause_after,
)
from monitor.core.state import Step
from monitor.core.told import Letter, PostState
from monitor.ledger import Ledger
from monitor.ports import (
    Clock,
    DeliveryFailure,
    NotDelivered,
    Notifier,
    Outbox,
    StoreError,
    Telemetry,
)

log = structlog.get_logger()

_MOST_AT_ONCE = 10_000  # notices of one channel that are looked at
_STORE_PAUSE = timedelta(seconds=5)
_GRACE = timedelta(seconds=5)
_AT_LEAST = timedelta(milliseconds=10)
_NO_CHANNEL = "no_channel"

T = TypeVar("T")


@dataclass(slots=True)
class Deliver:
    """Runs until it is cancelled; what it does follows from the outbox alone.

    A message whose taking could not be written down before a crash is sent again, with its key.
    """

    ledger: Ledger
    outbox: Outbox
    notifiers: Mapping[str, Notifier]
    compose: Callable[[str, Parcel], Message]
    clock: Clock
    telemetry: Telemetry
    limits: Limits = field(default_factory=Limits)
    abreast: int = 8
    _news: dict[str, asyncio.Event] = field(default_factory=dict)

    async def run(self) -> None:
        """Give up what is for channels that are no more, then serve each channel by itself."""
        self._news = {channel: asyncio.Event() for channel in self.notifiers}
        self.ledger.listen(self._on_step)
        turn = asyncio.Semaphore(self.abreast)
        try:
            await self._give_up_the_orphaned()
            async with asyncio.TaskGroup() as group:
                for notifier in self.notifiers.values():
                    group.create_task(_Postman(self, notifier, turn).run())
        finally:
            self.ledger.unlisten(self._on_step)

    def news_of(self, channel: str) -> asyncio.Event:
        """Return what is set when the channel has something new to be told."""
        return self._news[channel]

    async def keep(self, step: Step) -> None:
        """Write down, however long the store is broken: else the same would be sent again."""
        while True:
            if await self.ledger.record(lambda _: step):
                return
            await asyncio.sleep(_STORE_PAUSE.total_seconds())

    def _on_step(self, step: Step) -> None:
        for channel in {notice.channel for notice in step.notices} & self._news.keys():
            self._news[channel].set()

    async def _give_up_the_orphaned(self) -> None:
        try:
            waiting = await self.outbox.waiting(_MOST_AT_ONCE)
        except StoreError as error:  # then the next start does it
            log.error("outbox.unreadable", error=str(error))
            return
        orphaned = tuple(one for one in waiting if one.notice.channel not in self.notifiers)
        if orphaned:
            log.warning("notice.no_channel", notices=len(orphaned))
            await self.keep(given_up(orphaned, _NO_CHANNEL, self.clock.now()))


@dataclass(frozen=True, slots=True)
class _Rest:
    """How long a channel is left alone, None until there is news.

    Where it `is_deaf`, news changes nothing.
    """

    length: timedelta | None = None
    is_deaf: bool = False


@dataclass(slots=True)
class _Postman:
    """Serves one channel, one message at a time."""

    office: Deliver
    notifier: Notifier
    turn: asyncio.Semaphore
    failures: int = 0  # on end, whatever the message
    failing_since: dict[str, float] = field(default_factory=dict)  # by key, as the loop counts

    @property
    def channel(self) -> str:
        return self.notifier.name

    async def run(self) -> None:
        while True:
            news = self.office.news_of(self.channel)
            news.clear()
            rest = await self._serve()
            seconds = rest.length.total_seconds() if rest.length is not None else None
            if rest.is_deaf and seconds is not None:
                await asyncio.sleep(seconds)
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await news.wait()

    async def _serve(self) -> _Rest:
        """Hand over what may be; return when there is more."""
        while True:
            try:
                parcel = await self._next()
            except StoreError as error:
                log.error("outbox.unreadable", channel=self.channel, error=str(error))
                return self._rest(_STORE_PAUSE)
            if isinstance(parcel, _Rest):
                return parcel
            pause = await self._finished(self._hand_over(parcel))
            if pause is not None:
                return self._rest(pause)

    def _rest(self, length: timedelta, *, is_full: bool = False) -> _Rest:
        # News mends no channel; and to read all that waits with each step of a storm takes long.
        return _Rest(max(length, _AT_LEAST), is_deaf=is_full or self.failures > 0)

    async def _next(self) -> Parcel | _Rest:
        """Return what is to be handed over, or how long to wait.

        By one look at the clock: between two, somebody may put it back by days.
        """
        office, now = self.office, self.office.clock.now()
        waiting = await office.outbox.waiting(_MOST_AT_ONCE, self.channel)
        handed = await office.outbox.handed(now - MINUTE, self.channel) if waiting else ()
        turn = next_parcel(waiting, handed, office.limits, now)
        match turn:
            case Parcel():
                return turn
            case Pause(until, is_full):
                return self._rest(until - now, is_full=is_full)
            case None:
                return _Rest()

    async def _finished(self, handing_over: Coroutine[None, None, T]) -> T:
        """Let what is on its way arrive though we are cancelled: a reload repeats nothing."""
        task = asyncio.ensure_future(handing_over)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait({task}, timeout=_GRACE.total_seconds())
            task.cancel()
            raise

    async def _hand_over(self, parcel: Parcel) -> timedelta | None:
        """Send it and write down what became of it; return for how long the channel rests."""
        parcel = await self._sealed(parcel)
        try:
            async with self.turn:
                await self._send(parcel)
        except NotDelivered as error:
            return await self._failed(parcel, error)
        self.failures = 0
        self.failing_since.pop(parcel.key, None)
        await self.office.keep(taken(parcel, self.office.clock.now()))
        return None

    async def _sealed(self, parcel: Parcel) -> Parcel:
        """Write down what a digest holds before it goes, so that a repetition is the same one."""
        letters = tuple(replace(letter, bundle=parcel.bundle) for letter in parcel.letters)
        if letters != parcel.letters:
            await self.office.keep(Step(letters=letters))
        return replace(parcel, letters=letters)

    async def _send(self, parcel: Parcel) -> None:
        try:
            message = self.office.compose(self.channel, parcel)
            async with asyncio.timeout(self.office.limits.timeout.total_seconds()):
                await self.notifier.send(message)
        except NotDelivered:
            raise
        except TimeoutError:
            raise NotDelivered(DeliveryFailure.TIMEOUT, "took too long") from None
        except Exception as error:  # noqa: BLE001 - one channel's mistake must not end the others
            # Its text is not logged: it may hold the URL of the channel, and that a token.
            mistake = f"a mistake in the channel: {type(error).__name__}"
            raise NotDelivered(DeliveryFailure.OTHER, mistake) from None

    async def _failed(self, parcel: Parcel, error: NotDelivered) -> timedelta | None:
        office, now, reason = self.office, self.office.clock.now(), error.reason.value
        tried = tuple(replace(one, attempts=one.attempts + 1) for one in parcel.letters)
        about = {"channel": self.channel, "reason": reason, "error": str(error)}
        if error.is_permanent or self._is_in_vain(parcel, now):
            self.failing_since.pop(parcel.key, None)
            log.error("notice.failed", notices=len(tried), **about)
            await office.keep(given_up(tried, reason, now))
            return None
        self.failures += 1
        attempts = tried[0].attempts
        log.warning("notice.delayed", notices=len(tried), attempts=attempts, **about)
        office.telemetry.notice_delayed(self.channel)
        later = now + pause_after(attempts, office.limits, parcel.key)
        await office.keep(Step(letters=tuple(replace(one, next_at=later) for one in tried)))
        rest = pause_after(self.failures, office.limits, self.channel, parcel.key)
        is_throttled = error.reason is DeliveryFailure.RATE_LIMITED
        return max(rest, MINUTE) if is_throttled else rest

    def _is_in_vain(self, parcel: Parcel, now: datetime) -> bool:
        """Tell whether it was tried for long enough, by the wall and by a clock that nobody sets.

        A notice must not be given up since somebody has put the clock forward.
        """
        patience = self.office.limits.give_up_after
        age = now - max(letter.notice.at for letter in parcel.letters)
        tried = asyncio.get_running_loop().time()
        tried -= self.failing_since.setdefault(parcel.key, tried)
        return min(age, timedelta(seconds=tried)) >= patience


def taken(parcel: Parcel, now: datetime) -> Step:
    """Return the step by which it is known that the channel took it."""
    letters = tuple(
        replace(one, attempts=one.attempts + 1, state=PostState.SENT, done_at=now)
        for one in parcel.letters
    )
    events = tuple(_event(EventType.NOTICE_SENT, one, now) for one in letters)
    return Step(events=events, letters=letters)


def given_up(letters: tuple[Letter, ...], reason: str, now: datetime) -> Step:
    """Return the step by which it is known that nobody will hear of it this way."""
    done = tuple(replace(one, state=PostState.FAILED, done_at=now) for one in letters)
    events = tuple(_event(EventType.NOTICE_FAILED, one, now, why=reason) for one in done)
    return Step(events=events, letters=done)


def _event(kind: EventType, letter: Letter, now: datetime, **more: Json) -> Event:
    notice = letter.notice
    data: dict[str, Json] = {
        "channel": notice.channel,
        "reason": notice.reason.value,
        "kind": notice.concern.kind.value,
        "severity": notice.concern.severity.value,
        "key": letter.bundle or notice.key,
        "attempts": letter.attempts,
    }
    return Event(kind, now, notice.domain, change=notice.concern.change, data=data | more)
