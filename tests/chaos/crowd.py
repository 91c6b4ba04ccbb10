"""Ten thousand domains, and a daemon that watches them: what one of them suffers, all do."""

import asyncio
import re
import socket
import struct
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import requests

from monitor.adapters.clock import SystemClock
from monitor.adapters.stores.session import Access
from monitor.adapters.stores.sqlite import SqliteStore
from monitor.core.events import Record
from monitor.demo.landscape import HANGZHOU
from monitor.demo.oss import OssEndpoint
from monitor.demo.oss_state import DemoAccount, DemoBucket, DemoCname, OssState
from monitor.demo.signature import AccessKey
from tests.chaos.config import KEY_ID, KEY_SECRET, Pace, Places, config_text
from tests.chaos.looks import latency, meanwhile
from tests.chaos.pager import Pager, pager
from tests.chaos.runner import Runner
from tests.chaos.scene import DATABASE
from tests.chaos.world import AT
from tests.servers.endpoints import Endpoint

T = TypeVar("T")

ZONE = "crowd.example"
_BOUND_TO_ONE = 100  # domains that OSS lets one bucket have
_A, _CNAME, _SOA = 1, 5, 6
_TTL = 1
_PAUSE = 1.0
_BETWEEN_BEATS = 0.2


@dataclass(slots=True)
class Servers:
    """Name servers in threads, who all answer the same: authority and caches at once."""

    is_gone: bool = False  # whether every CNAME is
    _sockets: list[socket.socket] = field(default_factory=list)

    @contextmanager
    def serving(self, count: int) -> Iterator[Sequence[Endpoint]]:
        """Serve until the block ends; yield where."""
        for _ in range(count):
            listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            listener.bind((AT, 0))
            self._sockets.append(listener)
            threading.Thread(target=self._serve, args=(listener,), daemon=True).start()
        try:
            yield [Endpoint(*listener.getsockname()) for listener in self._sockets]
        finally:
            for listener in self._sockets:
                with suppress(OSError):  # it is not connected; whoever waits is woken all the same
                    listener.shutdown(socket.SHUT_RD)
                listener.close()

    def _serve(self, listener: socket.socket) -> None:
        with suppress(OSError):  # it was closed
            while True:
                query, address = listener.recvfrom(4096)
                if not query:  # it was shut
                    return
                listener.sendto(self._answer(query), address)

    def _answer(self, query: bytes) -> bytes:
        end = query.index(0, 12) + 5
        question, kind = query[12:end], int.from_bytes(query[end - 4 : end - 2])
        label = question[1 : 1 + question[0]].lower()
        if label[:1] != b"d" or not label[1:].isdigit():
            records = _soa() if kind == _SOA else _address(question[:-4]) if kind == _A else b""
            return _message(query, question, int(bool(records)), 0, records)
        if self.is_gone:
            return _message(query, question, 0, 1, _soa(), rcode=3)
        target = _wire(target_of(int(label[1:])))
        alias = _record(b"\xc0\x0c", _CNAME, target)
        records = alias + _address(target) if kind == _A else alias
        return _message(query, question, 1 + (kind == _A), 0, records)


def name_of(number: int) -> str:
    return f"d{number:05}.{ZONE}"


def bucket_of(number: int) -> str:
    return f"crowd-{number // _BOUND_TO_ONE:03}"


def target_of(number: int) -> str:
    return f"{bucket_of(number)}.{HANGZHOU}"


