"""Ask resolvers through workers at other places, as if they were asked from here."""

import asyncio
import math
import time
import uuid
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog

from monitor.adapters.resolvers.columns import Column
from monitor.adapters.resolvers.memo import Remembered, own_of, recognised, with_variant
from monitor.adapters.resolvers.prober import DnsProber
from monitor.adapters.resolvers.questions import HEADER_END, Unaskable, encoded
from monitor.adapters.resolvers.reading import reading_of, remembered
from monitor.adapters.resolvers.sweeper import DnsSweeper
from monitor.adapters.resolvers.vantages.broker import Kind
from monitor.adapters.resolvers.vantages.jobs import MOST_COLUMNS, Errand, Sweep
from monitor.adapters.resolvers.vantages.office import Ended, Office
from monitor.adapters.resolvers.vantages.parcels import (
    AS_IT_CAME,
    NOT_ASKED,
    Parcel,
    Told,
)
from monitor.adapters.resolvers.vantages.said import REASONS, SILENT, TRANSPORTS, Said
from monitor.adapters.resolvers.watchlist import STRIDE, Seconds
from monitor.core.answers import NoAnswer, NoAnswerReason, Question, Reply
from monitor.core.bindings import Binding
from monitor.core.gist import essence_of
from monitor.core.servers import Resolver, Transport
from monitor.ports import Clock, Onlooker, Server, SweepTelemetry, Swept

log = structlog.get_logger()

_MOST_NAMES = 4000  # of one batch
_ABOUT = 5.0  # seconds that a batch should take: answers are to be fresh
_OUTSTANDING = 12  # batches at one vantage
_LIFETIME = 60.0  # seconds that a batch may take beyond what its pace asks for
_GRACE = 1.2  # times the time of a sweep, after which the rest of it is left
_TOGETHER = 0.005  # seconds for which urgent questions are gathered
_MOST_QUESTIONS = 200  # of one errand
_ERRAND_LIFETIME = 15.0  # beyond its attempts: time for another worker to take it over


def nobody_at(vantage: str) -> NoAnswer:
    """Return what it means that nobody could ask: nothing about any resolver."""
    return NoAnswer(NoAnswerReason.NO_VANTAGE, f"no worker at {vantage}")


def batch_size(names: int, pace: float, over: Seconds) -> int:
    """Return how many names to send at a time; the slowest resolver takes `pace` a second.

    What is heard comes back with the last answer of its batch.
    """
    a_second = min(pace, names / over) if over else pace
    return min(_MOST_NAMES, max(1, int(a_second * _ABOUT)))


class _Heard(NamedTuple):
    """One message of a row, and how to recognise others that say the same."""

    said: Remembered
    own: bytes


class _Rows:
    """What is said of each row; `usual` is the first thing of each.

    That is None unless the numbers follow each other from `first` to before `end`, and all that is
    a message's own travels in columns.
    """

    def __init__(
        self, numbers: Sequence[int], said: "Sequence[Sequence[_Heard | NoAnswer | None]]"
    ) -> None:
        self.said = said
        self.first, self.end = (numbers[0], numbers[-1] + 1) if numbers else (0, 0)
        self.usual: list[Remembered] | None = None
        if self.first >= 0 and list(numbers) == list(range(self.first, self.end)):
            firsts = [of_row[0] if of_row else None for of_row in said]
            usual = [one.said for one in firsts if isinstance(one, _Heard)]
            is_short = all(known.layout.own_size <= STRIDE for known in usual)
            self.usual = usual if is_short and len(usual) == len(numbers) else None


