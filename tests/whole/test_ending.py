"""The daemon as users start it ends whenever it is told; tests/chaos does so at many instants."""

import asyncio
import signal
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import pytest

from monitor.adapters.clock import SystemClock
from monitor.demo.world import World
from tests.chaos.ending import IN_TIME, tell
from tests.chaos.looks import catches
from tests.cli.daemon_process import Running, running
from tests.whole.shop import PACE, eventually


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World(PACE, SystemClock().now) as opened:
        yield opened


async def until_it_hears(daemon: Running) -> None:
    """Return when it has taken the signal upon itself, which it does before all else."""

    async def does_it() -> bool:
        return catches(daemon.process.pid, signal.SIGTERM)

    await eventually(does_it)


def said(daemon: Running) -> list[str]:
    return [event["event"] for event in daemon.events]


async def test_told_as_early_as_it_can_hear_it_ends_in_order(world: World, tmp_path: Path) -> None:
    async with running(world, tmp_path) as daemon:
        await until_it_hears(daemon)
        assert await daemon.end(signal.SIGTERM) == 0
    assert said(daemon)[-1] == "daemon.stopped"
    assert said(daemon).count("event.start") == said(daemon).count("event.stop")


async def test_a_start_that_waits_for_its_database_ends_when_told(
    world: World, tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "shop.db", isolation_level=None)) as another:
        another.execute("BEGIN EXCLUSIVE")
        async with running(world, tmp_path) as daemon:
            await until_it_hears(daemon)
            await asyncio.sleep(1)
            began = time.monotonic()
            assert await daemon.end(signal.SIGTERM) == 0
            assert time.monotonic() - began < IN_TIME
    assert said(daemon)[-1] == "daemon.stopped"


async def test_told_again_and_again_it_ends_as_if_told_once(world: World, tmp_path: Path) -> None:
    async with running(world, tmp_path) as daemon:
        await eventually(daemon.is_ready)
        await tell(daemon.process, (signal.SIGTERM, signal.SIGHUP, signal.SIGINT) * 500, 0.001)
        assert await asyncio.wait_for(daemon.process.wait(), IN_TIME) == 0
    assert said(daemon)[-2:] == ["event.stop", "daemon.stopped"]
