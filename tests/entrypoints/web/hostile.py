"""A site full of what strangers can put into DNS answers and people into notes."""

from collections.abc import Mapping
from dataclasses import replace

from monitor.core.answers import (
    Address,
    Alias,
    Answer,
    ExtendedError,
    NoAnswer,
    NoAnswerReason,
    Outcome,
    Rcode,
    Text,
)
from monitor.core.events import GENESIS, Event, EventType, Json, Record, seal
from monitor.core.inventory import AccountInventory, Failure, FailureReason, Scope
from monitor.core.names import DomainName
from monitor.core.servers import Resolver
from monitor.core.state import DomainState
from monitor.core.tracking.changes import Change
from monitor.core.tracking.values import alias
from monitor.entrypoints.web.site import Site
from monitor.usecases.announce import Announcement, NotAnnounced
from monitor.usecases.snapshot import Snapshot
from tests.contracts.followed import stages
from tests.entrypoints.sample import (
    CDN,
    DEAD,
    GLOBAL,
    IMG,
    MOBILE,
    NOW,
    OFFICE,
    SHOP,
    TELECOM,
    UNICOM,
    sample_snapshot,
    with_answer,
)
from tests.entrypoints.web.worlds import site_of

PAYLOADS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"\' onmouseover="alert(1)" x=\'',
    "javascript:alert(1)",
    "</title></p></td></table></main><h1>mine</h1>",
    "<!-- <![CDATA[ ]]> -->",
    "&lt;script&gt;&#60;b&#x3e;",
    "{{ 7*7 }}{% raw %}{# x #}{0.__class__}%s${7*7}",
    "\u202egpj.\u2066exe\u2069\u200f\u200b",
    "\x1b[31m\x00\x07\r\nSet-Cookie: mine=1\r\n\r\n<b>",
    "\u2028\u2029\ufeff\U000e0041",
    '\\"\\n\\u003cscript\\u003e',
)


def hostile_site(payload: str) -> Site:
    """Return a site in which every text that others can choose holds the payload."""
    snapshot = _snapshot(payload)

    async def history(
        domain: DomainName, limit: int, before: int | None = None
    ) -> tuple[Record, ...]:
        known = (one for one in _records(payload, domain) if before is None or one.seq < before)
        return tuple(known)[:limit]

    async def announce(announcement: Announcement) -> Change:
        raise NotAnnounced(f"{announcement.domain}: {announcement.note}{announcement.by}")

    return replace(site_of(snapshot), history=history, announce=announce)


def _snapshot(payload: str) -> Snapshot:
    sample = sample_snapshot()
    domains = dict(sample.state.domains)
    domains[IMG] = _marked(_answered(domains[IMG], payload), payload)
    domains[CDN] = _answered(domains[CDN], payload)
    named = DomainName.seen(f"zz{payload}.shop.example")
    domains[named] = replace(domains[SHOP], domain=named)
    failure = Failure(FailureReason.DENIED, Scope.BUCKET, payload, f"oss says {payload}")
    accounts = {
        **sample.state.accounts,
        f"zz{payload}": AccountInventory(f"zz{payload}", (), NOW, (failure,)),
    }
    odd = Resolver("odd", "192.0.2.66", group=payload)
    state = replace(sample.state, domains=domains, accounts=accounts)
    return replace(sample, state=state, resolvers=(*sample.resolvers, odd))


def _answered(state: DomainState, payload: str) -> DomainState:
    name = DomainName.seen(f"{payload}.evil.example")
    chained = Answer(
        Rcode.NOERROR,
        aliases=(Alias(state.domain, name, 60),),
        addresses=(Address(name, "203.0.113.66", 60),),
        nsid=payload,
        texts=(Text(name, payload, 60),),
    )
    told = Answer(
        Rcode.SERVFAIL,
        extended_errors=(ExtendedError(22, payload), ExtendedError(9, f"x{payload}")),
        nsid=f"{payload}-1",
    )
    said: Mapping[Resolver, Outcome] = {
        TELECOM: chained,
        UNICOM: told,
        MOBILE: NoAnswer(NoAnswerReason.MALFORMED, payload),
        OFFICE: replace(chained, rcode=Rcode.NXDOMAIN, addresses=()),
        GLOBAL: replace(chained, addresses=(), soa_owner=name),
        DEAD: replace(told, rcode=Rcode.REFUSED),
    }
    for resolver, outcome in said.items():
        state = with_answer(state, resolver, outcome)
    servers = {f"{name}{payload}": view for name, view in state.authorities.items()}
    return replace(state, authorities=servers)


def _marked(state: DomainState, payload: str) -> DomainState:
    """Give the domain labels, and a change with an author and a note."""
    assert state.binding is not None
    record = stages(IMG)[-1]
    assert record.change is not None
    value = alias(DomainName.seen(f"{payload}.new.example"))
    change = replace(record.change, by=payload, note=f"why: {payload}", old=value, new=value)
    return replace(
        state,
        binding=replace(state.binding, labels=(("team", payload), (payload, "x"))),
        records={record.key: replace(record, change=change)},
    )


def _records(payload: str, domain: DomainName) -> tuple[Record, ...]:
    told: Mapping[EventType, Mapping[str, Json]] = {
        EventType.BINDING_ADDED: {"account": payload, "target": payload},
        EventType.BINDING_MOVED: {
            "from": {"account": payload, "target": payload},
            "to": {"account": "x", "target": payload},
        },
        EventType.CHANGE_ANNOUNCED: {"to": payload, "by": payload, "note": payload},
        EventType.CHANGE_DETECTED: {"kind": "modified", "old": payload, "new": payload},
        EventType.NOTICE_FAILED: {"channel": payload, "detail": payload, "reason": payload},
        EventType.FAULT: {"fault": "unbound", "state": "raised", "seen": payload},
    }
    records: list[Record] = []
    for seq, (kind, data) in enumerate(told.items(), start=1):
        event = Event(kind, NOW, domain, resolver=payload, data=data)
        records.append(seal(event, seq, records[-1].hash if records else GENESIS))
    return tuple(reversed(records))
