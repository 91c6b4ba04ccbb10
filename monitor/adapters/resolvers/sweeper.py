"""Sweep all resolvers over all domains, and tell only what is news."""

import asyncio
import sys
from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta

from monitor.adapters.resolvers.catalogue import Catalogue
from monitor.adapters.resolvers.columns import Column
from monitor.adapters.resolvers.memo import Remembered
from monitor.adapters.resolvers.prober import DnsProber
from monitor.core.answers import Reply
from monitor.core.bindings import Binding
from monitor.core.names import DomainName
from monitor.core.servers import Resolver
from monitor.ports import Clock, Onlooker, SweepTelemetry

_BETWEEN_COUNTS = 1.0  # seconds
_NO_NUMBER = sys.maxsize  # of a domain that was never asked about


class DnsSweeper:
    """Keeps what each resolver last said of each domain as long as the process lives.

    Its questions share the pace of the prober's, which come first.
    """

    def __init__(self, prober: DnsProber, clock: Clock, telemetry: SweepTelemetry) -> None:
        self._prober = prober
        self._clock = clock
        self._telemetry = telemetry
        self._catalogue = Catalogue()
        self._columns: dict[Resolver, Column] = {}
        self._sweeping = 0
        self._taken: tuple[Sequence[Binding], Sequence[int]] = ((), ())

    async def sweep(
        self,
        bindings: Sequence[Binding],
        resolvers: Sequence[Resolver],
        over: timedelta,
        onlooker: Onlooker,
    ) -> None:
        columns = [self._column(resolver) for resolver in resolvers]
        await self._sweep(columns, self._numbers(bindings), over, onlooker)

    async def _sweep(
        self,
        columns: Sequence[Column],
        numbers: Sequence[int],
        over: timedelta,
        onlooker: Onlooker,
    ) -> None:
        counting = asyncio.ensure_future(self._count(columns))
        self._sweeping += 1
        try:
            async with asyncio.TaskGroup() as group:
                for column in columns:
                    group.create_task(column.sweep(numbers, over.total_seconds(), onlooker))
        finally:
            counting.cancel()
            self._report(columns)
            self._sweeping -= 1
            if not self._sweeping:
                self._catalogue.reuse()

    def _numbers(self, bindings: Sequence[Binding]) -> Sequence[int]:
        taken, numbers = self._taken
        if taken is not bindings:
            numbers = self._catalogue.take(bindings)
            self._taken = (bindings, numbers)
            while self._catalogue.rebound:
                self._forget(self._catalogue.rebound.pop())
        return numbers

    def forget(self, domain: DomainName) -> None:
        number = self._catalogue.numbers.get(domain)
        if number is not None:
            self._forget(number)

    def _forget(self, number: int) -> None:
        for column in self._columns.values():
            column.watchlist.forget(number)

    def forget_all_but(self, domains: Collection[DomainName]) -> None:
        """Let go of what is no longer asked about."""
        self._taken = ((), ())
        for number in self._catalogue.drop_all_but(domains):
            self._forget(number)

    def reply(self, domain: DomainName, resolver: Resolver) -> Reply | None:
        number, column = self._catalogue.numbers.get(domain), self._columns.get(resolver)
        if number is None or column is None:
            return None
        return column.reply(number)

    def ttls(
        self, domains: Sequence[DomainName], resolvers: Sequence[Resolver]
    ) -> Iterable[Sequence[int | None]]:
        numbers = [self._catalogue.numbers.get(domain, _NO_NUMBER) for domain in domains]
        columns = [self._columns.get(resolver) for resolver in resolvers]
        nothing = (None,) * len(numbers)
        shown = [column.watchlist.ttls(numbers) if column else nothing for column in columns]
        return [ttls for _, *ttls in zip(numbers, *shown, strict=True)]

    def _column(self, resolver: Resolver) -> Column:
        if resolver not in self._columns:
            self._columns[resolver] = Column(
                resolver, self._catalogue, self._prober, self._clock, self._share
            )
        return self._columns[resolver]

    def _share(self, number: int, said: Remembered, resolvers: Collection[str]) -> None:
        """Have an answer recognised that says what is known; one column has read it."""
        masks_question = said.layout.masks_question
        for resolver, column in self._columns.items():
            if resolver.name in resolvers and resolver.varies_case is masks_question:
                column.watchlist.expect(number, said)

    async def _count(self, columns: Sequence[Column]) -> None:
        while True:
            await asyncio.sleep(_BETWEEN_COUNTS)
            self._report(columns)

    def _report(self, columns: Sequence[Column]) -> None:
        for column in columns:
            self._telemetry.swept(column.resolver, column.counted())
