"""What the use cases need of the world; adapters and fakes provide it."""

from datetime import datetime, timedelta
from typing import Protocol, TypeAlias

from monitor.core.answers import Question, Reply
from monitor.core.events import Event, Record
from monitor.core.inventory import Listing
from monitor.core.names import DomainName
from monitor.core.provider import ProviderFailure, ProviderListing
from monitor.core.servers import Authority, Resolver
from monitor.core.state import DomainState, State, Step
from monitor.core.tracking.changes import Change

Server: TypeAlias = Resolver | Authority


class Clock(Protocol):
    """The time of day, in UTC, which goes on evenly even when somebody sets the clock."""

    def now(self) -> datetime: ...

    def drift(self) -> timedelta:
        """Return by how much the clock on the wall is ahead; negative where it was put back."""

    def follow_wall(self, by: timedelta) -> None:
        """Go on from so much later."""


class Prober(Protocol):
    """Asks one server one question."""

    async def ask(self, server: Server, question: Question) -> Reply:
        """Return what came back, at the latest when all attempts have timed out. Never raises."""


class Inventory(Protocol):
    """One account, or the configuration, as a source of bindings."""

    @property
    def account(self) -> str: ...

    async def look(self) -> Listing:
        """Return what is bound now. Failures are part of the listing; never raises."""


class Provider(Protocol):
    """A DNS provider's own API: when records were edited, and for whom."""

    @property
    def account(self) -> str: ...

    async def look(self, owner: DomainName) -> ProviderListing:
        """Return the records of a name. A failure is part of the listing; never raises."""


class StoreError(Exception):
    """The store cannot keep or give what it should; the message says why and what to do."""


class Store(Protocol):
    """Keeps the state and the audit log over a crash."""

    async def load(self) -> State:
        """Return the last state that was committed. Raises StoreError."""

    async def domain(self, name: DomainName) -> DomainState | None:
        """Return one domain of the last state that was committed. Raises StoreError."""

    async def commit(self, step: Step) -> tuple[Record, ...]:
        """Keep the step, state and events in one transaction, and return its records.

        When it returns, a crash of the process loses nothing of the step; when it raises
        StoreError, nothing of the step was kept.
        """

    async def history(self, domain: DomainName, limit: int) -> tuple[Record, ...]:
        """Return the newest records of a domain, newest first. Raises StoreError."""

    async def records(self, after: int, limit: int) -> tuple[Record, ...]:
        """Return the records that follow number `after`, oldest first. Raises StoreError."""

    async def changes(
        self, limit: int, *, before: str | None = None, only_open: bool = False
    ) -> tuple[Change, ...]:
        """Return the newest changes before that id, newest first. Raises StoreError."""

    async def change(self, number: str) -> Change | None:
        """Return the change with that id; None where there is none. Raises StoreError."""

    async def story(self, number: str, limit: int) -> tuple[Record, ...]:
        """Return the records of a change, oldest first. Raises StoreError."""

    async def close(self) -> None: ...


class Telemetry(Protocol):
    """Counts what the monitor itself does."""

    def probed(self, server: Server, outcome: str, rtt: timedelta) -> None: ...

    def listed(self, listing: Listing) -> None: ...

    def round_done(self, kind: str, duration: timedelta) -> None: ...

    def provider_failed(self, account: str, failure: ProviderFailure) -> None: ...

    def happened(self, event: Event) -> None: ...

    def store_failed(self) -> None: ...
