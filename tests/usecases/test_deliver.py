import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import structlog

from monitor.core.events import Event, EventType
from monitor.core.message import Message
from monitor.core.names import DomainName
from monitor.core.notices.deciding import with_notices
from monitor.core.notices.dispatch import Limits, Parcel
from monitor.core.notices.policy import NoticePolicy, Route
from monitor.core.state import State, Step
from monitor.core.status import DomainStatus
from monitor.core.told import Letter
from monitor.ledger import Ledger
from monitor.ports import DeliveryFailure, NotDelivered, Notifier
from monitor.usecases.deliver import Deliver
from tests.core.notices.samples import domain, policy
from tests.core.samples import RIGHT, WRONG
from tests.fakes.memory_store import MemoryStore
from tests.fakes.notifiers import ListNotifier
from tests.fakes.recording_telemetry import RecordingTelemetry
from tests.usecases.test_follow import LoopClock, jumping, now, until

REFUSED = NotDelivered(DeliveryFailure.REFUSED, "no such robot", is_permanent=True)
AWAY = NotDelivered(DeliveryFailure.UNREACHABLE, "no way there")
THROTTLED = NotDelivered(DeliveryFailure.RATE_LIMITED, "too many")


def composed(_channel: str, parcel: Parcel) -> Message:
    first = parcel.letters[0].notice
    return Message(
        parcel.key,
        f"{first.domain.text} {first.reason.value}",
        f"{len(parcel.letters)}",
        first.concern.severity,
        first.is_over,
        first.at,
    )


class Office:
    """A ledger whose steps are told, and the channels."""

    def __init__(
        self,
        *notifiers: Notifier,
        limits: Limits | None = None,
        store: MemoryStore | None = None,
    ) -> None:
        self.clock = LoopClock()
        self.store = store or MemoryStore()
        self.telemetry = RecordingTelemetry()
        self.ledger = Ledger(self.store, self.telemetry)
        self.notifiers = {notifier.name: notifier for notifier in notifiers}
        self.limits = limits or Limits()
        self.rules: NoticePolicy = policy(*(Route(name) for name in self.notifiers))
        self.ledger.accompany(self._with_notices)

    def _with_notices(self, state: State, step: Step) -> Step:
        return with_notices(state, step, self.rules, self.clock.now())

    async def break_down(self, *numbers: int) -> None:
        await self._see(DomainStatus.BROKEN, numbers)

    async def mend(self, *numbers: int) -> None:
        await self._see(DomainStatus.IN_EFFECT, numbers)

    async def _see(self, status: DomainStatus, numbers: tuple[int, ...]) -> None:
        outcome = WRONG if status is DomainStatus.BROKEN else RIGHT
        states = tuple(
            domain(status, *(outcome,) * 8, name=DomainName(f"d{number}.example"))
            for number in numbers
        )
        await self.ledger.record(lambda _: Step(states))

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        deliver = Deliver(
            self.ledger,
            self.store,
            self.notifiers,
            composed,
            self.clock,
            self.telemetry,
            self.limits,
        )
        task = asyncio.ensure_future(deliver.run())
        try:
            yield
        finally:
            task.cancel()
            (end,) = await asyncio.gather(task, return_exceptions=True)
        assert isinstance(end, asyncio.CancelledError), end

    def events(self, kind: EventType) -> list[Event]:
        return [event for event in self.telemetry.events if event.type is kind]


def titles(channel: ListNotifier) -> list[str]:
    return [message.title for message in channel.messages]


@jumping
async def test_a_notice_is_delivered_at_once_and_the_audit_says_so() -> None:
    channel = ListNotifier()
    office = Office(channel)
    async with office.at_work():
        await office.break_down(1)
        await until(1)
        await office.mend(1)
        await until(2)
    assert titles(channel) == ["d1.example first", "d1.example over"]
    first, _ = office.events(EventType.NOTICE_SENT)
    assert first.domain == DomainName("d1.example")
    assert first.data["key"] == channel.messages[0].key
    assert (first.data["channel"], first.data["reason"]) == ("oncall", "first")
    assert await office.store.waiting(10) == ()


@jumping
async def test_a_channel_that_is_away_is_tried_again_later_and_with_the_same_key() -> None:
    channel = ListNotifier("oncall", AWAY, AWAY, AWAY)
    office = Office(channel)
    async with office.at_work():
        await office.break_down(1)
        await until(60)
    assert titles(channel) == ["d1.example first"]
    assert len(channel.attempts) == 4 and len(set(channel.attempts)) == 1
    assert office.telemetry.delayed == ["oncall"] * 3
    assert office.events(EventType.NOTICE_SENT)[0].data["attempts"] == 4


