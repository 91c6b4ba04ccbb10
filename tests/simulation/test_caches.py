import math
import random
from dataclasses import replace

import pytest

from tests.simulation.caches import Cache, Said, Setting
from tests.simulation.habits import STALE_ANSWER, STALE_TTL, Expired, Habit
from tests.simulation.samples import AT_ONCE, TTL, cache, setting
from tests.simulation.spells import BEGINNING, DAY, HORIZON, HOUR, Spell

OPTIMISTIC = Habit(TTL, gives_expired=Expired.ALWAYS, expired_ttl=7)


def test_an_honest_cache_tells_old_until_its_entry_is_over_and_no_longer() -> None:
    honest = cache()
    assert honest.ask(-100.0) == Said(is_new=False, ttl=600)
    assert honest.ask(499.5) == Said(is_new=False, ttl=0)
    assert honest.old_until() == 500.0
    assert honest.ask(500.0) == Said(is_new=True, ttl=600)
    assert honest.old_until() == 500.0


def test_a_cache_that_holds_nothing_can_tell_old_only_as_long_as_a_server_does() -> None:
    cold = cache(where=setting(lag=HOUR))
    assert cold.old_chance(1800.0) == 0.5
    assert cold.old_until() == HOUR


def test_a_lagging_server_gives_old_to_a_cache_that_had_new() -> None:
    told = set[bool]()
    for seed in range(20):
        again = cache(where=setting(lag=HOUR), seed=seed)
        are_new = [_is_new(again.ask(float(t))) for t in range(0, int(HOUR), TTL)]
        told |= set(are_new)
        over = [TTL * (n + 1) for n, is_new in enumerate(are_new) if not is_new]
        assert max(0.0, again.old_until()) == max(0, *over, 0)
    assert told == {True, False}


def test_new_that_is_over_before_the_last_server_follows_can_be_old_again() -> None:
    lots = iter(range(100))
    while True:
        again = cache(where=setting(lag=HOUR), seed=next(lots))
        if _is_new(again.ask(3300.0)):
            break
    # Its NEW from 3,300 s lives until after the servers agree: the last chance was before.
    assert again.old_until() == 3300.0


def test_prefetch_renews_a_living_entry_behind_the_answer() -> None:
    eager = cache(Habit(TTL, fresh_share=0.9))
    eager.ask(-550.0)
    assert eager.ask(-11.0) == Said(is_new=False, ttl=61)
    assert eager.ask(20.0) == Said(is_new=False, ttl=30)
    assert eager.ask(20.0) == Said(is_new=True, ttl=600)
    assert eager.old_until() == 20.0


def test_an_optimistic_cache_tells_expired_old_once_more_and_is_then_right() -> None:
    hopeful = cache(OPTIMISTIC)
    hopeful.ask(-10.0)
    assert hopeful.old_until() == math.inf
    assert hopeful.ask(50_000.0) == Said(is_new=False, ttl=7)
    assert hopeful.ask(50_000.0) == Said(is_new=True, ttl=600)
    assert hopeful.old_until() == 50_000.0


def test_an_optimistic_cache_that_nobody_touches_can_tell_old_for_ever() -> None:
    untouched = cache(OPTIMISTIC)
    untouched.ask(-DAY)
    untouched.advance(HORIZON)
    assert untouched.old_chance(HORIZON) == 1.0
    assert untouched.old_until() == math.inf


def test_serve_stale_tells_expired_old_with_its_error_while_it_is_cut_off() -> None:
    where = Setting(AT_ONCE, cut_off=Spell(0.0, HOUR))
    stale = cache(Habit(TTL, gives_expired=Expired.WHILE_CUT_OFF), where)
    stale.ask(-100.0)
    assert stale.ask(400.0) == Said(is_new=False, ttl=100)
    assert stale.ask(3599.0) == Said(is_new=False, ttl=STALE_TTL, extended_errors=(STALE_ANSWER,))
    assert stale.old_until() == HOUR
    assert stale.ask(HOUR) == Said(is_new=True, ttl=600)
    assert stale.old_until() == HOUR


def test_who_is_cut_off_and_holds_nothing_does_not_answer() -> None:
    where = Setting(AT_ONCE, cut_off=Spell(0.0, HOUR))
    stale = cache(Habit(TTL, gives_expired=Expired.WHILE_CUT_OFF), where)
    assert stale.ask(10.0) is None
    assert stale.old_until() <= 0.0


