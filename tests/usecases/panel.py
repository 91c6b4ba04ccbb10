"""A panel of two resolvers and two authorities that answer from a table."""

from dataclasses import dataclass, field
from datetime import timedelta

from monitor.core.answers import Answer, NameServerRecord, Outcome, Question, Rcode, RecordType
from monitor.core.bindings import Binding
from monitor.core.domain_tracking import Followers
from monitor.core.names import DomainName
from monitor.core.servers import Authority, Delegation, Resolver
from monitor.core.state import DomainState, RoundPolicy, Step
from monitor.core.status import StatusPolicy
from monitor.core.targets import TargetPolicy
from monitor.core.tracking.policy import TrackingPolicy
from monitor.ledger import Ledger
from monitor.usecases.ask import Panel
from monitor.usecases.delegate import DelegationPolicy, Delegator
from monitor.usecases.rounds import Rounds
from monitor.usecases.serials import Serials
from tests.core.samples import BINDING, DOMAIN, START
from tests.fakes.clock import FakeClock
from tests.fakes.fake_prober import FakeProber
from tests.fakes.fake_sweeper import FakeSweeper
from tests.fakes.memory_store import MemoryStore
from tests.fakes.recording_telemetry import RecordingTelemetry

ZONE = DomainName("shop.example")
RESOLVERS = (Resolver("a", "127.0.0.1"), Resolver("b", "127.0.0.2"))
NS1 = Authority(ZONE, None, "127.0.0.11")
NS2 = Authority(ZONE, None, "127.0.0.12")
FIXED = Delegation(ZONE, None, frozenset(), (NS1, NS2))


@dataclass(slots=True)
class Bench:
    """Everything that a round needs, made of fakes."""

    clock: FakeClock = field(default_factory=FakeClock)
    store: MemoryStore = field(default_factory=MemoryStore)
    telemetry: RecordingTelemetry = field(default_factory=RecordingTelemetry)
    prober: FakeProber = field(init=False)
    sweeper: FakeSweeper = field(init=False)
    ledger: Ledger = field(init=False)
    rounds: Rounds = field(init=False)

    def __post_init__(self) -> None:
        self.prober = FakeProber(self.clock)
        self.sweeper = FakeSweeper(self.prober)
        self.ledger = Ledger(self.store, self.telemetry)
        self.rounds = Rounds(
            ledger=self.ledger,
            panel=Panel(self.prober, RESOLVERS, TargetPolicy()),
            sweeper=self.sweeper,
            delegator=Delegator(self.prober, DelegationPolicy(RESOLVERS, (FIXED,))),
            serials=Serials(self.prober, timedelta(seconds=5)),
            policy=RoundPolicy(StatusPolicy({"a": 1.0, "b": 1.0})),
            followers=Followers(TrackingPolicy(), {r.name: r for r in RESOLVERS}),
            clock=self.clock,
            telemetry=self.telemetry,
        )

    async def watch(self, binding: Binding = BINDING) -> None:
        state = DomainState(binding.domain, binding, START)
        await self.ledger.record(lambda _: Step((state,)))

    def resolvers_say(self, *outcomes: Outcome, domain: DomainName = DOMAIN) -> None:
        for resolver, outcome in zip(RESOLVERS, outcomes, strict=True):
            self.prober.answers[resolver.name, Question(domain)] = outcome

    def authorities_say(self, *outcomes: Outcome, domain: DomainName = DOMAIN) -> None:
        question = Question(domain, is_recursion_desired=False)
        for authority, outcome in zip((NS1, NS2), outcomes, strict=True):
            self.prober.answers[authority.name, question] = outcome

    @property
    def domain(self) -> DomainState:
        return self.ledger.state.domains[DOMAIN]


def named(zone: DomainName, *servers: str) -> Answer:
    """Return an answer that names a zone's servers."""
    records = tuple(NameServerRecord(zone, DomainName(server)) for server in servers)
    return Answer(Rcode.NOERROR, name_servers=records)


def of_zone(zone: DomainName) -> Answer:
    """Return the answer to a question for the SOA of a name inside the zone."""
    return Answer(Rcode.NOERROR, soa_owner=zone, negative_ttl=60)


NS, SOA = RecordType.NS, RecordType.SOA