@jumping
async def test_what_is_refused_for_good_is_given_up_and_said_and_others_go_on() -> None:
    channel = ListNotifier("oncall", REFUSED)
    office = Office(channel)
    async with office.at_work():
        with structlog.testing.capture_logs() as logs:
            await office.break_down(1, 2)
            await until(1)
    assert titles(channel) == ["d2.example first"]
    (failed,) = office.events(EventType.NOTICE_FAILED)
    assert (failed.data["why"], failed.data["channel"]) == ("refused", "oncall")
    assert next(one for one in logs if one["event"] == "notice.failed")["log_level"] == "error"
    assert await office.store.waiting(10) == ()


@jumping
async def test_a_dead_channel_is_asked_seldom_and_given_up_after_a_day() -> None:
    channel = ListNotifier("oncall", *[AWAY] * 100_000)
    office = Office(channel)
    async with office.at_work():
        await office.break_down(*range(5))
        await until(23 * 3600)
        assert len(await office.store.waiting(10)) == 5
        assert len(channel.attempts) < 2 * 23 * 60 / 10 + 40  # 10 min at most, 5 on average
        await until(25 * 3600)
    assert len(office.events(EventType.NOTICE_FAILED)) == 5
    assert await office.store.waiting(10) == ()


@jumping
async def test_a_clock_that_is_put_forward_is_no_reason_to_give_up() -> None:
    channel = ListNotifier("oncall", *[AWAY] * 100_000)
    office = Office(channel)
    async with office.at_work():
        await office.break_down(1)
        await until(10)
        office.clock.follow_wall(timedelta(days=4))
        await until(3600)
        assert office.events(EventType.NOTICE_FAILED) == []
        channel.failures.clear()
        await until(2 * 3600)
    assert titles(channel) == ["d1.example first"]


@jumping
async def test_a_clock_that_is_put_back_at_each_look_delays_no_notice() -> None:
    class Store(MemoryStore):
        async def waiting(self, limit: int, channel: str | None = None) -> tuple[Letter, ...]:
            found = await super().waiting(limit, channel)
            if any(letter.attempts for letter in found):
                office.clock.follow_wall(-timedelta(days=4))
            return found

    channel = ListNotifier("oncall", *[AWAY] * 8)
    office = Office(channel, store=Store())
    async with office.at_work():
        await office.break_down(1)
        await until(3600)
    assert titles(channel) == ["d1.example first"]


@jumping
async def test_a_dead_channel_keeps_no_other_waiting() -> None:
    dead, other = ListNotifier("dead"), ListNotifier("other")
    dead.hangs = True
    office = Office(dead, other)
    async with office.at_work():
        await office.break_down(1)
        await until(1)
        assert titles(other) == ["d1.example first"]


@jumping
async def test_a_channel_that_does_not_come_back_is_given_up_for_this_time() -> None:
    channel = ListNotifier()
    channel.hangs = True
    office = Office(channel)
    async with office.at_work():
        await office.break_down(1)
        await until(31)
        assert office.telemetry.delayed == ["oncall"]
        channel.hangs = False
        await until(100)
    assert titles(channel) == ["d1.example first"]


@jumping
async def test_a_mistake_of_a_channel_is_logged_without_its_text_and_tried_again() -> None:
    channel = ListNotifier()
    channel.is_broken = True
    office = Office(channel)
    async with office.at_work():
        with structlog.testing.capture_logs() as logs:
            await office.break_down(1)
            await until(1)
            channel.is_broken = False
            await until(60)
    assert titles(channel) == ["d1.example first"]
    assert "RuntimeError" in str(logs) and "s3cret" not in str(logs)


@jumping
async def test_a_channel_that_asks_for_a_rest_gets_a_minute() -> None:
    channel = ListNotifier("oncall", THROTTLED)
    office = Office(channel)
    async with office.at_work():
        await office.break_down(1)
        await until(59)
        assert len(channel.attempts) == 1
        await until(120)
    assert titles(channel) == ["d1.example first"]


@jumping
async def test_a_message_that_poisons_its_channel_does_not_stop_the_others() -> None:
    class Picky(ListNotifier):
        async def send(self, message: Message) -> None:
            if message.title.startswith("d1."):
                self.failures.insert(0, AWAY)
            await super().send(message)

    channel = Picky()
    office = Office(channel)
    async with office.at_work():
        await office.break_down(1, 2, 3)
        await until(60)
    assert titles(channel) == ["d2.example first", "d3.example first"]


