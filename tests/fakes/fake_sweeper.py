"""A sweeper that asks a prober one by one, and keeps the contract of a real one."""

from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta

from monitor.core.answers import Answer, Question, Reply
from monitor.core.bindings import Binding
from monitor.core.chain import rebuild
from monitor.core.gist import essence_of
from monitor.core.names import DomainName
from monitor.core.servers import Resolver
from monitor.ports import Onlooker, Prober


class FakeSweeper:
    """Remembers the sweeps it made: how many domains, over how long."""

    def __init__(self, prober: Prober) -> None:
        self._prober = prober
        self._latest: dict[tuple[DomainName, Resolver], Reply] = {}
        self.sweeps: list[tuple[int, timedelta]] = []

    async def sweep(
        self,
        bindings: Sequence[Binding],
        resolvers: Sequence[Resolver],
        over: timedelta,
        onlooker: Onlooker,
    ) -> None:
        self.sweeps.append((len(bindings), over))
        for binding in bindings:
            for resolver in resolvers:
                await self._ask(binding, resolver, onlooker)

    async def _ask(self, binding: Binding, resolver: Resolver, onlooker: Onlooker) -> None:
        reply = await self._prober.ask(resolver, Question(binding.domain))
        essence = essence_of(reply.outcome, binding.domain)
        gist = None if essence is None else onlooker.gist(binding, essence)
        if gist is not None and resolver.name in onlooker.knowing(binding, gist):
            self._latest[binding.domain, resolver] = reply
        else:
            self._latest.pop((binding.domain, resolver), None)
            onlooker.tell(binding, resolver, reply)

    def forget(self, domain: DomainName) -> None:
        self._latest = {pair: reply for pair, reply in self._latest.items() if pair[0] != domain}

    def forget_all_but(self, domains: Collection[DomainName]) -> None:
        self._latest = {pair: reply for pair, reply in self._latest.items() if pair[0] in domains}

    def reply(self, domain: DomainName, resolver: Resolver) -> Reply | None:
        return self._latest.get((domain, resolver))

    def ttls(
        self, domains: Sequence[DomainName], resolvers: Sequence[Resolver]
    ) -> Iterable[Sequence[int | None]]:
        return [[self._ttl(domain, resolver) for resolver in resolvers] for domain in domains]

    def _ttl(self, domain: DomainName, resolver: Resolver) -> int | None:
        reply = self.reply(domain, resolver)
        if reply is None or not isinstance(reply.outcome, Answer):
            return None
        return rebuild(domain, reply.outcome).first_ttl
