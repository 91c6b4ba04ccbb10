"""What the use cases need of the world; adapters and fakes provide it."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Protocol, TypeAlias

from monitor.core.alert import Alert
from monitor.core.answers import Question, Reply
from monitor.core.bindings import Binding
from monitor.core.events import Event, Record
from monitor.core.gist import Essence, Gist
from monitor.core.inventory import Listing
from monitor.core.message import Message
from monitor.core.names import DomainName
from monitor.core.provider import ProviderFailure, ProviderListing
from monitor.core.servers import Authority, Resolver
from monitor.core.serving import BucketSign, Visit
from monitor.core.state import DomainState, State, Step
from monitor.core.tampering import Logged
from monitor.core.told import Handed, Letter
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


class Onlooker(Protocol):
    """Whom a sweep tells what is news; what is known already it keeps to itself."""

    def gist(self, binding: Binding, essence: Essence) -> Gist:
        """Return what decides the verdict."""

    def knowing(self, binding: Binding, gist: Gist) -> Collection[str]:
        """Return the names of the resolvers from which it would be no news."""

    def tell(self, binding: Binding, resolver: Resolver, reply: Reply) -> None: ...


class Latest(Protocol):
    """The newest replies, those included that said nothing new."""

    def reply(self, domain: DomainName, resolver: Resolver) -> Reply | None: ...

    def ttls(
        self, domains: Sequence[DomainName], resolvers: Sequence[Resolver]
    ) -> Iterable[Sequence[int | None]]:
        """Return of each domain for how long its own record may be kept, in seconds.

        A domain's TTLs are in the order of the resolvers; None where nothing or no such record
        was shown. For many domains at once, since a scrape wants all.
        """


class Sweeper(Latest, Protocol):
    """Asks the same questions again and again, at little cost where nothing changes.

    What was known once counts as known until it is forgotten, or bound to another target.
    """

    async def sweep(
        self,
        bindings: Sequence[Binding],
        resolvers: Sequence[Resolver],
        over: timedelta,
        onlooker: Onlooker,
    ) -> None:
        """Ask each resolver for the addresses of each domain, evenly spread over a time.

        The same sequence as the last time has to hold the same bindings; that spares looking at
        each. Resolvers do not wait for each other. What a pace or a window does not allow in that
        time is left for the next sweep, which begins with it; without a time, everything is asked.
        Never raises.
        """

    def forget(self, domain: DomainName) -> None:
        """Let go of what was known of the domain, since something else may be known by now."""

    def forget_all_but(self, domains: Collection[DomainName]) -> None:
        """Let go of what is no longer asked about."""


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


class Visitor(Protocol):
    """Asks whoever serves a domain for it over HTTP, as a client would."""

    async def visit(self, domain: DomainName, addresses: Sequence[str]) -> Visit:
        """Return what came back from the first address that answers. Never raises.

        Addresses come out of DNS: those that nobody on the outside could mean are refused.
        """


class StoreError(Exception):
    """The store cannot keep or give what it should; the message says why and what to do."""


class StoreLost(StoreError):
    """The store cannot be reached, and may come back: what was asked of it may be asked again.

    The same step is kept once, however often it is committed anew, as long as none is in between.
    """


class Withdrawn(Exception):
    """The step was withdrawn in time: nothing of it was kept."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What a store made of a step: its records, and its domains in the least of memory."""

    records: tuple[Record, ...]
    domains: tuple[DomainState, ...]


class Store(Protocol):
    """Keeps the state and the audit log over a crash."""

    async def load(self) -> State:
        """Return the last state that was committed. Raises StoreError."""

    async def domain(self, name: DomainName) -> DomainState | None:
        """Return one domain of the last state that was committed. Raises StoreError."""

    async def commit(self, step: Step) -> Kept:
        """Keep the step, state and events in one transaction.

        When it returns, a crash of the process loses nothing of the step; when it raises
        StoreError or Withdrawn, nothing of the step was kept, and when StoreLost, it may have
        been.
        """

    def withdraw(self, step: Step) -> None:
        """Have the step that is being committed not be kept, unless it is too late for that.

        Nor when it is committed anew, where it was not kept already.
        """

    async def prepare(self, names: Collection[DomainName]) -> None:
        """Have the details of these domains at hand, where looks would have to wait for them.

        Raises StoreError.
        """

    async def history(
        self, domain: DomainName, limit: int, before: int | None = None
    ) -> tuple[Record, ...]:
        """Return the newest records of a domain before that number, newest first.

        Raises StoreError.
        """

    async def records(self, after: int, limit: int) -> tuple[Record, ...]:
        """Return the records that follow number `after`, oldest first. Raises StoreError."""

    async def changes(
        self,
        limit: int,
        *,
        before: str | None = None,
        only_open: bool = False,
        domain: DomainName | None = None,
    ) -> tuple[Change, ...]:
        """Return the newest changes before that id, of all domains or one, newest first.

        Raises StoreError.
        """

    async def change(self, number: str) -> Change | None:
        """Return the change with that id; None where there is none. Raises StoreError."""

    async def story(self, number: str, limit: int, after: int = 0) -> tuple[Record, ...]:
        """Return the records of a change after that number, oldest first. Raises StoreError."""

    async def reach(self) -> None:
        """Return when the store can be reached. Raises StoreError."""

    async def close(self) -> None: ...


