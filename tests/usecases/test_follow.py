"""A change followed from its first sight to its end, in a world whose time jumps to what is next.

Caches keep to the TTL here, the store is in memory, and hours pass in a moment.
"""

import asyncio
import selectors
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

from monitor.core.answers import (
    Address,
    Alias,
    Answer,
    NoAnswer,
    NoAnswerReason,
    Outcome,
    Question,
    Rcode,
    RecordType,
    Reply,
)
from monitor.core.bindings import Binding
from monitor.core.domain_tracking import Followers
from monitor.core.events import Event, EventType
from monitor.core.names import DomainName
from monitor.core.servers import Resolver, Transport
from monitor.core.state import DomainState, RoundPolicy, Step
from monitor.core.status import DomainStatus, StatusPolicy
from monitor.core.targets import TargetPolicy
from monitor.core.tracking.changes import Change, ChangeKind, ChangeState, Source
from monitor.core.tracking.policy import TrackingPolicy
from monitor.core.tracking.record import RecordKey
from monitor.core.tracking.values import alias
from monitor.ledger import Ledger
from monitor.ports import Server
from monitor.usecases.announce import Announcement, announce
from monitor.usecases.ask import Panel
from monitor.usecases.delegate import DelegationPolicy, Delegator
from monitor.usecases.follow import Follow
from monitor.usecases.mind_clock import mind_clock
from monitor.usecases.rounds import Rounds
from monitor.usecases.serials import Serials
from monitor.usecases.together import MOST_OF_ONE_RECORD
from tests.core.samples import BINDING, DOMAIN, START, TARGET, binding
from tests.fakes.fake_sweeper import FakeSweeper
from tests.fakes.memory_store import MemoryStore
from tests.fakes.recording_telemetry import RecordingTelemetry
from tests.fakes.unreadable import UnreadableRecords
from tests.usecases.panel import FIXED, NS1, NS2, RESOLVERS, ZONE

FORMER = DomainName("elsewhere.example")
RIGHT = TARGET.name
HOP = DomainName("lb.shop.example")
SUBNET = "198.51.100.0/24"
EAST = Resolver("east", "127.0.0.3", client_subnet=SUBNET)
AUTHORITIES = (NS1.name, NS2.name)


class _JumpingSelector(selectors.SelectSelector):
    """Waits for nothing: the time of the loop goes on at once by what it would have waited."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise AssertionError("everybody waits, and nobody ever wakes them")
        if not ready and timeout is not None:
            self.now += max(timeout, 0.0)
        return ready


class _JumpingLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


def jumping(story: Callable[[], Coroutine[None, None, None]]) -> Callable[[], None]:
    """Make a test of a story that is told on a loop whose time jumps."""

    def told() -> None:
        with asyncio.Runner(loop_factory=_JumpingLoop) as runner:
            runner.run(story())

    return told


class LoopClock:
    """Tells the time of the loop, as if it had begun at START; `set_wall` puts the wall ahead."""

    def __init__(self) -> None:
        self._ahead = self._drift = timedelta()

    def now(self) -> datetime:
        return START + timedelta(seconds=now()) + self._ahead

    def set_wall(self, by: timedelta) -> None:
        self._drift += by

    def drift(self) -> timedelta:
        return self._drift

    def follow_wall(self, by: timedelta) -> None:
        self._ahead += by
        self._drift -= by


def now() -> float:
    return asyncio.get_running_loop().time()


async def until(seconds: float) -> None:
    """Let the time come at which the loop has run for so long."""
    await asyncio.sleep(seconds - now())


class World:
    """Two authorities, and caches that keep what they fetched from the first for its TTL."""

    def __init__(self, clock: LoopClock) -> None:
        self._clock = clock
        self._serving: dict[tuple[str, DomainName, str], tuple[DomainName, int]] = {}
        self._copies: dict[tuple[str, DomainName], tuple[DomainName, float]] = {}
        self.asked: list[tuple[float, str, Question]] = []
        self.busiest: Counter[str] = Counter()
        self._under_way: Counter[str] = Counter()
        self.silent: set[str] = set()
        self._pinned: dict[str, DomainName] = {}

    def pin(self, resolver: str, target: DomainName | None) -> None:
        """Make a resolver answer with that target whatever the authorities serve."""
        self._pinned.pop(resolver, None)
        if target is not None:
            self._pinned[resolver] = target

    def publish(
        self,
        target: DomainName,
        ttl: int = 600,
        domain: DomainName = DOMAIN,
        servers: Sequence[str] = AUTHORITIES,
        view: str = "",
    ) -> None:
        for server in servers:
            self._serving[server, domain, view] = target, ttl

    async def ask(self, server: Server, question: Question) -> Reply:
        self.asked.append((now(), server.name, question))
        self._under_way[server.name] += 1
        self.busiest[server.name] = max(self.busiest[server.name], self._under_way[server.name])
        await asyncio.sleep(0.005)
        self._under_way[server.name] -= 1
        outcome = self._outcome(server, question)
        rtt = timedelta(milliseconds=5)
        return Reply(outcome, self._clock.now(), rtt, Transport.UDP, b"wire")

    def _outcome(self, server: Server, question: Question) -> Outcome:
        if server.name in self.silent or question.record_type is not RecordType.A:
            return NoAnswer(NoAnswerReason.TIMEOUT, "> 2 s")
        links, owner = list[Alias](), question.name
        while (link := self._link(server, owner, question.client_subnet or "")) is not None:
            links.append(link)
            owner = link.target
        if not links:
            return Answer(Rcode.NXDOMAIN, soa_owner=ZONE, negative_ttl=60, is_authoritative=True)
        is_resolver = isinstance(server, Resolver)
        found = (Address(owner, "203.0.113.1", 60),) if is_resolver else ()
        return Answer(Rcode.NOERROR, tuple(links), found, is_authoritative=not is_resolver)

    def _link(self, server: Server, owner: DomainName, view: str) -> Alias | None:
        if not isinstance(server, Resolver):
            served = self._served(server.name, owner, view)
            return Alias(owner, *served) if served else None
        copy = self._copies.get((server.name, owner))
        if copy is None or copy[1] <= now():
            served = self._served(NS1.name, owner, server.client_subnet or "")
            if served is not None and server.name in self._pinned:
                served = self._pinned[server.name], served[1]
            if served is None:
                return None
            copy = self._copies[server.name, owner] = served[0], now() + served[1]
        return Alias(owner, copy[0], int(copy[1] - now()))

    def _served(self, server: str, owner: DomainName, view: str) -> tuple[DomainName, int] | None:
        serving = self._serving
        return serving.get((server, owner, view)) or serving.get((server, owner, ""))

    def times(self, server: str, since: float = 0.0, domain: DomainName = DOMAIN) -> list[float]:
        """Return when the server was asked about the domain's addresses."""
        return [
            at
            for at, name, question in self.asked
            if name == server
            and at >= since
            and question.name == domain
            and question.record_type is RecordType.A
        ]


