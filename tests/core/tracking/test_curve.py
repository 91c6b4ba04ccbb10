import itertools
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from monitor.core.tracking.changes import Change, ChangeState
from monitor.core.tracking.curve import Curve, curve_of
from tests.core.samples import START
from tests.core.tracking.reading import Do, Expect, Scenario, scenarios, seconds
from tests.core.tracking.scenes import DOMAIN
from tests.core.tracking.world import World

ALL = list(scenarios())
ONE_MINUTE = timedelta(minutes=1)


def lived(until: str, *do: Do, resolvers: tuple[str, ...] = ("alidns",)) -> World:
    world = World(Scenario(name="a curve", resolvers=resolvers, do=do, expect=(Expect(at=until),)))
    world.live_until(seconds(until))
    return world


def modified(**resolvers: str | tuple[str, ...]) -> Do:
    return Do(at="0s", authorities={"all": "new 600"}, resolvers=resolvers)


def change_in(world: World) -> Change:
    assert world.record.change is not None
    return world.record.change


def curve(world: World, weights: dict[str, float] | None = None) -> Curve:
    return curve_of(change_in(world), world.events, weights or {}, world.now)


def elapsed(world: World, at: datetime | None) -> float:
    found = world.elapsed(at)
    assert found is not None
    return found


@pytest.mark.parametrize("scenario", ALL, ids=[scenario.name for scenario in ALL])
def test_at_every_moment_the_curve_ends_with_the_progress_of_the_change(
    scenario: Scenario,
) -> None:
    world = World(scenario)
    for expect in sorted(scenario.expect, key=lambda expect: seconds(expect.at)):
        world.live_until(seconds(expect.at))
        for change in world.changes.values():
            drawn = curve_of(change, world.events, {}, world.now)
            instants = [point.at for point in drawn.seen]
            assert instants == sorted(instants)
            assert all(drawn.begins_at <= at <= drawn.until for at in instants)
            assert all(0.0 <= point.share <= 1.0 for point in drawn.seen)
            if change.state.is_open and change.tracks:
                progress = change.progress(world.now, {})
                assert drawn.share_at(world.now) == pytest.approx(progress), expect.at
            if change.state is ChangeState.SETTLED and change.tracks:
                assert drawn.reached_at(1.0) is not None


@pytest.mark.parametrize("scenario", ALL, ids=[scenario.name for scenario in ALL])
def test_what_is_expected_begins_where_the_record_ends(scenario: Scenario) -> None:
    world = World(scenario)
    for expect in sorted(scenario.expect, key=lambda expect: seconds(expect.at)):
        world.live_until(seconds(expect.at))
        for change in world.changes.values():
            drawn = curve_of(change, world.events, {}, world.now)
            if drawn.expected:
                assert drawn.expected[0].at == drawn.until
                assert drawn.expected[0].share == pytest.approx(drawn.seen[-1].share)
                assert all(a.at < b.at for a, b in itertools.pairwise(drawn.expected))
                assert all(a.share < b.share for a, b in itertools.pairwise(drawn.expected))


def test_old_copies_give_way_one_after_another() -> None:
    world = lived(
        "20m",
        modified(alidns=("old 200", "old 400"), unicom="cold"),
        resolvers=("alidns", "unicom"),
    )
    drawn = curve(world)
    assert drawn.share_at(START + timedelta(seconds=100)) == pytest.approx(0.5, abs=0.05)
    assert drawn.share_at(START + timedelta(seconds=300)) == pytest.approx(0.75, abs=0.05)
    assert elapsed(world, drawn.reached_at(0.95)) == pytest.approx(400, abs=5)
    assert drawn.reached_at(1.0) == drawn.reached_at(0.95)
    took = drawn.time_to(0.5)
    assert took is not None and took < ONE_MINUTE


def test_the_rest_is_foretold_by_the_expiries_that_were_seen() -> None:
    world = lived("60s", modified(alidns=("old 200", "old 400")))
    drawn = curve(world)
    assert drawn.reached_at(0.5) is None
    assert elapsed(world, drawn.expected_at(0.4)) == pytest.approx(200, abs=5)
    assert elapsed(world, drawn.expected_at(1.0)) == pytest.approx(400, abs=5)
    later = curve(lived("20m", modified(alidns=("old 200", "old 400"))))
    for share in (0.4, 1.0):
        was, is_now = drawn.expected_at(share), later.reached_at(share)
        assert was is not None and is_now is not None
        assert abs(was - is_now) < timedelta(seconds=5)


