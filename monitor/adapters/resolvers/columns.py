"""What one resolver last said of every domain, and the sweep that keeps it so."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from monitor.adapters.resolvers.catalogue import Catalogue
from monitor.adapters.resolvers.course import Course
from monitor.adapters.resolvers.engine import Lane
from monitor.adapters.resolvers.memo import (
    Remembered,
    Unanswered,
    own_of,
    recognised,
    unrecognised,
    with_variant,
)
from monitor.adapters.resolvers.pace import Room
from monitor.adapters.resolvers.prober import DnsProber, detail_of, silence
from monitor.adapters.resolvers.reading import Reading, reading_of, remembered
from monitor.adapters.resolvers.watchlist import Seconds, Watchlist
from monitor.core.answers import NoAnswer, NoAnswerReason, Outcome, Question, Rcode, Reply
from monitor.core.gist import Gist, essence_of
from monitor.core.servers import Resolver, Transport
from monitor.ports import Clock, Onlooker, Swept

log = structlog.get_logger()

_GRACE = 1.2  # times the time of a sweep, after which the rest of it is left


@dataclass(slots=True)
class Common:
    """What columns of one resolver share: each sends when the one before has sent.

    Two sweeps then overlap by the time for which the last questions of the first one wait.
    """

    room: Room
    watchlist: Watchlist = field(default_factory=Watchlist)
    sending: asyncio.Lock = field(default_factory=asyncio.Lock)


class Column:
    """Listens to the engine of one resolver, or asks one by one over the other transports."""

    def __init__(
        self,
        resolver: Resolver,
        catalogue: Catalogue,
        prober: DnsProber,
        clock: Clock,
        share: Callable[[int, Remembered, Collection[str]], None],
        common: "Common | None" = None,
    ) -> None:
        """Have `share` tell the columns of those resolvers how an answer is recognised."""
        self.resolver = resolver
        self.common = common or Common(Room(prober.lane_limits.window))
        self.watchlist = self.common.watchlist
        self._catalogue = catalogue
        self._prober = prober
        self._clock = clock
        self._share = share
        self._onlooker: Onlooker | None = None
        self._asking: asyncio.TaskGroup | None = None
        self._outcomes = Counter[str]()
        self._turn = asyncio.Lock()
        self._course = Course((), 0.0)
        self._left: set[int] = set()
        self._too_late: list[int] = []
        self._otherwise = asyncio.Semaphore(prober.lane_limits.window)
        self._shed = 0
        self._lane = Lane(
            (resolver.address, resolver.port),
            prober.lane_limits,
            prober.pace_of(resolver),
            self.watchlist,
            self,
            varies_case=resolver.varies_case,
        )
        self._lane.room = self.common.room

    async def sweep(self, numbers: Sequence[int], over: Seconds, onlooker: Onlooker) -> None:
        """Ask about all these, and tell the onlooker what is news.

        What there was no time for comes first the next time.
        """
        async with self._turn:
            self._onlooker = onlooker
            self.watchlist.grow(len(self._catalogue))
            async with asyncio.TaskGroup() as self._asking:
                if self.resolver.transport is Transport.UDP:
                    await self._sweep_by_engine(numbers, over)
                else:
                    self._course = self._planned(numbers, over)
                    await self._ask_each(self._course)
            self._leave(self._course)

    def _without_unaskable(self, numbers: Sequence[int], now: Seconds) -> Sequence[int]:
        askable = []
        for number in numbers:
            if number in self._catalogue.unaskable:
                no_question = NoAnswer(NoAnswerReason.MALFORMED, "no question can hold the name")
                self._take_silence(number, no_question, now)
            else:
                askable.append(number)
        return askable

    async def _sweep_by_engine(self, numbers: Sequence[int], over: Seconds) -> None:
        queries = self._catalogue.queries(self.resolver.client_subnet)
        try:
            async with self.common.sending:
                self._course = self._planned(numbers, over)
                await self._lane.send(queries, self._course)
            await self._lane.be_answered()
        except OSError as error:  # no socket can be had
            now = asyncio.get_running_loop().time()
            for number in self._course.take(len(self._course.numbers)):
                self.failed(number, error, now)

    def _leave(self, course: Course) -> None:
        left = [*course.left, *self._too_late]
        self._too_late.clear()
        if (
            self._left or left
        ):  # a sweep over a few domains leaves those of another one as they were
            self._left = self._left.difference(course.numbers).union(left)
        self._shed += len(left)
        if left:
            log.warning("sweep.cut_short", resolver=self.resolver.name, left=len(left))

    def _planned(self, numbers: Sequence[int], over: Seconds) -> Course:
        now = asyncio.get_running_loop().time()
        if self._catalogue.unaskable:
            numbers = self._without_unaskable(numbers, now)
        if self._left:
            numbers = sorted(numbers, key=lambda number: number not in self._left)
        until = now + over * _GRACE if over else math.inf
        return Course(numbers, now, over, until)

    def reply(self, number: int) -> Reply | None:
        """Return the newest reply."""
        if not self.watchlist.has_answer(number):
            return None
        said = self.watchlist.known[number]
        at = self._clock.now() - timedelta(seconds=time.monotonic() - self.watchlist.at[number])
        rtt = timedelta(seconds=self.watchlist.rtt[number])
        if isinstance(said, Unanswered):
            return Reply(said.outcome, at, rtt, self.resolver.transport) if said.outcome else None
        question = self._catalogue.queries(self.resolver.client_subnet).question(number)
        wire = self.watchlist.wire(number, question)
        reading = reading_of(wire)
        assert reading is not None, "it could be read when it came"
        return Reply(reading.answer, at, rtt, said.transport, wire)

    def counted(self) -> Swept:
        """Return what was seen since the last time."""
        outcomes, self._outcomes = self._outcomes, Counter()
        counted = self._lane.counted_anew()
        shed, self._shed = self._shed, 0
        for code, count in enumerate(counted.codes):
            if count:
                outcomes[_rcode_name(code)] += count
        return Swept(
            outcomes,
            tuple(counted.rtts),
            timedelta(seconds=counted.rtt_total),
            late=counted.late,
            stray=counted.strays,
            shed=shed,
            in_flight=self._lane.in_flight,
            lag=self._lag(),
        )

    def _lag(self) -> timedelta:
        is_sweeping = self._turn.locked()
        late = self._course.lag(time.monotonic()) if is_sweeping else 0.0
        return timedelta(seconds=max(0.0, late))

    def heard(self, number: int, wire: bytes, sent: Seconds, now: Seconds) -> bool:
        variants = self._catalogue.variants[number]
        masks_question = self.resolver.varies_case
        known = variants and recognised(variants, wire, masks_question=masks_question)
        found = known or self._glanced(number, wire)
        if found is None:
            reading = reading_of(wire)
            if reading is None:
                return False
            if reading.is_cut_off or reading.answer.rcode is Rcode.FORMERR:
                self._ask_otherwise(number)
                return True
            said = self._remember(number, wire, reading, Transport.UDP)
            found = said, own_of(said.unpack(wire))
        said, own = found
        knowing = self._knowing(number, said)
        if not known:  # the others need not read it, from whom it is no news either
            self._catalogue.variants[number] = with_variant(variants, said)
            self._share(number, said, knowing)
        self._lane.count(said.rcode, now - sent)
        if self.resolver.name in knowing:
            self.watchlist.note(number, said, own, at=now, rtt=now - sent)
        else:
            self._tell_answer(number, wire, now - sent)
        return True

    def silent(self, number: int, strays: int, now: Seconds) -> None:
        self._take_silence(number, silence(self._prober.lane_limits.timeout, strays), now)

    def failed(self, number: int, error: OSError, now: Seconds) -> None:
        self._take_silence(number, NoAnswer(NoAnswerReason.NETWORK_ERROR, detail_of(error)), now)

    def _glanced(self, number: int, wire: bytes) -> tuple[Remembered, bytes] | None:
        assert self._onlooker is not None
        binding = self._catalogue.bindings[number]
        seen = self._catalogue.shapes.glance(
            wire, binding.domain.text, masks_question=self.resolver.varies_case
        )
        if seen is None:
            return None
        essence, said, own = seen
        said.gist = self._onlooker.gist(binding, essence)
        return said, own

    def _remember(
        self, number: int, wire: bytes, reading: Reading, transport: Transport
    ) -> Remembered:
        return remembered(
            wire,
            reading,
            self._gist(number, reading.answer),
            transport,
            masks_question=self.resolver.varies_case,
        )

    def _take_silence(self, number: int, outcome: NoAnswer, now: Seconds) -> None:
        self._outcomes[outcome.reason.value] += 1
        said = Unanswered(outcome, self._gist(number, outcome))
        if self.resolver.name in self._knowing(number, said):
            self.watchlist.note(number, said, b"", at=now, rtt=0.0)
        else:
            transport = self.resolver.transport
            self._tell(number, Reply(outcome, self._clock.now(), timedelta(), transport))

    def _gist(self, number: int, outcome: Outcome) -> Gist | None:
        assert self._onlooker is not None
        binding = self._catalogue.bindings[number]
        essence = essence_of(outcome, binding.domain)
        return None if essence is None else self._onlooker.gist(binding, essence)

    def _knowing(self, number: int, said: Remembered) -> Collection[str]:
        """Return the names of the resolvers from which it is no news."""
        assert self._onlooker is not None
        if said.gist is None:
            return ()
        return self._onlooker.knowing(self._catalogue.bindings[number], said.gist)

    def _tell_answer(self, number: int, wire: bytes, took: Seconds) -> None:
        reading = reading_of(wire)
        assert reading is not None, "it could be read a moment ago"
        rtt = timedelta(seconds=took)
        self._tell(number, Reply(reading.answer, self._clock.now(), rtt, Transport.UDP, wire))

    def _tell(self, number: int, reply: Reply) -> None:
        self.watchlist.forget(number)
        assert self._onlooker is not None
        self._onlooker.tell(self._catalogue.bindings[number], self.resolver, reply)

    def _ask_otherwise(self, number: int) -> None:
        """Ask as the prober does: over TCP what was cut off, without EDNS whom that upsets."""
        assert self._asking is not None
        self._asking.create_task(self._ask_in_time(number))

    async def _ask_in_time(self, number: int) -> None:
        """Ask, unless the time of the sweep is over before it is this question's turn.

        Else a server that cuts off all, and is slow over TCP, would hold up the others' sweep.
        """
        async with self._otherwise:
            if asyncio.get_running_loop().time() < self._course.until:
                await self._ask(number)
            else:
                self._too_late.append(number)

    async def _ask_each(self, course: Course) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(self._prober.lane_limits.window, len(course.numbers))):
                group.create_task(self._ask_in_turn(course))

    async def _ask_in_turn(self, course: Course) -> None:
        loop = asyncio.get_running_loop()
        while not course.is_over(loop.time()):
            early = -course.lag(loop.time())
            if early > 0:
                await asyncio.sleep(early)
                continue
            for number in course.take(1):
                await self._ask(number)

    async def _ask(self, number: int) -> None:
        question = Question(self._catalogue.bindings[number].domain)
        reply = await self._prober.ask(self.resolver, question)
        now, took = asyncio.get_running_loop().time(), reply.rtt.total_seconds()
        if isinstance(reply.outcome, NoAnswer):
            self._take_silence(number, reply.outcome, now)
            return
        reading = reading_of(reply.wire)
        assert reading is not None, "the prober could read it"
        said = self._remember(number, reply.wire, reading, reply.transport)
        own = own_of(said.layout.unpack(reply.wire))
        said.unpack = unrecognised  # by the engine: it has to be tried over UDP again each time
        self._lane.count(said.rcode, took)
        if self.resolver.name in self._knowing(number, said):
            self.watchlist.note(number, said, own, at=now, rtt=took)
        else:
            self._tell(number, reply)


_RCODE_NAMES = {int(rcode): rcode.name.lower() for rcode in Rcode}


def _rcode_name(code: int) -> str:
    return _RCODE_NAMES.get(code, Rcode.OTHER.name.lower())