class Daemon:
    """What the daemon does for changes: rounds now and again, and Follow in between."""

    def __init__(
        self,
        resolvers: Sequence[Resolver] = RESOLVERS,
        policy: TrackingPolicy | None = None,
        resolver_interval: float = 300.0,
    ) -> None:
        self.clock = LoopClock()
        self.world = World(self.clock)
        self.store = MemoryStore()
        self.telemetry = RecordingTelemetry()
        self.ledger = Ledger(self.store, self.telemetry)
        self.resolvers = resolvers
        self.policy = policy or TrackingPolicy()
        self.resolver_interval = resolver_interval

    async def watch(self, *bindings: Binding) -> None:
        states = tuple(DomainState(b.domain, b, START) for b in bindings or (BINDING,))
        await self.ledger.record(lambda _: Step(states))

    def rounds(self) -> Rounds:
        return Rounds(
            ledger=self.ledger,
            panel=Panel(self.world, self.resolvers, TargetPolicy()),
            sweeper=FakeSweeper(self.world),
            delegator=Delegator(self.world, DelegationPolicy(self.resolvers, (FIXED,))),
            serials=Serials(self.world, timedelta(seconds=5)),
            policy=RoundPolicy(StatusPolicy({r.name: 1.0 for r in self.resolvers})),
            followers=Followers(self.policy, {r.name: r for r in self.resolvers}),
            clock=self.clock,
            telemetry=self.telemetry,
        )

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        rounds = self.rounds()
        follow = Follow(
            rounds.ledger,
            rounds.panel,
            rounds.followers,
            rounds.policy,
            rounds.clock,
            ask_authorities=rounds.of_authorities,
        )
        tasks = [
            asyncio.ensure_future(follow.run()),
            asyncio.ensure_future(_every(60.0, rounds.of_authorities)),
            asyncio.ensure_future(_every(self.resolver_interval, rounds.of_resolvers)),
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            ends = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in ends), ends

    def is_now(self, status: DomainStatus) -> bool:
        return self.domain.status.value is status

    @property
    def domain(self) -> DomainState:
        return self.ledger.state.domains[DOMAIN]

    def change(self, owner: DomainName = DOMAIN, view: str = "") -> Change:
        change = self.domain.records[RecordKey(owner, view)].change
        assert change is not None, "nothing has changed yet"
        return change

    def events(self, kind: EventType) -> list[Event]:
        return [event for event in self.telemetry.events if event.type is kind]


