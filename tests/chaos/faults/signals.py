"""Signals: too many, too early, and at the wrong moment."""

import asyncio
import random
import signal
from contextlib import suppress
from pathlib import Path

from tests.chaos.config import GROUP
from tests.chaos.ending import ended
from tests.chaos.fault import Fault, Outcome
from tests.chaos.looks import catches, open_files, samples, threads, total
from tests.chaos.pager import slowly
from tests.chaos.scene import Scene, open_scene

RELOADED = "oss_cname_config_last_reload_successful"
_HANGUPS = 300
_ABOUT = 3.0  # seconds for all of them
_ROUNDS = 5
_MOST = 10  # files and threads that a daemon may have more of than before, and soon no longer


class Config:
    """The configuration of a scene, by the group of its resolvers, which metrics show."""

    def __init__(self, scene: Scene, folder: Path) -> None:
        self._scene = scene
        self._file = folder / "config.toml"
        self._sound = self._file.read_text()

    def put(self, group: str) -> None:
        self._write(self._sound.replace(f'group = "{GROUP}"', f'group = "{group}"'))

    def spoil(self) -> None:
        self._write(self._sound + "\n[nonsense\n")

    def _write(self, text: str) -> None:
        # As editors and tools do: there is always a whole file.
        beside = self._file.with_suffix(".new")
        beside.write_text(text)
        beside.replace(self._file)

    async def in_force(self) -> str:
        """Return the group of the configuration that the daemon works by."""
        up = await samples(self._scene.runner, "oss_cname_resolver_up")
        return "/".join(sorted({dict(labels)["group"] for labels in up}))

    async def until_in_force(self, group: str) -> None:
        async def is_it() -> bool:
            return await self.in_force() == group

        await self._scene.until(is_it)


def hang_up(scene: Scene, number: signal.Signals = signal.SIGHUP) -> None:
    assert scene.runner.process is not None
    with suppress(ProcessLookupError):  # it was faster
        scene.runner.process.send_signal(number)


async def _storm(folder: Path) -> Outcome:
    async with open_scene(folder) as scene:
        config, runner = Config(scene, folder), scene.runner
        files, threads_before = open_files(runner), threads(runner)
        with scene.fault():
            for number in range(_HANGUPS):
                config.spoil() if number % 3 == 2 else config.put(f"storm-{number}")
                hang_up(scene)
                if number == _HANGUPS // 2:
                    scene.lead_astray("www")
                await asyncio.sleep(_ABOUT / _HANGUPS)
            config.put("last")
            hang_up(scene)
            await config.until_in_force("last")
            config.spoil()
            hang_up(scene)

            async def is_refused() -> bool:
                return await total(runner, RELOADED) == 0

            await scene.until(is_refused)
            assert await config.in_force() == "last", "a broken file changed something"
            config.put(GROUP)
            hang_up(scene)
            await config.until_in_force(GROUP)
        await scene.until_paged("www")
        scene.mend("www")

        async def is_calm() -> bool:
            calm = threads(runner) <= threads_before + _MOST
            return calm and open_files(runner) <= files + _MOST

        await scene.until(is_calm)
        reloads = sum(event["event"] == "event.reload" for event in runner.events)
        refused = sum(event["event"] == "config.reload_failed" for event in runner.events)
        return await scene.judged(f"{reloads} reloads and {refused} refusals; nothing leaked")


async def _term_during_reload(folder: Path) -> Outcome:
    chance = random.Random(1)
    async with open_scene(folder) as scene:
        config, longest = Config(scene, folder), 0.0
        with scene.fault():
            for number in range(_ROUNDS):
                config.put(f"round-{number}")
                hang_up(scene)
                await asyncio.sleep(chance.uniform(0, 0.1))
                longest = max(longest, await ended(scene.runner))
                await scene.runner.start()
                await scene.until_ready()
            config.put(GROUP)
            hang_up(scene)
            await config.until_in_force(GROUP)
        return await scene.judged(f"{_ROUNDS} times, over in {longest:.1f} s at most")


async def _hangup_before_start(folder: Path) -> Outcome:
    async with open_scene(folder) as scene:
        config = Config(scene, folder)
        with scene.fault():
            for number in range(_ROUNDS):
                await ended(scene.runner)
                config.put(f"older-{number}")
                await scene.runner.start()
                await scene.until(lambda: _catches(scene, signal.SIGHUP))
                await asyncio.sleep(number * 0.05)
                config.put(f"newer-{number}")
                hang_up(scene)
                await scene.until_ready()
                await config.until_in_force(f"newer-{number}")
            config.put(GROUP)
            hang_up(scene)
            await config.until_in_force(GROUP)
        return await scene.judged(f"{_ROUNDS} times, at moments from the first on")


async def _term_twice(folder: Path) -> Outcome:
    async with open_scene(folder) as scene:
        longest = 0.0
        with scene.fault():
            for number in range(_ROUNDS):
                numbers = (signal.SIGTERM, (signal.SIGTERM, signal.SIGINT)[number % 2])
                longest = max(longest, await ended(scene.runner, numbers, pause=number * 0.02))
                await scene.runner.start()
                await scene.until_ready()
        return await scene.judged(f"{_ROUNDS} times, over in {longest:.1f} s at most")


async def _reload_with_a_page_on_its_way(folder: Path) -> Outcome:
    async with open_scene(folder) as scene:
        config = Config(scene, folder)
        with scene.fault():
            scene.pager.reaction = slowly
            scene.lead_astray("www")
            await scene.until_handed()
            for number in range(5):
                config.put(f"reload-{number}")
                hang_up(scene)
                await asyncio.sleep(0.2)
            config.put(GROUP)
            hang_up(scene)
            await config.until_in_force(GROUP)
            await scene.until_paged("www")
            scene.mend("www")
        outcome = await scene.judged()
        again = scene.pager.handed_again
        assert not again, f"{again} of {len(scene.pager.handed)} messages were sent again"
        return outcome


async def _catches(scene: Scene, number: signal.Signals) -> bool:
    assert scene.runner.process is not None
    return catches(scene.runner.process.pid, number)


FAULTS = (
    Fault(
        "signals: SIGHUP storm",
        f"{_HANGUPS} hangups in {_ABOUT:.0f} s, with a configuration that is changed or broken",
        _storm,
    ),
    Fault(
        "signals: SIGTERM during a reload",
        "told to end a moment after a hangup",
        _term_during_reload,
    ),
    Fault(
        "signals: SIGHUP before the start is over",
        "the configuration changes while the daemon begins to work by the former one",
        _hangup_before_start,
    ),
    Fault("signals: SIGTERM twice", "told to end, and told again by the impatient", _term_twice),
    Fault(
        "signals: SIGHUP with a page on its way",
        "reloads while the pager takes its time to answer",
        _reload_with_a_page_on_its_way,
    ),
)
