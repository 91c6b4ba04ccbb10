"""Some resolvers are asked from here, the others through workers: who asks need not know."""

import asyncio
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from monitor.core.answers import Question, Reply
from monitor.core.bindings import Binding
from monitor.core.names import DomainName
from monitor.core.servers import Resolver
from monitor.ports import Onlooker, Prober, Server, Sweeper


@dataclass(frozen=True, slots=True)
class DividedProber:
    """Authorities are always asked from here: what they say does not hang on the place."""

    here: Prober
    afar: Prober

    async def ask(self, server: Server, question: Question) -> Reply:
        is_far = isinstance(server, Resolver) and server.vantage
        return await (self.afar if is_far else self.here).ask(server, question)


@dataclass(frozen=True, slots=True)
class DividedSweeper:
    """One sweeper for the resolvers here, and one for all others."""

    here: Sweeper
    afar: Sweeper

    async def sweep(
        self,
        bindings: Sequence[Binding],
        resolvers: Sequence[Resolver],
        over: timedelta,
        onlooker: Onlooker,
    ) -> None:
        near = [resolver for resolver in resolvers if not resolver.vantage]
        far = [resolver for resolver in resolvers if resolver.vantage]
        async with asyncio.TaskGroup() as group:
            group.create_task(self.here.sweep(bindings, near, over, onlooker))
            group.create_task(self.afar.sweep(bindings, far, over, onlooker))

    def reply(self, domain: DomainName, resolver: Resolver) -> Reply | None:
        return (self.afar if resolver.vantage else self.here).reply(domain, resolver)

    def ttls(
        self, domains: Sequence[DomainName], resolvers: Sequence[Resolver]
    ) -> Iterable[Sequence[int | None]]:
        near = [resolver for resolver in resolvers if not resolver.vantage]
        far = [resolver for resolver in resolvers if resolver.vantage]
        order = [*near, *far]
        places = [order.index(resolver) for resolver in resolvers]
        shown = zip(self.here.ttls(domains, near), self.afar.ttls(domains, far), strict=True)
        for ttls_here, ttls_afar in shown:
            both = (*ttls_here, *ttls_afar)
            yield [both[place] for place in places]

    def forget(self, domain: DomainName) -> None:
        self.here.forget(domain)
        self.afar.forget(domain)

    def forget_all_but(self, domains: Collection[DomainName]) -> None:
        self.here.forget_all_but(domains)
        self.afar.forget_all_but(domains)