async def _every(seconds: float, look: Callable[[], Coroutine[None, None, None]]) -> None:
    while True:
        await look()
        await asyncio.sleep(seconds)


async def changing(daemon: Daemon) -> None:
    """Watch a domain that leads to another name, and is to lead to the right one later."""
    daemon.world.publish(FORMER)
    await daemon.watch()


def gaps(times: Sequence[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(times)]


@jumping
async def test_a_round_of_the_authorities_finds_the_change() -> None:
    daemon = Daemon()
    await changing(daemon)
    async with daemon.at_work():
        await until(100)
        assert daemon.domain.records[RecordKey(DOMAIN)].change is None
        daemon.world.publish(RIGHT)
        await until(122)
        change = daemon.change()
        assert (change.old, change.new) == (alias(FORMER), alias(RIGHT))
        assert (change.kind, change.source) == (ChangeKind.MODIFIED, Source.OBSERVED)
        assert timedelta(seconds=120) <= change.detected_at - START <= timedelta(seconds=121)
        assert change.deadline_at == change.detected_at + timedelta(hours=72)
        assert change.state is ChangeState.AUTH_SPLIT  # twice, before it is believed
        await until(135)
        assert daemon.change().state is ChangeState.PROPAGATING
        bound = daemon.change().bound_at
        assert bound is not None
        assert 0 <= (bound - change.detected_at).total_seconds() - 600 <= 2


@jumping
async def test_a_clock_that_is_put_back_lets_no_errand_wait() -> None:
    daemon = Daemon()
    await changing(daemon)
    async with daemon.at_work():
        await until(100)
        daemon.world.publish(RIGHT, servers=AUTHORITIES[:1])
        await until(135)
        assert daemon.change().state is ChangeState.AUTH_SPLIT
        daemon.clock.set_wall(timedelta(days=-4))
        assert await mind_clock(daemon.ledger, daemon.rounds().followers, daemon.clock)
        daemon.world.publish(RIGHT)
        await until(160)  # long before the next round
        assert daemon.change().state is ChangeState.PROPAGATING
        await until(3600)
        assert daemon.change().state in {ChangeState.CONVERGED, ChangeState.SETTLED}


@jumping
async def test_an_answer_that_waits_while_the_clock_is_put_back_is_of_no_time_to_come() -> None:
    daemon = Daemon()
    await changing(daemon)
    async with daemon.at_work():
        await until(100)
        daemon.world.publish(RIGHT)
        await until(125)
        clock, followers = daemon.clock, daemon.rounds().followers
        for _ in range(3):
            asked = len(daemon.world.asked)
            while len(daemon.world.asked) == asked:
                await until(now() + 0.01)
            # Its answer is there, and recorded with others a tenth of a second later.
            clock.set_wall(timedelta(hours=-1))
            assert await mind_clock(daemon.ledger, followers, clock)
        await until(now() + 1)
        for track in daemon.change().tracks.values():
            assert all(sample.at <= clock.now() for sample in track.recent)
        await until(now() + 1800)
        assert daemon.change().state in {ChangeState.CONVERGED, ChangeState.SETTLED}


@jumping
async def test_nobody_asks_a_resolver_while_an_authority_serves_the_old_value() -> None:
    daemon = Daemon()
    await changing(daemon)
    async with daemon.at_work():
        await until(100)
        daemon.world.publish(RIGHT, servers=AUTHORITIES[:1])
        await until(130)
        await until(1500)
        assert all(daemon.world.times(r.name, since=100) == [] for r in RESOLVERS)
        assert daemon.change().state is ChangeState.AUTH_SPLIT
        # Every 10 s for ten minutes, then as usual.
        assert len(daemon.world.times(NS1.name, since=130)) <= 60 + 1400 / 60 + 2
        assert len(daemon.events(EventType.AUTHORITY_SPLIT)) == 1


@jumping
async def test_a_lagging_authority_costs_a_resolver_one_question_in_half_an_hour() -> None:
    daemon = Daemon()
    await changing(daemon)
    async with daemon.at_work():
        await until(100)
        daemon.world.publish(RIGHT, servers=AUTHORITIES[:1])
        await until(3 * 3600)
        for resolver in RESOLVERS:
            times = daemon.world.times(resolver.name, since=130)
            assert len(times) <= 6
            assert all(gap >= 1800 for gap in gaps(times))
        daemon.world.publish(RIGHT)
        await until(4 * 3600)
        assert daemon.change().state in {ChangeState.CONVERGED, ChangeState.SETTLED}


@jumping
async def test_a_census_then_sleep_until_the_old_copy_expires_then_the_verdicts() -> None:
    daemon = Daemon()
    await changing(daemon)
    policy = daemon.policy
    async with daemon.at_work():
        await until(100)
        daemon.world.publish(RIGHT)
        await until(135)
        agreed_at = daemon.world.times(NS2.name)[-1]  # the poll that showed it again
        await until(590)
        for resolver in RESOLVERS:
            times = daemon.world.times(resolver.name, since=100)
            assert len(times) == policy.census_min
            assert times[0] >= agreed_at + policy.expiry_margin.total_seconds() - 0.01
            gap = policy.sample_gap.total_seconds()
            assert all(gap - 0.01 <= found <= gap + 0.5 for found in gaps(times))
        assert daemon.change().state is ChangeState.PROPAGATING
        eta = daemon.change().eta()
        assert eta is not None
        assert abs((eta - START).total_seconds() - 600) <= 2
        await until(620)
        # Fetched at 0 s for 600 s; the tracker waits two more.
        for resolver in RESOLVERS:
            assert 600 < daemon.world.times(resolver.name, since=500)[0] <= 603.5
        change = daemon.change()
        assert change.state is ChangeState.CONVERGED
        await until(800)
        change = daemon.change()
        assert change.state is ChangeState.SETTLED
        assert change.settled_at is not None and change.bound_at is not None
        assert change.settled_at >= change.bound_at
    kinds = [event.type for event in daemon.telemetry.events if event.change == change.id]
    expected = [
        EventType.CHANGE_DETECTED,
        EventType.AUTHORITY_AGREED,
        EventType.CENSUS_DONE,
        EventType.CONVERGED,
        EventType.SETTLED,
    ]
    first = [kinds.index(kind) for kind in expected]
    assert first == sorted(first)
    assert kinds.count(EventType.CONVERGED) == kinds.count(EventType.SETTLED) == 1


@jumping
async def test_usual_rounds_leave_out_whom_a_change_waits_for_and_ask_again_afterwards() -> None:
    daemon = Daemon(resolver_interval=60)
    await changing(daemon)
    async with daemon.at_work():
        await until(100)
        daemon.world.publish(RIGHT)
        await until(590)
        assert daemon.world.times("a", since=150) == []
        await until(1200)
        assert len(daemon.world.times("a", since=900)) >= 5


@jumping
async def test_a_store_that_is_broken_for_a_while_loses_nothing_and_nobody_runs_in_circles() -> (
    None
):
    daemon = Daemon()
    await changing(daemon)
    async with daemon.at_work():
        await until(100)
        daemon.world.publish(RIGHT)
        await until(130)  # in the middle of the census
        known = daemon.change()
        daemon.store.is_broken = True
        await until(250)
        for resolver in RESOLVERS:
            assert 2 <= len(daemon.world.times(resolver.name, since=130)) <= 120 / 5 + 2
        for name in AUTHORITIES:
            assert len(daemon.world.times(name, since=130)) <= 120 / 10 + 3
        assert daemon.change() == known
        daemon.store.is_broken = False
        await until(590)
        assert daemon.change().state is ChangeState.PROPAGATING
        assert all(track.census.is_done for track in daemon.change().tracks.values())
        await until(800)
        assert daemon.change().id == known.id
        assert daemon.change().deadline_at == known.deadline_at
        assert daemon.change().state is ChangeState.SETTLED


@jumping
async def test_a_store_that_breaks_at_the_very_beginning_hides_no_change() -> None:
    daemon = Daemon()
    await changing(daemon)
    async with daemon.at_work():
        await until(100)
        daemon.store.is_broken = True
        daemon.world.publish(RIGHT)
        await until(200)
        assert daemon.domain.records[RecordKey(DOMAIN)].change is None
        daemon.store.is_broken = False
        await until(1000)
        assert daemon.change().state is ChangeState.SETTLED


@jumping
async def test_a_reload_goes_on_with_the_same_change_and_does_not_ask_sooner() -> None:
    daemon = Daemon()
    await changing(daemon)
    async with daemon.at_work():
        await until(100)
        daemon.world.publish(RIGHT)
        await until(200)
    known = daemon.change()
    async with daemon.at_work():
        await until(590)
        assert daemon.world.times("a", since=200) == []
        await until(800)
    assert daemon.change().id == known.id
    assert daemon.change().deadline_at == known.deadline_at
    assert daemon.change().state is ChangeState.SETTLED
    assert len(daemon.events(EventType.CHANGE_DETECTED)) == 1


@jumping
async def test_a_restart_in_the_census_begins_it_again_with_the_same_deadline() -> None:
    daemon = Daemon()
    await changing(daemon)
    async with daemon.at_work():
        await until(100)
        daemon.world.publish(RIGHT)
        await until(130)
    known = daemon.change()
    daemon.ledger = Ledger(daemon.store, daemon.telemetry)
    await daemon.ledger.open()
    await until(200)
    async with daemon.at_work():
        await until(590)
        # What was due meanwhile is spread over a minute.
        firsts = [daemon.world.times(r.name, since=200)[0] for r in RESOLVERS]
        assert all(first <= 265 for first in firsts)
        assert abs(firsts[0] - firsts[1]) > 20
        for resolver in RESOLVERS:
            assert len(daemon.world.times(resolver.name, since=200)) == daemon.policy.census_min
        assert daemon.change().state is ChangeState.PROPAGATING
        await until(800)
    assert daemon.change().id == known.id
    assert daemon.change().deadline_at == known.deadline_at
    assert daemon.change().detected_at == known.detected_at
    assert daemon.change().state is ChangeState.SETTLED


@jumping
async def test_what_changed_while_the_daemon_was_down_is_found_and_bounded_from_then() -> None:
    daemon = Daemon()
    await changing(daemon)
    async with daemon.at_work():
        await until(70)
    daemon.world.publish(RIGHT)
    await until(1000)
    daemon.ledger = Ledger(daemon.store, daemon.telemetry)
    await daemon.ledger.open()
    async with daemon.at_work():
        await until(1030)
        change = daemon.change()
        assert 1000 <= (change.detected_at - START).total_seconds() <= 1010
        assert change.unseen_since is not None
        assert 60 <= (change.unseen_since - START).total_seconds() <= 61
        assert change.bound_at is not None
        assert change.bound_at >= change.detected_at + timedelta(seconds=600)


@jumping
async def test_a_forgotten_domain_ends_its_errands() -> None:
    daemon = Daemon()
    await changing(daemon)
    async with daemon.at_work():
        await until(100)
        daemon.world.publish(RIGHT)
        await until(128)
        await daemon.ledger.record(lambda _: Step(forgotten=frozenset({DOMAIN})))
        await until(130)
        before = len(daemon.world.asked)
        await until(2000)
        assert daemon.world.asked[before:] == []


@jumping
async def test_a_resolver_that_is_no_longer_configured_is_asked_and_waited_for_no_more() -> None:
    daemon = Daemon()
    await changing(daemon)
    async with daemon.at_work():
        await until(100)
        daemon.world.publish(RIGHT)
        await until(110)
        daemon.world.silent.add("b")
        await until(200)
    daemon.resolvers = RESOLVERS[:1]
    async with daemon.at_work():
        await until(800)
        assert daemon.world.times("b", since=200) == []
        assert daemon.change().state is ChangeState.SETTLED
        assert set(daemon.change().tracks) == {"a"}


@jumping
async def test_many_domains_that_change_at_once_all_arrive() -> None:
    daemon = Daemon()
    names = [f"d{number:03}.shop.example" for number in range(60)]
    for name in names:
        daemon.world.publish(FORMER, domain=DomainName(name))
    await daemon.watch(*(binding(name) for name in names))
    async with daemon.at_work():
        await until(100)
        for name in names:
            daemon.world.publish(RIGHT, domain=DomainName(name))
        await until(800)
    changes = [d.records[RecordKey(d.domain)].change for d in daemon.ledger.state.domains.values()]
    assert {change.state for change in changes if change} == {ChangeState.SETTLED}
    assert len({change.id for change in changes if change}) == len(names)
    assert {status.status.value for status in daemon.ledger.state.domains.values()} == {
        DomainStatus.IN_EFFECT
    }


@jumping
async def test_a_change_to_the_right_target_is_under_way_at_once_and_in_effect_at_once() -> None:
    daemon = Daemon()
    await changing(daemon)
    async with daemon.at_work():
        await until(100)
        assert daemon.is_now(DomainStatus.BROKEN)
        daemon.world.publish(RIGHT)
        await until(121)
        assert daemon.is_now(DomainStatus.PROPAGATING)
        while daemon.change().state is not ChangeState.CONVERGED:
            assert daemon.is_now(DomainStatus.PROPAGATING)
            await asyncio.sleep(0.5)
        await asyncio.sleep(0.5)
        assert daemon.is_now(DomainStatus.IN_EFFECT)
        assert now() < 620
    told = [(e.data["from"], e.data["to"]) for e in daemon.events(EventType.STATUS)]
    assert told[-2:] == [("broken", "propagating"), ("propagating", "in_effect")]


@jumping
async def test_a_change_to_a_wrong_target_is_never_called_on_its_way() -> None:
    daemon = Daemon(resolver_interval=60)
    daemon.world.publish(RIGHT)
    await daemon.watch()
    async with daemon.at_work():
        await until(100)
        assert daemon.is_now(DomainStatus.IN_EFFECT)
        daemon.world.publish(FORMER)
        await until(900)
        assert daemon.is_now(DomainStatus.BROKEN)
    told = [event.data["to"] for event in daemon.events(EventType.STATUS)]
    assert "propagating" not in told


@jumping
async def test_a_line_of_its_own_is_judged_by_what_the_authorities_give_to_it() -> None:
    daemon = Daemon(resolvers=(*RESOLVERS, EAST))
    await changing(daemon)
    async with daemon.at_work():
        await until(100)
        questions = {q for _, name, q in daemon.world.asked if name == NS1.name}
        for_all = Question(DOMAIN, is_recursion_desired=False)
        assert {for_all, replace(for_all, client_subnet=SUBNET)} <= questions
        daemon.world.publish(RIGHT, view=SUBNET)
        await until(590)
        assert daemon.domain.records[RecordKey(DOMAIN)].change is None
        assert daemon.change(view=SUBNET).view == SUBNET
        assert set(daemon.change(view=SUBNET).tracks) == {EAST.name}
        # Those of other lines are asked as usual, by rounds alone.
        assert all(gap > 250 for gap in gaps(daemon.world.times("a", since=90)))
        assert len(daemon.world.times(EAST.name, since=100)) == daemon.policy.census_min
        await until(800)
        assert daemon.change(view=SUBNET).state is ChangeState.SETTLED
        assert daemon.domain.records[RecordKey(DOMAIN)].change is None


@jumping
async def test_lines_that_differ_for_good_are_no_change() -> None:
    daemon = Daemon(resolvers=(*RESOLVERS, EAST))
    daemon.world.publish(FORMER)
    daemon.world.publish(RIGHT, view=SUBNET)
    await daemon.watch()
    async with daemon.at_work():
        await until(1000)
    assert all(record.change is None for record in daemon.domain.records.values())
    assert not daemon.events(EventType.CHANGE_DETECTED)
    assert not daemon.events(EventType.AUTHORITY_SPLIT)


@jumping
async def test_a_later_hop_of_ones_own_is_followed_and_the_vendors_part_is_not() -> None:
    daemon = Daemon()
    daemon.world.publish(HOP)
    daemon.world.publish(FORMER, domain=HOP)
    await daemon.watch()
    async with daemon.at_work():
        await until(100)
        daemon.world.publish(RIGHT, domain=HOP)
        await until(590)
        change = daemon.change(HOP)
        assert (change.kind, change.owner, change.domain) == (ChangeKind.CHAIN, HOP, DOMAIN)
        assert (change.old, change.new) == (alias(FORMER), alias(RIGHT))
        assert daemon.domain.records[RecordKey(DOMAIN)].change is None
        await until(800)
        assert daemon.change(HOP).state is ChangeState.SETTLED
        assert daemon.is_now(DomainStatus.IN_EFFECT)
        await until(1000)
        assert set(daemon.domain.records) == {RecordKey(DOMAIN), RecordKey(HOP)}
    assert not daemon.world.times(NS1.name, domain=RIGHT)


@jumping
async def test_a_resolver_that_keeps_silent_is_asked_ever_more_seldom() -> None:
    daemon = Daemon(resolver_interval=7200)
    await changing(daemon)
    async with daemon.at_work():
        await until(100)
        daemon.world.publish(RIGHT)
        daemon.world.silent.add("b")
        await until(3700)
        # Three times 3 s apart, then after 30 s, 60 s, ... at most 600 s.
        times = daemon.world.times("b", since=100)
        assert len(times) <= 14
        assert all(gap <= 605 for gap in gaps(times))
        daemon.world.silent.clear()
        await until(4400)
        assert len(daemon.world.times("b", since=3700)) >= 2
        assert daemon.change().tracks["b"].state.has_converged


@jumping
async def test_a_resolver_that_never_forgets_is_told_once_when_the_window_is_over() -> None:
    daemon = Daemon(resolver_interval=3600)
    await changing(daemon)
    async with daemon.at_work():
        await until(100)
        daemon.world.pin("b", FORMER)
        daemon.world.publish(RIGHT)
        await until(71 * 3600)
        assert not daemon.events(EventType.WINDOW_EXPIRED)
        (overstay,) = daemon.events(EventType.OVERSTAY)
        assert overstay.resolver == "b"
        assert [shown["resolver"] for shown in overstay.evidence] == ["b"]
        assert overstay.at - START < timedelta(hours=1)  # long before the window is over
        # With growing patience, at most every half an hour.
        assert len(daemon.world.times("b", since=3600)) <= 70 * 2 + 70 + 30
        await until(73 * 3600)
        assert daemon.change().state is ChangeState.EXPIRED
        (notice,) = daemon.events(EventType.WINDOW_EXPIRED)
        assert [shown["resolver"] for shown in notice.evidence] == ["b"]
        assert notice.at - daemon.change().deadline_at < timedelta(seconds=1)
        late, unverified = notice.data["late"], notice.data["unverified"]
        assert isinstance(late, Mapping)
        assert (set(late), unverified) == ({"b"}, ())
        daemon.world.pin("b", None)
        await until(80 * 3600)
        assert daemon.change().state is ChangeState.SETTLED
        assert len(daemon.events(EventType.WINDOW_EXPIRED)) == 1


@jumping
async def test_windows_of_several_lines_that_are_over_are_one_notice() -> None:
    policy = TrackingPolicy(window=timedelta(hours=6))
    daemon = Daemon((*RESOLVERS, EAST), policy, resolver_interval=3600)
    await changing(daemon)
    async with daemon.at_work():
        await until(100)
        for name in ("b", EAST.name):
            daemon.world.pin(name, FORMER)
        daemon.world.publish(RIGHT)
        await until(7 * 3600)
    (notice,) = daemon.events(EventType.WINDOW_EXPIRED)
    late = notice.data["late"]
    assert isinstance(late, Mapping)
    assert set(late) == {"b", EAST.name}


@jumping
async def test_another_change_in_the_window_takes_the_place_of_the_first() -> None:
    daemon = Daemon()
    await changing(daemon)
    async with daemon.at_work():
        await until(100)
        daemon.world.publish(DomainName("third.example"))
        await until(400)
        first = daemon.change()
        daemon.world.publish(RIGHT)
        await until(450)
        second = daemon.change()
        assert second.id != first.id
        assert (second.supersedes, second.new) == (first.id, alias(RIGHT))
        await until(1200)
        assert daemon.change().state is ChangeState.SETTLED
    kept = await daemon.store.change(first.id)
    assert kept is not None and kept.state is ChangeState.SUPERSEDED
    told = [event.change for event in daemon.events(EventType.SETTLED)]
    assert told == [second.id]


@jumping
async def test_a_change_that_is_taken_back_ends_and_the_way_back_is_followed() -> None:
    daemon = Daemon()
    await changing(daemon)
    async with daemon.at_work():
        await until(100)
        daemon.world.publish(RIGHT)
        await until(200)
        first = daemon.change()
        daemon.world.publish(FORMER)
        await until(1500)
        assert daemon.change().new == alias(FORMER)
        assert daemon.change().state is ChangeState.SETTLED
    kept = await daemon.store.change(first.id)
    assert kept is not None and kept.state in {ChangeState.REVERTED, ChangeState.SUPERSEDED}


@jumping
async def test_an_announced_change_is_looked_for_from_its_instant_on() -> None:
    daemon = Daemon()
    await changing(daemon)
    async with daemon.at_work():
        await until(100)
        at = START + timedelta(seconds=1000)
        said = Announcement(DOMAIN, RIGHT, at, by="lin")
        followers = daemon.rounds().followers
        change = await announce(said, daemon.ledger, followers, daemon.clock)
        await until(999)
        assert len(daemon.world.times(NS1.name, since=130)) <= 16
        daemon.world.publish(RIGHT)
        await until(1011)  # the usual round comes at 1020 s
        assert daemon.change().id == change.id
        assert daemon.change().detected_at - at <= timedelta(seconds=11)


@jumping
async def test_two_records_of_one_domain_that_change_share_their_questions() -> None:
    daemon = Daemon()
    daemon.world.publish(HOP)
    daemon.world.publish(FORMER, domain=HOP)
    await daemon.watch()
    async with daemon.at_work():
        await until(100)
        other = DomainName("lb2.shop.example")
        daemon.world.publish(RIGHT, domain=other)
        daemon.world.publish(RIGHT, domain=HOP)
        await until(150)
        daemon.world.publish(other)
        await until(1500)
        assert daemon.change().state is ChangeState.SETTLED
        assert RecordKey(other) in daemon.domain.records
        assert len(daemon.world.times("a", since=100)) <= 60
    hop = [c for c in await daemon.store.changes(10) if c.owner == HOP]
    assert [change.kind for change in hop] == [ChangeKind.CHAIN]


@jumping
async def test_nobody_is_asked_twice_at_a_time_about_one_domain() -> None:
    daemon = Daemon()
    await changing(daemon)
    async with daemon.at_work():
        await until(100)
        daemon.world.publish(RIGHT)
        await until(1200)
    for resolver in RESOLVERS:
        assert all(gap >= 1 for gap in gaps(daemon.world.times(resolver.name, since=10)))


@jumping
async def test_where_nothing_changes_resolvers_are_asked_by_the_usual_rounds_alone() -> None:
    daemon = Daemon(resolver_interval=3600)
    await changing(daemon)
    async with daemon.at_work():
        await until(86400 - 1)
        assert len(daemon.world.times("a")) == 24
        assert len(daemon.world.times(NS1.name)) <= 1441


@jumping
async def test_polls_that_bring_nothing_are_not_hurried_by_other_steps_of_the_domain() -> None:
    daemon = Daemon()
    await changing(daemon)
    async with daemon.at_work():
        await until(100)
        daemon.world.publish(RIGHT, servers=AUTHORITIES[:1])
        await until(125)
    asked = list[float]()

    async def ask_in_vain(_: object) -> None:
        asked.append(now())

    rounds = daemon.rounds()
    follow = Follow(
        daemon.ledger, rounds.panel, rounds.followers, rounds.policy, daemon.clock, ask_in_vain
    )
    following = asyncio.ensure_future(follow.run())
    for _ in range(100):
        await asyncio.sleep(1)
        await rounds.of_resolvers()
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)
    assert 5 <= len(asked) <= 12


