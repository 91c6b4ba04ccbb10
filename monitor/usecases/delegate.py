"""Find out which servers are the authorities of a domain, from its parent and from itself."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from monitor.core.answers import Answer, NameServerRecord, Question, RecordType
from monitor.core.names import DomainName
from monitor.core.servers import Authority, Delegation, Resolver
from monitor.ports import Prober

T = TypeVar("T")


class NotDelegated(Exception):
    """Nobody could be found who is authoritative; the message says how far the search came."""


@dataclass(frozen=True, slots=True)
class DelegationPolicy:
    """Where to search for authorities, and how long to believe what was found.

    `fixed` overrules the search for a zone and everything in it. `port` is where the authorities
    listen that a search finds. The resolvers of `bootstrap` are asked in their order.
    """

    bootstrap: Sequence[Resolver]
    fixed: Sequence[Delegation] = ()
    port: int = 53
    keep_for: timedelta = timedelta(minutes=15)
    retry_after: timedelta = timedelta(minutes=1)


class Delegator:
    """Finds authorities, and remembers them for a while: many domains share a zone."""

    def __init__(self, prober: Prober, policy: DelegationPolicy) -> None:
        self._prober = prober
        self._policy = policy
        self._domains: dict[DomainName, _Known[DomainName]] = {}
        self._zones: dict[DomainName, _Known[Delegation]] = {}

    async def find(self, domain: DomainName, now: datetime) -> Delegation:
        """Return the delegation of the zone that the domain is in. Raises NotDelegated."""
        given = [d for d in self._policy.fixed if domain.is_within(d.zone)]
        if given:
            return max(given, key=lambda delegation: len(delegation.zone.text))
        zone = await self._domains.setdefault(domain, _Known()).get(
            now, self._policy, lambda: self._zone_of(domain)
        )
        return await self._zones.setdefault(zone, _Known()).get(
            now, self._policy, lambda: self._delegation_of(zone)
        )

    async def _delegation_of(self, zone: DomainName) -> Delegation:
        at_child, at_parent = await asyncio.gather(self._servers_of(zone), self._at_parent(zone))
        named = (at_child or frozenset()) | (at_parent or frozenset())
        servers = frozenset(record.server for record in named)
        authorities = await self._authorities(zone, servers)
        if not authorities:
            raise NotDelegated(f"no address was found for any name server of {zone}")
        return Delegation(
            zone,
            _names_of(at_parent),
            _names_of(at_child),
            authorities,
            kept_for=timedelta(seconds=max((r.ttl for r in named), default=0)),
        )

    async def _zone_of(self, domain: DomainName) -> DomainName:
        # The SOA comes as the answer or, with NODATA and NXDOMAIN, beside it. Behind a CNAME it
        # may be another zone's, so only an owner that holds the domain counts.
        name: DomainName | None = domain
        while name is not None:
            answer = await self._resolve(Question(name, RecordType.SOA))
            owner = answer.soa_owner if answer else None
            if owner is not None and domain.is_within(owner):
                return owner
            name = name.parent
        raise NotDelegated(f"no bootstrap resolver could name the zone of {domain}")

    async def _servers_of(self, zone: DomainName) -> frozenset[NameServerRecord] | None:
        """Return the zone's own NS set as a resolver knows it; None where none tells."""
        return _named_for(zone, await self._resolve(Question(zone, RecordType.NS))) or None

    async def _at_parent(self, zone: DomainName) -> frozenset[NameServerRecord] | None:
        """Ask the parent zone's own servers for the referral; None where none of them tells."""
        if zone.parent is None:
            return None
        try:
            above = await self._zone_of(zone.parent)
        except NotDelegated:
            return None
        question = Question(zone, RecordType.NS, is_recursion_desired=False)
        servers = _names_of(await self._servers_of(above)) or frozenset()
        for authority in await self._authorities(above, servers):
            reply = await self._prober.ask(authority, question)
            if isinstance(reply.outcome, Answer) and (named := _named_for(zone, reply.outcome)):
                return named
        return None

    async def _authorities(
        self, zone: DomainName, servers: frozenset[DomainName]
    ) -> tuple[Authority, ...]:
        ordered = sorted(servers)
        found = await asyncio.gather(*(self._addresses(server) for server in ordered))
        return tuple(
            Authority(zone, server, address, self._policy.port)
            for server, addresses in zip(ordered, found, strict=True)
            for address in addresses
        )

    async def _addresses(self, server: DomainName) -> tuple[str, ...]:
        answer = await self._resolve(Question(server, RecordType.A))
        return tuple(sorted({a.address for a in answer.addresses})) if answer else ()

    async def _resolve(self, question: Question) -> Answer | None:
        for resolver in self._policy.bootstrap:
            reply = await self._prober.ask(resolver, question)
            if isinstance(reply.outcome, Answer) and not reply.outcome.rcode.is_failure:
                return reply.outcome
        return None


def _named_for(zone: DomainName, answer: Answer | None) -> frozenset[NameServerRecord]:
    records = answer.name_servers if answer else ()
    return frozenset(record for record in records if record.zone == zone)


def _names_of(records: frozenset[NameServerRecord] | None) -> frozenset[DomainName] | None:
    return None if records is None else frozenset(record.server for record in records)


class _Known(Generic[T]):
    """One thing that was searched for: searched once at a time, and again when it is due.

    When a later search fails, what was found before stays; when none ever succeeded, the failure
    is repeated without a search until it is due again.
    """

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._value: T | None = None
        self._failure: NotDelegated | None = None
        self._due: datetime | None = None

    async def get(
        self, now: datetime, policy: DelegationPolicy, search: Callable[[], Awaitable[T]]
    ) -> T:
        async with self._turn:
            # A due time beyond any that we set is of a clock that was put back since.
            if self._due is None or not now < self._due <= now + policy.keep_for:
                await self._search(now, policy, search)
        if self._value is None:
            raise NotDelegated(str(self._failure)) from self._failure
        return self._value

    async def _search(
        self, now: datetime, policy: DelegationPolicy, search: Callable[[], Awaitable[T]]
    ) -> None:
        try:
            self._value = await search()
            self._due = now + policy.keep_for
        except NotDelegated as failure:
            self._failure = failure
            self._due = now + policy.retry_after
