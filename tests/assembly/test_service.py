"""The daemon's signs of life come out of its own work."""

import asyncio
import socket
import time
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.adapters.service_manager import ServiceManager
from monitor.assembly.service import Service
from monitor.entrypoints.scheduler import Scheduler
from tests.cli.service_manager import hearing
from tests.fakes.clock import FakeClock
from tests.whole.shop import eventually


async def test_a_loop_that_stands_still_gives_no_sign_of_life(tmp_path: Path) -> None:
    address, patience = str(tmp_path / "notify"), timedelta(milliseconds=30)
    scheduler = Scheduler(FakeClock(), lambda _: None)
    scheduler.start()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.setblocking(False)
        line.bind(address)
        Service(ServiceManager(address, patience)).show_life(scheduler)
        assert line.recv(100) == b"WATCHDOG=1", "the first, at once"
        time.sleep(5 * patience.total_seconds())  # noqa: ASYNC251  # this is the standstill
        with pytest.raises(BlockingIOError):
            line.recv(100)
    await scheduler.stop()


async def test_one_that_stands_by_is_ready_and_gives_signs_of_life(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.assembly.service._STANDS_BY_AFTER", 0.0)
    async with hearing(str(tmp_path / "notify")) as heard:
        service = Service(ServiceManager(heard.address, timedelta(milliseconds=30)))
        standing_by = asyncio.ensure_future(service.stand_by())

        async def has_lived() -> bool:
            return len(heard.having("WATCHDOG")) >= 3

        await eventually(has_lived)
        standing_by.cancel()
    assert heard.messages[0]["READY"] == "1"
    assert "another daemon leads" in heard.messages[0]["STATUS"]


async def test_one_that_stands_by_and_is_not_watched_says_it_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.assembly.service._STANDS_BY_AFTER", 0.0)
    async with hearing(str(tmp_path / "notify")) as heard:
        await Service(ServiceManager(heard.address)).stand_by()

        async def is_heard() -> bool:
            return bool(heard.messages)

        await eventually(is_heard)
    assert [set(message) for message in heard.messages] == [{"READY", "STATUS"}]
