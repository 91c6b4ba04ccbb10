"""Following changes for a command: by what a daemon keeps, or by a tracker of its own."""

import asyncio
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from prometheus_client import CollectorRegistry

from monitor.adapters.stores.sqlite import Access, SqliteStore
from monitor.adapters.telemetry import PrometheusTelemetry
from monitor.assembly.parts import (
    Surroundings,
    delegation_policy_of,
    followers_of,
    prober_of,
    resolvers_of,
    round_policy_of,
    store_of,
)
from monitor.config import Settings
from monitor.core.events import Record
from monitor.core.names import DomainName
from monitor.core.state import DomainState, Step
from monitor.core.tracking.changes import Change
from monitor.ledger import Ledger
from monitor.usecases.announce import Announcement, announce
from monitor.usecases.ask import Panel
from monitor.usecases.delegate import Delegator
from monitor.usecases.follow import Follow
from monitor.usecases.rounds import Rounds
from monitor.usecases.serials import Serials

_LOOK_EVERY = timedelta(seconds=1)
_MOST_CHANGES = 10_000
_STORY_LIMIT = 10_000


@dataclass(frozen=True, slots=True)
class Changes:
    """What commands do with changes, by the given settings."""

    settings: Settings
    around: Surroundings

    async def listed(self, *, only_open: bool) -> tuple[Change, ...]:
        """Return the changes that a daemon has kept, newest first. Raises StoreError."""
        async with self._reading() as store:
            if store is None:
                return ()
            return await store.changes(_MOST_CHANGES, only_open=only_open)

    async def one(self, number: str) -> tuple[Change | None, tuple[Record, ...]]:
        """Return the change and its records, oldest first. Raises StoreError."""
        async with self._reading() as store:
            if store is None:
                return None, ()
            return await store.change(number), await store.story(number, _STORY_LIMIT)

    async def known(self, domain: DomainName) -> DomainState | None:
        """Return what a daemon has kept of the domain. Raises StoreError."""
        async with self._reading() as store:
            return await store.domain(domain) if store is not None else None

    async def announce(self, announcement: Announcement) -> Change:
        """Keep the announcement for the next start. Raises StoreError or NotAnnounced."""
        store = store_of(self.settings, Access.OWN)
        try:
            ledger = self._ledger(store)
            await ledger.open()
            followers = followers_of(self.settings)
            return await announce(announcement, ledger, followers, self.around.clock)
        finally:
            await store.close()

    async def followed(
        self, domain: DomainState, announced: Announcement | None
    ) -> AsyncGenerator[DomainState, None]:
        """Yield the domain's state now and again, by a daemon at work or by ourselves."""
        if store_of(self.settings, Access.READ).is_owned:
            known = await self.known(domain.domain)
            if known is not None and known.watched is not None:
                async for state in self._told(domain.domain):
                    yield state
                return
        async for state in self._tracked(domain, announced):
            yield state

    async def _told(self, domain: DomainName) -> AsyncGenerator[DomainState, None]:
        async with self._reading() as store:
            while store is not None:
                state = await store.domain(domain)
                if state is not None:
                    yield state
                await asyncio.sleep(_LOOK_EVERY.total_seconds())

    async def _tracked(
        self, domain: DomainState, announced: Announcement | None
    ) -> AsyncGenerator[DomainState, None]:
        """Follow with a tracker that lives as long as this, on top of what a daemon has kept."""
        with tempfile.TemporaryDirectory(prefix="oss-cname-monitor-") as folder:
            store = SqliteStore(Path(folder) / "wait.db")
            try:
                ledger = self._ledger(store)
                await ledger.open()
                await ledger.record(lambda _: Step((domain,)))
                async for state in self._at_work(ledger, domain.domain, announced):
                    yield state
            finally:
                await store.close()

    async def _at_work(
        self, ledger: Ledger, domain: DomainName, announced: Announcement | None
    ) -> AsyncGenerator[DomainState, None]:
        rounds = self._rounds(ledger)
        follow = Follow(
            ledger,
            rounds.panel,
            rounds.followers,
            rounds.policy,
            rounds.clock,
            ask_authorities=rounds.of_authorities,
        )
        await rounds.of_authorities()
        if announced is not None:
            await announce(announced, ledger, rounds.followers, rounds.clock)
        await rounds.of_resolvers()
        tasks = [
            asyncio.ensure_future(follow.run()),
            asyncio.ensure_future(self._usual_rounds(rounds)),
        ]
        try:
            while True:
                yield ledger.state.domains[domain]
                done, _ = await asyncio.wait(tasks, timeout=_LOOK_EVERY.total_seconds())
                for task in done:
                    task.result()  # neither ends by itself but with an error
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _usual_rounds(self, rounds: Rounds) -> None:
        while True:
            await asyncio.sleep(self.settings.schedule.authority_interval.total_seconds())
            await rounds.of_authorities()

    def _rounds(self, ledger: Ledger) -> Rounds:
        settings, clock = self.settings, self.around.clock
        prober = prober_of(settings, clock)
        return Rounds(
            ledger=ledger,
            panel=Panel(prober, resolvers_of(settings), settings.targets.policy),
            delegator=Delegator(prober, delegation_policy_of(settings)),
            serials=Serials(prober, settings.schedule.authority_fast_interval / 2),
            policy=round_policy_of(settings),
            followers=followers_of(settings),
            clock=clock,
            telemetry=PrometheusTelemetry(CollectorRegistry()),
        )

    def _ledger(self, store: SqliteStore) -> Ledger:
        return Ledger(store, PrometheusTelemetry(CollectorRegistry()))

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[SqliteStore | None]:
        store = store_of(self.settings, Access.READ)
        try:
            yield store if store.exists else None
        finally:
            await store.close()
