import asyncio
from datetime import timedelta

from monitor.core.domain_tracking import Followers
from monitor.core.state import State, Step
from monitor.core.tracking.changes import Change
from monitor.core.tracking.policy import TrackingPolicy
from monitor.core.tracking.record import RecordKey
from monitor.ports import Kept
from monitor.usecases.mind_clock import NOTABLE, mind_clock, mind_former_clock
from tests.core.samples import DOMAIN, RIGHT, WRONG
from tests.fakes.memory_store import MemoryStore
from tests.usecases.panel import RESOLVERS, Bench

FOLLOWERS = Followers(TrackingPolicy(), {r.name: r for r in RESOLVERS})
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


async def changing(bench: Bench | None = None) -> Bench:
    bench = bench or Bench()
    await bench.watch()
    for outcome in (WRONG, RIGHT, RIGHT):
        bench.authorities_say(outcome, outcome)
        bench.clock.advance(timedelta(minutes=1))
        await bench.rounds.of_authorities()
    return bench


def change_of(bench: Bench) -> Change:
    change = bench.domain.records[RecordKey(DOMAIN)].change
    assert change is not None
    return change


async def test_what_remains_of_the_window_stays_when_the_clock_is_set() -> None:
    for by in (HOUR, -HOUR, timedelta(days=4)):
        bench = await changing()
        before, now = change_of(bench), bench.clock.now()
        bench.clock.set_wall(by)
        await mind_clock(bench.ledger, FOLLOWERS, bench.clock)
        after = change_of(bench)
        assert bench.clock.now() == now + by
        assert after.deadline_at == before.deadline_at + by
        assert after.id == before.id and after.state is before.state
        waits = {name: track.next_at for name, track in before.tracks.items()}
        assert {n: t.next_at for n, t in after.tracks.items()} == {
            name: at + by for name, at in waits.items() if at is not None
        }


async def test_who_decides_meanwhile_sees_the_window_no_nearer_to_its_end() -> None:
    class SlowStore(MemoryStore):
        async def commit(self, step: Step) -> Kept:
            await asyncio.sleep(0)
            return await super().commit(step)

    bench = await changing(Bench(store=SlowStore()))
    left, seen = change_of(bench).deadline_at - bench.clock.now(), list[timedelta]()

    def look(_: State) -> Step:
        seen.append(change_of(bench).deadline_at - bench.clock.now())
        return Step()

    bench.clock.set_wall(timedelta(days=-4))
    await asyncio.gather(
        bench.ledger.record(look),
        mind_clock(bench.ledger, FOLLOWERS, bench.clock),
        bench.ledger.record(look),
    )
    assert seen == [left, left]


async def test_a_trifle_is_followed_without_moving_anything() -> None:
    bench = await changing()
    before = change_of(bench)
    bench.clock.set_wall(timedelta(seconds=1.5))
    await mind_clock(bench.ledger, FOLLOWERS, bench.clock)
    assert change_of(bench) == before
    assert bench.clock.drift() == timedelta()


async def test_a_clock_that_was_put_back_while_nobody_ran_shows_by_the_log() -> None:
    bench = await changing()
    before, last_known = change_of(bench), bench.clock.now()
    await mind_former_clock(bench.ledger, None, FOLLOWERS, bench.clock)
    await mind_former_clock(bench.ledger, last_known + NOTABLE, FOLLOWERS, bench.clock)
    assert change_of(bench) == before
    bench.clock.advance(-4 * DAY)
    await mind_former_clock(bench.ledger, last_known, FOLLOWERS, bench.clock)
    after = change_of(bench)
    assert after.deadline_at - bench.clock.now() == before.deadline_at - last_known
    await mind_former_clock(bench.ledger, last_known - 8 * DAY, FOLLOWERS, bench.clock)
    assert change_of(bench) == after, "time that has passed is none that was set"


async def test_a_step_that_the_store_cannot_keep_is_taken_up_later() -> None:
    bench = await changing()
    before = change_of(bench)
    bench.clock.set_wall(HOUR)
    bench.store.is_broken = True
    await mind_clock(bench.ledger, FOLLOWERS, bench.clock)
    assert change_of(bench) == before and bench.clock.drift() == HOUR
    bench.store.is_broken = False
    await mind_clock(bench.ledger, FOLLOWERS, bench.clock)
    assert change_of(bench).deadline_at == before.deadline_at + HOUR
