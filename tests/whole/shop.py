"""A daemon on the embedded world, in this process."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from prometheus_client.parser import text_string_to_metric_families

from monitor.adapters.clock import SystemClock
from monitor.assembly.daemon import Daemon
from monitor.assembly.parts import Surroundings
from monitor.assembly.telling import Outlets
from monitor.config import Settings, parse
from monitor.demo.world import Pace, World
from monitor.logs import Secrets

# Rounds several times a second; nobody waits long for the dead cache, nor takes another for dead
# that shares a busy machine.
PACE = Pace(ttl=1, floor=3, authority_interval=0.3, recursive_interval=0.4, timeout=0.6)
# Where each domain of the world stands before its record is modified.
STATUSES = {
    "*.shop.example": "paused",
    "assets.shop.example": "broken",
    "docs.shop.example": "broken",
    "img.shop.example": "broken",
    "old.shop.example": "broken",
    "shop.example": "in_effect",
    "static.shop.example": "broken",
    "twice.shop.example": "paused",
    "video.shop.example": "in_effect",
    "www.shop.example": "in_effect",
    "xn--fsqu00a.shop.example": "in_effect",
}

PATIENCE = 60.0  # seconds until a condition that should come true counts as missed


@dataclass(slots=True)
class Shop:
    """The world, the daemon that watches it, and how a user talks to the daemon."""

    world: World
    text: str
    url: str = ""
    outlets: Outlets = field(default_factory=Outlets)
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    daemon: Daemon = field(init=False)

    def __post_init__(self) -> None:
        around = Surroundings(SystemClock(), dict(self.world.environ), Secrets())
        self.daemon = Daemon(self.load(), self.load, around, self.outlets)

    def load(self) -> Settings:
        return parse(self.text, {})

    def stop(self) -> None:
        """Have the daemon end before the block does."""
        self.stopped.set()

    async def get(self, path: str, **headers: str) -> requests.Response:
        return await asyncio.to_thread(
            requests.get, self.url + path, headers=headers, timeout=30, allow_redirects=False
        )

    async def post(self, path: str, **headers: str) -> requests.Response:
        return await asyncio.to_thread(requests.post, self.url + path, headers=headers, timeout=30)

    async def announce(self, document: object) -> requests.Response:
        url = self.url + "api/v1/changes"
        return await asyncio.to_thread(requests.post, url, json=document, timeout=30)

    async def change(self, name: str) -> Any:
        return (await self.domain(name))["change"]

    async def domain(self, name: str) -> Any:
        return (await self.get(f"api/v1/domains/{name}")).json()

    async def samples(self, metric: str) -> dict[frozenset[tuple[str, str]], float]:
        """Return a metric's samples by their labels."""
        text = (await self.get("metrics")).text
        families = text_string_to_metric_families(text)
        return {
            frozenset(sample.labels.items()): sample.value
            for family in families
            for sample in family.samples
            if sample.name == metric
        }

    async def status(self, name: str) -> str:
        return str((await self.domain(name))["status"])


async def eventually(condition: Callable[[], Awaitable[bool]], patience: float = PATIENCE) -> None:
    """Return when the condition has come true; fail when it does not within the patience."""
    async with asyncio.timeout(patience):
        while not await condition():  # noqa: ASYNC110  # it is asked over HTTP, nobody can tell us
            await asyncio.sleep(0.05)


def brisk(text: str) -> str:
    """Let caches be counted and looked at again without the pauses that a person can follow."""
    text = re.sub(r'(?<=sample_gap = )"[^"]+"', '"0.1s"', text)
    return re.sub(r'(?<=watch_min = )"[^"]+"', '"1s"', text)


@asynccontextmanager
async def open_shop(
    folder: Path,
    change: Callable[[str], str] = str,
    outlets: Outlets | None = None,
    pace: Pace = PACE,
) -> AsyncIterator[Shop]:
    """Run world and daemon until the block ends; `change` may alter the configuration first."""
    async with World(pace, SystemClock().now) as world:
        text = change(world.config_text("127.0.0.1:0", str(folder / "shop.db")))
        async with running(Shop(world, text, outlets=outlets or Outlets())) as shop:
            yield shop


@asynccontextmanager
async def running(shop: Shop) -> AsyncIterator[Shop]:
    """Run the shop's daemon until the block ends."""
    started = asyncio.Event()

    def on_start(url: str) -> None:
        shop.url = url
        started.set()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(shop.daemon.run(shop.stopped, on_start))
        waiting = group.create_task(started.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if started.is_set():
            await shop.daemon.wait_for_first_look()
            try:
                yield shop
            finally:
                shop.stop()
