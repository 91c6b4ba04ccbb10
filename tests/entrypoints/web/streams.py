"""A log that grows, and readers of its event stream over a real socket."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from starlette.applications import Starlette
from starlette.routing import Route

from monitor.core.events import Event, EventType, Record
from monitor.core.names import DomainName
from monitor.core.state import Step
from monitor.entrypoints.web.events import Events, Patience
from monitor.entrypoints.web.feed import Feed
from monitor.entrypoints.web.server import WebServer
from monitor.ports import Kept, StoreError
from tests.core.samples import START
from tests.entrypoints.web.worlds import Drops
from tests.fakes.memory_store import MemoryStore

CHANGE = "01JQ0000000000000000000000"
STATUS = Event(EventType.STATUS, START, DomainName("img.shop.example"), data={"to": "broken"})


class Log:
    """A store and the feed of it; `reads` are the places from which the store was read."""

    def __init__(self, max_followers: int = 10) -> None:
        self.store = MemoryStore()
        self.drops = Drops()
        self.reads: list[int] = []
        self.is_unreadable = False
        self.feed = Feed(self.records, max_followers, self.drops)

    async def records(self, after: int, limit: int) -> tuple[Record, ...]:
        self.reads.append(after)
        if self.is_unreadable:
            raise StoreError("disk I/O error: /var/lib/secret.db")
        return await self.store.records(after, limit)

    async def happen(self, *events: Event) -> Kept:
        """Keep the events in one step, and tell of them."""
        kept = await self.store.commit(Step(events=events))
        self.feed.append(kept.records)
        return kept

    async def grow(self, count: int) -> None:
        """Keep so many events in one step, each with a number."""
        await self.happen(*(replace(STATUS, data={"n": n}) for n in range(count)))


@dataclass(frozen=True, slots=True)
class Block:
    """One block of an event stream."""

    id: int | None
    type: str | None
    data: Any
    is_heartbeat: bool = False


class Stream:
    """What one reader gets; it reads no more than it is asked to."""

    def __init__(
        self, reader: asyncio.StreamReader, status: int, headers: Mapping[str, str]
    ) -> None:
        self._reader = reader
        self._held = ""
        self.status = status
        self.headers = headers
        self.was_cut_off = False

    async def block(self) -> Block | None:
        """Return the next block but the one that sets `retry`; None at the end."""
        while "\n\n" not in self._held:
            line = await self._reader.readline()
            self.was_cut_off = not line  # the end of a whole stream is a chunk of no size
            size = int(line or b"0", 16)
            if not size:
                return None
            self._held += (await self._reader.readexactly(size + 2))[:-2].decode()
        written, self._held = self._held.split("\n\n", 1)
        if written.startswith("retry:"):
            return await self.block()
        fields = dict(line.split(": ", 1) for line in written.split("\n") if line[0] != ":")
        seq, data = fields.get("id"), fields.get("data")
        return Block(
            int(seq) if seq else None,
            fields.get("event"),
            json.loads(data) if data else None,
            written.startswith(": heartbeat"),
        )

    async def event(self) -> Block | None:
        """Return the next event; None at the end."""
        block = await self.block()
        while block is not None and block.is_heartbeat:
            block = await self.block()
        return block

    async def events(self, count: int) -> list[Block]:
        found = [await self.event() for _ in range(count)]
        return [block for block in found if block is not None]


class Place:
    """Where a log is served."""

    def __init__(self, address: tuple[str, int], path: str = "/events") -> None:
        self.address = address
        self._path = path

    @asynccontextmanager
    async def follow(
        self, query: str = "", method: str = "GET", **headers: str
    ) -> AsyncIterator[Stream]:
        """Open a stream, which has its place in the log when this returns."""
        reader, writer = await asyncio.open_connection(*self.address)
        try:
            lines = [f"{method} {self._path}?{query} HTTP/1.1", "host: localhost"]
            lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
            writer.write("\r\n".join([*lines, "", ""]).encode())
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            told = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            yield Stream(reader, int(head[0].split(" ")[1]), told)
        finally:
            writer.close()


async def until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110  # nobody tells the test what the server does inside
        await asyncio.sleep(0.001)


@asynccontextmanager
async def served(log: Log, patience: Patience | None = None) -> AsyncIterator[Place]:
    """Serve the log until the block ends."""
    events = Events(log.feed, patience or Patience())
    server = WebServer(Starlette(routes=[Route("/events", events.events)]), "127.0.0.1", 0)
    address = await server.start()
    try:
        async with asyncio.timeout(30):
            yield Place(address)
    finally:
        log.feed.close()
        await server.stop()