class FarColumn(Column):
    """What one resolver last said of every domain, as a worker told it."""

    def take(
        self,
        numbers: Sequence[int],
        told: Told,
        heard: "_Rows",
        longest: Seconds,
        onlooker: Onlooker,
    ) -> None:
        """Take what was told; a number below 0 is of a domain that is gone.

        An answer came at most as long ago as its question was sent: of the worker's clocks only
        spans are used, and none beyond that.
        """
        self._onlooker = onlooker
        moment = asyncio.get_running_loop().time()
        ages = told.ages
        if ages and max(ages) > longest:
            ages = array("f", [min(age, longest) for age in ages])
        if not any(told.which) and self._take_at_once(told, heard, moment, ages):
            return
        for row, (number, place) in enumerate(zip(numbers, told.which, strict=True)):
            if place == NOT_ASKED or number < 0:
                continue
            one = heard.said[row][place & ~AS_IT_CAME]
            if one is None:
                continue
            if isinstance(one, NoAnswer):
                self._take_silence(number, one, moment - ages[row])
                continue
            size = one.said.layout.own_size
            is_apart = place & AS_IT_CAME or size > STRIDE
            own = one.own if is_apart else told.own[row * STRIDE : row * STRIDE + size]
            self._take_one(number, one.said, own, told.rtts[row], moment - ages[row])

    def miss(self, numbers: Sequence[int], outcome: NoAnswer, onlooker: Onlooker) -> None:
        """Take it that nobody could ask about these."""
        self._onlooker = onlooker
        now = asyncio.get_running_loop().time()
        for number in numbers:
            self._take_silence(number, outcome, now)

    def _take_at_once(
        self, told: Told, heard: "_Rows", moment: Seconds, ages: "array[float]"
    ) -> bool:
        """Take the columns as they are, where all is as it was; False where it is not."""
        watchlist, block, first, end = self.watchlist, heard.usual, heard.first, heard.end
        if block is None or watchlist.known[first:end] != block:
            return False
        watchlist.own[first * STRIDE : end * STRIDE] = told.own
        watchlist.rtt[first:end] = told.rtts
        watchlist.at[first:end] = array("d", [moment - age for age in ages])
        return True

    def _take_one(
        self, number: int, said: Remembered, own: bytes, took: Seconds, at: Seconds
    ) -> None:
        is_same = self.watchlist.known[number] is said
        if is_same or self.resolver.name in self._knowing(number, said):
            self.watchlist.note(number, said, own, at=at, rtt=took)
            return
        wire = said.layout.joined(own, said.shared, b"")
        reading = reading_of(wire)
        if reading is not None:
            rtt, ago = timedelta(seconds=took), timedelta(seconds=time.monotonic() - at)
            reply = Reply(reading.answer, self._clock.now() - ago, rtt, said.transport, wire)
            self._tell(number, reply)


@dataclass(slots=True)
class _Batch:
    """Some names of a sweep at one vantage, and which of them nobody has told of yet."""

    vantage: str
    columns: Sequence[FarColumn]
    numbers: Sequence[int]
    onlooker: Onlooker
    missing: set[int]


