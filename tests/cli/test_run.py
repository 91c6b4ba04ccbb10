"""`run` as a process: signals, and death at any moment."""

import asyncio
import random
import re
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from monitor.adapters.clock import SystemClock
from monitor.adapters.stores.sqlite import SqliteStore
from monitor.demo.world import World
from tests.cli.commands import environment
from tests.cli.daemon_process import running
from tests.core.tampered import first_tampered
from tests.whole.shop import PACE, eventually


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with World(PACE, SystemClock().now) as opened:
        yield opened


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_the_daemon_cleanly(
    number: signal.Signals, world: World, tmp_path: Path
) -> None:
    async with running(world, tmp_path) as daemon:
        await eventually(daemon.is_ready)
        assert await daemon.end(number) == 0
    assert [e["event"] for e in daemon.events[-2:]] == ["event.stop", "daemon.stopped"]
    assert "Traceback" not in "\n".join(daemon.lines)


async def test_a_hangup_reloads_and_a_bad_file_changes_nothing(
    world: World, tmp_path: Path
) -> None:
    async with running(world, tmp_path) as daemon:
        await eventually(daemon.is_ready)
        config = tmp_path / "config.toml"
        config.write_text(config.read_text().replace('"0.6s"', '"never"'))
        daemon.process.send_signal(signal.SIGHUP)

        async def has_refused() -> bool:
            return any(e["event"] == "config.reload_failed" for e in daemon.events)

        await eventually(has_refused)
        config.write_text(config.read_text().replace('"never"', '"0.5s"'))
        daemon.process.send_signal(signal.SIGHUP)

        async def has_reloaded() -> bool:
            return any(e["event"] == "event.reload" for e in daemon.events)

        await eventually(has_reloaded)
        assert await daemon.is_ready()


async def test_a_configuration_that_vanished_unbinds_nothing(world: World, tmp_path: Path) -> None:
    async with running(world, tmp_path) as daemon:
        await eventually(daemon.is_ready)
        (tmp_path / "config.toml").unlink()
        daemon.process.send_signal(signal.SIGHUP)

        async def has_refused() -> bool:
            return any(e["event"] == "config.reload_failed" for e in daemon.events)

        await eventually(has_refused)
    assert not [e for e in daemon.events if e["event"] == "event.binding_removed"]


async def test_a_storm_of_hangups_is_survived(world: World, tmp_path: Path) -> None:
    async with running(world, tmp_path) as daemon:
        await eventually(daemon.is_ready)
        for _ in range(50):
            daemon.process.send_signal(signal.SIGHUP)
            await asyncio.sleep(0)
        await eventually(daemon.is_ready)
        assert await daemon.end(signal.SIGTERM) == 0


@pytest.mark.parametrize("seed", range(4))
async def test_kill_9_at_any_moment_loses_nothing_that_was_reported(
    seed: int, world: World, tmp_path: Path
) -> None:
    moment = random.Random(seed).uniform(0.2, 1.5)
    async with running(world, tmp_path) as daemon:

        async def has_begun() -> bool:
            return bool(daemon.events)

        await eventually(has_begun)
        for authority in world.authorities:
            world.modify(authority)
        await asyncio.sleep(moment)
        await daemon.end(signal.SIGKILL)
    reported = {e["seq"]: e["event"] for e in daemon.events if "seq" in e}
    store = SqliteStore(tmp_path / "shop.db")
    records = {r.seq: r for r in await store.records(after=0, limit=100_000)}
    assert first_tampered(records.values()) is None
    for seq, event in reported.items():
        assert event == f"event.{records[seq].event.type.value}"
    state = await store.load()
    told = {r.event.domain: r.event.data["to"] for r in records.values() if "to" in r.event.data}
    stored = {name: domain.status.value.value for name, domain in state.domains.items()}
    for domain, status in told.items():
        assert domain is not None
        assert stored[domain] == status, "an event and the state it explains are one transaction"
    await store.close()


async def test_after_kill_9_a_restart_goes_on_where_it_was(world: World, tmp_path: Path) -> None:
    async with running(world, tmp_path, change=patient) as daemon:
        await eventually(daemon.is_ready)
        await daemon.end(signal.SIGKILL)
    async with running(world, tmp_path, change=patient) as daemon:
        await eventually(daemon.is_ready)
        added = [e for e in daemon.events if e["event"] == "event.binding_added"]
        turned = [e for e in daemon.events if e["event"] == "event.status"]
        assert (added, turned) == ([], []), "what was known is not reported again"
        assert await daemon.end(signal.SIGTERM) == 0


def patient(text: str) -> str:
    """Leave out the resolver that is dead, and let no other count as silent for a moment."""
    others = re.sub(r'\[\[resolvers\]\]\nname = "dead"\n(.+\n)+', "", text)
    return others.replace('timeout = "0.6s"', 'timeout = "10s"')


async def test_no_secret_is_in_the_log(world: World, tmp_path: Path) -> None:
    async with running(world, tmp_path) as daemon:
        await eventually(daemon.is_ready)
        world.account.keys.clear()
        await daemon.end(signal.SIGTERM)
    assert world.key.secret not in "\n".join(daemon.lines)


async def test_a_taken_port_is_said_and_ends_the_start(world: World, tmp_path: Path) -> None:
    async with running(world, tmp_path) as first:
        await eventually(first.is_ready)
        other = tmp_path / "other"
        other.mkdir()
        text = (tmp_path / "config.toml").read_text().replace("shop.db", "other.db")
        (other / "config.toml").write_text(text)
        second = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "monitor", "run",
            cwd=other, env=environment(world.environ), stdout=PIPE, stderr=PIPE,
        )  # fmt: skip
        _, complaints = await asyncio.wait_for(second.communicate(), timeout=60)
        assert second.returncode == 3
        assert "cannot listen on 127.0.0.1:" in complaints.decode()
        assert "hint: another program listens there" in complaints.decode()
