"""Records, answers and times that the tests of the tracker share."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from monitor.core.events import Event, EventType
from monitor.core.names import DomainName
from monitor.core.servers import Resolver
from monitor.core.tracking.changes import Change
from monitor.core.tracking.policy import Panelists, TrackingPolicy
from monitor.core.tracking.record import (
    Agenda,
    AuthoritiesAnswered,
    Happening,
    RecordKey,
    ResolverAnswered,
    Stepped,
    TimePassed,
    TrackedRecord,
)
from monitor.core.tracking.steps import step
from monitor.core.tracking.tracks import Track
from monitor.core.tracking.values import ABSENT, Sample, Value, ValueKind, alias
from tests.core.samples import START

DOMAIN = DomainName("img.shop.example")
HOP = DomainName("edge.shop.example")
OLD = alias(DomainName("shop-old.oss-cn-hangzhou.aliyuncs.com"))
NEW = alias(DomainName("shop-img.oss-cn-hangzhou.aliyuncs.com"))
THIRD = alias(DomainName("shop-img.oss-accelerate.aliyuncs.com"))
VALUES: Mapping[str, Value] = {
    "old": OLD,
    "new": NEW,
    "third": THIRD,
    "absent": ABSENT,
    "addresses": Value(ValueKind.ADDRESSES, addresses=frozenset({"198.51.100.7"})),
    "flattened": Value(ValueKind.FLATTENED, addresses=frozenset({"203.0.113.1", "203.0.113.2"})),
    # Of another bucket in the same region: one address is shared.
    "sibling": Value(ValueKind.ADDRESSES, addresses=frozenset({"203.0.113.2", "203.0.113.3"})),
}
AUTHORITIES = ("ns1", "ns2")
RESOLVER = "alidns"


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def after_start(instant: datetime | None) -> float | None:
    """Return the seconds since the start, as `at` takes them."""
    return None if instant is None else (instant - START).total_seconds()


def panel(*names: str, policy: TrackingPolicy | None = None) -> Panelists:
    resolvers = {name: Resolver(name, "192.0.2.1") for name in names or (RESOLVER,)}
    return Panelists(policy or TrackingPolicy(), resolvers)


def poll(
    seconds: float, value: Value | None, ttl: int = 600, servers: Iterable[str] = AUTHORITIES
) -> AuthoritiesAnswered:
    return AuthoritiesAnswered({name: Sample(at(seconds), value, ttl) for name in servers})


def mixed(seconds: float, ttl: int = 600, **values: Value | None) -> AuthoritiesAnswered:
    said = {name: Sample(at(seconds), value, ttl) for name, value in values.items()}
    return AuthoritiesAnswered(said)


class Story:
    """One record, told what happens second by second; keeps everything that was said."""

    def __init__(self, panelists: Panelists | None = None, owner: DomainName = DOMAIN) -> None:
        self.panelists = panelists or panel()
        self.record = TrackedRecord(DOMAIN, RecordKey(owner))
        self.agenda = Agenda()
        self.events: list[Event] = []
        self.told: list[tuple[Happening, Panelists, datetime]] = []

    def tell(self, seconds: float, happening: Happening) -> Stepped:
        self.told.append((happening, self.panelists, at(seconds)))
        stepped = step(self.record, happening, self.panelists, at(seconds))
        self.record, self.agenda = stepped.record, stepped.agenda
        self.events += stepped.events
        return stepped

    def poll(self, seconds: float, value: Value | None, ttl: int = 600) -> Stepped:
        return self.tell(seconds, poll(seconds, value, ttl))

    def answer(
        self, seconds: float, value: Value | None, ttl: int = 600, resolver: str = RESOLVER
    ) -> Stepped:
        return self.tell(seconds, ResolverAnswered(resolver, Sample(at(seconds), value, ttl)))

    def wait(self, seconds: float) -> Stepped:
        return self.tell(seconds, TimePassed())

    @property
    def change(self) -> Change:
        assert self.record.change is not None, "nothing has changed yet"
        return self.record.change

    def track(self, resolver: str = RESOLVER) -> Track:
        return self.change.tracks[resolver]

    def types(self) -> list[EventType]:
        return [event.type for event in self.events]


def changed(
    panelists: Panelists | None = None, *, old: Value = OLD, new: Value = NEW, old_ttl: int = 600
) -> Story:
    """Return the story of a change on which all authorities agreed at 0 s, seen again at 10 s."""
    story = Story(panelists)
    story.poll(-120, old, old_ttl)
    story.poll(-60, old, old_ttl)
    story.poll(0, new)
    story.poll(10, new)
    return story