def test_before_a_resolver_is_counted_the_bound_is_all_that_is_known() -> None:
    world = lived("10s", modified(alidns="old 500"))
    change = change_in(world)
    assert change.all_authorities_at is not None
    assert curve(world).expected_at(1.0) == change.bound_at


def test_nothing_is_foretold_of_a_resolver_that_hides_its_expiry() -> None:
    world = lived("40m", modified(alidns="old 30 renewed"))
    drawn = curve(world)
    assert not drawn.expected
    assert drawn.seen[-1].share == 0.0


def test_while_an_authority_is_behind_nothing_has_begun_and_nothing_is_foretold() -> None:
    behind = Do(at="0s", authorities={"ns1": "new 600"}, resolvers={"alidns": "cold"})
    drawn = curve(lived("10m", behind))
    assert [point.share for point in drawn.seen] == [0.0]
    assert not drawn.expected
    assert drawn.all_authorities_at is None


def test_a_resolver_weighs_what_the_configuration_says() -> None:
    world = lived("5m", modified(alidns="cold", unicom="old 590"), resolvers=("alidns", "unicom"))
    now = world.now
    assert curve(world).share_at(now) == pytest.approx(0.5)
    assert curve(world, {"alidns": 3.0, "unicom": 1.0}).share_at(now) == pytest.approx(0.75)


def test_a_resolver_that_does_not_answer_does_not_count() -> None:
    world = lived("30m", modified(alidns="cold", unicom="timeout"), resolvers=("alidns", "unicom"))
    drawn = curve(world)
    assert drawn.seen[-1].share == 1.0
    assert drawn.share_at(START + ONE_MINUTE) == pytest.approx(0.5)  # it may still answer


def test_a_share_that_was_lost_again_counts_from_when_it_came_back() -> None:
    back = Do(at="2h", resolvers={"alidns": "old 600 renewed"})
    mended = Do(at="3h", resolvers={"alidns": "cold"})
    world = lived("8h", modified(alidns="cold"), back, mended)
    drawn = curve(world)
    assert drawn.share_at(START + timedelta(hours=1)) == 1.0
    assert drawn.share_at(START + timedelta(hours=2, minutes=50)) == 0.0
    assert elapsed(world, drawn.reached_at(1.0)) > seconds("3h")


def test_a_change_that_ended_is_drawn_until_its_end() -> None:
    reverted = Do(at="4m", authorities={"all": "old 600"})
    world = lived("2h", modified(alidns="cold"), reverted)
    ended = next(c for c in world.changes.values() if c.state is ChangeState.REVERTED)
    drawn = curve_of(ended, world.events, {}, world.now)
    assert drawn.is_over
    assert not drawn.expected
    assert seconds("4m") <= elapsed(world, drawn.until) < seconds("7m")


def test_a_settled_change_is_drawn_until_the_end_of_its_window() -> None:
    world = lived("100h", modified(alidns="cold"))
    change = change_in(world)
    drawn = curve(world)
    assert change.state is ChangeState.SETTLED
    assert drawn.until == change.deadline_at
    assert drawn.is_over


def test_a_change_of_which_no_event_is_left_is_drawn_from_what_is_known_of_it() -> None:
    world = lived("20m", modified(alidns="old 300"))
    change = change_in(world)
    with_events, without = curve(world), curve_of(change, (), {}, world.now)
    assert without.reached_at(1.0) == with_events.reached_at(1.0)
    assert without.share_at(world.now) == with_events.share_at(world.now)


def test_events_of_another_change_are_not_drawn() -> None:
    world = lived("20m", modified(alidns="old 300"))
    others = [replace(event, change="another") for event in world.events]
    change = change_in(world)
    assert curve_of(change, others, {}, world.now) == curve_of(change, (), {}, world.now)


def test_a_change_on_whose_account_nobody_is_asked_has_no_curve() -> None:
    announced = Do(at="0s", announce="new", planned="2h")
    world = lived("10m", announced)
    planned = world.record.planned
    assert planned is not None and planned.domain == DOMAIN
    drawn = curve_of(planned, world.events, {}, world.now)
    assert drawn.seen == drawn.expected == ()
    assert drawn.share_at(world.now) == 0.0
    assert drawn.time_to(0.5) is None
