"""Ask a server a question: paced, retried, bounded, and never with an exception."""

import asyncio
import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

import dns.exception

from monitor.adapters.resolvers.datagrams import Garbled
from monitor.adapters.resolvers.engine import SILENCE_BEFORE_DOUBT, LaneLimits
from monitor.adapters.resolvers.exchanges import exchange_over
from monitor.adapters.resolvers.pace import Pace
from monitor.adapters.resolvers.questions import Unaskable
from monitor.adapters.resolvers.transports import Query, Way
from monitor.adapters.resolvers.wire import printable
from monitor.core.answers import (
    Answer,
    NoAnswer,
    NoAnswerReason,
    Outcome,
    Question,
    Rcode,
    Reply,
)
from monitor.core.servers import Authority, Resolver
from monitor.ports import Clock, Server


@dataclass(frozen=True, slots=True)
class Limits:
    """How long to wait for one attempt, how many to make, and how much at a time.

    `in_flight` bounds the questions that are under way in all, `per_server` those that one server
    owes an answer to, `authority_qps` the pace at one authority; a resolver has its own.
    """

    timeout: timedelta = timedelta(seconds=2)
    attempts: int = 3
    in_flight: int = 1000
    per_server: int = 100
    authority_qps: float = 50.0


class UnmatchedTelemetry(Protocol):
    """Counts datagrams that answered no question that was still open."""

    def unmatched(self, server: Server, *, late: int, stray: int) -> None: ...


class DnsProber:
    """Asks over every transport, each attempt from another port with an id by lot."""

    def __init__(
        self, clock: Clock, limits: Limits, telemetry: UnmatchedTelemetry | None = None
    ) -> None:
        self._clock = clock
        self._limits = limits
        self._telemetry = telemetry
        self._under_way = asyncio.Semaphore(limits.in_flight)
        self._lanes: dict[object, _Lane] = {}

    async def ask(self, server: Server, question: Question) -> Reply:
        lane = self._lane(server)
        async with lane.places:
            attempts = 1 if lane.silent_for >= SILENCE_BEFORE_DOUBT else self._limits.attempts
            reply = await self._try(lane, question, attempts)
        self._count(lane, server)
        is_silent = isinstance(reply.outcome, NoAnswer)
        lane.silent_for = lane.silent_for + 1 if is_silent else 0
        return reply

    def pace_of(self, resolver: Resolver) -> Pace:
        """Return the pace that all questions to the resolver share."""
        return self._lane(resolver).pace

    @property
    def lane_limits(self) -> LaneLimits:
        """How a sweep of one resolver is bounded."""
        limits = self._limits
        return LaneLimits(limits.timeout.total_seconds(), limits.attempts, limits.per_server)

    def _count(self, lane: "_Lane", server: Server) -> None:
        counted = lane.way.ports.unmatched_anew()
        if self._telemetry is not None and (counted.late or counted.stray):
            self._telemetry.unmatched(server, late=counted.late, stray=counted.stray)

    def _lane(self, server: Server) -> "_Lane":
        key = _lane_of(server)
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = _Lane(server, self._limits)
        return lane

    async def _try(self, lane: "_Lane", question: Question, attempts: int) -> Reply:
        reply = None
        for _ in range(attempts):
            await lane.pace.wait()
            reply = await self._attempt(lane.way, question)
            match reply.outcome:
                case NoAnswer():
                    continue
                case Answer(rcode=Rcode.FORMERR) if not _subnet_of(lane.way.server, question):
                    # An old server (RFC 6891 §7); a view is nothing without its subnet.
                    await lane.pace.wait()
                    return await self._attempt(lane.way, question, use_edns=False)
                case Answer():
                    return reply
        assert reply is not None, "there is at least one attempt"
        return reply

    async def _attempt(self, way: Way, question: Question, *, use_edns: bool = True) -> Reply:
        async with self._under_way:
            started = time.monotonic()
            transport, wire = way.server.transport, b""
            outcome: Outcome
            try:
                query = Query(question, way.server.client_subnet, use_edns=use_edns)
                response = await exchange_over(transport)(query, way)
                transport, wire = response.transport, response.wire
                outcome = response.reading.answer
            except _TIMEOUTS:
                outcome = silence(way.timeout)
            except _FAILURES as error:
                outcome = NoAnswer(_reason(error), detail_of(error))
            rtt = timedelta(seconds=time.monotonic() - started)
        return Reply(outcome, self._clock.now(), rtt, transport, wire)


def silence(timeout: float, strays: int = 0) -> NoAnswer:
    """Return what it means that nothing came in so many seconds, or only strays."""
    if strays:
        detail = f"{strays} datagrams came, none of them an answer"
        return NoAnswer(NoAnswerReason.MALFORMED, detail)
    return NoAnswer(NoAnswerReason.TIMEOUT, f"> {timeout:g} s")


def _subnet_of(server: Resolver, question: Question) -> str | None:
    return question.client_subnet or server.client_subnet


class _Lane:
    """What one server has to bear, and how long it has been silent."""

    def __init__(self, server: Server, limits: Limits) -> None:
        resolver = _as_resolver(server, limits)
        self.way = Way.to(resolver, limits.timeout.total_seconds())
        self.pace = Pace(resolver.max_qps)
        self.places = asyncio.Semaphore(limits.per_server)
        self.silent_for = 0


def _lane_of(server: Server) -> object:
    """Return what has one pace: a resolver as configured, an authority for all its zones."""
    return server if isinstance(server, Resolver) else (server.address, server.port)


def _as_resolver(server: Server, limits: Limits) -> Resolver:
    match server:
        case Resolver():
            return server
        case Authority():
            qps = limits.authority_qps
            return Resolver(server.name, server.address, server.port, max_qps=qps)


_TIMEOUTS = (dns.exception.Timeout, TimeoutError)

# Everything else that a server, its certificate or the network can do to us; the rest is a bug.
_FAILURES = (
    dns.exception.DNSException,
    Garbled,
    OSError,
    EOFError,
    ValueError,  # dnspython's word for an HTTP status that is no success
)


def _reason(error: Exception) -> NoAnswerReason:
    is_nonsense = isinstance(error, Garbled | Unaskable | dns.exception.DNSException)
    return NoAnswerReason.MALFORMED if is_nonsense else NoAnswerReason.NETWORK_ERROR


def detail_of(error: Exception) -> str:
    """Return what it says in a line; what a server sent may be in it, as long as it likes."""
    first_line = printable(str(error).partition("\n")[0])
    return f"{type(error).__name__}: {first_line}" if first_line else type(error).__name__
