"""The clock on the wall is set while the daemon runs, by an hour or by days, forward and back."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from monitor.adapters.clock import SystemClock
from tests.chaos.fault import Fault, Outcome
from tests.chaos.scene import Scene, open_scene
from tests.servers.http_service import Says

_LIBRARY = "usr/lib/*/faketime/libfaketime.so.1"  # Debian's package faketime
_TELLING = 7.0  # seconds; what is to be told later is looked at every five
_MANY = tuple(f"many-{number}" for number in range(12))

_STEPS = {
    "+1 h": timedelta(hours=1),
    "-1 h": timedelta(hours=-1),
    "+4 days": timedelta(days=4),
    "-4 days": timedelta(days=-4),
}


def _settable(folder: Path) -> Mapping[str, str]:
    """Return the environment of a daemon whose wall clock `_set_clock` sets; others run on."""
    found = sorted(Path("/").glob(_LIBRARY))
    assert found, "libfaketime is not installed: run `make servers`"
    _write_clock(folder, timedelta())
    return {
        "LD_PRELOAD": str(found[0]),
        "FAKETIME_TIMESTAMP_FILE": str(folder / "clock"),
        "FAKETIME_CACHE_DURATION": "1",  # seconds; read at each look, the file would slow all
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "NO_FAKE_STAT": "1",
    }


def _set_clock(scene: Scene, by: timedelta) -> None:
    """Set the clock of the daemon, and that of OSS, which refuses signatures of another time."""

    def now() -> datetime:
        return SystemClock().now() + by

    scene.world.oss_state.now = now
    _write_clock(scene.runner.folder, by)


def _write_clock(folder: Path, by: timedelta) -> None:
    fresh = folder / "clock.new"
    fresh.write_text(f"{by.total_seconds():+.0f}\n")
    fresh.rename(folder / "clock")  # nobody reads half of it


async def _in_a_change(folder: Path, by: timedelta) -> Outcome:
    async with open_scene(folder, environ=_settable(folder)) as scene:
        scene.lead_astray("www")
        await scene.until_paged("www")
        with scene.fault():
            scene.lead_astray("img")
            await scene.until_reported("change_detected")
            _set_clock(scene, by)
            await scene.until_logged("clock.stepped")
            await asyncio.sleep(_TELLING)
            scene.mend("www")
            scene.lead_astray("docs")
        return await scene.judged("one page is open, one change is followed, one comes later")


async def _while_the_pager_refuses(folder: Path, by: timedelta) -> Outcome:
    async with open_scene(folder, environ=_settable(folder)) as scene:
        with scene.fault():
            scene.pager.reaction = lambda _: Says(503)
            scene.lead_astray("www")
            await scene.until_logged("notice.delayed")
            said = len(scene.runner.events)
            _set_clock(scene, by)
            await scene.until_logged("clock.stepped", after=said)
            await scene.until_logged("notice.delayed", after=said)
            scene.pager.reaction = lambda _: Says()
        await scene.until_paged("www")
        return await scene.judged("a notice waits while the pager answers 503")


async def _after_a_digest(folder: Path, by: timedelta) -> Outcome:
    labels = (*_MANY, "www")
    async with open_scene(folder, labels=labels, environ=_settable(folder)) as scene:
        scene.lead_astray(*_MANY)
        await scene.until_normal()
        with scene.fault():
            said = len(scene.runner.events)
            _set_clock(scene, by)
            await scene.until_logged("clock.stepped", after=said)
            scene.lead_astray("www")
            await scene.until_paged("www")
        return await scene.judged("the pager had its digest just before")


async def _while_it_is_down(folder: Path, by: timedelta) -> Outcome:
    async with open_scene(folder, environ=_settable(folder)) as scene:
        scene.lead_astray("www")
        await scene.until_paged("www")
        with scene.fault():
            scene.lead_astray("img")
            await scene.until_reported("change_detected")
            await scene.runner.kill()
            _set_clock(scene, by)
            await scene.runner.start()
            await asyncio.sleep(_TELLING)
            scene.mend("www")
        return await scene.judged("one page is open, one change is followed")


FAULTS = (
    *(
        Fault(f"clock {name}", "it is set in a change", partial(_in_a_change, by=by))
        for name, by in _STEPS.items()
    ),
    *(
        Fault(
            f"clock {name}, a notice waits",
            "it is set while the pager refuses",
            partial(_while_the_pager_refuses, by=by),
        )
        for name, by in _STEPS.items()
        if abs(by) > timedelta(days=1)
    ),
    Fault(
        "clock -1 h after a digest",
        "it is set back when the pager was told much",
        partial(_after_a_digest, by=_STEPS["-1 h"]),
    ),
    *(
        Fault(
            f"clock {name} while it is down",
            "it is set while no daemon runs",
            partial(_while_it_is_down, by=by),
        )
        for name, by in _STEPS.items()
        if by < timedelta()
    ),
)
