"""A name at real authorities, real caches that keep it, and the daemon that follows a change.

The daemon is a process of its own and asks each cache through a front that counts; clients ask
the caches themselves. Beside both a witness looks into the caches' memory, and asks nobody.
"""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from threading import Event as Signal
from typing import Protocol

import requests

from monitor.adapters.clock import SystemClock
from monitor.adapters.stores.session import Access
from monitor.adapters.stores.sqlite import SqliteStore
from monitor.core.events import Event, EventType
from monitor.core.tracking.changes import Change
from monitor.core.tracking.tracks import TrackState
from monitor.demo.ports import free_port
from tests.cli.commands import environment
from tests.servers.balancer import Balanced, Balancer, Routing
from tests.servers.cache_server import CacheServer
from tests.servers.endpoints import Endpoint, free_endpoint
from tests.servers.process import came_true
from tests.servers.questions import ask
from tests.servers.truth import changed, held
from tests.servers.zone_server import ZoneServer

NAME = "exact.shop.test"
OLD = "shop-images.oss-cn-hangzhou.aliyuncs.com."
NEW = "shop-attic.oss-cn-hangzhou.aliyuncs.com."
# The answer of a resolver that listens to nobody and keeps to what it was told once.
PINNED = f"{NAME}. 10 IN CNAME {OLD}"

PATIENCE = 60.0  # seconds until something that should come true counts as missed
PAUSE = 0.2  # seconds between two looks at the store, and at the caches

now = SystemClock().now


class Cache(Protocol):
    """What runs as a cache, whatever program it is."""

    def running(self) -> AbstractContextManager[CacheServer]: ...


@dataclass(frozen=True, slots=True)
class Site:
    """One resolver as the daemon knows it: a front, and one cache or several behind it."""

    name: str
    front: Balanced
    caches: tuple[CacheServer, ...]

    @property
    def asked(self) -> int:
        """How many questions the daemon has put so far."""
        return sum(self.front.queries)

    def warm(self, number: int = 0) -> str:
        """Have one cache fetch the record for a client; return the target that it tells."""
        self.caches[number].flush()
        return self.told(number)

    def told(self, number: int = 0) -> str:
        """Return what a client is told."""
        return str(ask(self.caches[number].endpoint, NAME).answer[0][0])


@contextmanager
def standing(cast: Mapping[str, Sequence[Cache]]) -> Iterator[dict[str, Site]]:
    """Run sites by name until the block ends; several caches share one address by lot."""
    with ExitStack() as running:
        sites = dict[str, Site]()
        for name, caches in cast.items():
            servers = tuple(running.enter_context(cache.running()) for cache in caches)
            front = Balancer([server.endpoint for server in servers], Routing.RANDOM)
            sites[name] = Site(name, running.enter_context(front.running()), servers)
        yield sites


@contextmanager
def deaf() -> Iterator[Endpoint]:
    """Hold an address that takes questions and answers none."""
    at = free_endpoint()
    with socket.socket(type=socket.SOCK_DGRAM) as taken:
        taken.bind((at.address, at.port))
        yield at


def point(target: str, ttl: int, *authorities: ZoneServer) -> None:
    """Change the record at these authorities, one after the other."""
    for authority in authorities:
        changed(authority, NAME, target, ttl)


@dataclass(frozen=True, slots=True)
class Look:
    """What one cache held at some moment between `begun` and `ended`."""

    site: str
    number: int
    begun: datetime
    ended: datetime
    target: str | None


@dataclass(slots=True)
class Witness:
    """Looks into every cache several times a second."""

    sites: Sequence[Site]
    looks: list[Look] = field(default_factory=list)

    @contextmanager
    def watching(self) -> Iterator["Witness"]:
        """Look until the block ends; a look that failed fails the block."""
        stopped = Signal()
        with ThreadPoolExecutor(1, "witness") as thread:
            watching = thread.submit(self._watch, stopped)
            try:
                yield self
            finally:
                stopped.set()
            watching.result()

    def last_held(self, site: Site, target: str) -> datetime | None:
        """Return the last instant that is proved at which one of its caches held the target."""
        return max((look.begun for look in self._of(site, target)), default=None)

    def gone_by(self, site: Site, target: str) -> datetime | None:
        """Return when it is proved that none of its caches held it any more."""
        ends = [self._gone_by(site, number, target) for number in range(len(site.caches))]
        return max((end for end in ends if end is not None), default=None)

    def _gone_by(self, site: Site, number: int, target: str) -> datetime | None:
        looks = [look for look in self.looks if (look.site, look.number) == (site.name, number)]
        had = [at for at, look in enumerate(looks) if look.target == target]
        if not had:
            return None
        assert had[-1] + 1 < len(looks), f"{site.name} holds {target} to the end"
        return looks[had[-1] + 1].ended

    def _of(self, site: Site, target: str) -> Iterator[Look]:
        return (it for it in self.looks if (it.site, it.target) == (site.name, target))

    def _watch(self, stopped: Signal) -> None:
        while not stopped.wait(PAUSE):
            for site in self.sites:
                for number, cache in enumerate(site.caches):
                    begun, kept = now(), held(cache, NAME)
                    target = kept[0] if kept else None
                    self.looks.append(Look(site.name, number, begun, now(), target))


