"""Ask everybody for the TXT record that proves whose a domain is, authorities first."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from monitor.core.ownership import CnameToken, Sight, Sights, may_ask_resolvers, sight_of
from monitor.core.servers import Resolver
from monitor.ports import Clock, Prober, Server
from monitor.usecases.delegate import Delegator, NotDelegated


@dataclass(frozen=True, slots=True)
class Prove:
    """One look at who sees the record."""

    prober: Prober
    resolvers: Sequence[Resolver]
    delegator: Delegator
    clock: Clock

    async def look(self, token: CnameToken) -> Sights:
        try:
            delegation = await self.delegator.find(token.domain, self.clock.now())
        except NotDelegated:
            return Sights(token, None, resolvers=await self._ask_all(self.resolvers, token))
        authorities = await self._ask_all(delegation.authorities, token)
        resolvers: tuple[Sight, ...] = ()
        if may_ask_resolvers(authorities):
            resolvers = await self._ask_all(self.resolvers, token)
        return Sights(token, delegation.zone, authorities, resolvers)

    async def _ask_all(self, servers: Sequence[Server], token: CnameToken) -> tuple[Sight, ...]:
        return tuple(await asyncio.gather(*(self._ask(server, token) for server in servers)))

    async def _ask(self, server: Server, token: CnameToken) -> Sight:
        is_recursive = isinstance(server, Resolver)
        reply = await self.prober.ask(server, token.question(is_recursion_desired=is_recursive))
        return sight_of(server.name, reply, token, is_authority=not is_recursive)