class FarSweeper(DnsSweeper):
    """Sweeps the resolvers of all vantages by batches, which workers carry out."""

    def __init__(
        self, office: Office, prober: DnsProber, clock: Clock, telemetry: SweepTelemetry
    ) -> None:
        super().__init__(prober, clock, telemetry)
        self._office = office
        self._far: dict[Resolver, FarColumn] = {}

    async def sweep(
        self,
        bindings: Sequence[Binding],
        resolvers: Sequence[Resolver],
        over: timedelta,
        onlooker: Onlooker,
    ) -> None:
        numbers = self._numbers(bindings)
        self._sweeping += 1
        try:
            async with asyncio.TaskGroup() as group:
                for columns in self._by_vantage(resolvers):
                    group.create_task(
                        self._sweep_from(columns, numbers, over.total_seconds(), onlooker)
                    )
        finally:
            self._sweeping -= 1
            if not self._sweeping:
                self._catalogue.reuse()

    def _by_vantage(self, resolvers: Sequence[Resolver]) -> list[list[FarColumn]]:
        found: dict[str, list[FarColumn]] = {}
        for resolver in resolvers:
            column = self._column(resolver)
            column.watchlist.grow(len(self._catalogue))
            found.setdefault(resolver.vantage, []).append(column)
        return [
            columns[start : start + MOST_COLUMNS]
            for columns in found.values()
            for start in range(0, len(columns), MOST_COLUMNS)
        ]

    def _column(self, resolver: Resolver) -> FarColumn:
        column = self._far.get(resolver)
        if column is None:
            column = FarColumn(resolver, self._catalogue, self._prober, self._clock, self._share)
            self._far[resolver] = self._columns[resolver] = column
        return column

    async def _sweep_from(
        self,
        columns: Sequence[FarColumn],
        numbers: Sequence[int],
        over: Seconds,
        onlooker: Onlooker,
    ) -> None:
        """Place batches as they are due, few at a time; what there is no time for is left."""
        loop = asyncio.get_running_loop()
        pace = min(column.resolver.max_qps for column in columns)
        size = batch_size(len(numbers), pace, over)
        starts = range(0, len(numbers), size)
        began, room = loop.time(), asyncio.Semaphore(_OUTSTANDING)
        until = began + over * _GRACE if over else math.inf
        async with asyncio.TaskGroup() as group:
            for place, start in enumerate(starts):
                await asyncio.sleep(began + over * place / len(starts) - loop.time())
                await room.acquire()
                if loop.time() > until:
                    self._leave(columns, len(numbers) - start)
                    return
                part = numbers[start : start + size]
                vantage = columns[0].resolver.vantage
                batch = _Batch(vantage, columns, part, onlooker, set(range(len(part))))
                task = group.create_task(
                    self._carry(batch, over / len(starts), _LIFETIME + _OUTSTANDING * size / pace)
                )
                task.add_done_callback(lambda _: room.release())

    async def _carry(self, batch: _Batch, over: Seconds, lifetime: Seconds) -> None:
        bindings = self._catalogue.bindings
        job = Sweep(
            uuid.uuid4().hex,
            tuple(column.resolver for column in batch.columns),
            tuple(bindings[number].domain for number in batch.numbers),
            self._prober.lane_limits,
            over,
        )

        def take(parcel: Parcel, longest: Seconds) -> bool:
            return self._take(batch, job, parcel, longest)

        ended = await self._office.carry(batch.vantage, job, Kind.SWEEP, take, lifetime + over)
        rows = sorted(batch.missing)
        left = [n for row in rows if (n := self._number(batch, job, row, batch.missing)) >= 0]
        if ended is Ended.LOST:
            for column in batch.columns:
                column.miss(left, nobody_at(batch.vantage), batch.onlooker)
        elif left:
            self._leave(batch.columns, len(left))

    def _leave(self, columns: Sequence[FarColumn], count: int) -> None:
        log.warning("sweep.cut_short", vantage=columns[0].resolver.vantage, left=count)
        for column in columns:
            self._telemetry.swept(column.resolver, _shed(count))

    def _take(self, batch: _Batch, job: Sweep, parcel: Parcel, longest: Seconds) -> bool:
        """Take what is not known yet of the batch; True when nothing is missing any more."""
        size = len(batch.numbers)
        if len(parcel.columns) != len(batch.columns) or any(row >= size for row in parcel.rows):
            log.warning("vantage.misfit", vantage=batch.vantage, worker=parcel.worker)
            self._office.telemetry.refused(batch.vantage, "misfit")
            return False
        fresh = batch.missing.intersection(parcel.rows)
        numbers = [self._number(batch, job, row, fresh) for row in parcel.rows]
        heard = [
            [self._read(number, said, batch.onlooker) for said in of_row] if number >= 0 else ()
            for number, of_row in zip(numbers, parcel.said, strict=True)
        ]
        rows = _Rows(numbers, heard)
        for column, told in zip(batch.columns, parcel.columns, strict=True):
            column.take(numbers, told, rows, longest, batch.onlooker)
        if fresh or not size:
            for column, swept in zip(batch.columns, parcel.counted, strict=False):
                self._telemetry.swept(column.resolver, swept)
        batch.missing -= fresh
        return parcel.is_last or not batch.missing

    def _number(self, batch: _Batch, job: Sweep, row: int, fresh: set[int]) -> int:
        """Return the number of a row's domain; -1 where it is gone, or was told of before."""
        number = batch.numbers[row]
        is_same = self._catalogue.numbers.get(job.names[row]) == number
        return number if is_same and row in fresh else -1

    def _read(self, number: int, said: Said, onlooker: Onlooker) -> _Heard | NoAnswer | None:
        """Return what a worker's message says; None for what is no answer to the question."""
        if said.code >= SILENT:
            return NoAnswer(REASONS[said.code - SILENT], said.body.decode())
        transport, catalogue = TRANSPORTS[said.code], self._catalogue
        variants = catalogue.variants[number]
        for known in variants:
            is_alike = known.layout is said.layout and known.transport is transport
            if is_alike and known.shared == said.body:
                return _Heard(known, bytes(known.layout.own_size))
        wire = _wire_of(said)
        alike = tuple(known for known in variants if known.transport is transport)
        found = recognised(alike, wire, masks_question=False)
        if found is not None:
            return _Heard(*found)
        if not _repeats(wire, catalogue.queries(None).question(number)):
            return None
        read = self._remember(number, wire, transport, onlooker)
        if read is None:
            return None
        catalogue.variants[number] = with_variant(variants, read)
        return _Heard(read, own_of(read.layout.unpack(wire)))

    def _remember(
        self, number: int, wire: bytes, transport: Transport, onlooker: Onlooker
    ) -> Remembered | None:
        binding = self._catalogue.bindings[number]
        if transport is Transport.UDP:
            name = binding.domain.text
            seen = self._catalogue.shapes.glance(wire, name, masks_question=False)
            if seen is not None:
                essence_seen, said, _ = seen
                said.gist = onlooker.gist(binding, essence_seen)
                return said
        reading = reading_of(wire)
        if reading is None:
            return None
        essence = essence_of(reading.answer, binding.domain)
        gist = None if essence is None else onlooker.gist(binding, essence)
        return remembered(wire, reading, gist, transport, masks_question=False)


