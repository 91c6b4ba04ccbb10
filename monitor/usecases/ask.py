"""Ask everybody about one binding, and have every answer judged."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from monitor.core.answers import Answer, Question, Reply
from monitor.core.bindings import Binding
from monitor.core.chain import rebuild
from monitor.core.gist import gist_of
from monitor.core.servers import Delegation, Resolver
from monitor.core.targets import TargetPolicy
from monitor.core.verdict import Expectation, judge
from monitor.core.views import Sighting
from monitor.ports import Prober, Server


@dataclass(frozen=True, slots=True)
class Panel:
    """Who is asked, and which names count as the target.

    A recursive server is asked for addresses, as clients ask, so that its answer is what they get
    and shows the whole chain. So is an authority: a CNAME answers every type (RFC 1034 §3.6.2),
    and where a provider flattens it, the addresses are the answer.
    """

    prober: Prober
    resolvers: Sequence[Resolver]
    policy: TargetPolicy

    async def ask_resolvers(
        self, binding: Binding, only: Sequence[Resolver] | None = None
    ) -> tuple[Sighting, ...]:
        """Ask all resolvers, or only some of them."""
        question = Question(binding.domain)
        return await self._ask_all(self.resolvers if only is None else only, question, binding)

    async def ask_authorities(
        self, binding: Binding, delegation: Delegation, view: str = ""
    ) -> tuple[Sighting, ...]:
        """Ask every authority, as a client in the subnet `view` where one is given."""
        question = Question(binding.domain, is_recursion_desired=False, client_subnet=view or None)
        return await self._ask_all(delegation.authorities, question, binding)

    async def _ask_all(
        self, servers: Sequence[Server], question: Question, binding: Binding
    ) -> tuple[Sighting, ...]:
        sightings = (self._ask(server, question, binding) for server in servers)
        return tuple(await asyncio.gather(*sightings))

    async def judged(self, server: Server, reply: Reply, binding: Binding) -> Sighting:
        """Return what a reply means that somebody else asked for."""
        outcome, expected = reply.outcome, self.expectation(binding)
        chain = rebuild(binding.domain, outcome) if isinstance(outcome, Answer) else None
        is_authority = not isinstance(server, Resolver)
        own = None
        if chain is not None and chain.addresses and not chain.links:
            own = await self._target_addresses(server, binding)  # all they can be compared with
        verdict = judge(
            outcome, expected, chain=chain, target_addresses=own, asked_authority=is_authority
        )
        gist = None if is_authority else gist_of(outcome, expected, chain)
        return Sighting(server.name, reply, verdict, gist)

    def expectation(self, binding: Binding) -> Expectation:
        return Expectation(binding.domain, binding.target, self.policy)

    async def _ask(self, server: Server, question: Question, binding: Binding) -> Sighting:
        return await self.judged(server, await self.prober.ask(server, question), binding)

    async def _target_addresses(self, server: Server, binding: Binding) -> frozenset[str] | None:
        """Return the target's own addresses, None where they cannot be learnt."""
        # An authority of the domain's zone knows nothing of the target's.
        resolver = server if isinstance(server, Resolver) else self.resolvers[0]
        target = binding.target.name
        of_target = (await self.prober.ask(resolver, Question(target))).outcome
        if not isinstance(of_target, Answer) or of_target.rcode.is_failure:
            return None
        return frozenset(rebuild(target, of_target).addresses)