@jumping
async def test_a_whole_fleet_that_breaks_is_a_few_singles_and_then_digests() -> None:
    channel = ListNotifier()
    office = Office(channel)
    async with office.at_work():
        for first in range(0, 300, 10):  # ten domains a second
            await office.break_down(*range(first, first + 10))
            await until(now() + 1)
        await until(180)
    assert len(channel.messages) <= 10 + 3
    assert sum(int(message.body) for message in channel.messages) == 300
    assert len(office.events(EventType.NOTICE_SENT)) == 300


class CountingStore(MemoryStore):
    """Counts how often somebody reads what waits."""

    reads = 0

    async def waiting(self, limit: int, channel: str | None = None) -> tuple[Letter, ...]:
        self.reads += 1
        return await super().waiting(limit, channel)


@jumping
async def test_a_channel_that_has_its_fill_is_not_looked_at_with_each_step_of_a_storm() -> None:
    channel, store = ListNotifier(), CountingStore()
    office = Office(channel, store=store)
    async with office.at_work():
        await office.break_down(*range(100))
        await until(1)
        store.reads = 0
        for number in range(100, 150):
            await office.break_down(number)
            await until(number - 98)
        assert (len(channel.messages), store.reads) == (1, 1)
        await until(62)
    assert [message.body for message in channel.messages] == ["100", "50"]


@jumping
async def test_a_digest_that_failed_is_sent_again_as_the_same_digest() -> None:
    channel = ListNotifier("oncall", AWAY)
    office = Office(channel)
    async with office.at_work():
        await office.break_down(*range(20))
        await until(0.5)
        await office.break_down(*range(20, 40))
        await until(120)
    assert channel.attempts.count(channel.attempts[0]) == 2
    assert len(set(channel.attempts)) == 2
    assert [message.body for message in channel.messages] == ["20", "20"]


@jumping
async def test_after_a_restart_what_waits_is_delivered_and_what_was_sent_is_not() -> None:
    channel = ListNotifier()
    office = Office(channel)
    async with office.at_work():
        await office.break_down(1)
        await until(1)
        channel.failures = [AWAY] * 2
        await office.break_down(2)
        await until(2)
    async with office.at_work():
        await until(60)
    assert titles(channel) == ["d1.example first", "d2.example first"]


@jumping
async def test_a_restart_does_not_make_the_limit_of_a_minute_new() -> None:
    channel = ListNotifier()
    office = Office(channel, limits=Limits(per_minute=3))
    async with office.at_work():
        await office.break_down(1, 2, 3, 4)
        await until(10)
    async with office.at_work():
        await until(50)
        assert len(channel.messages) == 3
        await until(70)
    assert len(channel.messages) == 4


@jumping
async def test_a_store_that_breaks_after_the_sending_brings_no_second_message() -> None:
    channel = ListNotifier()
    office = Office(channel)

    class Breaking(ListNotifier):
        async def send(self, message: Message) -> None:
            await channel.send(message)
            office.store.is_broken = True

    office.notifiers = {"oncall": Breaking()}
    async with office.at_work():
        await office.break_down(1)
        await until(30)
        assert len(await office.store.waiting(10)) == 1
        office.store.is_broken = False
        await until(60)
    assert titles(channel) == ["d1.example first"]
    assert await office.store.waiting(10) == ()


@jumping
async def test_what_is_for_a_channel_that_is_no_more_is_given_up() -> None:
    office = Office(ListNotifier("old"))
    await office.break_down(1)
    office.notifiers = {"new": ListNotifier("new")}
    async with office.at_work():
        await until(1)
    (failed,) = office.events(EventType.NOTICE_FAILED)
    assert failed.data["why"] == "no_channel"
    assert await office.store.waiting(10) == ()


@jumping
async def test_an_end_while_a_message_is_on_its_way_lets_it_arrive() -> None:
    class Slow(ListNotifier):
        async def send(self, message: Message) -> None:
            await asyncio.sleep(2)
            await super().send(message)

    channel = Slow()
    office = Office(channel)
    async with office.at_work():
        await office.break_down(1)
        await until(1)
    assert titles(channel) == ["d1.example first"]
    assert await office.store.waiting(10) == ()


@jumping
async def test_an_end_does_not_wait_for_a_channel_that_hangs() -> None:
    channel = ListNotifier()
    channel.hangs = True
    office = Office(channel)
    async with office.at_work():
        await office.break_down(1)
        await until(1)
    assert now() < 10
    assert len(await office.store.waiting(10)) == 1
