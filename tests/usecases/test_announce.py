from datetime import timedelta

import pytest

from monitor.core.domain_tracking import Followers
from monitor.core.events import EventType
from monitor.core.names import DomainName
from monitor.core.servers import Resolver
from monitor.core.tracking.changes import Change, ChangeState, Source
from monitor.core.tracking.policy import TrackingPolicy
from monitor.core.tracking.record import RecordKey
from monitor.core.tracking.values import alias
from monitor.usecases.announce import Announcement, NotAnnounced, NotKept, announce
from tests.core.samples import DOMAIN, RIGHT, TARGET, WRONG, binding
from tests.usecases.panel import RESOLVERS, Bench

MINUTE = timedelta(minutes=1)
RECORD = RecordKey(DOMAIN)
EAST = Resolver("east", "127.0.0.3", client_subnet="198.51.100.0/24")


def followers(*resolvers: Resolver) -> Followers:
    return Followers(TrackingPolicy(), {r.name: r for r in resolvers or RESOLVERS})


async def announced(
    bench: Bench,
    after: timedelta | None = None,
    target: DomainName = TARGET.name,
    domain: DomainName = DOMAIN,
) -> Change:
    at = None if after is None else bench.clock.now() + after
    said = Announcement(domain, target, at, by="lin", note="ticket 12")
    return await announce(said, bench.ledger, followers(), bench.clock)


async def polled(bench: Bench, *outcomes: object) -> None:
    """Poll the authorities once a minute, which serve one answer after the other."""
    for outcome in outcomes:
        bench.authorities_say(*(WRONG if outcome is WRONG else RIGHT,) * 2)
        bench.clock.advance(MINUTE)
        await bench.rounds.of_authorities()


async def watched() -> Bench:
    bench = Bench()
    await bench.watch()
    await polled(bench, WRONG, WRONG)
    return bench


def happened(bench: Bench, kind: EventType) -> int:
    return sum(event.type is kind for event in bench.telemetry.events)


async def test_a_change_that_is_announced_is_expected_and_names_who_and_why() -> None:
    bench = await watched()
    change = await announced(bench, after=10 * MINUTE)
    assert (change.state, change.source) == (ChangeState.ANNOUNCED, Source.ANNOUNCED)
    assert (change.old, change.new) == (alias(DomainName("elsewhere.example")), alias(TARGET.name))
    assert (change.by, change.note) == ("lin", "ticket 12")
    assert change.planned_at == bench.clock.now() + 10 * MINUTE
    assert change.deadline_at == change.planned_at + timedelta(hours=72)
    assert happened(bench, EventType.CHANGE_ANNOUNCED) == 1
    assert await bench.store.change(change.id) == change


async def test_what_is_announced_and_then_seen_is_one_change() -> None:
    bench = await watched()
    change = await announced(bench, after=2 * MINUTE)
    await polled(bench, WRONG, WRONG, RIGHT, RIGHT)
    seen = bench.domain.records[RECORD].change
    assert seen is not None
    assert (seen.id, seen.source, seen.by) == (change.id, Source.ANNOUNCED, "lin")
    assert seen.state is ChangeState.PROPAGATING
    assert bench.domain.records[RECORD].planned is None
    assert happened(bench, EventType.CHANGE_ANNOUNCED) == 1
    assert happened(bench, EventType.CHANGE_DETECTED) == 1


async def test_a_change_that_was_seen_first_takes_the_name_from_the_announcement() -> None:
    bench = await watched()
    await polled(bench, RIGHT, RIGHT)
    seen = bench.domain.records[RECORD].change
    assert seen is not None and seen.source is Source.OBSERVED
    change = await announced(bench)
    assert (change.id, change.source) == (seen.id, Source.ANNOUNCED)
    assert (change.by, change.note) == ("lin", "ticket 12")
    assert (change.detected_at, change.deadline_at) == (seen.detected_at, seen.deadline_at)
    assert bench.domain.records[RECORD].planned is None


async def test_a_domain_that_is_not_watched_is_refused() -> None:
    bench = await watched()
    with pytest.raises(NotAnnounced, match=r"other\.shop\.example is not watched"):
        await announced(bench, domain=DomainName("other.shop.example"))
    assert happened(bench, EventType.CHANGE_ANNOUNCED) == 0


async def test_a_wildcard_cannot_be_asked_about_and_is_refused() -> None:
    bench = Bench()
    wildcard = binding("*.shop.example")
    await bench.watch(wildcard)
    with pytest.raises(NotAnnounced):
        await announced(bench, domain=wildcard.domain)


async def test_a_store_that_is_broken_keeps_no_announcement_and_says_so() -> None:
    bench = await watched()
    bench.store.is_broken = True
    with pytest.raises(NotAnnounced, match="could not be kept"):
        await announced(bench)
    assert bench.domain.records[RECORD].planned is None
    bench.store.is_broken = False
    assert (await announced(bench)).state is ChangeState.ANNOUNCED


async def test_what_has_long_been_there_is_no_change() -> None:
    bench = Bench()
    await bench.watch()
    await polled(bench, *[RIGHT] * 120)
    with pytest.raises(NotAnnounced, match="already"):
        await announced(bench)
    assert bench.domain.records[RECORD].change is None


async def test_an_announcement_before_the_first_poll_is_kept() -> None:
    bench = Bench()
    await bench.watch()
    change = await announced(bench, after=MINUTE)
    assert (change.state, change.old) == (ChangeState.ANNOUNCED, None)


async def test_an_announcement_that_never_comes_is_cancelled_when_its_window_is_over() -> None:
    bench = await watched()
    change = await announced(bench, after=MINUTE)
    bench.clock.advance(timedelta(hours=73))
    await polled(bench, WRONG)
    kept = await bench.store.change(change.id)
    assert kept is not None and kept.state is ChangeState.CANCELLED
    assert bench.domain.records[RECORD].planned is None
    assert bench.domain.records[RECORD].change is None


async def test_a_line_of_its_own_expects_the_change_too() -> None:
    bench = await watched()
    said = Announcement(DOMAIN, TARGET.name, bench.clock.now() + MINUTE)
    await announce(said, bench.ledger, followers(*RESOLVERS, EAST), bench.clock)
    planned = {key.view: record.planned for key, record in bench.domain.records.items()}
    assert set(planned) == {"", "198.51.100.0/24"}
    assert all(plan is not None and plan.new == alias(TARGET.name) for plan in planned.values())


async def test_a_change_of_a_far_future_is_announced_when_it_is_nearer() -> None:
    bench = await watched()
    with pytest.raises(NotAnnounced, match="more than ten years"):
        await announced(bench, after=timedelta(days=3661))
    assert (await announced(bench, after=timedelta(days=3660))).planned_at is not None


async def test_a_store_that_is_lost_keeps_no_announcement_and_nobody_waits_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("monitor.usecases.announce.PATIENCE", timedelta(seconds=0.05))
    bench = await watched()
    bench.store.is_lost = True
    with pytest.raises(NotKept, match="try again later"):
        await announced(bench)
    bench.store.is_lost = False
    await polled(bench, WRONG)
    assert bench.domain.records[RECORD].planned is None
    assert (await announced(bench)).state is ChangeState.ANNOUNCED
    assert happened(bench, EventType.CHANGE_ANNOUNCED) == 1
