"""A recursive name server on loopback, with a habit."""

import time
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from random import Random
from typing import Self

import dns.name
import dns.rrset
from dns.message import Message
from dns.name import Name
from dns.rdataclass import RdataClass
from dns.rdatatype import RdataType

from monitor.core.servers import Transport
from monitor.demo import wire
from monitor.demo.habits import Habit, Manner
from monitor.demo.listening import Reply, listening
from monitor.demo.recursion import Asked, Memory, Resolved, Upstream
from monitor.demo.zones import Found

_ANOTHER_NAME = dns.name.from_text("another.invalid.")
_GARBAGE_OCTETS = 48


@dataclass(slots=True, eq=False)
class Cache:
    """Resolves through `upstream` and remembers as its habit says.

    `upstream_reachable` cuts it off; `habit` may be exchanged while it runs, except for the
    number of its caches (`members`). `queries` counts what came over the network.
    """

    address: str
    port: int
    habit: Habit
    upstream: Upstream
    nsid: str = ""
    rng: Random = field(default_factory=Random)
    clock: Callable[[], float] = time.monotonic
    upstream_reachable: bool = True
    queries: Counter[tuple[str, str]] = field(default_factory=Counter, init=False)
    members: tuple[Memory, ...] = field(init=False)
    _open: AsyncExitStack = field(default_factory=AsyncExitStack, init=False)

    def __post_init__(self) -> None:
        self.members = tuple(Memory(self._ask) for _ in range(self.habit.caches))

    def flush(self) -> None:
        """Make every cache behind the address forget."""
        for member in self.members:
            member.flush()

    async def __aenter__(self) -> Self:
        await self._open.enter_async_context(listening(self.address, self.port, self._respond))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    def _ask(self, name: Name, rdtype: RdataType, subnet: wire.Subnet | None) -> Found | None:
        return self.upstream(name, rdtype, subnet) if self.upstream_reachable else None

    def _respond(self, received: bytes, transport: Transport) -> Reply | None:
        read = wire.read(received)
        answer = read.reply if isinstance(read, wire.Rejected) else self._answer(read, transport)
        if answer is None or self.habit.manner is Manner.DEAD:
            return None
        return Reply(answer, self.habit.delay)

    def _answer(self, question: wire.Question, transport: Transport) -> bytes:
        self.queries[question.key] += 1
        match self.habit.manner:
            case Manner.GARBAGE:
                return self.rng.randbytes(_GARBAGE_OCTETS)
            case Manner.FAILING:
                errors = (self.habit.error,) if self.habit.error else ()
                failure = Resolved(Found(self.habit.rcode), errors)
                response = self._reply(question, failure, 0)
            case _:
                response = self._resolve(question)
        return wire.pack(self._in_its_manner(response, transport), question, transport)

    def _resolve(self, question: wire.Question) -> Message:
        chosen = self.rng.randrange(len(self.members))
        asked = Asked(question.name, question.rdtype, question.client_subnet)
        resolved = self.members[chosen].resolve(asked, self.habit, self.clock())
        return self._reply(question, resolved, chosen)

    def _reply(self, question: wire.Question, resolved: Resolved, chosen: int) -> Message:
        speaker = wire.Speaker(self._nsid_of(chosen), is_recursive=True)
        return wire.reply(question, resolved.found, speaker, resolved.errors)

    def _nsid_of(self, chosen: int) -> str:
        is_pool = len(self.members) > 1
        return f"{self.nsid}-{chosen + 1}" if self.nsid and is_pool else self.nsid

    def _in_its_manner(self, response: Message, transport: Transport) -> Message:
        match self.habit.manner:
            case Manner.WRONG_ID:
                response.id ^= 0x5A5A
            case Manner.WRONG_QUESTION:
                kind = response.question[0].rdtype
                response.question = [dns.rrset.RRset(_ANOTHER_NAME, RdataClass.IN, kind)]
            case Manner.TRUNCATING if transport is Transport.UDP:
                return wire.truncated(response)
            case Manner.SHUFFLED:
                response.answer = self._shuffled(response.answer)
            case _:
                pass
        return response

    def _shuffled(self, answer: list[dns.rrset.RRset]) -> list[dns.rrset.RRset]:
        records = [
            dns.rrset.from_rdata(rrset.name, rrset.ttl, data) for rrset in answer for data in rrset
        ]
        self.rng.shuffle(records)
        return sorted(records, key=lambda record: record.rdtype == RdataType.CNAME)
