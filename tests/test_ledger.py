import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.core.events import Event, EventType
from monitor.core.names import DomainName
from monitor.core.resting import Resting
from monitor.core.state import DomainState, State, Step
from monitor.core.views import View
from monitor.ledger import Ledger
from monitor.ports import Kept, StoreLost
from tests.core.samples import BINDING, DOMAIN, START
from tests.fakes.memory_store import MemoryStore
from tests.fakes.recording_telemetry import RecordingTelemetry

STATE = DomainState(DOMAIN, BINDING, START)
STEP = Step((STATE,), events=(Event(EventType.BINDING_ADDED, START, DOMAIN),))


class SlowStore(MemoryStore):
    """Commits only when it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = asyncio.Event()
        self.may_commit = asyncio.Event()

    async def commit(self, step: Step) -> Kept:
        self.reached.set()
        await self.may_commit.wait()
        return await super().commit(step)


async def test_what_is_committed_is_shown() -> None:
    ledger = Ledger(MemoryStore(), RecordingTelemetry())
    assert await ledger.record(lambda _: STEP)
    assert ledger.state.domains == {DOMAIN: STATE}


async def test_what_cannot_be_committed_is_not_shown_and_is_counted() -> None:
    store, telemetry = MemoryStore(), RecordingTelemetry()
    store.is_broken = True
    ledger = Ledger(store, telemetry)
    assert not await ledger.record(lambda _: STEP)
    assert ledger.state == State()
    assert telemetry.store_failures == 1


async def test_nothing_to_record_is_no_transaction() -> None:
    store = MemoryStore()
    store.is_broken = True
    assert await Ledger(store, RecordingTelemetry()).record(lambda _: Step())


async def test_what_a_companion_adds_is_kept_with_the_step_and_shown() -> None:
    store = MemoryStore()
    ledger = Ledger(store, RecordingTelemetry())
    told = Event(EventType.FAULT, START, DOMAIN)
    ledger.accompany(lambda _, step: replace(step, events=(*step.events, told)))
    shown: list[Step] = []
    ledger.listen(shown.append)
    await ledger.record(lambda _: STEP)
    kept = [record.event.type for record in await store.records(after=0, limit=10)]
    assert kept == [EventType.BINDING_ADDED, EventType.FAULT]
    assert [event.type for event in shown[0].events] == kept


async def test_the_records_are_read_in_order_once_they_are_kept_and_shown() -> None:
    store = MemoryStore()
    ledger = Ledger(store, RecordingTelemetry())
    read: list[tuple[int, bool]] = []
    ledger.read_to(
        lambda records: read.extend((r.seq, bool(ledger.state.domains)) for r in records)
    )
    await asyncio.gather(*(ledger.record(lambda _: STEP) for _ in range(3)))
    store.is_broken = True
    await ledger.record(lambda _: STEP)
    assert read == [(1, True), (2, True), (3, True)]


async def test_a_companion_is_not_asked_about_nothing() -> None:
    ledger = Ledger(MemoryStore(), RecordingTelemetry())
    ledger.accompany(lambda _, step: replace(step, domains=(STATE,)))
    await ledger.record(lambda _: Step())
    assert ledger.state == State()


async def test_what_belongs_to_a_step_is_done_before_anybody_hears_of_it() -> None:
    store, done = MemoryStore(), list[str]()
    ledger = Ledger(store, RecordingTelemetry())
    ledger.listen(lambda _: done.append("told"))
    assert await ledger.record(lambda _: STEP, sequel=lambda: done.append("sequel"))
    assert done == ["sequel", "told"]
    assert await ledger.record(lambda _: Step(), sequel=lambda: done.append("of nothing"))
    store.is_broken = True
    assert not await ledger.record(lambda _: STEP, sequel=lambda: done.append("of a failure"))
    assert done == ["sequel", "told", "of nothing"]


async def test_a_step_under_way_is_finished_when_its_caller_is_cancelled() -> None:
    store = SlowStore()
    ledger = Ledger(store, RecordingTelemetry())
    caller = asyncio.ensure_future(ledger.record(lambda _: STEP))
    await store.reached.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    store.may_commit.set()
    # The next one waits for its turn, and decides on what the first has left.
    seen: list[State] = []

    def look(state: State) -> Step:
        seen.append(state)
        return Step()

    await ledger.record(look)
    assert seen == [State(domains={DOMAIN: STATE})]
    assert ledger.state == await store.load()


async def test_decisions_are_made_one_after_another_on_the_newest_state() -> None:
    ledger = Ledger(MemoryStore(), RecordingTelemetry())

    def count_up(state: State) -> Step:
        known = state.domains.get(DOMAIN, STATE)
        number = len(known.rivals) + 1
        return Step((DomainState(DOMAIN, BINDING, START, rivals=(BINDING,) * number),))

    await asyncio.gather(*(ledger.record(count_up) for _ in range(20)))
    assert len(ledger.state.domains[DOMAIN].rivals) == 20


class ShakyStore(MemoryStore):
    """Keeps a step and loses the connection before it can say so, as often as it is told."""

    def __init__(self, losses: int) -> None:
        super().__init__()
        self.losses = losses
        self.given: list[Step] = []

    async def commit(self, step: Step) -> Kept:
        self.given.append(step)
        if self.losses:
            self.losses -= 1
            raise StoreLost("the store is lost: wait")
        return await super().commit(step)


async def test_a_lost_store_is_waited_for_and_the_step_that_was_begun_is_given_again() -> None:
    store, telemetry = ShakyStore(losses=2), RecordingTelemetry()
    ledger = Ledger(store, telemetry)
    decided: list[State] = []

    def decide(state: State) -> Step:
        decided.append(state)
        return STEP

    assert await ledger.record(decide)
    assert len(decided) == 1
    assert [step is store.given[0] for step in store.given] == [True, True, True]
    assert ledger.state.domains == {DOMAIN: STATE}
    assert telemetry.store_failures == 2
    assert (max(telemetry.waiting_steps), telemetry.waiting_steps[-1]) == (1, 0)


async def test_what_cannot_be_looked_at_while_the_store_is_lost_is_decided_again() -> None:
    ledger = Ledger(MemoryStore(), RecordingTelemetry())
    decided: list[State] = []

    def decide(state: State) -> Step:
        decided.append(state)
        if len(decided) == 1:
            raise StoreLost("the details cannot be read: wait")
        return STEP

    assert await ledger.record(decide)
    assert len(decided) == 2
    assert ledger.state.domains == {DOMAIN: STATE}


async def test_a_store_that_is_back_is_trusted_even_when_nothing_is_left_to_keep(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("monitor.ledger._SHORT_WHILE", 0.0)
    ledger = Ledger(MemoryStore(), RecordingTelemetry())
    was_keeping: list[bool] = []

    def decide(_state: State) -> Step:
        was_keeping.append(ledger.is_keeping)
        if len(was_keeping) == 1:
            raise StoreLost("the details cannot be read: wait")
        return Step()

    assert await ledger.record(decide)
    assert (was_keeping, ledger.is_keeping) == ([True, False], True)


async def test_all_who_wait_for_a_lost_store_are_counted_and_served_in_their_turn() -> None:
    store, telemetry = MemoryStore(), RecordingTelemetry()
    store.is_lost = True
    ledger = Ledger(store, telemetry)
    events = [Event(EventType.STATUS, START, DOMAIN, data={"nr": number}) for number in range(5)]

    def recording(event: Event) -> asyncio.Future[bool]:
        return asyncio.ensure_future(ledger.record(lambda _: Step(events=(event,))))

    waiting = list(map(recording, events))
    await asyncio.sleep(0.1)
    assert telemetry.waiting_steps[-1] == 5
    store.is_lost = False
    assert await asyncio.gather(*waiting) == [True] * 5
    assert telemetry.waiting_steps[-1] == 0
    kept = await store.records(after=0, limit=10)
    assert [record.event.data["nr"] for record in kept] == list(range(5))


async def test_at_the_end_a_lost_store_is_waited_for_no_longer() -> None:
    store = MemoryStore()
    store.is_lost = True
    ledger = Ledger(store, RecordingTelemetry())
    waiting = asyncio.ensure_future(ledger.record(lambda _: STEP))
    await asyncio.sleep(0.1)
    ledger.hurry()
    assert not await waiting
    assert not await ledger.record(lambda _: STEP)
    assert ledger.state == State()


async def test_steps_may_fail_for_a_short_while_before_it_is_said_that_none_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = MemoryStore()
    ledger = Ledger(store, RecordingTelemetry())
    after = list[bool]()
    for short_while, is_broken in ((10.0, True), (0.0, True), (0.0, False)):
        monkeypatch.setattr("monitor.ledger._SHORT_WHILE", short_while)
        store.is_broken = is_broken
        await ledger.record(lambda _: STEP)
        after.append(ledger.is_keeping)
    assert after == [True, False, True]


MOMENT = timedelta(seconds=0.05)


async def test_who_wants_to_know_in_time_is_not_kept_waiting_by_a_lost_store() -> None:
    store, telemetry = MemoryStore(), RecordingTelemetry()
    store.is_lost = True
    ledger = Ledger(store, telemetry)
    assert not await ledger.record(lambda _: STEP, MOMENT)
    # The others wait behind it, and are not in want of a turn for it.
    waiting = asyncio.ensure_future(ledger.record(lambda _: Step((STATE,))))
    assert not await ledger.record(lambda _: STEP, MOMENT)
    await asyncio.sleep(0.05)
    assert telemetry.waiting_steps[-1] == 2
    store.is_lost = False
    assert await waiting
    assert ledger.state.domains == {DOMAIN: STATE}
    assert await store.records(after=0, limit=9) == (), "what was withdrawn is not kept later"
    assert telemetry.waiting_steps[-1] == 0


async def test_a_step_that_is_being_committed_is_withdrawn_unless_it_is_too_late() -> None:
    store = SlowStore()
    ledger = Ledger(store, RecordingTelemetry())
    assert not await ledger.record(lambda _: STEP, MOMENT)
    store.may_commit.set()
    assert await ledger.record(lambda _: Step((STATE,)))
    assert await store.records(after=0, limit=9) == ()


async def test_in_time_a_step_is_kept_as_any_other() -> None:
    ledger = Ledger(MemoryStore(), RecordingTelemetry())
    assert await ledger.record(lambda _: STEP, timedelta(seconds=60))
    assert ledger.state.domains == {DOMAIN: STATE}


async def test_a_look_waits_for_a_store_that_is_lost() -> None:
    ledger, looked = Ledger(MemoryStore(), RecordingTelemetry()), list[State]()

    def look(state: State) -> int:
        looked.append(state)
        if len(looked) < 3:
            raise StoreLost("the details cannot be read: wait")
        return len(looked)

    assert await ledger.look(look) == 3


async def test_at_the_end_a_look_has_no_answer_and_can_be_cancelled() -> None:
    store = MemoryStore()
    store.is_lost = True
    ledger = Ledger(store, RecordingTelemetry())

    def look(_state: State) -> None:
        raise StoreLost("the details cannot be read: wait")

    looking = asyncio.ensure_future(ledger.look(look))
    await asyncio.sleep(0.05)
    ledger.hurry()
    await asyncio.sleep(0.05)
    assert not looking.done()
    looking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await looking


class _Resting(Resting[str, View]):
    def keys_at_hand(self) -> tuple[str, ...]:
        return ("r",)

    def read(self) -> Mapping[str, View]:
        return {}


async def test_what_a_decision_or_a_look_is_about_is_at_hand_if_it_rests() -> None:
    store = MemoryStore()
    ledger = Ledger(store, RecordingTelemetry())
    resting = replace(STATE, domain=DomainName("resting.example"), resolvers=_Resting())
    await ledger.record(lambda _: Step((STATE, resting)))
    about = {DOMAIN, resting.domain, DomainName("unknown.example")}
    assert await ledger.look(lambda state: len(state.domains), about) == 2
    assert store.prepared == {resting.domain}
    store.prepared.clear()
    assert await ledger.record(lambda _: STEP, about=about)
    assert store.prepared == {resting.domain}
