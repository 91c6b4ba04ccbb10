"""Reports on changes, for commands and pages, and stored answers judged again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from monitor.adapters.resolvers.hearing import heard
from monitor.adapters.resolvers.readable import readable
from monitor.assembly.parts import Surroundings
from monitor.assembly.stores import reading_what_is_there
from monitor.config import Settings
from monitor.config.targets import Targets
from monitor.core.names import DomainName
from monitor.core.replay import Replay
from monitor.core.report import Report
from monitor.core.servers import Resolver
from monitor.core.tracking.changes import Change
from monitor.usecases.report import Shelf, report_of

__all__ = [
    "KeptReports",
    "Span",
    "StoredReports",
    "readable",
    "replay_of",
    "targets_not_as_shipped",
]

_MOST_CHANGES = 10_000


@dataclass(frozen=True, slots=True)
class Span:
    """The changes of a domain that were seen in a time; None where it has no bound."""

    domain: DomainName
    since: datetime | None = None
    until: datetime | None = None

    def holds(self, change: Change) -> bool:
        at = change.detected_at
        is_early = self.since is not None and at < self.since
        return not is_early and (self.until is None or at <= self.until)


@dataclass(frozen=True, slots=True)
class KeptReports:
    """Reports from the database of a daemon, which may be at work on it."""

    settings: Settings
    around: Surroundings

    async def of_change(self, number: str, at: datetime | None) -> Report | None:
        """Return the report on one change; None where there is none. Raises StoreError."""
        async with reading_what_is_there(self.settings, self.around) as store:
            return await report_of(number, store, self._resolvers, at)

    async def of_span(self, span: Span, at: datetime | None) -> tuple[Report, ...]:
        """Return the reports on the changes of a span, oldest first. Raises StoreError."""
        async with reading_what_is_there(self.settings, self.around) as store:
            changes = await store.changes(_MOST_CHANGES, domain=span.domain)
            wanted = [change.id for change in reversed(changes) if span.holds(change)]
            return await _all(wanted, store, self._resolvers, at)

    @property
    def _resolvers(self) -> tuple[Resolver, ...]:
        return tuple(given.resolver for given in self.settings.resolvers)


@dataclass(frozen=True, slots=True)
class StoredReports:
    """Reports from a store that is open, for the pages."""

    shelf: Shelf
    resolvers: Callable[[], Sequence[Resolver]]

    async def of_change(self, number: str, at: datetime | None) -> Report | None:
        """Return the report on one change; None where there is none. Raises StoreError."""
        return await report_of(number, self.shelf, self.resolvers(), at)

    def readable(self, wire: bytes) -> str:
        return readable(wire)


async def _all(
    numbers: Sequence[str], shelf: Shelf, resolvers: Sequence[Resolver], at: datetime | None
) -> tuple[Report, ...]:
    found = [await report_of(number, shelf, resolvers, at) for number in numbers]
    return tuple(report for report in found if report is not None)


def replay_of(settings: Settings) -> Replay:
    """Return who judges stored answers again, by these settings."""
    return Replay(settings.targets.policy, heard)


def targets_not_as_shipped(settings: Settings) -> dict[str, Any]:
    """Return the keys of `[targets]` that are given other than by default, as JSON."""
    given, usual = (it.model_dump(mode="json") for it in (settings.targets, Targets()))
    return {key: value for key, value in given.items() if value != usual[key]}
