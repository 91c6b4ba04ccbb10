"""Ask one server many questions again and again, at the cost of little more than the system calls.

A lane sends from a pool of connected sockets, each with ids of its own, drains a socket when it is
readable, and compares what came with what came last time. Only what differs is handed up.
"""

import asyncio
import math
from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from monitor.adapters.resolvers.course import Course
from monitor.adapters.resolvers.datagrams import LARGEST_DATAGRAM, is_response
from monitor.adapters.resolvers.memo import MISFIT
from monitor.adapters.resolvers.pace import Pace, Room
from monitor.adapters.resolvers.questions import HEADER_END, ID_END, Encoded, in_varied_case
from monitor.adapters.resolvers.sources import Asked, Port, Tokens
from monitor.adapters.resolvers.watchlist import STRIDE, Seconds, Watchlist
from monitor.ports import RTT_BOUNDS

TICK = 0.01  # seconds between looks at paces and deadlines

# After so many questions without any answer, a server is asked but once per question, so that a
# dead one cannot hold up a round.
SILENCE_BEFORE_DOUBT = 5
_BURST = (
    8  # questions that leave one socket in a row: a readable socket then brings several answers
)
_MOST_STRAYS = 32  # are taken from one socket at a time: a flood must not keep the loop to itself


class Listener(Protocol):
    """Is told what a sweep cannot settle by itself."""

    def heard(self, number: int, wire: bytes, sent: Seconds, now: Seconds) -> bool:
        """Take a response to the question that is not as remembered; False for gibberish."""

    def silent(self, number: int, strays: int, now: Seconds) -> None:
        """Take it that all attempts are over; so many datagrams came that answered nothing."""

    def failed(self, number: int, error: OSError, now: Seconds) -> None:
        """Take it that the network refused all attempts, the last one with this error."""


@dataclass(slots=True)
class Counted:
    """What a lane has seen: datagrams, but for `lost` and `shed`, which count questions.

    A lost one was given up, a shed one never sent, since the time of its sweep was over.
    `codes` counts answers by response code, `rtts` by how long
    they took, up to each of `RTT_BOUNDS` and beyond; `rtt_total` is in seconds.
    """

    sent: int = 0
    codes: list[int] = field(default_factory=lambda: [0] * 16)
    rtts: list[int] = field(default_factory=lambda: [0] * (len(RTT_BOUNDS) + 1))
    rtt_total: Seconds = 0.0
    strays: int = 0
    late: int = 0
    lost: int = 0
    shed: int = 0


@dataclass(frozen=True, slots=True)
class LaneLimits:
    """`timeout` in seconds for one attempt; `window` questions may wait for their answer."""

    timeout: Seconds = 2.0
    attempts: int = 3
    window: int = 256
    ports: int = 16


@dataclass(frozen=True, slots=True)
class Queries:
    """Numbered questions as they travel, less the id; all end with the same `options` octets."""

    wires: Sequence[bytes]
    options: int

    def question(self, number: int) -> bytes:
        """Return the question section."""
        wire = self.wires[number]
        return wire[HEADER_END - ID_END : len(wire) - self.options]


