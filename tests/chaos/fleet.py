"""A broker, workers at vantage points, and a second daemon, all of which may be killed."""

import asyncio
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.runner import Runner, collect
from tests.chaos.scene import Scene, open_scene
from tests.chaos.tap import Tap, open_tap
from tests.chaos.watcher import Watcher
from tests.cli.commands import environment
from tests.servers.endpoints import Endpoint, free_endpoint
from tests.servers.nats import NatsServer, nats_server_in
from tests.servers.postgresql import postgresql
from tests.servers.process import aside

VANTAGE = "north"
DISTRIBUTED = '\n[distributed]\nnats_url = "{url}"\n'


@dataclass(slots=True)
class Broker:
    """A NATS server at one place, that can be ended and started again."""

    at: Endpoint = field(default_factory=free_endpoint)
    _open: AsyncExitStack = field(default_factory=AsyncExitStack)
    _server: NatsServer | None = None

    @property
    def url(self) -> str:
        return f"nats://{self.at}"

    async def start(self, folder: Path) -> None:
        """Start it on what the folder holds, if anything, and wait until it greets."""
        await asyncio.to_thread(folder.mkdir, exist_ok=True)
        self._server = await self._open.enter_async_context(aside(nats_server_in(folder, self.at)))

    @contextmanager
    def silent(self) -> Iterator[None]:
        """Stop it: it keeps its connections open."""
        assert self._server is not None
        with self._server.process.silent():
            yield

    async def kill(self) -> None:
        assert self._server is not None
        self._server.process.child.kill()
        await self._open.aclose()
        self._server = None

    async def close(self) -> None:
        await self._open.aclose()


@dataclass(slots=True)
class Worker:
    """One worker after another, at one vantage."""

    config: Path
    process: Process | None = None
    lines: list[str] = field(default_factory=list)
    _reading: "asyncio.Task[None] | None" = None

    async def start(self, url: str) -> None:
        text = DISTRIBUTED.format(url=url) + f'vantage = "{VANTAGE}"\n'
        self.config.write_text(text)
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "monitor", "worker", "-c", str(self.config),
            env=environment(), stdout=DEVNULL, stderr=PIPE,
        )  # fmt: skip
        assert self.process.stderr is not None
        self._reading = asyncio.ensure_future(collect(self.process.stderr, self.lines))

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    async def ended(self, within: float = 10.0) -> int:
        """Wait for so many seconds that it ends by itself, and return how it did."""
        assert self.process is not None
        assert self._reading is not None
        async with asyncio.timeout(within):
            code = await self.process.wait()
        await self._reading
        return code

    async def kill(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()
        if self._reading is not None:
            await self._reading
            self._reading = None

    async def close(self) -> None:
        """End what runs, and leave in the folder what was said."""
        await self.kill()
        self.config.with_suffix(".log").write_text("\n".join(self.lines))


@dataclass(slots=True)
class Fleet:
    """A scene whose daemon asks some of its resolvers by way of a worker."""

    scene: Scene
    broker: Broker
    tap: Tap  # by which the worker reaches the broker; the other one has no need of it
    worker: Worker
    other: Worker
    data: Path  # what the broker keeps


def from_afar(resolvers: Sequence[str], url: str, lease: str = "") -> Callable[[str], str]:
    """Have these resolvers asked at the vantage; with a lease, by the daemon that leads."""

    def change(text: str) -> str:
        for name in resolvers:
            head = f'[[resolvers]]\nname = "{name}"\n'
            assert head in text
            text = text.replace(head, f'{head}vantage = "{VANTAGE}"\n')
        held = f'lease = "{lease}"\n' if lease else ""
        return text + DISTRIBUTED.format(url=url) + held

    return change


@asynccontextmanager
async def open_fleet(folder: Path, resolvers: Sequence[str]) -> AsyncIterator[Fleet]:
    """Run a scene, a broker, and a worker that asks these resolvers, by way of a tap."""
    broker, data = Broker(), folder / "broker"
    worker, other = Worker(folder / "worker.toml"), Worker(folder / "other.toml")
    try:
        await broker.start(data)
        async with open_tap(broker.at) as tap:
            await worker.start(f"nats://{tap.at}")
            change = from_afar(resolvers, broker.url)
            async with open_scene(folder, change=change) as scene:
                yield Fleet(scene, broker, tap, worker, other, data)
    finally:
        await worker.close()
        await other.close()
        await broker.close()


@dataclass(slots=True)
class Pair:
    """A scene whose daemon leads, and another one on the same database that stands by."""

    scene: Scene
    standby: Runner
    watcher: Watcher  # of the standby
    broker: Broker

    def succeed(self) -> None:
        """Let the scene be the standby's from here on; what the leader told stays known."""
        self.watcher.reports[:0] = self.scene.watcher.reports
        self.standby.lines[:0] = self.scene.runner.lines
        self.scene.runner, self.scene.watcher = self.standby, self.watcher


@asynccontextmanager
async def open_pair(folder: Path) -> AsyncIterator[Pair]:
    """Run a scene on PostgreSQL whose daemon has the lease, and a standby."""
    broker = Broker()
    try:
        await broker.start(folder / "broker")
        change = from_afar((), broker.url, lease="monitor")
        async with (
            aside(postgresql()) as database,
            open_scene(folder, database=database.fresh(), change=change) as scene,
            _standby(scene, broker) as pair,
        ):
            yield pair
    finally:
        await broker.close()


@asynccontextmanager
async def _standby(scene: Scene, broker: Broker) -> AsyncIterator[Pair]:
    leader = scene.runner
    folder = leader.folder / "standby"
    folder.mkdir()
    standby = Runner(folder, dict(leader.environ))
    text = (leader.folder / "config.toml").read_text()
    mine = text.replace(f'"{leader.at}"', f'"{standby.at}"')
    (folder / "config.toml").write_text(mine)
    watcher = Watcher(standby.at.port)
    watching = asyncio.ensure_future(watcher.run())
    try:
        await standby.start()
        await scene.until(lambda: says(standby, "lease.standby"))
        yield Pair(scene, standby, watcher, broker)
    finally:
        watching.cancel()
        await standby.close()


async def says(runner: Runner, event: str) -> bool:
    """Tell whether a daemon has logged an event of that name."""
    return any(logged["event"] == event for logged in runner.events)