@jumping
async def test_answers_between_the_rounds_are_no_rounds_that_break_a_status() -> None:
    daemon = Daemon(resolver_interval=3600)
    daemon.world.publish(RIGHT)
    await daemon.watch()
    async with daemon.at_work():
        await until(100)
        daemon.world.publish(FORMER)
        await until(900)
        assert daemon.change().state is ChangeState.SETTLED
        assert daemon.is_now(DomainStatus.IN_EFFECT)
        await until(2 * 3600 + 10)
        assert daemon.is_now(DomainStatus.BROKEN)


@jumping
async def test_changes_that_cannot_be_read_for_a_while_are_followed_when_they_can() -> None:
    daemon = Daemon()
    await changing(daemon)
    async with daemon.at_work():
        await until(100)
        daemon.world.publish(RIGHT)
        await until(3000)
    assert daemon.change().state is ChangeState.SETTLED
    records = UnreadableRecords(daemon.domain.records, looks=6)
    await daemon.ledger.record(lambda _: Step((replace(daemon.domain, records=records),)))
    async with daemon.at_work():
        await until(3100)
        daemon.world.publish(FORMER)
        await until(3300)
        assert daemon.change().new == alias(FORMER)
        assert daemon.change().state is ChangeState.PROPAGATING
    assert records.looks == 0