class Lane:
    """The way to one server."""

    def __init__(
        self,
        address: tuple[str, int],
        limits: LaneLimits,
        pace: Pace,
        watchlist: Watchlist,
        listener: Listener,
        *,
        varies_case: bool = False,
    ) -> None:
        """Open nothing yet. Where it `varies_case`, a forger has to guess that too (0x20)."""
        self.counted = Counted()
        self._varies_case = varies_case
        self._address = address
        self._limits = limits
        self._pace = pace
        self.room = Room(limits.window)
        self._queries = Queries((), 0)
        self._watchlist = watchlist
        self._listener = listener
        self._loop = asyncio.get_running_loop()
        self._tokens = Tokens()
        self._ports: list[Port] = []
        self._turn = 0
        self._course = Course((), 0.0)
        self._again: deque[int] = deque()
        self._attempts: dict[int, int] = {}
        self._strays: dict[int, int] = {}
        self._silent_for = 0
        self._tail_at = math.inf
        self._sent: asyncio.Future[None] | None = None
        self._done: asyncio.Future[None] | None = None
        self._next_beat: asyncio.TimerHandle | None = None

    def counted_anew(self) -> Counted:
        """Return what was counted since the last time."""
        counted, self.counted = self.counted, Counted()
        return counted

    def count(self, rcode: int, took: Seconds) -> None:
        """Count an answer that the listener was given."""
        counted = self.counted
        counted.codes[rcode] += 1
        counted.rtts[bisect_left(RTT_BOUNDS, took)] += 1
        counted.rtt_total += took

    @property
    def in_flight(self) -> int:
        """How many questions wait for their answer."""
        return sum(len(port.flight) for port in self._ports) + len(self._again)

    async def send(self, queries: Queries, course: Course) -> None:
        """Ask the questions of the course, which are left over when its time is.

        Returns when all for which there was time have been sent. Raises OSError if no socket can
        be opened.
        """
        self._queries, self._course = queries, course
        self._sent, self._done = self._loop.create_future(), self._loop.create_future()
        try:
            self._open()
            self._beat()
            await self._sent
            self._tail_at = self._loop.time() + self._limits.timeout
        except BaseException:
            self._close()
            raise

    async def be_answered(self) -> None:
        """Return when each that was sent is answered or its attempts are over."""
        assert self._done is not None, "they were sent"
        try:
            await self._done
        finally:
            self._close()

    def _open(self) -> None:
        for _ in range(self._limits.ports):
            port = Port(self._address)
            self._ports.append(port)
            self._loop.add_reader(port.socket.fileno(), self._drain, port)

    def _close(self) -> None:
        if self._next_beat is not None:
            self._next_beat.cancel()
        self._close_ports(self._ports)
        self._sent = self._done = None
        self._tail_at = math.inf
        for known in (self._again, self._attempts, self._strays):
            known.clear()

    def _close_ports(self, ports: Sequence[Port]) -> None:
        for port in ports:
            self._loop.remove_reader(port.socket.fileno())
            port.socket.close()
            self.room.left += len(port.flight)
        self._ports = [port for port in self._ports if port not in ports]

    def _beat(self) -> None:
        now = self._loop.time()
        self._next_beat = self._loop.call_later(TICK, self._beat)
        self._expire(now)
        self._send(now)
        if now > self._tail_at:  # what is left can be asked again from one socket
            self._close_ports([port for port in self._ports if port.is_idle][1:])

    def _send(self, now: Seconds) -> None:
        """Send what window, course and pace allow, a few from each socket in turn."""
        room = self.room
        while self._again and self._pace.take(now, min(room.left, 1)):
            self._burst((self._again.popleft(),), now)
        allowed = self._pace.take(now, min(room.left, self._course.due(now)))
        while allowed > 0:
            sent = self._burst(self._course.take(min(allowed, _BURST)), now)
            allowed -= sent
        if self._course.is_over(now):
            _tell(self._sent)
            if not self.in_flight:
                _tell(self._done)

    def _burst(self, numbers: Sequence[int], now: Seconds) -> int:
        """Send questions from one socket; return how many those are, sent or not."""
        self._turn = (self._turn + 1) % len(self._ports)
        port = self._ports[self._turn]
        flight, send, wires = port.flight, port.send, self._queries.wires
        question, refused = None, None
        for token, number in zip(self._tokens.draw(len(numbers)), numbers, strict=True):
            query = wires[number]
            if self._varies_case:
                varied = in_varied_case(Encoded(query, self._queries.options))
                query, question = varied.query, varied.question
            while token in flight:  # one id, one question at a time on one socket
                (token,) = self._tokens.draw(1)  # noqa: PLW2901
            flight[token] = (now, number, question)
            try:
                send(token + query)
            except OSError as error:
                refused = error
        self.room.left -= len(numbers)
        self.counted.sent += len(numbers)
        if refused is not None:  # the kernel tells of it with the next datagram from that socket
            self._refused(port, refused, now)
        return len(numbers)

    def _drain(self, port: Port) -> None:  # noqa: C901, PLR0915 - a call costs a tenth of this loop
        """Take what is owed on a readable socket, at least one datagram, and not too many strays.

        The socket is still readable while something is left.
        """
        now = self._loop.time()
        flight, recv = port.flight, port.recv
        codes, rtts = self.counted.codes, self.counted.rtts
        watchlist, attempts, strays = self._watchlist, self._attempts, self._strays
        known, at, rtt = watchlist.known, watchlist.at, watchlist.rtt
        own, longer = watchlist.own, watchlist.longer
        answered, took_all, rank, ranked = 0, 0.0, 0, -1.0
        is_owed, patience = True, _MOST_STRAYS
        while is_owed:
            try:
                wire = recv(LARGEST_DATAGRAM)
            except BlockingIOError:
                break
            except OSError as error:
                self._refused(port, error, now)
                break
            token = wire[:2]
            asked = flight.get(token)
            if asked is None:
                self._unasked(port, token)
                patience -= 1
                is_owed = bool(flight) and patience > 0
                continue
            sent, number, question = asked
            last = known[number]
            try:
                parts = last.unpack(wire)
            except MISFIT:
                parts = ()
            if b"".join(parts[1::2]) == last.shared and (
                question is None or wire.startswith(question, HEADER_END)
            ):
                mine = b"".join(parts[::2])
                if len(mine) > STRIDE:
                    longer[number] = mine
                else:
                    place = number * STRIDE
                    own[place : place + len(mine)] = mine
                at[number] = now
                rtt[number] = took = now - sent
                took_all += took
                if sent != ranked:  # those that were sent together took equally long
                    rank, ranked = bisect_left(RTT_BOUNDS, took), sent
                rtts[rank] += 1
                codes[last.rcode] += 1
            elif not self._is_heard(asked, wire, now):
                patience -= 1
                is_owed = patience > 0
                continue
            del flight[token]
            is_owed = bool(flight)
            answered += 1
            if attempts or strays:
                self._forget_trouble(number)
        if answered:
            self.room.left += answered
            self._silent_for = 0
            self.counted.rtt_total += took_all
        self._send(now)

    def _forget_trouble(self, number: int) -> None:
        self._attempts.pop(number, None)
        self._strays.pop(number, None)

    def _is_heard(self, asked: Asked, wire: bytes, now: Seconds) -> bool:
        sent, number, varied = asked
        question = varied or self._queries.question(number)
        is_ours = is_response(wire, wire[:ID_END], question)
        if is_ours and self._listener.heard(number, wire, sent, now):
            return True
        self.counted.strays += 1
        self._strays[number] = self._strays.get(number, 0) + 1
        return False

    def _unasked(self, port: Port, token: bytes) -> None:
        if token in port.expired:
            self.counted.late += 1
            return
        self.counted.strays += 1
        for _, number, _ in port.flight.values():  # it may have been meant for any of them
            self._strays[number] = self._strays.get(number, 0) + 1

    def _expire(self, now: Seconds) -> None:
        """Give up what has waited for too long; what is first in a socket's row waits longest."""
        for port in self._ports:
            while port.flight:
                token, (sent, number, _) = next(iter(port.flight.items()))
                if now < sent + self._limits.timeout:
                    break
                del port.flight[token]
                port.expired.add(token)
                self.room.left += 1
                self._lost(number, None, now)

    def _refused(self, port: Port, error: OSError, now: Seconds) -> None:
        # ICMP says that something did not arrive, not what: nothing from this socket will.
        lost = list(port.flight.values())
        port.flight.clear()
        self.room.left += len(lost)
        for _, number, _ in lost:
            self._lost(number, error, now)

    def _lost(self, number: int, error: OSError | None, now: Seconds) -> None:
        attempts = self._attempts.get(number, 0) + 1
        most = 1 if self._silent_for >= SILENCE_BEFORE_DOUBT else self._limits.attempts
        if attempts < most:
            self._attempts[number] = attempts
            self._again.append(number)
            return
        self._attempts.pop(number, None)
        self._silent_for += 1
        self.counted.lost += 1
        strays = self._strays.pop(number, 0)
        if error is None:
            self._listener.silent(number, strays, now)
        else:
            self._listener.failed(number, error, now)


def _tell(waiting: "asyncio.Future[None] | None") -> None:
    if waiting is not None and not waiting.done():
        waiting.set_result(None)