@dataclass(frozen=True, slots=True)
class Story:
    """What the store holds: the changes, the oldest first, and the audit log."""

    changes: tuple[Change, ...]
    events: tuple[Event, ...]

    @property
    def change(self) -> Change:
        """The newest change."""
        return self.changes[-1]

    def told(
        self, kind: EventType, resolver: str | None = None, change: str | None = None
    ) -> list[Event]:
        return [
            event
            for event in self.events
            if event.type is kind
            and resolver in {None, event.resolver}
            and change in {None, event.change}
        ]

    def arrivals(self, resolver: str, state: TrackState, change: str | None = None) -> list[Event]:
        """Return the events by which a resolver came into a state."""
        turns = self.told(EventType.TRACK_STATE, resolver, change)
        return [event for event in turns if event.data["to"] == state.value]

    def has_converged(self, resolver: str, change: str | None = None) -> bool:
        return bool(self.arrivals(resolver, TrackState.CONVERGED, change))

    def converged_at(self, resolver: str, change: str | None = None) -> datetime:
        """Return when the first verdict was given."""
        return self.arrivals(resolver, TrackState.CONVERGED, change)[0].at


@dataclass(frozen=True, slots=True)
class Post:
    """Where a daemon works: its folder with the configuration, and its address."""

    folder: Path
    url: str

    def story(self) -> Story:
        return asyncio.run(_read(self.folder / "monitor.db"))

    def wait_until(
        self, is_so: Callable[[Story], bool], what: str, patience: float = PATIENCE
    ) -> Story:
        """Return the story as soon as it is so; fail with the story when that takes too long."""
        pause, story = Signal(), self.story()

        def is_reached() -> bool:
            nonlocal story
            pause.wait(PAUSE)
            story = self.story()
            return is_so(story)

        assert came_true(is_reached, patience), f"{what}: not within {patience} s\n{shown(story)}"
        return story

    @contextmanager
    def staffed(self) -> Iterator["subprocess.Popen[bytes]"]:
        """Run the daemon from the moment it has asked everybody once; it ends with the block."""
        command = (sys.executable, "-m", "monitor", "run", "-c", "config.toml")
        with (
            (self.folder / "daemon.log").open("ab") as output,
            subprocess.Popen(
                command, cwd=self.folder, env=environment(), stdout=output, stderr=output
            ) as child,
        ):
            try:
                assert came_true(self._is_ready, PATIENCE, lambda: child.poll() is not None), (
                    self.folder / "daemon.log"
                ).read_text()[-4000:]
                yield child
            finally:
                child.kill()  # after a clean stop it does nothing

    def _is_ready(self) -> bool:
        try:
            return requests.get(f"{self.url}-/ready", timeout=30).ok
        except requests.ConnectionError:
            return False


def post(
    folder: Path,
    authorities: Sequence[ZoneServer],
    resolvers: Sequence[tuple[str, Endpoint]],
    window: int,
) -> Post:
    """Write a configuration for these authorities and resolvers."""
    port = free_port(["127.0.0.1"])
    servers = ", ".join(f'"{authority.endpoint}"' for authority in authorities)
    tables = (_RESOLVER.format(name=n, at=at) for n, at in resolvers)
    text = _CONFIG.format(port=port, servers=servers, name=NAME, window=window)
    (folder / "config.toml").write_text(text + "".join(tables))
    return Post(folder, f"http://127.0.0.1:{port}/")


def shown(story: Story) -> str:
    """Return the audit log of the changes, one event a line."""
    lines = (
        f"{e.at:%H:%M:%S.%f} {e.type.value} {e.resolver or ''} {dict(e.data)}"
        for e in story.events
        if e.change
    )
    return "\n".join(lines)


async def _read(path: Path) -> Story:
    store = SqliteStore(path, Access.READ)
    try:
        changes = await store.changes(limit=100)
        records = await store.records(after=0, limit=100_000)
    finally:
        await store.close()
    return Story(changes[::-1], tuple(record.event for record in records))


_CONFIG = """
[daemon]
listen = "127.0.0.1:{port}"
database = "sqlite:///monitor.db"
log_format = "json"

[schedule]
authority_interval = "1s"
authority_fast_interval = "0.3s"
recursive_interval = "off"
timeout = "1s"
attempts = 1

[propagation]
window = "{window}s"
follow_for = "10m"
sample_gap = "0.3s"
expiry_margin = "1.2s"
merge_within = "0.5s"
watch_min = "2s"
watch_max = "5s"
overstay_grace = "2s"
overstay_retry = "2s"
overstay_backoff = "5s"
retry_gap = "0.3s"
retry_max = "10s"
unreachable_after = "3s"
hold_down = "3s"

[authority]
servers = {{ "shop.test" = [{servers}] }}

[[bindings]]
domain = "{name}"
bucket = "shop-attic"
endpoint = "oss-cn-hangzhou.aliyuncs.com"
"""

_RESOLVER = """
[[resolvers]]
name = "{name}"
address = "{at.address}"
port = {at.port}
max_qps = 1000
"""