def test_while_it_is_down_a_cache_tells_nobody_but_forgets_nothing() -> None:
    down = cache(Habit(86400), Setting(AT_ONCE, down=Spell(-5.0, HOUR)))
    down.ask(-10.0)
    assert down.ask(100.0) is None
    assert down.old_chance(100.0) == 0.0
    assert down.ask(HOUR) == Said(is_new=False, ttl=82790)
    assert down.old_until() == 86390.0


def test_a_cache_that_stays_down_told_old_last_when_it_went() -> None:
    down = cache(Habit(86400), Setting(AT_ONCE, down=Spell(20.0, math.inf)))
    down.ask(-10.0)
    assert down.old_until() == 20.0


def test_a_pinned_answer_never_changes() -> None:
    pinned = cache(Habit(TTL, shows_always=300, is_pinned=True), rate=1.0)
    assert pinned.ask(HORIZON) == Said(is_new=False, ttl=300)
    assert pinned.old_until() == math.inf


@pytest.mark.parametrize(
    ("habit", "shown"),
    [
        (Habit(TTL, shows_always=300), (300, 300)),
        (Habit(TTL, shows_at_most=300), (300, 100)),
        (Habit(60), (60, None)),
        (Habit(3600), (3600, 3100)),
    ],
)
def test_the_ttl_that_is_shown_is_the_habit_s(habit: Habit, shown: tuple[int, int | None]) -> None:
    liar = cache(habit)
    first = liar.ask(-500.0)
    second = liar.ask(0.0)
    assert (first and first.ttl) == shown[0]
    if shown[1] is not None:
        assert second == Said(is_new=False, ttl=shown[1])


def test_a_busy_cache_fetches_soon_after_its_entry_is_over() -> None:
    for seed in range(50):
        busy = cache(rate=1.0, seed=seed)
        busy.advance(0.0)
        assert busy.entry is not None
        over = busy.entry.expires_at
        busy.advance(over + 60)
        assert max(0.0, busy.old_until()) == max(0.0, over)
        assert over < busy.entry.fetched_at < over + 60


@pytest.mark.parametrize("rate", [0.05, 1 / TTL, 1 / 6 / TTL])
@pytest.mark.parametrize("habit", [Habit(TTL), Habit(TTL, fresh_share=0.9), OPTIMISTIC])
def test_drawing_only_the_clients_that_matter_is_the_same_as_letting_all_come(
    habit: Habit, rate: float
) -> None:
    instants = (100.0, 300.0, 500.0, 900.0, 2400.0)
    lazy, eager = _Tally(len(instants)), _Tally(len(instants))
    for seed in range(800):
        some = cache(habit, setting(lag=400.0), rate, seed)
        lazy.count(_chances(some, instants))
        every = cache(habit, setting(lag=400.0), 0.0, seed)
        eager.count(_chances_with_all_clients(every, rate, instants, random.Random(f"{seed}")))
    assert lazy.means() == pytest.approx(eager.means(), abs=0.07)


def test_asking_a_cache_often_changes_nothing_in_what_its_clients_do_to_others() -> None:
    where = replace(Setting(AT_ONCE), down=Spell(-50.0, 4000.0))
    watched, alone = cache(where=where, rate=0.01), cache(where=where, rate=0.01)
    for t in range(int(BEGINNING), 3000, 500):
        watched.old_chance(float(t))
    assert watched.ask(4000.5) == alone.ask(4000.5)


class _Tally:
    def __init__(self, size: int) -> None:
        self.sums, self.rows = [0.0] * size, 0

    def count(self, chances: list[float]) -> None:
        self.sums = [total + chance for total, chance in zip(self.sums, chances, strict=True)]
        self.rows += 1

    def means(self) -> list[float]:
        return [total / self.rows for total in self.sums]


def _chances(seen: Cache, instants: tuple[float, ...]) -> list[float]:
    chances = []
    for t in instants:
        seen.advance(t)
        chances.append(seen.old_chance(t))
    return chances


def _chances_with_all_clients(
    seen: Cache, rate: float, instants: tuple[float, ...], lots: random.Random
) -> list[float]:
    # The cold start lies many cycles back, at no fixed distance.
    cycle = TTL + 1 / rate
    client = -(8 + lots.random()) * cycle
    chances = []
    for t in instants:
        while client <= t:
            seen.ask(client)
            client += lots.expovariate(rate)
        chances.append(seen.old_chance(t))
    return chances


def _is_new(said: Said | None) -> bool:
    assert said is not None
    return said.is_new
