"""The audit log as it grows, for many readers: who is slow reads the store, and delays nobody."""

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, TypeAlias

from monitor.core.events import Record
from monitor.entrypoints.documents import record_document

# Who is further behind reads the store. A record with the answers of ten resolvers is some 10 kB.
KEPT = 256
_READ_AT_ONCE = 256
_LEFT_OUT = frozenset({"evidence", "prev_hash", "hash"})


class Entry:
    """A record as JSON, which is written only when somebody wants it, and then once for all."""

    def __init__(self, record: Record) -> None:
        self.record = record
        self.seq = record.seq

    @cached_property
    def whole(self) -> str:
        return _text(record_document(self.record))

    @cached_property
    def brief(self) -> str:
        """The record without its evidence and its hashes."""
        document = record_document(self.record)
        return _text({key: value for key, value in document.items() if key not in _LEFT_OUT})


@dataclass(frozen=True, slots=True)
class Gap:
    """Records that were passed over, those up to `seq`."""

    after: int
    seq: int


Item: TypeAlias = Entry | Gap


class FeedTelemetry(Protocol):
    def following(self, change: int) -> None:
        """Count those who follow the log."""

    def dropped(self, reason: str) -> None:
        """Count one who could not follow."""


class Feed:
    """The newest records; older ones are read from `records`, which gives those after a seq.

    Nothing is kept while nobody follows. All of it is for the loop's own thread.
    """

    def __init__(
        self,
        records: Callable[[int, int], Awaitable[tuple[Record, ...]]],
        max_followers: int,
        telemetry: FeedTelemetry,
    ) -> None:
        self._records = records
        self._max_followers = max_followers
        self.telemetry = telemetry
        self._followers = 0
        self._kept: deque[Entry] = deque(maxlen=KEPT)
        self._news = asyncio.Event()
        self.newest: int | None = None
        self.is_closed = False

    def append(self, records: Sequence[Record]) -> None:
        """Take the records of a step that was kept."""
        if records:
            self.newest = records[-1].seq
            if self._followers:
                self._kept.extend(map(Entry, records[-KEPT:]))
            self._wake()

    def close(self) -> None:
        """Have everybody who follows end as soon as they have what is kept here."""
        self.is_closed = True
        self._wake()

    @contextmanager
    def following(self) -> Iterator[bool]:
        """Count one more who follows while the block lasts; False where there are too many."""
        if self._followers >= self._max_followers:
            self.telemetry.dropped("refused")
            yield False
            return
        self._followers += 1
        self.telemetry.following(+1)
        try:
            yield True
        finally:
            self._followers -= 1
            self.telemetry.following(-1)
            if not self._followers:
                self._kept.clear()

    @property
    def begin(self) -> int:
        """The seq before the oldest record that is kept here."""
        return self._kept[0].seq - 1 if self._kept else self.newest or 0

    def kept(self, after: int) -> Sequence[Entry] | None:
        """Return what follows that seq; None where some of it is in the store only."""
        if after < self.begin:
            return None
        return [entry for entry in self._kept if entry.seq > after]

    async def stored(self, after: int) -> Sequence[Entry]:
        """Return some of what follows that seq, the oldest first. Raises StoreError."""
        return [Entry(record) for record in await self._records(after, _READ_AT_ONCE)]

    async def has_news(self, after: int | None, patience: float) -> bool:
        """Wait so many seconds, or until the end, for a record after that seq, or for any."""
        try:
            async with asyncio.timeout(patience):
                while not self._is_behind(after) and not self.is_closed:
                    await self._news.wait()
        except TimeoutError:
            return False
        return self._is_behind(after)

    def _is_behind(self, after: int | None) -> bool:
        return self.newest is not None and (after is None or after < self.newest)

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()


class Follower:
    """One reader's place in the log: `position` is the seq of the last record that was read.

    It is None before any record is known. Who is hasty passes records over rather than lag.
    """

    def __init__(self, feed: Feed, after: int | None, *, is_hasty: bool = False) -> None:
        self._feed = feed
        self._after = after
        self._is_hasty = is_hasty
        self._is_live = False
        self.position: int | None = None

    async def more(self, patience: float) -> Sequence[Item] | None:
        """Return what comes next, nothing when it is late, None at the end. Raises StoreError.

        The patience is in seconds.
        """
        if not await self._feed.has_news(self.position, patience):
            return None if self._feed.is_closed else ()
        if self.position is None:
            self._go_to(self._start())
            return ()
        items: Sequence[Item] | None = self._feed.kept(self.position)
        if items is None:
            if self._feed.is_closed:
                return None
            items = await self._missed(self.position)
        self._go_to(items[-1].seq if items else self._feed.begin)
        return items

    def _start(self) -> int:
        newest = self._feed.newest or 0
        # A place beyond the end is one in another log: this one has begun anew since then.
        return newest if self._after is None else min(self._after, newest)

    def _go_to(self, position: int) -> None:
        self.position = position
        self._is_live = position >= self._feed.begin

    async def _missed(self, position: int) -> Sequence[Item]:
        if self._is_live:
            self._feed.telemetry.dropped("behind")
        if self._is_hasty:
            return (Gap(position, self._feed.begin),)
        return await self._feed.stored(position)


def _text(document: object) -> str:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))
