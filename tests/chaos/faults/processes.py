"""kill -9 of the daemon in each state that it can be in, and of the database under it."""

import asyncio
import os
import random
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from tests.chaos.fault import Fault, Outcome
from tests.chaos.scene import Scene, open_scene
from tests.servers.http_service import Hangs, Reaction, Says, Seen
from tests.servers.postgresql import Postgresql, postgresql
from tests.servers.process import aside

_SWINGS = ("img", "static", "docs")


async def _at_rest(folder: Path) -> Outcome:
    async with open_scene(folder) as scene:
        with scene.fault():
            await scene.runner.kill()
            await scene.runner.start()
        return await scene.judged()


async def _with_trouble_meanwhile(folder: Path) -> Outcome:
    async with open_scene(folder) as scene:
        with scene.fault():
            await scene.runner.kill()
            scene.lead_astray("www")
            await scene.runner.start()
            await scene.until_paged("www")
            await scene.runner.kill()
            scene.mend("www")
            await scene.runner.start()
        return await scene.judged()


async def _in_its_start(folder: Path) -> Outcome:
    draw = random.Random(1)
    async with open_scene(folder) as scene:
        with scene.fault():
            await scene.runner.kill()
            scene.lead_astray("www")
            for _ in range(8):
                await scene.runner.start()
                await asyncio.sleep(draw.uniform(0.1, 2.0))
                await scene.runner.kill()
            await scene.runner.start()
        return await scene.judged("8 times, 0.1 to 2 s after it was started")


async def _in_a_round(folder: Path) -> Outcome:
    async with open_scene(folder) as scene:
        with scene.fault():
            for _ in range(4):
                asked = _asked(scene)
                await scene.until(partial(_is_asking, scene, asked))
                await scene.runner.kill()
                await scene.runner.start()
                await scene.until_normal()
        return await scene.judged("4 times, with questions on the way")


def _asked(scene: Scene) -> int:
    return sum(cache.queries.total() for cache in scene.world.caches.values())


async def _is_asking(scene: Scene, asked: int) -> bool:
    return _asked(scene) > asked


async def _in_a_change(folder: Path) -> Outcome:
    async with open_scene(folder) as scene:
        with scene.fault():
            scene.lead_astray("www")
            await scene.until_reported("change_detected")
            await scene.runner.kill()
            await scene.runner.start()
        await scene.until_paged("www")
        return await scene.judged("the window of the change is open; it is followed on")


async def _while_it_writes(folder: Path, seed: int) -> Outcome:
    draw = random.Random(seed)
    async with open_scene(folder) as scene:
        with scene.fault():
            async with _restless(scene):
                for _ in range(8):
                    await asyncio.sleep(draw.uniform(0.3, 2.5))
                    await scene.runner.kill()
                    await scene.runner.start()
                    await scene.until_ready()
        return await scene.judged(f"8 times at random (seed {seed}), while domains break and mend")


@asynccontextmanager
async def _restless(scene: Scene) -> AsyncIterator[None]:
    """Have a domain break and mend all the time, so that there is always something to write."""

    async def swing() -> None:
        while True:
            for label in _SWINGS:
                scene.lead_astray(label)
                await asyncio.sleep(0.4)
                scene.mend(label)
                await asyncio.sleep(0.2)

    swinging = asyncio.ensure_future(swing())
    try:
        yield
    finally:
        swinging.cancel()
        scene.mend(*_SWINGS)


async def _while_the_pager_is_silent(folder: Path) -> Outcome:
    async with open_scene(folder) as scene:
        with scene.fault():
            scene.pager.reaction = lambda _: Hangs()
            scene.lead_astray("www")
            await scene.until_handed()
            await scene.runner.kill()
            scene.pager.reaction = lambda _: Says()
            await scene.runner.start()
        await scene.until_paged("www")
        return await scene.judged("the notice is on its way, and not taken")


async def _as_the_pager_takes_it(folder: Path) -> Outcome:
    async with open_scene(folder) as scene:
        killed = asyncio.Event()
        loop = asyncio.get_running_loop()

        def take_and_kill(_: Seen) -> Reaction:
            scene.pager.reaction = lambda _: Says()
            assert scene.runner.process is not None
            os.kill(scene.runner.process.pid, signal.SIGKILL)
            loop.call_soon_threadsafe(killed.set)
            return Says()

        with scene.fault():
            scene.pager.reaction = take_and_kill
            scene.lead_astray("www")
            async with asyncio.timeout(60):
                await killed.wait()
            await scene.runner.ended()
            await scene.runner.start()
        outcome = await scene.judged("taken, and not written down: it comes twice, with one key")
        assert len(scene.pager.deliveries) == 2, scene.pager.deliveries
        assert len({one.key for one in scene.pager.deliveries}) == 1, scene.pager.deliveries
        return outcome


