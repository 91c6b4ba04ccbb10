"""What every cache of the lab does with a record, and that looking into it tells the same."""

import math
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

import pytest

from tests.servers.balancer import Balanced, Balancer
from tests.servers.bind import Bind
from tests.servers.cache_server import CacheServer, Stubs
from tests.servers.knot_resolver import KnotResolver
from tests.servers.nsd import Nsd
from tests.servers.process import came_true
from tests.servers.questions import ask
from tests.servers.reading import is_stale
from tests.servers.truth import Held, changed, held
from tests.servers.unbound import Unbound
from tests.servers.zone_server import ZoneServer
from tests.servers.zone_text import lab_zone

NAME = "exact.shop.test"
BEFORE, AFTER = "before.example.", "after.example."
LIMIT = 30.0


class Cache(Protocol):
    def running(self) -> AbstractContextManager[CacheServer]: ...


class Program(Protocol):
    """What the classes of the three caches have in common."""

    def __call__(
        self, stubs: Stubs, *, min_ttl: int = 0, max_ttl: int = 0, serves_stale: bool = False
    ) -> Cache: ...


every_program = pytest.mark.parametrize("program", [Unbound, Bind, KnotResolver])


@dataclass(frozen=True, slots=True)
class World:
    """One authority, and before it what counts the questions that reach it."""

    authority: ZoneServer
    front: Balanced

    @property
    def stubs(self) -> Stubs:
        return {"shop.test": (self.front.endpoint,)}

    @property
    def asked(self) -> int:
        return sum(self.front.queries)

    def point(self, target: str, ttl: int) -> None:
        changed(self.authority, NAME, target, ttl)


@pytest.fixture
def world() -> Iterator[World]:
    zones = {"shop.test": lab_zone("shop.test")}
    with Nsd(zones).running() as authority, Balancer(authority.endpoints).running() as front:
        yield World(authority, front)


@every_program
def test_looking_into_a_cache_asks_nobody(world: World, program: Program) -> None:
    world.point(BEFORE, 60)
    with program(world.stubs).running() as cache:
        assert held(cache, NAME) is None
        assert world.asked == 0
        hear(cache)
        asked = world.asked
        assert held(cache, NAME) is not None
        assert world.asked == asked


@every_program
def test_a_cache_forgets_within_a_second_of_the_end(world: World, program: Program) -> None:
    # All count whole seconds: BIND drops the one that has begun, and the others add it.
    least, most = (0, 1) if program is Bind else (1, 2)
    world.point(BEFORE, 1)
    with program(world.stubs).running() as cache:
        begin = time.monotonic()
        assert hear(cache) in fresh(BEFORE, 1)
        heard = last = time.monotonic()
        asked = world.asked
        world.point(AFTER, 60)

        def is_forgotten() -> bool:
            nonlocal last
            begun = time.monotonic()
            if held(cache, NAME) is not None:
                last = begun
                return False
            return True

        assert came_true(is_forgotten, LIMIT)
        assert time.monotonic() - begin >= least - 0.1
        assert last - heard <= most + 0.1
        assert world.asked == asked
        assert hear(cache) in fresh(AFTER, 60)


@every_program
def test_a_cache_tells_what_it_holds_and_counts_down(world: World, program: Program) -> None:
    world.point(BEFORE, 60)
    with program(world.stubs).running() as cache:
        assert hear(cache) in fresh(BEFORE, 60)
        world.point(AFTER, 60)
        assert came_true(lambda: held(cache, NAME) != (BEFORE, 60), LIMIT)
        begun = time.monotonic()
        found, told = held(cache, NAME), hear(cache)
        assert found is not None
        assert found[0] == told[0] == BEFORE
        assert found[1] < 60
        assert found[1] - _seconds_since(begun) <= told[1] <= found[1]


@every_program
def test_a_cache_has_a_floor_and_a_cap(world: World, program: Program) -> None:
    with program(world.stubs, min_ttl=20, max_ttl=40).running() as cache:
        for ttl, expected in ((0, 20), (1, 20), (30, 30), (86_400, 40)):
            world.point(BEFORE, ttl)
            cache.flush()
            begun = time.monotonic()
            assert hear(cache) in fresh(BEFORE, expected)
            found = held(cache, NAME)
            assert found is not None
            assert found[0] == BEFORE
            assert expected - _seconds_since(begun) <= found[1] <= expected


@every_program
def test_a_flushed_cache_holds_nothing(world: World, program: Program) -> None:
    with program(world.stubs, serves_stale=True).running() as cache:
        world.point(BEFORE, 60)
        hear(cache)
        world.point(AFTER, 60)
        cache.flush()
        assert held(cache, NAME) is None
        assert hear(cache) in fresh(AFTER, 60)


@every_program
def test_what_is_told_stale_is_not_held(world: World, program: Program) -> None:
    with program(world.stubs, serves_stale=True).running() as cache:
        # Unbound and BIND keep no record of zero seconds for bad times.
        world.point(BEFORE, 0 if program is KnotResolver else 1)
        hear(cache)
        with world.authority.silent():
            assert came_true(lambda: held(cache, NAME) is None, LIMIT)
            answer = ask(cache.endpoint, NAME, "CNAME", timeout=LIMIT)
            assert is_stale(answer)
            assert str(answer.answer[0][0]) == BEFORE
            assert held(cache, NAME) is None
        world.point(AFTER, 60)
        assert came_true(lambda: hear(cache)[0] == AFTER, LIMIT)


def test_an_optimistic_cache_tells_stale_records_first_and_asks_then(world: World) -> None:
    with Unbound(world.stubs, serves_stale=True, optimistic=True).running() as cache:
        world.point(BEFORE, 1)
        hear(cache)
        world.point(AFTER, 60)
        assert came_true(lambda: held(cache, NAME) is None, LIMIT)
        assert hear(cache) in fresh(BEFORE, 30)
        assert came_true(lambda: held(cache, NAME) is not None, LIMIT)
        assert hear(cache)[0] == AFTER


@every_program
def test_a_name_without_an_alias_is_not_held(world: World, program: Program) -> None:
    with program(world.stubs).running() as cache:
        for name in ("a-only.shop.test", "nobody.shop.test"):
            ask(cache.endpoint, name, "CNAME")
            ask(cache.endpoint, name, "A")
            assert held(cache, name) is None


def test_a_change_raises_the_serial_and_is_served(world: World) -> None:
    assert changed(world.authority, NAME, BEFORE, 60) == 2
    assert changed(world.authority, NAME, AFTER, 5) == 3
    answer = ask(world.authority.endpoint, NAME, "CNAME", recursive=False)
    assert (str(answer.answer[0][0]), answer.answer[0].ttl) == (AFTER, 5)


def test_a_name_of_another_authority_is_not_changed(world: World) -> None:
    with pytest.raises(ValueError, match="in no zone of the authority"):
        changed(world.authority, "www.elsewhere.test", AFTER, 60)


def hear(cache: CacheServer) -> Held:
    """Return what a client is told."""
    alias = ask(cache.endpoint, NAME, "CNAME").answer[0]
    return str(alias[0]), alias.ttl


def fresh(target: str, ttl: int) -> set[Held]:
    """Return what a client may be told of a record just fetched: a second may end on the way."""
    return {(target, ttl), (target, ttl - 1)}


def _seconds_since(begun: float) -> int:
    """Return by how many whole seconds a count may have gone down meanwhile."""
    return math.ceil(time.monotonic() - begun)
