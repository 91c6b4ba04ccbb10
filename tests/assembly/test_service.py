"""The daemon's signs of life come out of its own work."""

import socket
import time
from datetime import timedelta
from pathlib import Path

import pytest

from monitor.adapters.service_manager import ServiceManager
from monitor.assembly.service import Service
from monitor.entrypoints.scheduler import Scheduler
from tests.fakes.clock import FakeClock


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
