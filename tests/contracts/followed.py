"""Records that were followed for a while, as the tracker leaves them: for stores to keep."""

from datetime import timedelta
from functools import cache

from monitor.core.names import DomainName
from monitor.core.servers import Resolver
from monitor.core.state import Step
from monitor.core.tracking.changes import Change
from monitor.core.tracking.policy import Panelists, TrackingPolicy
from monitor.core.tracking.record import (
    Announced,
    AuthoritiesAnswered,
    Delegated,
    Explained,
    Happening,
    RecordKey,
    ResolverAnswered,
    TimePassed,
    TrackedRecord,
)
from monitor.core.tracking.steps import step
from monitor.core.tracking.values import ABSENT, Sample, Value, ValueKind, alias
from tests.core.samples import DOMAIN, START

OLD, NEW = alias(DomainName("old.example")), alias(DomainName("new.example"))
FLAT = Value(ValueKind.FLATTENED, addresses=frozenset({"192.0.2.1", "2001:db8::1"}))
_PANEL = Panelists(
    TrackingPolicy(), {name: Resolver(name, "192.0.2.53") for name in ("a", "b", "c")}
)


@cache
def stages(domain: DomainName = DOMAIN, view: str = "") -> tuple[TrackedRecord, ...]:
    """Return a record after each of many steps: every kind of value and state is among them."""
    record = TrackedRecord(domain, RecordKey(domain, view))
    found = [record]
    for seconds, happening in _story():
        record = step(record, happening, _PANEL, START + timedelta(seconds=seconds)).record
        found.append(record)
    if record.change is not None:
        edited_at = START + timedelta(seconds=955)
        told = Explained(record.change.id, edited_at, ("telecom", "default"))
        found.append(step(record, told, _PANEL, START + timedelta(seconds=300_001)).record)
    return tuple(found)


def told_steps(domain: DomainName = DOMAIN) -> tuple[Step, ...]:
    """Return the steps of the story: the changes that moved, with the events that tell so."""
    record, found = TrackedRecord(domain, RecordKey(domain)), list[Step]()
    for seconds, happening in _story():
        stepped = step(record, happening, _PANEL, START + timedelta(seconds=seconds))
        record = stepped.record
        found.append(Step(changes=stepped.changes, events=stepped.events))
    return tuple(found)


def changes(domain: DomainName = DOMAIN) -> tuple[Change, ...]:
    """Return every change of the story in its last form, oldest first."""
    found: dict[str, Change] = {}
    for record in stages(domain):
        for change in (record.planned, *record.ended, record.change):
            if change is not None:
                found[change.id] = change
    return tuple(found[number] for number in sorted(found))


def _story() -> list[tuple[float, Happening]]:
    return [
        (0, _poll(0, OLD, ttl=600)),
        (60, Delegated(frozenset({"ns1", "ns2"}), is_consistent=False)),
        (90, Announced(NEW, START + timedelta(seconds=100), "ops", "搬迁")),
        (120, _poll(120, OLD, ttl=300)),
        (180, AuthoritiesAnswered({"ns1": _sample(180, NEW), "ns2": _sample(180, None)})),
        (240, _poll(240, NEW)),
        (250, _poll(250, NEW)),
        *[(s, _answer(s, "a", NEW, ttl=800 - s, nsid="a-1")) for s in range(252, 270, 2)],
        *[(s, _answer(s, "b", OLD, ttl=3, ede=(3,))) for s in range(252, 300, 2)],
        *[(s, _answer(s, "c", None)) for s in range(252, 700, 60)],
        (900, _answer(900, "b", FLAT)),
        (960, _poll(960, ABSENT)),
        (970, _poll(970, ABSENT)),
        (300_000, TimePassed()),
    ]


def _poll(seconds: float, value: Value, ttl: int = 600) -> AuthoritiesAnswered:
    servers = {name: _sample(seconds, value, ttl) for name in ("ns1", "ns2")}
    return AuthoritiesAnswered(servers, {"ns1": 2026})


def _answer(
    seconds: float,
    resolver: str,
    value: Value | None,
    ttl: int = 500,
    nsid: str | None = None,
    ede: tuple[int, ...] = (),
) -> ResolverAnswered:
    at = START + timedelta(seconds=seconds)
    return ResolverAnswered(resolver, Sample(at, value, ttl, ede, nsid))


def _sample(seconds: float, value: Value | None, ttl: int = 600) -> Sample:
    return Sample(START + timedelta(seconds=seconds), value, ttl)