@jumping
async def test_in_a_storm_a_few_are_asked_about_at_a_time_and_written_once_for_all_answers() -> (
    None
):
    daemon = Daemon(resolver_interval=3600)
    names = [DomainName(f"d{number}.shop.example") for number in range(MOST_OF_ONE_RECORD)]
    for name in names:
        daemon.world.publish(FORMER, domain=name)
    await daemon.watch(*(binding(name.text) for name in names))
    written = Counter[DomainName]()
    async with daemon.at_work():
        await until(100)
        daemon.world.busiest.clear()
        for name in names:
            daemon.world.publish(RIGHT, domain=name)
        await until(124)
        daemon.ledger.listen(lambda step: written.update(one.domain for one in step.domains))
        await until(136)
    asked = Counter(q.name for at, server, q in daemon.world.asked if server == "a" and at > 124)
    assert min(asked[name] for name in names) > 4, "the census is under way"
    assert all(written[name] <= asked[name] + 1 for name in names)
    assert all(daemon.world.busiest[resolver.name] <= 100 for resolver in RESOLVERS)


@jumping
async def test_a_settled_change_is_left_to_sweeps_and_who_goes_back_on_it_is_seen_in_one() -> None:
    daemon = Daemon()
    await changing(daemon)
    async with daemon.at_work():
        await until(100)
        daemon.world.publish(RIGHT)
        await until(4 * 3600)
        assert daemon.change().state is ChangeState.SETTLED
        steps = list[Step]()
        daemon.ledger.listen(steps.append)
        await until(5 * 3600)
        assert len(daemon.world.times("a", since=4 * 3600)) >= 12, "by each sweep"
        assert len(steps) <= 2 * len(RESOLVERS), "of hourly looks"
        daemon.world.pin("b", FORMER)
        await until(5 * 3600 + 600 + 300 + 30)  # a TTL, a round, and three looks
        (event,) = daemon.events(EventType.REGRESSED)
        assert event.resolver == "b"
        assert daemon.change().state is ChangeState.PROPAGATING
