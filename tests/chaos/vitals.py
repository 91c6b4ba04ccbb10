"""What a daemon needs and how fast it works, measured from outside while something lasts."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from tests.chaos.detours import ROUND
from tests.chaos.looks import latency, meanwhile, memory, open_files, total
from tests.chaos.runner import Runner
from tests.chaos.scene import Scene

LEAST_PACE = 0.5  # of the rounds in their time; of few, the last one may not be over
MOST_GROWTH = 48.0  # MiB
MOST_WAIT = 3.0  # seconds for a reply that needs little more than a turn of the loop
MOST_FILES = 60  # more than before when all is over: a sweep alone opens 48

_BETWEEN_LOOKS = 0.2  # seconds
_STRAYS = "oss_cname_unmatched_datagrams_total"


@dataclass(slots=True)
class Vitals:
    """What was seen in some `seconds` of a daemon with so many domains `at_rest`.

    `asked` counts the questions about those that came to each resolver, `strays` the
    datagrams that the daemon says answered none. `memory` is the
    most in MiB, `wait` the longest for a reply in seconds, `files` the most that were open.
    """

    at_rest: int
    seconds: float = 0.0
    asked: Counter[str] = field(default_factory=Counter)
    strays: int = 0
    memory: float = 0.0
    wait: float = 0.0
    files: int = 0

    def pace(self, resolver: str) -> float:
        """Return how many rounds' questions the resolver was asked in the time of a round."""
        return self.asked[resolver] / self.at_rest * ROUND / self.seconds


@asynccontextmanager
async def vitals_of(scene: Scene, restless: str) -> AsyncIterator[Vitals]:
    """Measure the daemon from now until the block ends, when the vitals are complete.

    The `restless` domain is asked about as often as its troubles want.
    """
    vitals, began = Vitals(len(scene.world.domains) - 1), time.monotonic()
    asked, strays = _asked(scene, restless), await _strays(scene.runner)
    async with meanwhile(_look_on(scene.runner, vitals)):
        yield vitals
    vitals.seconds = time.monotonic() - began
    vitals.asked = _asked(scene, restless) - asked
    vitals.strays = await _strays(scene.runner) - strays


def complaints(
    before: Vitals, during: Vitals, after: Vitals, spared: Collection[str]
) -> Iterator[str]:
    """Yield what a fault did to the daemon, and to its work on resolvers that always behaved."""
    for resolver in spared:
        if (pace := during.pace(resolver)) < LEAST_PACE:
            yield f"{resolver} was asked at {pace:.0%} of its pace"
    if during.memory - before.memory > MOST_GROWTH:
        yield f"memory grew from {before.memory:.0f} to {during.memory:.0f} MiB"
    if during.wait > MOST_WAIT:
        yield f"a reply took {during.wait:.1f} s"
    if after.files - before.files > MOST_FILES:
        yield f"{after.files - before.files} files were left open"


def described(before: Vitals, during: Vitals, spared: Collection[str]) -> str:
    """Say in few words what was measured."""
    paces = [during.pace(resolver) for resolver in spared]
    pace = f"others asked at {min(paces):.0%} of their pace, " if paces else ""
    strays = f"{during.strays} strays counted, " if during.strays else ""
    growth = max(0.0, during.memory - before.memory)
    return f"{pace}{strays}+{growth:.0f} MiB, longest reply {during.wait:.2f} s"


def _asked(scene: Scene, restless: str) -> Counter[str]:
    at_rest = {domain for domain in scene.world.domains if domain != restless}
    return Counter(
        {
            name: sum(count for (domain, _), count in cache.queries.items() if domain in at_rest)
            for name, cache in scene.world.caches.items()
        }
    )


async def _strays(runner: Runner) -> int:
    return int(await total(runner, _STRAYS, kind="stray"))


async def _look_on(runner: Runner, vitals: Vitals) -> None:
    while True:
        vitals.memory = max(vitals.memory, memory(runner))
        vitals.files = max(vitals.files, open_files(runner))
        vitals.wait = max(vitals.wait, await latency(runner))
        await asyncio.sleep(_BETWEEN_LOOKS)
