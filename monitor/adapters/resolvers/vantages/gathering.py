"""Sweep at a vantage, and lay out what was heard as it travels."""

import asyncio
import time
from array import array
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from monitor.adapters.resolvers.columns import Column
from monitor.adapters.resolvers.memo import NOTHING_YET, Remembered, Unanswered
from monitor.adapters.resolvers.prober import DnsProber
from monitor.adapters.resolvers.questions import ID_END
from monitor.adapters.resolvers.sweeper import DnsSweeper
from monitor.adapters.resolvers.vantages.jobs import Sweep
from monitor.adapters.resolvers.vantages.parcels import (
    AS_IT_CAME,
    NOT_ASKED,
    Told,
)
from monitor.adapters.resolvers.vantages.said import TRANSPORTS, Said, silence_of
from monitor.adapters.resolvers.watchlist import STRIDE, Seconds
from monitor.core.answers import NoAnswer, NoAnswerReason, Reply
from monitor.core.bindings import Binding, NameTarget
from monitor.core.gist import Essence, Gist
from monitor.core.names import DomainName
from monitor.core.servers import Resolver, Transport
from monitor.ports import Clock, SweepTelemetry

_NO_ID = bytes(ID_END)
_NOBODY_ASKED = NoAnswer(NoAnswerReason.NETWORK_ERROR)
_SOME_GIST: Gist = b"at a vantage"
_MOST_PAIRS = 20_000  # in one part: with STRIDE, a megabyte before it is packed
_KEPT_FOR = 3600.0  # seconds after the last question that a name is remembered


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows of what came of a job."""

    rows: "array[int]"
    said: tuple[tuple[Said, ...], ...]
    columns: tuple[Told, ...]


@dataclass(slots=True)
class _Everything:
    """An onlooker to whom all that can be recognised is known: the coordinator knows what is news.

    What cannot be, addresses without a chain, is told each time.
    """

    told: dict[tuple[DomainName, str], tuple[Reply, Seconds]] = field(default_factory=dict)
    resolvers: tuple[str, ...] = ()

    def gist(self, _binding: Binding, _essence: Essence) -> Gist:
        return _SOME_GIST

    def knowing(self, _binding: Binding, _gist: Gist) -> tuple[str, ...]:
        return self.resolvers

    def tell(self, binding: Binding, resolver: Resolver, reply: Reply) -> None:
        self.told[binding.domain, resolver.name] = (reply, time.monotonic())


class GatheringSweeper(DnsSweeper):
    """Remembers what was said here, so that the same is neither read nor sent again."""

    def __init__(self, prober: DnsProber, clock: Clock, telemetry: SweepTelemetry) -> None:
        super().__init__(prober, clock, telemetry)
        self._named: dict[DomainName, Binding] = {}
        self._asked_at: dict[DomainName, Seconds] = {}
        self._idle: defaultdict[Resolver, list[Column]] = defaultdict(list)

    async def gather(self, job: Sweep) -> Iterator[Part]:
        """Do the job, and return what came of it."""
        numbers = self._numbers(self._bindings_of(job.names))
        onlooker = _Everything(resolvers=tuple(resolver.name for resolver in job.resolvers))
        since = asyncio.get_running_loop().time()
        with self._lent(job.resolvers) as columns:
            await self._sweep(columns, numbers, timedelta(seconds=job.over), onlooker)
        size = max(1, _MOST_PAIRS // max(1, len(columns)))
        return (
            self._part(start, numbers[start : start + size], columns, since, onlooker)
            for start in range(0, len(numbers), size)
        )

    @contextmanager
    def _lent(self, resolvers: Sequence[Resolver]) -> Iterator[list[Column]]:
        """Lend columns, one of each resolver, with which nobody else sweeps meanwhile.

        So the last answers of a batch, which may be lost, do not hold up the next one.
        """
        columns = [
            self._idle[resolver].pop() if self._idle[resolver] else self._another(resolver)
            for resolver in resolvers
        ]
        try:
            yield columns
        finally:
            for column in columns:
                self._idle[column.resolver].append(column)

    def _another(self, resolver: Resolver) -> Column:
        common = self._column(resolver).common
        return Column(resolver, self._catalogue, self._prober, self._clock, self._share, common)

    def drop_unasked(self, now: Seconds) -> None:
        """Let go of names that nobody wants to know of any more."""
        asked = self._asked_at
        gone = [name for name, at in asked.items() if now - at > _KEPT_FOR]
        for name in gone:
            del asked[name], self._named[name]
        if gone:
            self.forget_all_but(asked)

    def _bindings_of(self, names: Sequence[DomainName]) -> list[Binding]:
        named, now = self._named, time.monotonic()
        self._asked_at.update(dict.fromkeys(names, now))
        found = []
        for name in names:
            binding = named.get(name)
            if binding is None:
                binding = named[name] = Binding(name, NameTarget(name))
            found.append(binding)
        return found

    def _part(
        self,
        start: int,
        numbers: Sequence[int],
        columns: Sequence[Column],
        since: Seconds,
        onlooker: _Everything,
    ) -> Part:
        layout = _Layout(self, numbers, since, onlooker)
        told = tuple(layout.told(column) for column in columns)
        rows = array("I", range(start, start + len(numbers)))
        return Part(rows, layout.said(), told)

    def usual(self, numbers: Sequence[int]) -> list[Remembered]:
        """Return what most will have said of each number, where that travels in columns."""
        variants = self._catalogue.variants
        return [
            found[0]
            if (found := variants[n]) and found[0].layout.own_size <= STRIDE
            else NOTHING_YET
            for n in numbers
        ]

    def domain(self, number: int) -> DomainName:
        return self._catalogue.bindings[number].domain

    def question(self, number: int) -> bytes:
        return self._catalogue.queries(None).question(number)


class _Layout:
    """What is said of each row, each thing once, as one column after the other is laid out."""

    def __init__(
        self,
        sweeper: GatheringSweeper,
        numbers: Sequence[int],
        since: Seconds,
        onlooker: _Everything,
    ) -> None:
        self._sweeper = sweeper
        self._numbers = numbers
        self._since = since
        self._onlooker = onlooker
        self._now = asyncio.get_running_loop().time()
        first, end = (numbers[0], numbers[-1] + 1) if numbers else (0, 0)
        is_block = list(numbers) == list(range(first, end))
        self._block = (first, end) if is_block else None
        self._usual = sweeper.usual(numbers)  # has the first place in each row
        self._said: list[tuple[Said, ...]] = [
            (self._shared(known, number),) if known is not NOTHING_YET else ()
            for known, number in zip(self._usual, numbers, strict=True)
        ]

    def said(self) -> tuple[tuple[Said, ...], ...]:
        return tuple(self._said)

    def told(self, column: Column) -> Told:
        numbers, watchlist, now = self._numbers, column.watchlist, self._now
        at, rtt, own = watchlist.at, watchlist.rtt, watchlist.own
        if self._block is not None:
            first, end = self._block
            known = watchlist.known[first:end]
            ats: Sequence[float] = at[first:end]
            rtts = rtt[first:end]
            block = own[first * STRIDE : end * STRIDE]
        else:
            known = [watchlist.known[n] for n in numbers]
            ats = [at[n] for n in numbers]
            rtts = array("f", [rtt[n] for n in numbers])
            block = bytearray().join(own[n * STRIDE : (n + 1) * STRIDE] for n in numbers)
        for octet in range(len(_NO_ID)):  # by lot, so that it could not be packed
            block[octet::STRIDE] = bytes(len(numbers))
        ages = array("f", [now - moment for moment in ats])
        which = bytearray(len(numbers))
        if known != self._usual or min(ats, default=now) < self._since:
            for row, (said, usual, moment) in enumerate(zip(known, self._usual, ats, strict=True)):
                if moment < self._since:
                    which[row] = self._told_apart(row, column, rtts, ages)
                elif said is not usual:
                    which[row] = self._standing(row, said, column)
        return Told(bytes(which), bytes(block), rtts, ages)

    def _standing(self, row: int, known: Remembered, column: Column) -> int:
        """Return the place of what is remembered among all that is said of the row."""
        number = self._numbers[row]
        if isinstance(known, Unanswered):
            silent = known.outcome or _NOBODY_ASKED
            return self._place(row, silence_of(silent.reason, silent.detail))
        if known.layout.own_size <= STRIDE:
            return self._place(row, self._shared(known, number))
        wire = column.watchlist.wire(number, self._sweeper.question(number))
        return self._place(row, _message(known.transport, wire)) | AS_IT_CAME

    def _told_apart(
        self, row: int, column: Column, rtts: "array[float]", ages: "array[float]"
    ) -> int:
        name = self._sweeper.domain(self._numbers[row])
        found = self._onlooker.told.get((name, column.resolver.name))
        if found is None:
            rtts[row] = ages[row] = 0.0
            return NOT_ASKED
        reply, at = found
        rtts[row] = reply.rtt.total_seconds()
        ages[row] = max(0.0, self._now - at)
        return self._place(row, said_of_reply(reply)) | AS_IT_CAME

    def _place(self, row: int, said: Said) -> int:
        of_row = self._said[row]
        if said not in of_row:
            of_row = self._said[row] = (*of_row, said)
        return of_row.index(said)

    def _shared(self, known: Remembered, number: int) -> Said:
        """Return what all who say so share."""
        layout, shared = known.layout, known.shared
        if layout.spans is None:
            return _message(known.transport, shared)
        if layout.masks_question:
            layout, shared = layout.unmasked(shared, self._sweeper.question(number))
        return Said(TRANSPORTS.index(known.transport), shared, layout)


def said_of_reply(reply: Reply) -> Said:
    if isinstance(reply.outcome, NoAnswer):
        return silence_of(reply.outcome.reason, reply.outcome.detail)
    return _message(reply.transport, reply.wire)


def _message(transport: Transport, wire: bytes) -> Said:
    return Said(TRANSPORTS.index(transport), _NO_ID + wire[ID_END:])
