from dataclasses import replace
from datetime import timedelta

from monitor.core.events import Event, EventType
from monitor.core.names import DomainName
from monitor.core.state import Step
from monitor.core.tracking.changes import Change
from monitor.usecases.report import report_of
from tests.contracts.followed import changes, told_steps
from tests.core.samples import DOMAIN, START
from tests.fakes.memory_store import MemoryStore

OTHER = DomainName("other.example")


async def kept(*more: Event) -> MemoryStore:
    store = MemoryStore()
    await store.commit(Step(events=(Event(EventType.STATUS, START, DOMAIN, data={"nr": 1}),)))
    for step in told_steps():
        await store.commit(step)
        await store.commit(Step(events=more))
    return store


def longest_told(store_changes: tuple[Change, ...]) -> Change:
    return max(store_changes, key=lambda change: len(change.tracks))


async def test_a_report_holds_the_records_of_the_change_and_of_its_domain_meanwhile() -> None:
    status = Event(EventType.STATUS, START, DOMAIN, data={"nr": 2})
    elsewhere = Event(EventType.STATUS, START, OTHER)
    store = await kept(status, elsewhere, Event(EventType.RELOAD, START))
    for change in changes():
        report = await report_of(change.id, store, ())
        assert report is not None
        story = await store.story(change.id, 1000)
        seqs = [record.seq for record in report.records]
        assert seqs == sorted(set(seqs))
        assert {record.seq for record in story} <= set(seqs)
        assert (seqs[0], seqs[-1]) == (story[0].seq, story[-1].seq)
        assert {r.event.domain for r in report.records} == {DOMAIN}
        assert {r.event.change for r in report.records} <= {None, change.id}
        between = [
            record
            for record in await store.history(DOMAIN, 1000)
            if story[0].seq < record.seq < story[-1].seq and record.event.change is None
        ]
        assert len([r for r in report.records if r.event.change is None]) == len(between)


async def test_long_stories_are_read_to_their_end() -> None:
    store = await kept()
    change = longest_told(changes())
    more = tuple(Event(EventType.TRACK_STATE, START, DOMAIN, "a", change.id) for _ in range(1200))
    await store.commit(Step(events=more))
    report = await report_of(change.id, store, ())
    assert report is not None
    assert len(report.records) > 1200
    assert report.records[-1].seq == len(await store.records(0, 10_000))


async def test_a_report_is_as_of_what_was_seen_last_unless_a_later_moment_is_named() -> None:
    store = await kept()
    change = longest_told(changes())
    report = await report_of(change.id, store, ())
    assert report is not None
    last = max(record.event.at for record in report.records)
    assert report.at >= last
    samples = [track.recent[-1].at for track in change.tracks.values() if track.recent]
    assert report.at >= max(samples)
    later = report.at + timedelta(hours=1)
    named = await report_of(change.id, store, (), later)
    assert named is not None and named.at == later
    earlier = await report_of(change.id, store, (), START - timedelta(days=1))
    assert earlier == report


async def test_the_same_records_give_the_same_report() -> None:
    one, other = await kept(), await kept()
    for change in changes():
        assert await report_of(change.id, one, ()) == await report_of(change.id, other, ())


async def test_a_change_whose_records_are_gone_is_reported_on_all_the_same() -> None:
    store = MemoryStore()
    change = replace(longest_told(changes()), tracks={})
    await store.commit(Step(changes=(change,)))
    report = await report_of(change.id, store, ())
    assert report is not None
    assert (report.records, report.at) == ((), change.detected_at)


async def test_there_is_no_report_on_an_unknown_change() -> None:
    assert await report_of("01ARZ3NDEKTSV4RRFFQ69G5FAV", MemoryStore(), ()) is None