class Log(Protocol):
    """The audit log as it stands, to be looked through by whoever does not trust it."""

    async def rows(self, after: int | None, limit: int) -> tuple[Logged, ...]:
        """Return the rows that follow number `after`, or the first, by number.

        A row that makes no sense is one of them. Raises StoreError.
        """

    async def newest(self) -> int:
        """Return the number of the newest row; 0 where there is none. Raises StoreError."""

    async def first_since(self, at: datetime) -> int | None:
        """Return the lowest number of a row of that time or later. Raises StoreError."""


class Outbox(Protocol):
    """The notices of the steps that were committed, on their way to people."""

    async def waiting(self, limit: int, channel: str | None = None) -> tuple[Letter, ...]:
        """Return what is neither sent nor given up, oldest first. Raises StoreError."""

    async def handed(self, since: datetime, channel: str) -> tuple[Handed, ...]:
        """Return what the channel took since then, at most a day ago. Raises StoreError."""


class DeliveryFailure(Enum):
    """Why a message was not delivered."""

    REFUSED = "refused"  # the service answered, and did not take it
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    RATE_LIMITED = "rate_limited"
    CREDENTIALS = "credentials"
    OTHER = "other"


class NotDelivered(Exception):
    """A message did not reach its channel; the text of this tells why, without any secret.

    Where it `is_permanent`, the same message would fail again until a person mends something.
    """

    def __init__(
        self, reason: DeliveryFailure, message: str, *, is_permanent: bool = False
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.is_permanent = is_permanent


class Notifier(Protocol):
    """One channel to people."""

    @property
    def name(self) -> str: ...

    async def send(self, message: Message) -> None:
        """Return when the service has taken the message. Raises NotDelivered."""


class AlertPush(Protocol):
    """Alertmanagers, which remember for a while what they were told last."""

    async def push(self, alerts: Collection[Alert], now: datetime) -> None:
        """Tell of these alerts, and that earlier ones that are missing are over. Never raises."""


# Seconds; the upper bounds between which round-trip times are counted.
RTT_BOUNDS = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 2.0, 5.0)


@dataclass(frozen=True, slots=True)
class Swept:
    """What one resolver did in a part of a sweep, apart from what was told as news.

    `rtts` counts by `RTT_BOUNDS`, the last for all that took longer. A `late` datagram answers a
    question that was given up, a `stray` one none that is known. What was `shed` was not asked for
    want of time. `in_flight` and `lag`, by how much the next question is late, are as of now.
    """

    outcomes: Mapping[str, int]
    rtts: tuple[int, ...]
    rtt_total: timedelta
    late: int
    stray: int
    shed: int
    in_flight: int
    lag: timedelta


class SweepTelemetry(Protocol):
    """Counts what sweeps do."""

    def swept(self, resolver: Resolver, swept: Swept) -> None: ...


class Telemetry(SweepTelemetry, Protocol):
    """Counts what the monitor itself does."""

    def probed(self, server: Server, outcome: str, rtt: timedelta) -> None: ...

    def listed(self, listing: Listing) -> None: ...

    def round_done(self, kind: str, duration: timedelta) -> None: ...

    def first_look_lasts(self, *, is_too_long: bool) -> None:
        """Note whether the first look at everything lasts longer than others wait for it."""

    def visited(self, sign: BucketSign) -> None: ...

    def provider_failed(self, account: str, failure: ProviderFailure) -> None: ...

    def happened(self, event: Event) -> None: ...

    def store_failed(self) -> None: ...

    def store_waits(self, steps: int) -> None:
        """Note how many steps wait for a store that is lost."""

    def pushed(self, alertmanager: str, failure: DeliveryFailure | None) -> None: ...
    def notice_delayed(self, channel: str) -> None: ...
