from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from monitor.core.events import Event, EventType
from monitor.core.pruning import PruningPolicy
from monitor.core.state import Step
from monitor.core.tracking.changes import Change, ChangeState, change_id
from monitor.ledger import Ledger
from monitor.ports import StoreError
from monitor.usecases.prune import Prune
from monitor.usecases.report import report_of
from monitor.usecases.verify import verify
from tests.contracts.followed import changes
from tests.core.samples import DOMAIN, START
from tests.fakes.clock import FakeClock
from tests.fakes.memory_store import MemoryStore
from tests.fakes.recording_telemetry import RecordingTelemetry

DAY = timedelta(days=1)
NOW = START + 100 * DAY
KEEP = 30 * DAY


@dataclass
class Office:
    """A store with a log of one record an hour, and who lets go of what has had its time."""

    store: MemoryStore = field(default_factory=MemoryStore)
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOW))

    async def hours(self, first: datetime, many: int, change: str | None = None) -> None:
        at = (first + timedelta(hours=n) for n in range(many))
        kind = EventType.CHANGE_DETECTED if change else EventType.STATUS
        events = tuple(Event(kind, one, DOMAIN, change=change) for one in at)
        await self.store.commit(Step(events=events))

    async def changed(self, at: datetime, state: ChangeState) -> Change:
        change = replace(
            changes()[0],
            id=change_id(at, "test"),
            state=state,
            detected_at=at,
            deadline_at=at + 3 * DAY,
            converged_at=None,
            settled_at=None,
        )
        await self.store.commit(Step(changes=(change,)))
        await self.hours(at, 3, change.id)
        return change

    async def prune(self) -> None:
        ledger = Ledger(self.store, RecordingTelemetry())
        await ledger.open()
        await Prune(self.store, ledger, PruningPolicy(KEEP, 7 * DAY), self.clock).run()

    async def seqs(self) -> list[int]:
        return [record.seq for record in await self.store.records(0, 100_000)]


async def test_what_has_had_its_time_goes_and_the_rest_proves_itself() -> None:
    office = Office()
    await office.hours(START, 24 * 100)
    before = await office.store.records(0, 100_000)
    await office.prune()
    kept = await office.store.records(0, 100_000)
    cut = NOW - KEEP
    assert [r for r in kept if r.event.type is EventType.STATUS] == [
        r for r in before if r.event.at >= cut
    ]
    newest = kept[-1].event
    assert newest.type is EventType.LOG_PRUNED
    last = next(r for r in reversed(before) if r.event.at < cut)
    assert (newest.data["through"], newest.data["hash"]) == (last.seq, last.hash)
    assert (await verify(office.store, None)).is_intact


async def test_it_goes_on_day_by_day() -> None:
    office = Office()
    await office.hours(START, 24 * 100)
    for day in range(1, 15):
        office.clock.advance(DAY)
        await office.hours(NOW + day * DAY, 24)
        await office.prune()
        found = await verify(office.store, None)
        assert found.is_intact
    told = [
        r for r in await office.store.records(0, 100_000) if r.event.type is EventType.LOG_PRUNED
    ]
    assert len(told) == 3  # not each day for a few records, but for a hundred at a time


async def test_a_change_that_is_over_goes_with_its_records() -> None:
    office = Office()
    old = await office.changed(START, ChangeState.SETTLED)
    await office.hours(START + DAY, 24 * 99)
    await office.prune()
    assert await office.store.change(old.id) is None
    assert await office.store.story(old.id, 10) == ()
    assert (await verify(office.store, None)).is_intact


async def test_what_a_change_under_way_needs_stays_whole() -> None:
    office = Office()
    await office.hours(START, 240)
    under_way = await office.changed(START + 10 * DAY, ChangeState.PROPAGATING)
    await office.hours(START + 11 * DAY, 24 * 89)
    await office.prune()
    assert (await office.seqs())[0] == 241
    report = await report_of(under_way.id, office.store, ())
    assert report is not None and len(report.records) == 3
    assert (await verify(office.store, None)).is_intact


async def test_a_change_that_never_settled_stays_listed_but_holds_up_nothing() -> None:
    office = Office()
    expired = await office.changed(START, ChangeState.EXPIRED)
    await office.hours(START + DAY, 24 * 99)
    await office.prune()
    assert (await office.seqs())[0] > 24 * 60
    assert await office.store.change(expired.id) == expired
    assert (await verify(office.store, None)).is_intact


async def test_a_few_records_are_not_worth_a_record() -> None:
    office = Office()
    await office.hours(START, 99)
    await office.hours(NOW, 3)
    await office.prune()
    assert len(await office.seqs()) == 102
    await office.hours(NOW, 1)
    assert (await verify(office.store, None)).is_intact


async def test_an_empty_log_stays_empty() -> None:
    office = Office()
    await office.prune()
    assert await office.seqs() == []


async def test_a_log_of_which_all_has_had_its_time_is_let_go_but_for_the_proof() -> None:
    office = Office()
    await office.hours(START, 200)
    await office.prune()
    assert await office.seqs() == [201]
    assert (await verify(office.store, None)).is_intact


async def test_a_store_that_cannot_be_read_lets_go_of_nothing() -> None:
    office = Office()
    await office.hours(START, 24 * 100)

    class Broken(MemoryStore):
        async def first_since(self, at: datetime) -> int | None:
            raise StoreError("malformed")

    ledger = Ledger(office.store, RecordingTelemetry())
    policy = PruningPolicy(KEEP, 7 * DAY)
    await Prune(Broken(), ledger, policy, office.clock).run()
    assert len(await office.seqs()) == 2400
