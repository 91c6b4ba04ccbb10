import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.simulation.inspection import Inspected, inspect
from tests.simulation.kinds import Kind
from tests.simulation.monitors import EqualAnswers, Monitor
from tests.simulation.run import Factory, run, watch
from tests.simulation.samples import AsksAt
from tests.simulation.scenes import draw_scene
from tests.simulation.spells import DAY, HORIZON, HOUR
from tests.simulation.world import World

SEEDS = range(10)
# Often enough that a server drawn by lot, one of four, is met for certain.
TRIES = 40
MOMENT = 1e-3

REPEATABLE = settings(derandomize=True, deadline=None, max_examples=60)


def _poller(lots: random.Random) -> Monitor:
    return EqualAnswers(lots, every=900, needed=3)


def _nobody(lots: random.Random) -> Monitor:
    return AsksAt([])


def _now_and_then(lots: random.Random) -> Monitor:
    return AsksAt(sorted(lots.uniform(-HOUR, DAY) for _ in range(12)))


@pytest.mark.parametrize("watcher", [_poller, _nobody, _now_and_then])
@pytest.mark.parametrize("kind", list(Kind))
def test_nobody_is_told_old_after_the_truth_and_somebody_just_before(
    kind: Kind, watcher: Factory
) -> None:
    for seed in SEEDS:
        truth, seen = _inspected(seed, kind, watcher, _instants(seed))
        assert not [it for it in seen if any(it.told_old) and it.at > truth]
        assert all(_agree(it) for it in seen)
        if truth in (0.0, math.inf):
            continue
        before = min(truth, HORIZON) - MOMENT
        again, seen = _inspected(seed, kind, watcher, [*_instants(seed), before])
        assert again == truth
        assert any(next(it.told_old for it in seen if it.at == before))


@pytest.mark.parametrize("kind", list(Kind))
def test_where_the_truth_is_infinite_old_is_told_when_the_window_ends(kind: Kind) -> None:
    for seed in range(60):
        truth, seen = _inspected(seed, kind, _nobody, [HORIZON - MOMENT])
        if truth == math.inf:
            assert any(seen[-1].told_old)


@REPEATABLE
@given(st.integers(0, 10**9), st.sampled_from([kind for kind in Kind if kind.is_compliant]))
def test_no_compliant_resolver_tells_old_after_the_bound(seed: int, kind: Kind) -> None:
    outcome = run(seed, _now_and_then, kind)
    assert outcome.truth <= outcome.scene.bound
    assert not outcome.overstays


def test_each_kind_that_can_overstay_does_so_somewhere() -> None:
    overstaying = {
        kind for kind in Kind for seed in range(40) if run(seed, _now_and_then, kind).overstays
    }
    kept = {kind for kind in Kind if kind.is_compliant}
    assert overstaying == set(Kind) - kept - {Kind.DOWN}


def test_a_pinned_resolver_is_old_for_ever() -> None:
    assert run(0, _poller, Kind.PINNED).truth == math.inf


@REPEATABLE
@given(st.integers(0, 10**9))
def test_the_same_seed_is_the_same_window(seed: int) -> None:
    assert run(seed, _now_and_then) == run(seed, _now_and_then)


def test_all_monitors_of_a_seed_meet_the_same_scene() -> None:
    assert run(7, _poller).scene == run(7, _nobody).scene


def test_polling_keeps_old_alive_in_caches_that_nobody_else_uses() -> None:
    """The observer effect: 12 s against half a day, for a TTL of a day."""
    polled, left = [], []
    for seed in range(400):
        outcome = run(seed, _nobody, Kind.SINGLE)
        servers, members = outcome.scene.setting.authorities, outcome.scene.members
        if servers.ttl == 86400 and not servers.is_lagging and not members[0].clients_per_second:
            left.append(outcome.truth)
            polled.append(run(seed, _poller, Kind.SINGLE).truth)
    assert max(left) <= 20
    assert sum(polled) / len(polled) == pytest.approx(12 * HOUR, rel=0.4)


def _inspected(
    seed: int, kind: Kind, watcher: Factory, instants: list[float]
) -> tuple[float, list[Inspected]]:
    world = World(draw_scene(random.Random(seed), kind), random.Random(seed))
    monitor = watcher(random.Random(seed))
    seen = inspect(world, monitor, instants, TRIES)
    return watch(seed, world, monitor).truth, seen


def _instants(seed: int) -> list[float]:
    """Dense while everything changes, thin afterwards."""
    lots = random.Random(f"instants {seed}")
    return [
        1.0,
        30.0,
        *(lots.uniform(0, 2 * HOUR) for _ in range(4)),
        *(lots.uniform(0, HORIZON) for _ in range(6)),
    ]


def _agree(seen: Inspected) -> bool:
    """Whether a chance was given exactly to those who told OLD, and certainty is certain."""
    return all(
        told == (chance > 0) for told, chance in zip(seen.told_old, seen.chances, strict=True)
    )
