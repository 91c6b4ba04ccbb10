import math
import random
from collections import Counter
from itertools import pairwise

import pytest

from tests.simulation.authorities import Authorities, draw_authorities
from tests.simulation.caches import Setting
from tests.simulation.habits import Expired, Habit
from tests.simulation.kinds import SHARES, Kind
from tests.simulation.samples import AT_ONCE, TTL, setting, world
from tests.simulation.scenes import Member, Routing, Scene, draw_scene
from tests.simulation.spells import HOUR
from tests.simulation.world import World

FOUR = tuple(Member(0.0, 0.25, f"member-{n}") for n in range(4))


def test_polling_a_cold_name_while_a_server_gives_old_plants_it_for_a_whole_ttl() -> None:
    untouched, polled = world(where=setting(lag=60.0)), world(where=setting(lag=60.0))
    heard = polled.ask_resolver(-1.0)
    assert heard is not None
    assert not heard.is_new
    assert untouched.old_until() == 60.0
    assert polled.old_until() == TTL - 1.0


def test_the_monitor_s_question_drives_old_out_of_an_optimistic_cache() -> None:
    habit = Habit(TTL, gives_expired=Expired.ALWAYS)
    left, touched = world(habit=habit), world(habit=habit)
    for each in (left, touched):
        each.ask_resolver(-10.0)
    touched.ask_resolver(5000.0)
    assert left.old_until() == math.inf
    assert touched.old_until() == 5000.0


def test_a_pool_is_done_when_its_last_member_is() -> None:
    pool = world(*FOUR, routing=Routing.ROUND_ROBIN)
    for t in (-300.0, -200.0, -100.0):
        pool.ask_resolver(t)
    assert pool.old_share(10.0) == 0.75
    assert pool.old_share(350.0) == 0.5
    assert pool.old_share(TTL - 100.0) == 0.0
    assert pool.old_until() == TTL - 100.0


def test_a_round_goes_to_every_member_in_turn() -> None:
    pool = world(*FOUR, routing=Routing.ROUND_ROBIN)
    names = [shown.nsid for t in range(8) if (shown := pool.ask_resolver(float(t)))]
    assert len(set(names[:4])) == 4
    assert names[:4] == names[4:]


def test_other_clients_take_their_turn_in_the_round() -> None:
    busy = tuple(Member(0.1, 0.25, f"member-{n}") for n in range(4))
    pool = world(*busy, routing=Routing.ROUND_ROBIN)
    names = [shown.nsid for t in range(0, 4000, 10) if (shown := pool.ask_resolver(float(t)))]
    assert len(set(pairwise(names))) == 16


def test_looking_at_anything_else_does_not_stop_the_round() -> None:
    busy = tuple(Member(0.01, 0.25, f"member-{n}") for n in range(4))
    watched, alone = (world(*busy, routing=Routing.ROUND_ROBIN) for _ in range(2))
    for t in range(0, 2000, 100):
        watched.old_share(t + 50.0)
        assert watched.ask_resolver(t + 60.0) == alone.ask_resolver(t + 60.0)


@pytest.mark.parametrize("routing", [Routing.RANDOM, Routing.STICKY])
def test_questions_from_new_ports_meet_members_by_their_weight(routing: Routing) -> None:
    skewed = (Member(0.0, 0.7, "main"), Member(0.0, 0.3, "other"))
    pool = world(*skewed, routing=routing)
    met = Counter(shown.nsid for t in range(2000) if (shown := pool.ask_resolver(float(t))))
    assert met["main"] / met.total() == pytest.approx(0.7, abs=0.05)


def test_a_lost_question_is_counted_but_not_answered() -> None:
    scene = Scene(Kind.SINGLE, Setting(AT_ONCE), Habit(TTL), loss=0.5)
    lossy = World(scene, random.Random(0))
    answers = [lossy.ask_resolver(float(t)) for t in range(1000)]
    assert answers.count(None) / 1000 == pytest.approx(7 / 16, abs=0.05)
    assert lossy.questions == 1000


def test_questions_before_the_change_are_not_counted() -> None:
    early = world()
    early.ask_resolver(-1.0)
    early.ask_authorities(3.0)
    early.ask_resolver(5.0)
    assert early.questions == 1


def test_nobody_asks_about_the_past() -> None:
    late = world()
    late.ask_resolver(10.0)
    with pytest.raises(ValueError, match=r"asked about 9\.0 after 10\.0"):
        late.ask_resolver(9.0)


def test_each_server_tells_its_value_and_serial() -> None:
    told = world(where=setting(lag=HOUR)).ask_authorities(5.0)
    assert {name: said.is_new for name, said in told.items()} == {"ns1": True, "ns2": False}
    assert told["ns1"].serial > told["ns2"].serial
    assert {said.ttl for said in told.values()} == {TTL}


def test_the_bound_is_what_the_slowest_server_last_gave_out() -> None:
    assert Authorities(TTL, (3.0, 20.0, 7200.0, 1.0)).bound == 7200.0 + TTL


def test_the_population_is_as_described() -> None:
    lots = random.Random(0)
    scenes = [draw_scene(lots) for _ in range(4000)]
    kinds = Counter(scene.kind for scene in scenes)
    for kind, share in SHARES.items():
        assert kinds[kind] / 4000 == pytest.approx(share / 100, abs=0.02)
    unused = [scene for scene in scenes if not any(m.clients_per_second for m in scene.members)]
    assert len(unused) / 4000 == pytest.approx(0.2, abs=0.02)
    assert {len(scene.members) for scene in scenes} == set(range(1, 21))


def test_a_tenth_of_the_worlds_has_a_server_that_lags() -> None:
    lots = random.Random(0)
    drawn = [draw_authorities(lots) for _ in range(4000)]
    lags = [servers.all_new for servers in drawn if servers.is_lagging]
    assert len(lags) / 4000 == pytest.approx(0.1, abs=0.02)
    assert min(lags) >= 0.5 * HOUR
    assert max(lags) <= 6 * HOUR


def test_every_floor_is_higher_than_the_ttl_and_no_cap_is() -> None:
    for seed in range(200):
        floor = draw_scene(random.Random(seed), Kind.TTL_FLOOR)
        cap = draw_scene(random.Random(seed), Kind.TTL_CAP)
        assert floor.habit.keeps > floor.setting.authorities.ttl
        assert cap.habit.keeps <= cap.setting.authorities.ttl


def test_a_sticky_pool_has_the_same_clients_in_all_and_some_members_without() -> None:
    loads = [
        [member.clients_per_second for member in scene.members]
        for seed in range(300)
        if (scene := draw_scene(random.Random(seed), Kind.POOL)).routing is Routing.STICKY
    ]
    used = [load for load in loads if sum(load)]
    assert all(sum(load) <= 1.0 + 1e-9 for load in loads)
    assert any(0.0 in load for load in used)
