"""kill -9 of the daemon in each state that it can be in."""

import signal
from pathlib import Path

from tests.chaos.fault import Fault, Outcome
from tests.chaos.scene import open_scene


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
        await scene.runner.end(signal.SIGTERM)
        scene.mend("www")
        await scene.runner.start()
        return await scene.judged()


FAULTS = (
    Fault("kill -9 at rest", "the daemon is killed and started again", _at_rest),
    Fault(
        "kill -9, and trouble meanwhile",
        "a domain breaks while no daemon runs, and is mended while none runs",
        _with_trouble_meanwhile,
    ),
)