@dataclass(slots=True)
class Crowd:
    """A daemon at work on so many domains; `slowest` is the longest that it took to say so."""

    size: int
    servers: Servers
    account: DemoAccount
    runner: Runner
    pager: Pager
    slowest: float = 0.0

    def bind(self) -> None:
        """Have OSS list every domain."""
        for number in range(0, self.size, _BOUND_TO_ONE):
            bucket = self.account.bucket(bucket_of(number))
            assert bucket is not None
            last = min(self.size, number + _BOUND_TO_ONE)
            bucket.cnames[:] = [DemoCname(name_of(one)) for one in range(number, last)]

    def unbind(self) -> None:
        """Have OSS list none."""
        for bucket in self.account.buckets:
            bucket.cnames.clear()

    async def having(self, status: str) -> int:
        """Return how many domains the daemon shows with a status; -1 where it is too slow to."""
        try:
            text = (await self.runner.get("metrics")).text
        except (requests.Timeout, requests.ConnectionError):  # the latter in the midst of it
            return -1
        series = rf'(?m)^oss_cname_domain_status{{.*status="{status}".*}} 1(?:\.0)?$'
        return len(re.findall(series, text))

    async def until(self, condition: Callable[[], Awaitable[bool]], patience: float) -> None:
        """Return when it has come true; fail when that takes too long, in seconds.

        A look may be dear: no more than a fifth of the time is spent on looks.
        """
        async with asyncio.timeout(patience):
            while True:
                began = time.monotonic()
                if await condition():
                    return
                await asyncio.sleep(max(_PAUSE, 4 * (time.monotonic() - began)))

    async def until_all(self, status: str, patience: float) -> None:
        async def are_all() -> bool:
            return await self.having(status) == self.size

        await self.until(are_all, patience)

    async def until_told(self, patience: float) -> None:
        """Return when no notice waits any more."""

        async def none_waits() -> bool:
            return not await self._store(lambda store: store.waiting(1))

        await self.until(none_waits, patience)

    async def records(self) -> tuple[Record, ...]:
        return await self._store(lambda store: store.records(after=0, limit=10_000_000))

    async def watch_pulse(self) -> None:
        """Ask whether it lives, until cancelled; raises where it does not answer."""
        while True:
            self.slowest = max(self.slowest, await latency(self.runner))
            await asyncio.sleep(_BETWEEN_BEATS)

    async def _store(self, look: Callable[[SqliteStore], Awaitable[T]]) -> T:
        store = SqliteStore(self.runner.folder / DATABASE, Access.READ)
        try:
            return await look(store)
        finally:
            await store.close()


@asynccontextmanager
async def open_crowd(folder: Path, size: int, patience: float) -> AsyncIterator[Crowd]:
    """Run a daemon on so many domains, from when all are in effect until the block ends."""
    key = AccessKey("CROWD-KEY-ID", "crowd-key-secret")
    buckets = [
        DemoBucket.within("cn-hangzhou", bucket_of(number))
        for number in range(0, size, _BOUND_TO_ONE)
    ]
    account = DemoAccount("1000000000000001", [key], buckets)
    servers = Servers()
    with servers.serving(3) as (authority, *caches), pager() as paged:
        async with OssEndpoint(OssState([account], SystemClock().now)) as oss:
            runner = Runner(folder, {KEY_ID: key.id, KEY_SECRET: key.secret})
            crowd = Crowd(size, servers, account, runner, paged)
            crowd.bind()
            places = Places(
                listen=runner.at,
                database=f"sqlite:///{folder / DATABASE}",
                pager=paged.url,
                oss=oss.url,
                zone=ZONE,
                authorities=[authority],
                resolvers={f"cache-{at.port}": at for at in caches},
            )
            (folder / "config.toml").write_text(config_text(_PACE, places))
            try:
                await runner.start()
                await crowd.until(runner.is_ready, patience)
                await crowd.until_all("in_effect", patience)
                async with meanwhile(crowd.watch_pulse()):
                    yield crowd
            finally:
                await runner.close()


def _message(
    query: bytes, question: bytes, answers: int, authorities: int, records: bytes, rcode: int = 0
) -> bytes:
    flags = 0x8580 | rcode  # an authority's and a cache's at once
    return (
        query[:2] + struct.pack("!HHHHH", flags, 1, answers, authorities, 0) + question + records
    )


def _record(owner: bytes, kind: int, data: bytes) -> bytes:
    return owner + struct.pack("!HHIH", kind, 1, _TTL, len(data)) + data


def _address(owner: bytes) -> bytes:
    return _record(owner, _A, bytes((203, 0, 113, 10)))


def _soa() -> bytes:
    names = _wire(f"ns.{ZONE}") + _wire(f"admin.{ZONE}")
    return _record(_wire(ZONE), _SOA, names + struct.pack("!5I", 1, 3600, 600, 86400, _TTL))


def _wire(name: str) -> bytes:
    labels = (label.encode() for label in name.split("."))
    return b"".join(bytes((len(label),)) + label for label in labels) + b"\0"


# A window that no domain outlives, and rounds that ten thousand of them leave time for.
_PACE = Pace(
    schedule="""\
authority_interval = "20s"
authority_fast_interval = "10s"
recursive_interval = "30s"
timeout = "2s"
attempts = 3
""",
    propagation="""\
window = "2h"
follow_for = "2h"
sample_gap = "2s"
expiry_margin = "1s"
merge_within = "1s"
watch_min = "30s"
watch_max = "120s"
overstay_grace = "60s"
overstay_retry = "10s"
overstay_backoff = "20s"
split_alert_after = "10m"
split_heartbeat = "20s"
hold_down = "2s"
retry_gap = "3s"
retry_max = "30s"
unreachable_after = "20s"
""",
    refresh="5s",
    queries=100_000,
)
