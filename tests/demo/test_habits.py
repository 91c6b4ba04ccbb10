from dataclasses import replace

from monitor.demo import habits


def test_habits_can_be_joined() -> None:
    joined = replace(habits.pool(4), serves_stale=True, ttl_floor=60)
    assert (joined.caches, joined.serves_stale, joined.ttl_floor) == (4, True, 60)


def test_an_honest_cache_is_one_that_does_nothing_special() -> None:
    assert habits.honest() == habits.Habit()
