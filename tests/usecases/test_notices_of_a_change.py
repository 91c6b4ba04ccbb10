"""A change of three days, with outages and a pool, as people hear of it: opened once, closed once.

The daemon's own rounds, tracking, decisions and delivery are at work; only the world is small.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from itertools import pairwise

import pytest

from monitor.core.answers import Outcome, Question
from monitor.core.message import Message, NoticeSeverity
from monitor.core.names import DomainName
from monitor.core.notices.deciding import with_notices
from monitor.core.notices.dispatch import Parcel
from monitor.core.notices.policy import NoticePolicy, Route
from monitor.core.servers import Resolver
from monitor.core.state import State, Step
from monitor.core.status import DomainStatus, StatusPolicy
from monitor.core.told import Notice
from monitor.core.tracking.changes import ChangeState
from monitor.ports import Server
from monitor.usecases.deliver import Deliver
from monitor.usecases.remind import remind
from monitor.wording import Language, wording
from monitor.wording.notices import message_of
from tests.core.samples import DOMAIN, START
from tests.fakes.notifiers import ListNotifier
from tests.usecases.test_follow import FORMER, HOP, RIGHT, Daemon, LoopClock, World, jumping, until

HOUR = 3600.0
TTL = 24 * 3600
EIGHT = tuple(Resolver(f"r{n}", f"127.0.0.{n}") for n in range(1, 9))
POOL = "r8"
MEMBERS = 3


class PooledWorld(World):
    """A world where one resolver is several caches, of which each question meets the next."""

    def __init__(self, clock: LoopClock) -> None:
        super().__init__(clock)
        self._turn = 0

    def _outcome(self, server: Server, question: Question) -> Outcome:
        if server.name == POOL and POOL not in self.silent and isinstance(server, Resolver):
            self._turn += 1
            server = replace(server, name=f"{POOL}/{self._turn % MEMBERS}")
        return super()._outcome(server, question)

    def forget(self, name: str) -> None:
        self._copies.pop((name, DOMAIN), None)

    def forget_all(self) -> None:
        self._copies.clear()

    def fill(self, target: DomainName) -> None:
        """Let every cache have fetched the value at another time of the day before."""
        names = [r.name for r in EIGHT[:-1]] + [f"{POOL}/{n}" for n in range(MEMBERS)]
        for index, name in enumerate(names, start=1):
            self._copies[name, DOMAIN] = target, index * TTL / (len(names) + 1)


@dataclass(slots=True)
class Newsroom:
    """A daemon that tells two channels: one everything, one only what is critical."""

    daemon: Daemon
    chat: ListNotifier
    pager: ListNotifier
    told: list[tuple[float, Notice]]

    @classmethod
    def opened(cls) -> "Newsroom":
        daemon = Daemon(EIGHT)
        daemon.world = PooledWorld(daemon.clock)
        room = cls(daemon, ListNotifier("chat"), ListNotifier("pager"), [])
        daemon.ledger.accompany(room._with_notices)
        daemon.ledger.listen(room._note)
        return room

    @property
    def world(self) -> PooledWorld:
        assert isinstance(self.daemon.world, PooledWorld)
        return self.daemon.world

    @property
    def policy(self) -> NoticePolicy:
        weights = StatusPolicy({r.name: 1.0 for r in EIGHT})
        routes = Route("chat"), Route("pager", NoticeSeverity.CRITICAL)
        return NoticePolicy(weights, routes)

    def _with_notices(self, state: State, step: Step) -> Step:
        return with_notices(state, step, self.policy, self.daemon.clock.now())

    def _note(self, step: Step) -> None:
        hours = (self.daemon.clock.now() - START).total_seconds() / HOUR
        self.told += [(round(hours, 2), notice) for notice in step.notices]

    def turns(self, channel: str) -> list[str]:
        return [n.reason.value for _, n in self.told if n.channel == channel]

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        daemon = self.daemon
        channels = {"chat": self.chat, "pager": self.pager}
        deliver = Deliver(
            daemon.ledger, daemon.store, channels, _composed, daemon.clock, daemon.telemetry
        )
        tasks = [
            asyncio.ensure_future(deliver.run()),
            asyncio.ensure_future(self._remind()),
        ]
        try:
            async with daemon.at_work():
                yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _remind(self) -> None:
        while True:
            await asyncio.sleep(60)
            await remind(self.daemon.ledger, self.policy, self.daemon.clock, lambda _: True)


def _composed(_channel: str, parcel: Parcel) -> Message:
    return message_of(parcel, wording(Language.ENGLISH), "https://dns.example")


async def silence(room: Newsroom, names: tuple[str, ...], since: float, to: float) -> None:
    await until(since)
    room.world.silent.update(names)
    await until(to)
    room.world.silent.difference_update(names)


async def opened(*values: DomainName) -> Newsroom:
    """Return a room where the domain leads by way of these names, known everywhere for a day."""
    room = Newsroom.opened()
    world = room.world
    for owner, target in pairwise((DOMAIN, *values)):
        world.publish(target, TTL, owner)
    world.fill(values[0])
    await room.daemon.watch()
    return room


@jumping
async def test_a_change_of_three_days_is_opened_once_and_closed_once() -> None:
    # Both values reach the bucket: nobody is broken at any time, and the caches take a day.
    room = await opened(HOP, RIGHT)
    async with room.at_work():
        await until(600)
        room.world.publish(RIGHT, TTL)
        await silence(room, ("r3",), 4 * HOUR, 6 * HOUR)
        await silence(room, ("r1", "r2", "r4", "r5", "r6"), 10 * HOUR, 11 * HOUR)
        await until(73 * HOUR)
        assert room.daemon.change().state is ChangeState.SETTLED
    assert room.turns("chat") == ["first", "over"]
    assert [message.is_over for message in room.chat.messages] == [False, True]
    assert [at for at, _ in room.told] == [0.17, pytest.approx(22, abs=1)]
    assert room.turns("pager") == [] and room.pager.messages == []


@jumping
async def test_outages_and_a_pool_that_disagrees_alarm_nobody() -> None:
    room = await opened(RIGHT)
    world = room.world
    async with room.at_work():
        await silence(room, ("r3",), 1 * HOUR, 3 * HOUR)
        await silence(room, ("r1", "r2", "r4", "r5", "r6"), 4 * HOUR, 5 * HOUR)
        await silence(room, tuple(r.name for r in EIGHT), 6 * HOUR, 6.5 * HOUR)
        world.pin(f"{POOL}/1", FORMER)  # one member of the pool leads elsewhere for half a day
        world.forget(f"{POOL}/1")
        await until(18 * HOUR)
        assert not room.daemon.is_now(DomainStatus.BROKEN)
    assert room.told == []


@jumping
async def test_a_record_that_breaks_is_told_within_two_rounds_and_its_mending_too() -> None:
    room = await opened(RIGHT)
    world = room.world
    async with room.at_work():
        await until(1000)
        world.publish(FORMER, 60)
        world.forget_all()
        await until(1000 + 2 * 300 + 30)
        assert room.turns("pager") == ["first"]
        await until(2 * HOUR)
        world.publish(RIGHT, 60)
        await until(3 * HOUR)
    assert room.turns("pager") == ["first", "over"]
    assert [message.is_over for message in room.pager.messages] == [False, True]
    assert "broken (not OSS)" in room.pager.messages[0].title
    assert room.turns("chat") == ["first", "worse", "other", "over"]


@jumping
async def test_a_record_that_goes_to_and_fro_for_six_hours_is_three_openings_at_most() -> None:
    room = await opened(RIGHT)
    world = room.world
    async with room.at_work():
        for turn in range(1, 19):
            await until(turn * 1200)
            world.publish(FORMER if turn % 2 else RIGHT, 60)
            world.forget_all()
        await until(10 * HOUR)
    for turns in (room.turns("pager"), room.turns("chat")):
        assert 1 <= turns.count("first") == turns.count("over") <= 3
        assert len(turns) < 18  # one for each time


@jumping
async def test_a_launch_is_told_as_broken_as_on_its_way_and_as_over() -> None:
    room = await opened(FORMER)
    async with room.at_work():
        await until(3 * HOUR)
        room.world.publish(RIGHT, TTL)
        await until(40 * HOUR)
    assert room.turns("chat") == ["first", "other", "over"]
    assert room.turns("pager") == ["first", "over"]