def _wire_of(said: Said) -> bytes:
    """Return the message, with zeros for what is its own."""
    if said.layout is None:
        return said.body
    return said.layout.joined(bytes(said.layout.own_size), said.body, b"")


def _shed(count: int) -> Swept:
    nothing = timedelta()
    return Swept({}, (), nothing, late=0, stray=0, shed=count, in_flight=0, lag=nothing)


@dataclass(slots=True)
class _Gathering:
    """Urgent questions that leave together."""

    asked: list[tuple[Resolver, Question]] = field(default_factory=list)
    replies: "list[asyncio.Future[Reply | None]]" = field(default_factory=list)


class FarProber:
    """Asks one resolver at another place one question."""

    def __init__(self, office: Office, prober: DnsProber, clock: Clock) -> None:
        self._office = office
        self._limits = prober.lane_limits
        self._clock = clock
        self._gathering: dict[str, _Gathering] = {}
        self._carrying: set[asyncio.Task[None]] = set()

    async def ask(self, server: Server, question: Question) -> Reply:
        """Return what came back, or that nobody was there. Never raises."""
        assert isinstance(server, Resolver), "authorities are asked from here"
        vantage = server.vantage
        gathering = self._gathering.get(vantage)
        if gathering is None:
            gathering = self._gathering[vantage] = _Gathering()
            task = asyncio.ensure_future(self._carry(vantage, gathering))
            self._carrying.add(task)
            task.add_done_callback(self._carrying.discard)
        reply: asyncio.Future[Reply | None] = asyncio.get_running_loop().create_future()
        gathering.asked.append((server, question))
        gathering.replies.append(reply)
        if len(gathering.asked) >= _MOST_QUESTIONS:
            del self._gathering[vantage]
        found = await reply
        if found is not None:
            return found
        return Reply(nobody_at(vantage), self._clock.now(), timedelta(), server.transport)

    async def _carry(self, vantage: str, gathering: _Gathering) -> None:
        try:
            await asyncio.sleep(_TOGETHER)
            if self._gathering.get(vantage) is gathering:
                del self._gathering[vantage]
            job = Errand(uuid.uuid4().hex, tuple(gathering.asked), self._limits)
            lifetime = _ERRAND_LIFETIME + self._limits.timeout * self._limits.attempts

            def take(parcel: Parcel, longest: Seconds) -> bool:
                self._take(gathering, parcel, longest)
                return all(reply.done() for reply in gathering.replies)

            await self._office.carry(vantage, job, Kind.ERRAND, take, lifetime)
        finally:
            for reply in gathering.replies:
                if not reply.done():
                    reply.set_result(None)

    def _take(self, gathering: _Gathering, parcel: Parcel, longest: Seconds) -> None:
        for told in parcel.columns[:1]:
            for place, row in enumerate(parcel.rows):
                if row < len(gathering.replies) and not gathering.replies[row].done():
                    resolver, question = gathering.asked[row]
                    age = timedelta(seconds=min(told.ages[place], longest))
                    said = parcel.said[place][:1]
                    at, took = self._clock.now() - age, told.rtts[place]
                    reply = _reply(resolver, question, said, at, took)
                    gathering.replies[row].set_result(reply)


def _reply(
    resolver: Resolver, question: Question, said: Sequence[Said], at: datetime, took: Seconds
) -> Reply:
    rtt = timedelta(seconds=took)
    for one in said:
        if one.code >= SILENT:
            silence = NoAnswer(REASONS[one.code - SILENT], one.body.decode())
            return Reply(silence, at, rtt, resolver.transport)
        wire = _wire_of(one)
        reading = reading_of(wire)
        if reading is not None and _is_about(wire, question):
            return Reply(reading.answer, at, rtt, TRANSPORTS[one.code], wire)
    nonsense = NoAnswer(NoAnswerReason.MALFORMED, "what the worker sent is no answer")
    return Reply(nonsense, at, rtt, resolver.transport)


def _is_about(wire: bytes, question: Question) -> bool:
    try:
        return _repeats(wire, encoded(question, None).question)
    except Unaskable:
        return False


def _repeats(wire: bytes, question: bytes) -> bool:
    """Tell whether a message repeats the question, in whatever case, or holds none.

    The worker compared the case; a server may leave out what it could not read.
    """
    has_none = wire[4:HEADER_END] == bytes(8)
    return has_none or wire[HEADER_END : HEADER_END + len(question)].lower() == question.lower()
