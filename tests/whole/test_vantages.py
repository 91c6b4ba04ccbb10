"""A daemon, a real broker and a worker as users start it: what is asked from elsewhere shows."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import nats

from monitor.adapters.clock import SystemClock
from monitor.demo.world import World
from tests.cli.commands import environment, run
from tests.cli.daemon_process import running
from tests.servers.nats import NatsServer, nats_server
from tests.servers.process import aside
from tests.whole.shop import PACE, Shop, eventually, open_shop

FROM_AFAR = '\n[distributed]\nnats_url = "{url}"\n'


@asynccontextmanager
async def worker_process(
    folder: Path, broker: NatsServer, vantage: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run a worker until the block ends."""
    config = folder / f"{vantage}.toml"
    config.write_text(f'[distributed]\nnats_url = "{broker.url}"\nvantage = "{vantage}"\n')
    command = (sys.executable, "-m", "monitor", "worker", "-c", str(config))
    process = await asyncio.create_subprocess_exec(
        *command, env=environment(), stderr=asyncio.subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


def with_one_far(text: str, url: str) -> str:
    """Have the first resolver of a configuration asked from elsewhere."""
    head, table, rest = text.partition("[[resolvers]]\n")
    return f'{head}{table}vantage = "north"\n{rest}{FROM_AFAR.format(url=url)}'


async def far_verdicts(shop: Shop) -> set[str]:
    (far,) = (resolver.name for resolver in shop.load().resolvers if resolver.vantage)
    return {
        dict(labels)["verdict"]
        for labels, value in (await shop.samples("oss_cname_verdict")).items()
        if value and dict(labels)["resolver"] == far
    }


async def test_what_a_worker_hears_is_shown_and_a_vantage_without_one_is_lost_coverage(
    tmp_path: Path,
) -> None:
    async with (
        aside(nats_server()) as broker,
        worker_process(tmp_path, broker, "north") as worker,
        open_shop(tmp_path, lambda text: with_one_far(text, broker.url)) as shop,
    ):
        await shop.daemon.wait_for_first_look()

        async def is_heard() -> bool:
            return "in_effect" in await far_verdicts(shop)

        await eventually(is_heard, patience=40)  # the worker may start later than the daemon
        up = await shop.samples("oss_cname_vantage_up")
        assert up == {frozenset({("vantage", "north")}): 1.0}
        os.kill(worker.pid, signal.SIGKILL)

        async def is_lost() -> bool:
            up = await shop.samples("oss_cname_vantage_up")
            return set(up.values()) == {0.0}

        await eventually(is_lost, patience=30)

        async def is_unknown() -> bool:
            return await far_verdicts(shop) == {"network_error"}

        await eventually(is_unknown, patience=40)


async def test_a_daemon_that_loses_its_lease_ends_as_one_that_failed(tmp_path: Path) -> None:
    async with aside(nats_server()) as broker, World(PACE, SystemClock().now) as world:
        lease = FROM_AFAR.format(url=broker.url) + 'lease = "shop"\n'
        async with running(world, tmp_path, change=lambda text: text + lease) as daemon:
            await eventually(daemon.is_ready)
            client = await nats.connect(broker.url)
            bucket = await client.jetstream().key_value("OCM_LEASE")
            await bucket.put("shop", b"other")
            assert await asyncio.wait_for(daemon.process.wait(), 60) == 3
            await client.close()
        assert "the lease shop is lost" in daemon.lines[-1]


def test_a_worker_without_a_vantage_or_broker_says_so(tmp_path: Path) -> None:
    done = run("worker", at=tmp_path)
    assert done.code == 3
    assert "[distributed]: is missing" in done.err
    (tmp_path / "config.toml").write_text('[distributed]\nnats_url = "nats://127.0.0.1:1"\n')
    done = run("worker", at=tmp_path)
    assert done.code == 3
    assert "distributed.vantage: a worker must know where it is" in done.err


def test_without_a_broker_nothing_of_it_is_imported(tmp_path: Path) -> None:
    script = (
        "import sys, monitor.assembly.daemon, monitor.cli.working\n"
        "assert not {'nats', 'monitor.adapters.resolvers.vantages'} & sys.modules.keys()\n"
    )
    (tmp_path / "look.py").write_text(script)
    command = [sys.executable, str(tmp_path / "look.py")]
    assert os.spawnve(os.P_WAIT, sys.executable, command, {**os.environ, **environment()}) == 0
