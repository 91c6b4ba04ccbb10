"""The daemon as a service manager sees it: ready, reloaded, stopped, alive."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
import requests

from monitor.adapters.clock import SystemClock
from monitor.demo.world import World
from tests.cli.daemon_process import Running, running
from tests.cli.service_manager import Heard, hearing
from tests.whole.shop import PACE, eventually


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World(PACE, SystemClock().now) as opened:
        yield opened


@pytest.fixture
async def heard(tmp_path: Path) -> AsyncIterator[Heard]:
    async with hearing(str(tmp_path / "notify")) as listening:
        yield listening


def environ(heard: Heard, **more: str) -> dict[str, str]:
    return {"NOTIFY_SOCKET": heard.address, **more}


async def asked(daemon: Running, path: str) -> requests.Response:
    return await asyncio.to_thread(requests.get, daemon.url + path, timeout=5)


def times(heard: Heard, key: str, least: int) -> Callable[[], Awaitable[bool]]:
    async def are_heard() -> bool:
        return len(heard.having(key)) >= least

    return are_heard


async def test_it_is_ready_when_its_pages_are_served_and_no_sooner(
    heard: Heard, world: World, tmp_path: Path
) -> None:
    async with running(world, tmp_path, environ(heard)) as daemon:
        await eventually(times(heard, "READY", 1))
        assert (await asked(daemon, "-/healthy")).status_code == 200
        assert heard.messages[0] == {"STATUS": "opening the database"}
        assert heard.messages[1]["READY"] == "1"
        assert heard.messages[1]["STATUS"].startswith(daemon.url)


async def test_its_status_line_tells_how_much_is_watched(
    heard: Heard, world: World, tmp_path: Path
) -> None:
    async with running(world, tmp_path, environ(heard)) as daemon:
        await eventually(daemon.is_ready)
        domains = len((await asked(daemon, "api/v1/domains")).json()["items"])

        async def is_told() -> bool:
            return f"domains: {domains}, resolvers:" in heard.messages[-1]["STATUS"]

        await eventually(is_told)


async def test_a_reload_is_told_with_its_instant_and_its_end(
    heard: Heard, world: World, tmp_path: Path
) -> None:
    async with running(world, tmp_path, environ(heard)) as daemon:
        await eventually(daemon.is_ready)
        before = time.monotonic_ns() // 1000
        daemon.process.send_signal(signal.SIGHUP)
        await eventually(times(heard, "READY", 2))
    assert [set(m) - {"STATUS"} for m in heard.having("RELOADING")] == [
        {"RELOADING", "MONOTONIC_USEC"}
    ]
    instant = int(heard.having("RELOADING")[0]["MONOTONIC_USEC"])
    assert before <= instant <= time.monotonic_ns() // 1000
    reloading, ready = (heard.messages.index(heard.having(k)[-1]) for k in ("RELOADING", "READY"))
    assert reloading < ready


async def test_a_refused_reload_ends_too_and_says_so(
    heard: Heard, world: World, tmp_path: Path
) -> None:
    async with running(world, tmp_path, environ(heard)) as daemon:
        await eventually(daemon.is_ready)
        config = tmp_path / "config.toml"
        config.write_text(config.read_text().replace('"0.6s"', '"never"'))
        daemon.process.send_signal(signal.SIGHUP)
        await eventually(times(heard, "READY", 2))
    assert "the former one stays in force" in heard.having("READY")[-1]["STATUS"]


async def test_every_reload_of_a_storm_comes_to_its_end(
    heard: Heard, world: World, tmp_path: Path
) -> None:
    async with running(world, tmp_path, environ(heard)) as daemon:
        await eventually(daemon.is_ready)
        for _ in range(20):
            daemon.process.send_signal(signal.SIGHUP)
        await eventually(times(heard, "RELOADING", 1))
        assert await daemon.end(signal.SIGTERM) == 0
        await eventually(times(heard, "STOPPING", 1))
    ends = [key for m in heard.messages for key in ("READY", "RELOADING") if key in m]
    assert ends[0::2] == ["READY"] * len(ends[0::2])
    assert ends[1::2] == ["RELOADING"] * len(ends[1::2])


async def test_a_stop_is_told_before_it_is_done(
    heard: Heard, world: World, tmp_path: Path
) -> None:
    async with running(world, tmp_path, environ(heard)) as daemon:
        await eventually(daemon.is_ready)
        assert await daemon.end(signal.SIGTERM) == 0
        await eventually(times(heard, "STOPPING", 1))
    assert heard.messages[-1] == {"STOPPING": "1", "STATUS": "ending what is under way"}


async def test_it_gives_signs_of_life_for_as_long_as_it_lives(
    heard: Heard, world: World, tmp_path: Path
) -> None:
    more = environ(heard, WATCHDOG_USEC="600000")
    async with running(world, tmp_path, more) as daemon:
        await eventually(times(heard, "WATCHDOG", 3))
        daemon.process.send_signal(signal.SIGHUP)
        await eventually(times(heard, "RELOADING", 1))
        await goes_on(heard, daemon)


async def goes_on(heard: Heard, daemon: Running) -> None:
    """Return when there was another sign of life than by now."""
    assert daemon.process.returncode is None
    await eventually(times(heard, "WATCHDOG", len(heard.having("WATCHDOG")) + 2))


@pytest.mark.parametrize(
    "more",
    [{}, {"WATCHDOG_USEC": "600000", "WATCHDOG_PID": str(os.getpid())}],
    ids=["none", "another process"],
)
async def test_nobody_waits_for_a_sign_of_life(
    more: dict[str, str], heard: Heard, world: World, tmp_path: Path
) -> None:
    async with running(world, tmp_path, environ(heard, **more)) as daemon:
        await eventually(daemon.is_ready)
        assert await daemon.end(signal.SIGTERM) == 0
    assert heard.having("WATCHDOG") == []
    assert heard.having("READY")


async def test_a_service_manager_that_is_gone_is_no_reason_to_stop(
    world: World, tmp_path: Path
) -> None:
    gone = {"NOTIFY_SOCKET": str(tmp_path / "nobody")}
    async with running(world, tmp_path, gone) as daemon:
        await eventually(daemon.is_ready)
        assert await daemon.end(signal.SIGTERM) == 0
    assert any(event["event"] == "service_manager.unreachable" for event in daemon.events)
