"""How a fault of the network or of a resolver is played: a calm time, a bad one, a calm one."""

import asyncio
from collections.abc import Callable, Collection
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from monitor.demo.landscape import SHOP
from tests.chaos.fault import Outcome
from tests.chaos.scene import Scene, open_scene
from tests.chaos.vitals import Vitals, complaints, described, vitals_of
from tests.chaos.world import LABELS

_CALM_FOR = 1.5  # seconds: what the daemon needs then is what it needs afterwards
_UNTIL_IT_BREAKS = 2.0
_DOMAIN = "www"
_RESTLESS = f"{_DOMAIN}.{SHOP}"
_LABELS = (*LABELS, *(f"n{number:02}" for number in range(16)))
_PATIENCE = 30.0  # seconds until a page about a domain that is truly broken


class History(Enum):
    """What becomes of a domain in the bad time."""

    NOTHING = "nothing"
    SEEN = "seen"  # it breaks, the pager is told, and it is mended
    UNSEEN = "unseen"  # it breaks, which nobody can see before the bad time is over


@dataclass(frozen=True, slots=True)
class Play:
    """A fault: `change` prepares the configuration, `misbehave` lasts while it is entered.

    The `spared` resolvers have to be asked at their pace all the time.
    """

    change: Callable[[str], str]
    misbehave: Callable[[], AbstractAsyncContextManager[None]]
    spared: Collection[str] = ()
    history: History = History.SEEN
    seconds: float = 8.0


async def played(folder: Path, play: Play) -> Outcome:
    """Play the fault in the folder, and judge what came of it."""
    async with open_scene(folder, labels=_LABELS, change=play.change) as scene:
        async with vitals_of(scene, _RESTLESS) as before:
            await asyncio.sleep(_CALM_FOR)
        with scene.fault():
            async with vitals_of(scene, _RESTLESS) as during, play.misbehave():
                lasting = asyncio.sleep(play.seconds)
                await asyncio.gather(lasting, _change_the_truth(scene, play.history))
        if play.history is History.UNSEEN:
            await scene.until_paged(_DOMAIN, _PATIENCE)
        return await _judged(scene, play, before, during)


async def _change_the_truth(scene: Scene, history: History) -> None:
    if history is History.NOTHING:
        return
    await asyncio.sleep(_UNTIL_IT_BREAKS)
    scene.lead_astray(_DOMAIN)
    if history is History.SEEN:
        await scene.until_paged(_DOMAIN, _PATIENCE)
        scene.mend(_DOMAIN)


async def _judged(scene: Scene, play: Play, before: Vitals, during: Vitals) -> Outcome:
    normal_after = None
    if play.history is History.UNSEEN:  # what is broken still is known to be: that is normal
        normal_after = await scene.until_normal()
        scene.mend(_DOMAIN)
    outcome = await scene.judged(described(before, during, play.spared))
    async with vitals_of(scene, _RESTLESS) as after:
        await asyncio.sleep(_CALM_FOR)
    return replace(
        outcome,
        normal_after=outcome.normal_after and (normal_after or outcome.normal_after),
        broken=tuple(complaints(before, during, after, play.spared)),
    )
