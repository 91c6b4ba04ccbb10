"""Told to end: at any moment, and whoever does not answer just then."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from random import Random

import nats
import requests

from monitor.demo.habits import dead, honest
from tests.chaos.door import never
from tests.chaos.ending import (
    HUP,
    IN_TIME,
    INT,
    TERM,
    WAYS,
    ended,
    ended_in_its_start,
    tell,
)
from tests.chaos.fault import Fault, Outcome
from tests.chaos.faults.api import behind_a_door
from tests.chaos.fleet import (
    Broker,
    Fleet,
    Pair,
    Worker,
    from_afar,
    open_fleet,
    open_pair,
    says,
)
from tests.chaos.fronts import SecretQuic, SecretStreams
from tests.chaos.looks import catches
from tests.chaos.runner import Runner
from tests.chaos.scene import Scene, clock, open_scene
from tests.chaos.streams import Mood, in_turn, silent, stalling_handshake
from tests.chaos.weather import Weather
from tests.servers.http_service import Hangs, Reaction, Says, Seen
from tests.servers.postgresql import postgresql
from tests.servers.process import aside

FAR = ("one", "two")
_START = 3.0  # seconds in which a start is surely over
_ROUNDS = 12
_MANY = 200  # domains
_STOPPED_FOR = 30.0  # seconds, in which a standby takes over from a leader that cannot end
_AT_ONCE = 6.0  # seconds: a lease that nobody holds is looked at each 1.5 s

Meanwhile = Callable[[Scene, Random], Awaitable[None]]


async def _in_its_start(folder: Path) -> Outcome:
    chance, longest = Random(1), 0.0
    async with open_scene(folder) as scene:
        with scene.fault():
            await ended(scene.runner)
            for _ in range(_ROUNDS):
                longest = max(longest, await ended_in_its_start(scene.runner, chance, _START))
            await scene.runner.start()
        return await scene.judged(_over(_ROUNDS, longest))


async def _at_any_moment(folder: Path) -> Outcome:
    """End it in the middle of what it does most, in each way, at instants by lot."""
    chance, longest, rounds = Random(2), 0.0, 0
    async with open_scene(folder) as scene:
        with scene.fault():
            for meanwhile in (_nothing, _a_trouble, _a_reload, _scrapes, _a_crowd):
                for numbers in WAYS:
                    await meanwhile(scene, chance)
                    await asyncio.sleep(chance.uniform(0, 1))
                    pause = chance.uniform(0, 0.1)
                    longest = max(longest, await ended(scene.runner, numbers, pause=pause))
                    rounds += 1
                    scene.mend("www")
                    await scene.runner.start()
                    await scene.until_ready()
        return await scene.judged(_over(rounds, longest))


async def _nothing(_scene: Scene, _chance: Random) -> None:
    """Leave it to its rounds."""


async def _a_trouble(scene: Scene, _chance: Random) -> None:
    scene.lead_astray("www")


async def _a_reload(scene: Scene, chance: Random) -> None:
    assert scene.runner.process is not None
    await asyncio.sleep(chance.uniform(0, 1))
    scene.runner.process.send_signal(HUP)


async def _scrapes(scene: Scene, _chance: Random) -> None:
    for path in ("metrics", "api/v1/domains?limit=1000", "") * 4:
        _ask(f"{scene.runner.url}{path}")


async def _a_crowd(scene: Scene, _chance: Random) -> None:
    """Follow the events, and take nothing of them."""
    for _ in range(10):
        _ask(f"{scene.runner.url}api/v1/events?after=0")


def _ask(url: str) -> None:
    """Ask aside, whatever comes of it."""

    def ask() -> None:
        with suppress(requests.RequestException), requests.get(url, timeout=20, stream=True) as it:
            it.raw.read()

    asyncio.get_running_loop().run_in_executor(None, ask)


async def _with_silent_resolvers(folder: Path) -> Outcome:
    async with open_scene(folder) as scene:
        with scene.fault():
            for cache in scene.world.caches.values():
                cache.habit = dead()
            await asyncio.sleep(1.5)
            took = await ended(scene.runner)
            for cache in scene.world.caches.values():
                cache.habit = honest()
            await scene.runner.start()
        return await scene.judged(_over(1, took))


async def _with_many_domains(folder: Path) -> Outcome:
    """End it in its looks at everything, and in scrapes that take their time."""
    chance, longest = Random(7), 0.0
    async with open_scene(folder, labels=[f"d{n}" for n in range(_MANY)]) as scene:
        with scene.fault():
            for number in range(_ROUNDS):
                if number % 2:
                    await scene.until_ready()
                    await _scrapes(scene, chance)
                else:
                    await scene.until(partial(_hears, scene))
                await asyncio.sleep(chance.uniform(0, 2))
                longest = max(longest, await ended(scene.runner, chance.choice(WAYS)))
                await scene.runner.start()
        return await scene.judged(_over(_ROUNDS, longest), patience=200)


async def _over_tls(folder: Path) -> Outcome:
    secret = SecretStreams(folder, "tls")
    return await _among_streams(folder, secret, in_turn((silent, stalling_handshake)))


async def _over_https(folder: Path) -> Outcome:
    secret = SecretStreams(folder, "https", "/dns-query")
    body, handshake = secret.secured(silent), stalling_handshake
    return await _among_streams(folder, secret, in_turn((body, handshake, silent)))


async def _among_streams(folder: Path, secret: SecretStreams, stalling: Mood) -> Outcome:
    async with secret.streams, open_scene(folder, change=secret.change) as scene:
        honest = secret.streams.mood

        def take_turns(stalls: bool) -> None:  # there are but two
            secret.streams.mood = stalling if stalls else honest

        return await _in_the_middle(scene, take_turns)


async def _over_quic(folder: Path) -> Outcome:
    async with SecretQuic(folder) as secret, open_scene(folder, change=secret.change) as scene:

        def take_turns(stalls: bool) -> None:  # there are but two
            secret.manner.answers = not stalls
            secret.relay.weather = Weather(loss=0.5 if stalls else 0.0)

        return await _in_the_middle(scene, take_turns)


async def _in_the_middle(scene: Scene, take_turns: Callable[[bool], None]) -> Outcome:
    """End it again and again while a resolver answers, and while it stalls, in turn."""
    chance, longest = Random(6), 0.0
    with scene.fault():
        for number in range(_ROUNDS):
            take_turns(number % 2 == 1)
            await asyncio.sleep(chance.uniform(0.5, 2.5))
            numbers = chance.choice(WAYS)
            longest = max(longest, await ended(scene.runner, numbers, pause=0.01))
            await _back(scene)
        take_turns(False)
    return await scene.judged(_over(_ROUNDS, longest))


async def _with_a_silent_account(folder: Path) -> Outcome:
    async with behind_a_door(folder) as (scene, door):
        with scene.fault():
            door.says = never
            await scene.until(_has_asked(lambda: door.turned_away > 0))
            took = await ended(scene.runner)
            door.says = None
            await scene.runner.start()
        return await scene.judged(_over(1, took))


async def _with_a_silent_pager(folder: Path) -> Outcome:
    async with open_scene(folder) as scene:
        with scene.fault():
            asked = _silence(scene)
            scene.lead_astray("www")
            await scene.until(_has_asked(lambda: bool(asked)))
            took = await ended(scene.runner)
            scene.pager.reaction = lambda _: Says()
            await scene.runner.start()
            await scene.until_paged("www")
            scene.mend("www")
        return await scene.judged(_over(1, took))


def _silence(scene: Scene) -> list[Seen]:
    """Have the pager take notices and not answer; return what will have reached it."""
    asked: list[Seen] = []

    def hang(seen: Seen) -> Reaction:
        asked.append(seen)
        return Hangs()

    scene.pager.reaction = hang
    return asked


def _has_asked(condition: Callable[[], bool]) -> Callable[[], Awaitable[bool]]:
    async def is_so() -> bool:
        return condition()

    return is_so


async def _without_a_store(folder: Path) -> Outcome:
    """End it while PostgreSQL is at work, is silent, and is gone; in its start too."""
    chance, took = Random(3), dict[str, float]()
    async with (
        aside(postgresql()) as server,
        open_scene(folder, database=server.fresh()) as scene,
    ):
        runner, back = scene.runner, partial(_back, scene)
        with scene.fault():
            took["at work"] = await ended(runner)
            await back()
            for name, outage in (("silent", server.silent), ("gone", server.stopped)):
                async with aside(outage()):
                    scene.lead_astray("www")
                    await asyncio.sleep(chance.uniform(0, 4))
                    took[name] = await ended(runner, is_noted=False)
                scene.mend("www")
                await back()
            await ended(runner)
            async with aside(server.silent()):
                await runner.start()
                await scene.until(partial(_hears, scene))
                await asyncio.sleep(chance.uniform(0, 2))
                took["silent in its start"] = await ended(runner, is_noted=False)
            for _ in range(4):
                await ended_in_its_start(runner, chance, _START)
            await back()
        return await scene.judged(_over_each(took))


async def _hears(scene: Scene) -> bool:
    assert scene.runner.process is not None
    return catches(scene.runner.process.pid, TERM)


async def _back(scene: Scene) -> None:
    await scene.runner.start()
    await scene.until_ready()


async def _by_way_of_a_broker(folder: Path) -> Outcome:
    """End the daemon and the worker while the broker is at work, silent, and gone."""
    chance, took = Random(4), dict[str, float]()
    async with open_fleet(folder, FAR) as fleet:
        scene = fleet.scene
        with scene.fault():
            for name, outage in (
                ("at work", _no_outage),
                ("silent", _silent_broker),
                ("gone", _gone_broker),
            ):
                async with outage(fleet):
                    await asyncio.sleep(chance.uniform(0, 4))
                    took[f"the daemon, {name}"] = await ended(scene.runner)
                    took[f"the worker, {name}"] = await _ended_worker(fleet.worker, (TERM,))
                    await fleet.worker.start(f"nats://{fleet.tap.at}")
                    await scene.runner.start()
                    await scene.until(partial(_hears, scene))
                    await asyncio.sleep(chance.uniform(0, 2))
                    await _ended_worker(fleet.worker, (TERM, TERM))
                    await ended(scene.runner, (INT,), is_noted=False)
                await fleet.worker.start(f"nats://{fleet.tap.at}")
                await _back(scene)
            for numbers in (*WAYS, *WAYS):
                await asyncio.sleep(chance.uniform(0, _START))
                longest = await _ended_worker(fleet.worker, numbers)
                took["the worker, at any moment"] = max(
                    longest, took.get("the worker, at any moment", 0.0)
                )
                await fleet.worker.start(f"nats://{fleet.tap.at}")
        return await scene.judged(_over_each(took))


async def _ended_worker(worker: Worker, numbers: tuple[signal.Signals, ...]) -> float:
    """Have a worker end by these signals, and return how many seconds it took."""
    assert worker.process is not None
    is_heard, began, said = catches(worker.process.pid, TERM), clock(), len(worker.lines)
    await tell(worker.process, numbers, 0.02)
    code = await worker.ended()
    took = clock() - began
    later = worker.lines[said:]
    if is_heard:
        assert code == 0, f"the worker ended with {code}: {later[-3:]}"
        assert '"worker.stopped"' in later[-1], f"the worker said last: {later[-3:]}"
    else:
        assert code in {0, 130, -numbers[0]}, f"the worker ended with {code}: {later[-3:]}"
    return took


@asynccontextmanager
async def _no_outage(_fleet: Fleet) -> AsyncIterator[None]:
    yield


@asynccontextmanager
async def _silent_broker(fleet: Fleet) -> AsyncIterator[None]:
    async with aside(fleet.broker.silent()):
        yield


@asynccontextmanager
async def _gone_broker(fleet: Fleet) -> AsyncIterator[None]:
    await fleet.broker.kill()
    yield
    await fleet.broker.start(fleet.data)


async def _leader_and_standby(folder: Path) -> Outcome:
    """End each of a pair: who comes next leads at once, since the lease was let go of."""
    chance, longest = Random(5), 0.0
    async with open_pair(folder) as pair:
        scene, standby = pair.scene, pair.standby
        with scene.fault():
            for numbers in WAYS:
                await asyncio.sleep(chance.uniform(0, 2))
                longest = max(longest, await ended(standby, numbers, is_noted=False))
                said = len(standby.events)
                await standby.start()
                await scene.until(partial(_says_since, standby, said, "lease.standby"))
            longest = max(longest, await ended(scene.runner))
            began = clock()
            await scene.until(lambda: says(standby, "lease.taken"))
            waited = clock() - began
            assert waited < _AT_ONCE, f"the standby led only after {waited:.1f} s"
            pair.succeed()
            for numbers in WAYS:
                await scene.until_ready()
                await asyncio.sleep(chance.uniform(0, 2))
                longest = max(longest, await ended(scene.runner, numbers))
                assert await _holder(pair) == b"", "it did not let go of its lease"
                await scene.runner.start()
            for _ in range(_ROUNDS):
                await scene.until(partial(_hears, scene))
                await ended(scene.runner, is_noted=False)
                longest = max(longest, await ended_in_its_start(scene.runner, chance, _START))
                assert await _holder(pair) == b"", "it did not let go of its lease in its start"
                await scene.runner.start()
        rounds = 2 * len(WAYS) + 1 + _ROUNDS
        remark = f"{_over(rounds, longest)}; the standby led {waited:.1f} s after the leader's end"
        return await scene.judged(remark)


async def _says_since(runner: Runner, said: int, event: str) -> bool:
    return any(one["event"] == event for one in runner.events[said:])


async def _holder(pair: Pair) -> bytes:
    """Return what is written in the lease: who holds it, or nothing."""
    client = await nats.connect(pair.broker.url)
    try:
        bucket = await client.jetstream().key_value("OCM_LEASE")
        return (await bucket.get("monitor")).value or b""
    finally:
        await client.close()


async def _stopped_leader(folder: Path) -> Outcome:
    """Stop the leader, which keeps its connections and its lock, and let it go on later."""
    async with open_pair(folder) as pair:
        scene, former, standby = pair.scene, pair.scene.runner, pair.standby
        assert former.process is not None
        with scene.fault():
            former.process.send_signal(signal.SIGSTOP)
            began = clock()
            scene.lead_astray("www")
            pair.succeed()

            async def leads() -> bool:  # the former leader's words are among them
                return [e["event"] for e in standby.events].count("event.start") == 2

            await scene.until(leads)
            taken_after = clock() - began
            await scene.until_paged("www")
            await asyncio.sleep(max(0.0, _STOPPED_FOR - (clock() - began)))
            former.process.send_signal(signal.SIGCONT)
            code, took = await _ended_by_itself(former)
        scene.mend("www")
        assert code == 3, f"who had lost its lease ended with {code}"
        remark = f"taken over after {taken_after:.1f} s; it ended {took:.1f} s after it went on"
        return await scene.judged(remark)


async def _ended_by_itself(runner: Runner) -> tuple[int, float]:
    began = clock()
    async with asyncio.timeout(IN_TIME):
        return await runner.ended(), clock() - began


async def _all_at_once(folder: Path) -> Outcome:
    """End a leader while store, broker, account, resolvers and pager are all silent."""
    broker, worker = Broker(), Worker(folder / "worker.toml")
    await broker.start(folder / "broker")
    try:
        await worker.start(broker.url)
        async with (
            aside(postgresql()) as server,
            behind_a_door(
                folder,
                database=server.fresh(),
                change=from_afar(FAR, broker.url, lease="monitor"),
            ) as (scene, door),
        ):
            with scene.fault():
                asked = _silence(scene)
                scene.lead_astray("www")
                await scene.until(_has_asked(lambda: bool(asked)))
                door.says = never
                for cache in scene.world.caches.values():
                    cache.habit = dead()
                async with aside(server.silent()), aside(broker.silent()):
                    await asyncio.sleep(2)
                    took = await ended(scene.runner, within=IN_TIME, is_noted=False)
                    await _ended_worker(worker, (TERM,))
                await worker.start(broker.url)
                door.says = None
                for cache in scene.world.caches.values():
                    cache.habit = honest()
                scene.pager.reaction = lambda _: Says()
                await scene.runner.start()
                await scene.until_paged("www")
                scene.mend("www")
            return await scene.judged(_over(1, took))
    finally:
        await worker.kill()
        await broker.close()


def _over(rounds: int, longest: float) -> str:
    often = f"{rounds} times, over" if rounds > 1 else "over"
    return f"{often} in {longest:.1f} s at most" if rounds > 1 else f"over in {longest:.1f} s"


def _over_each(took: Mapping[str, float]) -> str:
    return "over in " + ", ".join(f"{seconds:.1f} s ({name})" for name, seconds in took.items())


FAULTS = (
    Fault(
        "told to end: in its start",
        "SIGTERM at instants by lot, from the first on",
        _in_its_start,
    ),
    Fault(
        "told to end: at work",
        "SIGTERM, SIGINT, either twice or with SIGHUP, in rounds, changes, reloads, scrapes",
        _at_any_moment,
        within=480,
    ),
    Fault(
        "told to end: many domains",
        f"{_MANY} of them are looked at for the first time, and scraped",
        _with_many_domains,
        within=480,
    ),
    Fault("told to end: silent resolvers", "none answers any more", _with_silent_resolvers),
    Fault("told to end: TLS", "a resolver over TLS answers, or stalls", _over_tls),
    Fault("told to end: HTTPS", "a resolver over HTTPS answers, or stalls", _over_https),
    Fault("told to end: QUIC", "a resolver over QUIC answers, or stalls", _over_quic),
    Fault("told to end: silent OSS", "a call is under way", _with_a_silent_account),
    Fault("told to end: silent pager", "a notice is on its way", _with_a_silent_pager),
    Fault("told to end: PostgreSQL", "it is at work, silent, and gone", _without_a_store),
    Fault(
        "told to end: broker",
        "it is at work, silent, and gone; daemon and worker are told",
        _by_way_of_a_broker,
        within=480,
    ),
    Fault(
        "told to end: leader and standby",
        "each in turn, and whoever just takes the lease",
        _leader_and_standby,
        within=480,
    ),
    Fault("told to end: all silent", "store, broker, OSS, resolvers and pager", _all_at_once),
    Fault(
        "vantages: leader stopped",
        f"SIGSTOP for {_STOPPED_FOR:.0f} s: it keeps its lock in PostgreSQL; the other takes over",
        _stopped_leader,
    ),
)
