"""What the use cases need of the world; adapters and fakes provide it."""

from datetime import datetime, timedelta
from typing import Protocol, TypeAlias

from monitor.core.answers import Question, Reply
from monitor.core.events import Record
from monitor.core.inventory import Listing
from monitor.core.names import DomainName
from monitor.core.servers import Authority, Resolver
from monitor.core.state import State, Step

Server: TypeAlias = Resolver | Authority


class Clock(Protocol):
    """The time of day, in UTC."""

    def now(self) -> datetime: ...


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


class StoreError(Exception):
    """The store cannot keep or give what it should; the message says why and what to do."""


class Store(Protocol):
    """Keeps the state and the audit log over a crash."""

    async def load(self) -> State:
        """Return the last state that was committed. Raises StoreError."""

    async def commit(self, step: Step) -> tuple[Record, ...]:
        """Keep the step, state and events in one transaction, and return its records.

        When it returns, a crash of the process loses nothing of the step; when it raises
        StoreError, nothing of the step was kept.
        """

    async def history(self, domain: DomainName, limit: int) -> tuple[Record, ...]:
        """Return the newest records of a domain, newest first. Raises StoreError."""

    async def records(self, after: int, limit: int) -> tuple[Record, ...]:
        """Return the records that follow number `after`, oldest first. Raises StoreError."""

    async def close(self) -> None: ...


class Telemetry(Protocol):
    """Counts what the monitor itself does."""

    def probed(self, server: Server, outcome: str, rtt: timedelta) -> None: ...

    def listed(self, listing: Listing) -> None: ...

    def round_done(self, kind: str, duration: timedelta) -> None: ...

    def store_failed(self) -> None: ...
