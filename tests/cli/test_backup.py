"""`backup` beside a daemon at work, and a daemon that goes on from what it made."""

import asyncio
import shutil
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from monitor.adapters.clock import SystemClock
from monitor.adapters.stores.opening import Access
from monitor.adapters.stores.sqlite import SqliteStore
from monitor.demo.world import World
from tests.cli.commands import Finished, run
from tests.cli.daemon_process import running
from tests.core.tampered import first_tampered
from tests.whole.shop import PACE, eventually


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World(PACE, SystemClock().now) as opened:
        yield opened


async def backed_up(name: str, at: Path, world: World) -> Finished:
    return await asyncio.to_thread(run, "backup", name, at=at, environ=world.environ)


async def test_a_backup_beside_a_daemon_is_whole_and_restores(
    world: World, tmp_path: Path
) -> None:
    async with running(world, tmp_path) as daemon:
        await eventually(daemon.is_ready)
        for authority in world.authorities:
            world.modify(authority)
        done = await backed_up("backup.db", tmp_path, world)
        assert (done.code, done.err) == (0, "")
        assert await daemon.end(signal.SIGTERM) == 0
    store = SqliteStore(tmp_path / "backup.db", Access.READ)
    records = await store.records(after=0, limit=100_000)
    await store.close()
    assert first_tampered(records) is None
    assert f"{records[-1].seq}:{records[-1].hash}" in done.out
    head = done.out.split()[-1]
    verified = run("audit", "verify", "--head", head, at=tmp_path, environ=world.environ)
    assert (verified.code, verified.err) == (0, ""), "the daemon's own log goes on from there"
    reported = {e["seq"]: e["event"] for e in daemon.events if "seq" in e}
    assert {r.seq: f"event.{r.event.type.value}" for r in records}.items() <= reported.items()

    (tmp_path / "restored").mkdir()
    shutil.copy(tmp_path / "backup.db", tmp_path / "restored" / "shop.db")
    async with running(world, tmp_path / "restored") as second:
        await eventually(second.is_ready)
        assert [e for e in second.events if e["event"] == "event.binding_added"] == []
        starts = [e["seq"] for e in second.events if e["event"] == "event.start"]
        assert starts == [records[-1].seq + 1]


def test_what_keeps_it_from_being_made_is_said(tmp_path: Path) -> None:
    done = run("backup", "backup.db", at=tmp_path)
    assert (done.code, done.out) == (3, "")
    assert "there is no database yet" in done.err
    assert list(tmp_path.iterdir()) == []