async def _just_after(folder: Path, *, number: signal.Signals, most: float, seed: int) -> Outcome:
    """Kill it at random instants, `most` seconds after a signal at the latest."""
    draw = random.Random(seed)
    async with open_scene(folder) as scene:
        with scene.fault():
            scene.lead_astray("www")
            for _ in range(5):
                assert scene.runner.process is not None
                scene.runner.process.send_signal(number)
                await asyncio.sleep(draw.uniform(0.0, most))
                await scene.runner.kill()
                await scene.runner.start()
                await scene.until_ready()
        return await scene.judged(f"5 times, up to {most:g} s after {number.name}")


async def _on_postgresql(folder: Path) -> Outcome:
    draw = random.Random(4)
    async with _postgresql() as server, open_scene(folder, database=server.fresh()) as scene:
        with scene.fault():
            async with _restless(scene):
                for _ in range(4):
                    await asyncio.sleep(draw.uniform(0.3, 2.5))
                    await scene.runner.kill()
                    await scene.runner.start()
                    await scene.until_ready()
        return await scene.judged("4 times at random, while domains break and mend")


async def _backend_of_postgresql(folder: Path) -> Outcome:
    draw = random.Random(5)
    async with _postgresql() as server, open_scene(folder, database=server.fresh()) as scene:
        with scene.fault():
            async with _restless(scene):
                for _ in range(4):
                    await asyncio.sleep(draw.uniform(0.3, 2.5))
                    said = len(scene.runner.events)
                    await asyncio.to_thread(_kill_backends, server)
                    await scene.until_logged("store.back", after=said)
        return await scene.judged("4 times at random; the server restarts all its processes")


def _kill_backends(server: Postgresql) -> None:
    query = "SELECT pid FROM pg_stat_activity WHERE application_name = 'oss-cname-monitor'"
    found = server.tell(server.url, query)
    for (pid,) in found:
        assert isinstance(pid, int)
        os.kill(pid, signal.SIGKILL)


async def _all_of_postgresql(folder: Path) -> Outcome:
    draw = random.Random(6)
    async with _postgresql() as server, open_scene(folder, database=server.fresh()) as scene:
        with scene.fault():
            scene.lead_astray("www")
            async with _restless(scene):
                for _ in range(3):
                    await asyncio.sleep(draw.uniform(0.3, 2.5))
                    async with aside(server.killed()):
                        await asyncio.sleep(2)
                    await scene.until_ready()
        return await scene.judged("3 times at random, 2 s each, as in a power cut")


@asynccontextmanager
async def _postgresql() -> AsyncIterator[Postgresql]:
    async with aside(postgresql()) as server:
        yield server


FAULTS = (
    Fault("kill -9 at rest", "the daemon is killed and started again", _at_rest),
    Fault(
        "kill -9 and trouble meanwhile",
        "a domain breaks while no daemon runs, and is mended while none runs",
        _with_trouble_meanwhile,
    ),
    Fault("kill -9 in its start", "it is killed again and again as it starts", _in_its_start),
    Fault("kill -9 in a round", "it is killed while answers are on their way", _in_a_round),
    Fault("kill -9 in a change", "it is killed as soon as it has seen a change", _in_a_change),
    *(
        Fault(
            f"kill -9 while it writes ({seed})",
            "it is killed at random instants",
            partial(_while_it_writes, seed=seed),
        )
        for seed in (1, 2)
    ),
    Fault(
        "kill -9 while it delivers",
        "it is killed while the pager keeps it waiting",
        _while_the_pager_is_silent,
    ),
    Fault(
        "kill -9 as it has delivered",
        "it is killed when the pager has taken a notice",
        _as_the_pager_takes_it,
    ),
    Fault(
        "kill -9 in a reload",
        "it is killed just after SIGHUP",
        partial(_just_after, number=signal.SIGHUP, most=0.2, seed=2),
    ),
    Fault(
        "kill -9 in its end",
        "it is killed just after SIGTERM",
        partial(_just_after, number=signal.SIGTERM, most=0.3, seed=3),
    ),
    Fault("kill -9 on PostgreSQL", "the daemon is killed at random instants", _on_postgresql),
    Fault(
        "kill -9 of PostgreSQL's backends",
        "the processes that serve the daemon are killed",
        _backend_of_postgresql,
    ),
    Fault(
        "kill -9 of PostgreSQL",
        "all of its processes are killed, and started again",
        _all_of_postgresql,
    ),
)
