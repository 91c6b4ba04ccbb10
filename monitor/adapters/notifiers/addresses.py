"""Where the services are, without the resolver of this machine.

A notice may be about the very resolver that this machine uses. So hosts are looked up at the
bootstrap resolvers, and what they said is remembered for the time when nobody says anything.
"""

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeAlias

import structlog

from monitor.adapters.notifiers.line import Place
from monitor.core.answers import Answer, Question, RecordType
from monitor.core.names import DomainName, InvalidName
from monitor.core.servers import Resolver
from monitor.ports import Clock, Prober

log = structlog.get_logger(__name__)

SystemLookup: TypeAlias = Callable[[str, int], Awaitable[Sequence[Place]]]

# Shorter TTLs would make each notice wait for a lookup, longer ones keep us at a place for weeks.
_SHORTEST, _LONGEST = timedelta(minutes=1), timedelta(days=1)
# When to ask again about what nobody answered, and about what all resolvers deny.
_AFTER_SILENCE, _AFTER_DENIAL = timedelta(seconds=30), timedelta(minutes=10)
_MULTICAST = DomainName("local")  # RFC 6762
_LOOPBACK = ("127.0.0.1", "::1")


async def of_system(host: str, port: int) -> Sequence[Place]:
    """Return what this machine's own configuration says. Raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [(str(place[0]), port) for *_, place in found]


@dataclass(frozen=True, slots=True)
class _Known:
    """What was last found, when, and when it is to be looked up again."""

    addresses: tuple[str, ...]
    at: datetime
    due: datetime


class Addresses:
    """Finds hosts, and remembers them.

    A search takes at most `patience` seconds; then what was known counts, however old it is, and
    with nothing known this machine's own resolver has the last word.
    """

    def __init__(
        self,
        prober: Prober,
        bootstrap: Sequence[Resolver],
        clock: Clock,
        system: SystemLookup = of_system,
        patience: float = 5.0,
    ) -> None:
        self._prober = prober
        self._bootstrap = bootstrap
        self._clock = clock
        self._system = system
        self._patience = patience
        self._known: dict[str, _Known] = {}
        self._doubted: set[str] = set()

    async def find(self, host: str, port: int) -> Sequence[Place]:
        """Return the host's addresses with the port, best first. Raises OSError."""
        if addresses := _plain(host):
            return [(address, port) for address in addresses]
        name = _public_name(host)
        if name is None:
            return await self._system(host, port)
        known = await self._look(host, name)
        if known.addresses:
            return [(address, port) for address in known.addresses]
        self._doubt(host, "channel.address_by_system")
        return await self._system(host, port)

    async def _look(self, host: str, name: DomainName) -> _Known:
        now, known = self._clock.now(), self._known.get(host)
        # A due time beyond any that we set is of a clock that was put back since.
        if known is None or not now < known.due <= now + _LONGEST:
            known = self._after(host, known, await self._search(name), now)
            self._known[host] = known
        return known

    def _after(
        self, host: str, known: _Known | None, found: "_Found | None", now: datetime
    ) -> _Known:
        if found and found.addresses:
            self._doubted.discard(host)
            return _Known(found.addresses, now, now + min(max(found.ttl, _SHORTEST), _LONGEST))
        due = now + (_AFTER_DENIAL if found else _AFTER_SILENCE)
        if known is None or not known.addresses:
            return _Known((), now, due)
        self._doubt(host, "channel.address_kept", since=known.at.isoformat())
        return _Known(known.addresses, known.at, due)

    def _doubt(self, host: str, event: str, **fields: str) -> None:
        """Say once, until it is over, that an address is not what the resolvers say now."""
        if host not in self._doubted:
            self._doubted.add(host)
            log.warning(event, host=host, **fields)

    async def _search(self, name: DomainName) -> "_Found | None":
        """Return what the first resolver says that knows an address; None for silence.

        Where all that answer deny the name, that is what is found.
        """
        denial = None
        try:
            async with asyncio.timeout(self._patience), asyncio.TaskGroup() as group:
                asking = [group.create_task(self._ask(each, name)) for each in self._bootstrap]
                for answered in asyncio.as_completed(asking):
                    found = await answered
                    if found and found.addresses:
                        for task in asking:
                            task.cancel()
                        return found
                    denial = denial or found
        except TimeoutError:
            pass
        return denial

    async def _ask(self, resolver: Resolver, name: DomainName) -> "_Found | None":
        replies = await asyncio.gather(
            *(
                self._prober.ask(resolver, Question(name, kind))
                for kind in (RecordType.A, RecordType.AAAA)
            )
        )
        outcomes = [reply.outcome for reply in replies]
        answers = [o for o in outcomes if isinstance(o, Answer) and not o.rcode.is_failure]
        records = [record for answer in answers for record in answer.addresses]
        if not answers:
            return None
        ttl = timedelta(seconds=min((record.ttl for record in records), default=0))
        return _Found(tuple(record.address for record in records), ttl)


@dataclass(frozen=True, slots=True)
class _Found:
    """What a resolver said: addresses, or that there are none."""

    addresses: tuple[str, ...]
    ttl: timedelta


def _plain(host: str) -> Sequence[str]:
    """Return the addresses of what needs no lookup: an address, and localhost (RFC 6761)."""
    if host.lower().rstrip(".") == "localhost":
        return _LOOPBACK
    try:
        return (str(ipaddress.ip_address(host.strip("[]"))),)
    except ValueError:
        return ()


def _public_name(host: str) -> DomainName | None:
    """Return the name to ask resolvers for; None for what only this machine can know."""
    try:
        name = DomainName.parse(host)
    except InvalidName:
        return None
    return None if name.parent is None or name.is_within(_MULTICAST) else name
