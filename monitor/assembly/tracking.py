"""Following changes for a command: by what a daemon keeps, or by a tracker of its own."""

import asyncio
import tempfile
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from prometheus_client import CollectorRegistry

from monitor.adapters.stores.session import Access
from monitor.adapters.stores.sqlite import SqliteStore
from monitor.adapters.telemetry.counters import PrometheusTelemetry
from monitor.assembly.parts import (
    Surroundings,
    asked_from_here,
    follow_of,
    followers_of,
    rounds_of,
)
from monitor.assembly.stores import reading, reading_what_is_there, store_of
from monitor.config import Settings
from monitor.core.events import Record
from monitor.core.names import DomainName
from monitor.core.state import DomainState, Step
from monitor.core.tracking.changes import Change
from monitor.ledger import Ledger
from monitor.usecases.announce import Announcement, announce
from monitor.usecases.rounds import Rounds

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
        async with reading_what_is_there(self.settings, self.around) as store:
            return await store.changes(_MOST_CHANGES, only_open=only_open)

    async def one(self, number: str) -> tuple[Change | None, tuple[Record, ...]]:
        """Return the change and its records, oldest first. Raises StoreError."""
        async with reading_what_is_there(self.settings, self.around) as store:
            return await store.change(number), await store.story(number, _STORY_LIMIT)

    async def known(self, domain: DomainName) -> DomainState | None:
        """Return what a daemon has kept of the domain. Raises StoreError."""
        async with reading(self.settings, self.around) as store:
            return await store.domain(domain) if store is not None else None

    async def announce(self, announcement: Announcement) -> Change:
        """Keep the announcement for the next start. Raises StoreError or NotAnnounced."""
        store = store_of(self.settings, Access.OWN, self.around)
        try:
            ledger = Ledger(store, _uncounted())
            await ledger.open()
            followers = followers_of(self.settings)
            return await announce(announcement, ledger, followers, self.around.clock)
        finally:
            await store.close()

    async def followed(
        self, domain: DomainState, announced: Announcement | None
    ) -> AsyncGenerator[DomainState, None]:
        """Yield the domain's state now and again, by a daemon at work or by ourselves."""
        if store_of(self.settings, Access.READ, self.around).is_owned:
            known = await self.known(domain.domain)
            if known is not None and known.watched is not None:
                async for state in self._told(domain.domain):
                    yield state
                return
        async for state in self._tracked(domain, announced):
            yield state

    async def _told(self, domain: DomainName) -> AsyncGenerator[DomainState, None]:
        async with reading(self.settings, self.around) as store:
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
                ledger = Ledger(store, _uncounted())
                await ledger.open()
                await ledger.record(lambda _: Step((domain,)))
                async for state in self._at_work(ledger, domain.domain, announced):
                    yield state
            finally:
                await store.close()

    async def _at_work(
        self, ledger: Ledger, domain: DomainName, announced: Announcement | None
    ) -> AsyncGenerator[DomainState, None]:
        clock, telemetry = self.around.clock, _uncounted()
        rounds = rounds_of(asked_from_here(self.settings), ledger, clock, telemetry)
        await rounds.of_authorities()
        if announced is not None:
            await announce(announced, ledger, rounds.followers, rounds.clock)
        await rounds.of_resolvers()
        tasks = [
            asyncio.ensure_future(follow_of(rounds).run()),
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


def _uncounted() -> PrometheusTelemetry:
    """Return counters that nobody reads."""
    return PrometheusTelemetry(CollectorRegistry())
