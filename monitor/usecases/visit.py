"""Ask over HTTP whoever serves each domain, and record what the answers show."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog

from monitor.core.binding_faults import FaultPolicy, see_visit
from monitor.core.bindings import Binding
from monitor.core.names import DomainName
from monitor.core.servers import Resolver
from monitor.core.serving import BucketSign, HttpAnswer, Visit, read_sign
from monitor.core.state import State, Step
from monitor.core.verdict import VerdictKind
from monitor.core.views import View
from monitor.ledger import Ledger
from monitor.ports import Clock, Latest, Telemetry, Visitor

log = structlog.get_logger()

ABREAST = 10  # visits at a time


@dataclass(frozen=True, slots=True)
class Visits:
    """Visits of every watched domain, at addresses that resolvers gave for it just now.

    Visits that are no longer `is_wanted`, since other settings are in force, change nothing.
    """

    ledger: Ledger
    visitor: Visitor
    resolvers: Sequence[Resolver]
    latest: Latest
    policy: FaultPolicy
    clock: Clock
    telemetry: Telemetry
    is_wanted: Callable[[], bool] = lambda: True
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def of_everybody(self, over: timedelta = timedelta()) -> None:
        """Visit each domain once, evenly spread `over` a time; not while that is being done."""
        if self.turn.locked():
            return  # two visits close together are not two looks
        async with self.turn:
            await self._visit_everybody(over)

    async def _visit_everybody(self, over: timedelta) -> None:
        watched = [d.watched for d in self.ledger.state.domains.values()]
        bindings = [binding for binding in watched if binding is not None]
        turns = self._turns(bindings, over)
        async with asyncio.TaskGroup() as group:
            for _ in range(min(ABREAST, len(bindings))):
                group.create_task(self._visit_each(turns))
        log.debug("http_check.done", domains=len(bindings))

    def _turns(
        self, bindings: Sequence[Binding], over: timedelta
    ) -> Iterator[tuple[Binding, float]]:
        """Yield each binding with how long to wait, in seconds, until it has its turn."""
        time = asyncio.get_running_loop().time  # which nobody sets
        started = time()
        for number, binding in enumerate(bindings):
            turn = started + over.total_seconds() * (number / len(bindings))
            yield binding, turn - time()

    async def _visit_each(self, turns: Iterator[tuple[Binding, float]]) -> None:
        for binding, wait in turns:
            if wait > 0:
                await asyncio.sleep(wait)
            if not self.is_wanted():
                return
            await self._visit(binding)

    async def _visit(self, binding: Binding) -> None:
        addresses = await self.ledger.look(
            lambda state: self._addresses(state, binding.domain), {binding.domain}
        )
        if not addresses:
            return  # where DNS leads nowhere, the verdicts say so
        visit = await self.visitor.visit(binding.domain, addresses)
        sign = read_sign(visit.outcome).sign
        self.telemetry.visited(sign)
        _tell(binding.domain, visit, sign)
        await self.ledger.record(
            lambda state: self._decide(state, binding, visit), about={binding.domain}
        )

    def _decide(self, state: State, binding: Binding, visit: Visit) -> Step:
        if not self.is_wanted():
            return Step()
        return see_visit(state, binding, visit, self.policy, self.clock.now())

    def _addresses(self, state: State, name: DomainName) -> tuple[str, ...]:
        """Return where the resolvers send clients of the domain, most of them first."""
        domain, now = state.domains.get(name), self.clock.now()
        views = dict(domain.resolvers.items()) if domain is not None else {}
        newest = (  # OSS rotates its addresses: those of the last news may be old
            views[resolver.name].newest(self.latest.reply(name, resolver), now)
            for resolver in self.resolvers
            if resolver.name in views
        )
        return _counted(view.verdict.chain.addresses for view in newest if _leads_to_oss(view))


_AT_OSS = frozenset({VerdictKind.OTHER_BUCKET, VerdictKind.OTHER_ENDPOINT})
_FAMILIAR = frozenset({BucketSign.SERVES, BucketSign.NO_ANSWER, BucketSign.NOT_OSS})


def _leads_to_oss(view: View) -> bool:
    verdict = view.verdict
    return verdict.is_in_effect is True or verdict.kind in _AT_OSS


def _counted(answers: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """Return the addresses of several answers, those that most of them name first."""
    counted: dict[str, int] = {}
    for address in (address for addresses in answers for address in addresses):
        counted[address] = counted.get(address, 0) + 1
    return tuple(sorted(counted, key=lambda address: (-counted[address], address)))


def _tell(domain: DomainName, visit: Visit, sign: BucketSign) -> None:
    """Say what OSS refused, with the numbers that its support asks for."""
    answer = visit.outcome
    if isinstance(answer, HttpAnswer) and sign not in _FAMILIAR:
        log.info(
            "http_check.refused",
            domain=domain.display,
            sign=sign.value,
            status=answer.status,
            code=answer.code,
            ec=answer.ec,
            request_id=answer.request_id,
        )
