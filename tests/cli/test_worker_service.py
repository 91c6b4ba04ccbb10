"""A worker as a service manager sees it: ready, with a broker and without, alive, stopped."""

import asyncio
import signal
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.cli.commands import environment
from tests.cli.service_manager import Heard, hearing
from tests.servers.endpoints import Endpoint, free_endpoint
from tests.servers.nats import nats_server_in
from tests.servers.process import aside, home
from tests.whole.shop import eventually

LOOKS = "looks for the broker, to ask at north"
ASKS = "asks at north"
NO_BROKER = "asks nothing at north: no broker: "


@pytest.fixture
async def heard(tmp_path: Path) -> AsyncIterator[Heard]:
    async with hearing(str(tmp_path / "notify")) as listening:
        yield listening


@asynccontextmanager
async def worker(
    folder: Path, broker: Endpoint, heard: Heard, **more: str
) -> AsyncIterator[Process]:
    """Run a worker at the vantage `north` until the block ends."""
    (folder / "config.toml").write_text(
        f'[distributed]\nnats_url = "nats://{broker}"\nvantage = "north"\n'
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "monitor", "worker",
        cwd=folder, env=environment({"NOTIFY_SOCKET": heard.address, **more}), stderr=DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def last_status(heard: Heard, begins: str) -> Callable[[], Awaitable[bool]]:
    async def is_said() -> bool:
        said = heard.having("STATUS")
        return bool(said) and said[-1]["STATUS"].startswith(begins)

    return is_said


def times(heard: Heard, key: str, least: int) -> Callable[[], Awaitable[bool]]:
    async def are_heard() -> bool:
        return len(heard.having(key)) >= least

    return are_heard


async def test_it_is_ready_without_a_broker_and_says_that_it_looks_for_one(
    heard: Heard, tmp_path: Path
) -> None:
    async with worker(tmp_path, free_endpoint(), heard):
        await eventually(times(heard, "READY", 1), patience=40)
    assert heard.messages == [{"READY": "1", "STATUS": LOOKS}]


async def test_its_status_line_follows_the_broker_as_it_goes_and_comes_back(
    heard: Heard, tmp_path: Path
) -> None:
    at = free_endpoint()
    with home("nats") as folder:
        async with worker(tmp_path, at, heard):
            async with aside(nats_server_in(folder, at)):
                await eventually(last_status(heard, ASKS), patience=40)
            await eventually(last_status(heard, NO_BROKER), patience=40)
            async with aside(nats_server_in(folder, at)):
                await eventually(last_status(heard, ASKS), patience=40)


async def test_it_gives_signs_of_life_also_while_it_waits_for_a_broker(
    heard: Heard, tmp_path: Path
) -> None:
    async with worker(tmp_path, free_endpoint(), heard, WATCHDOG_USEC="600000"):
        await eventually(times(heard, "READY", 1), patience=40)
        await eventually(times(heard, "WATCHDOG", len(heard.having("WATCHDOG")) + 3))


async def test_where_nobody_waits_for_signs_of_life_there_are_none(
    heard: Heard, tmp_path: Path
) -> None:
    at = free_endpoint()
    with home("nats") as folder:
        async with aside(nats_server_in(folder, at)), worker(tmp_path, at, heard):
            await eventually(last_status(heard, ASKS), patience=40)
    assert heard.having("WATCHDOG") == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_stop_is_told_before_it_is_done(
    number: signal.Signals, heard: Heard, tmp_path: Path
) -> None:
    async with worker(tmp_path, free_endpoint(), heard) as process:
        await eventually(times(heard, "READY", 1), patience=40)
        process.send_signal(number)
        assert await asyncio.wait_for(process.wait(), 30) == 0
        await eventually(times(heard, "STOPPING", 1))
