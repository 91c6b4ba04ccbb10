"""Values of the core to and from rows."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeAlias

from pydantic import TypeAdapter

from monitor.core.answers import Answer, Reply
from monitor.core.bindings import Binding
from monitor.core.chain import Chain, rebuild
from monitor.core.events import Event, EventType, Record
from monitor.core.hysteresis import Settled
from monitor.core.inventory import AccountInventory
from monitor.core.names import DomainName
from monitor.core.state import DomainState
from monitor.core.status import DomainStatus, Fault, Sighting, View
from monitor.core.tracking.changes import Change
from monitor.core.tracking.record import RecordKey, TrackedRecord
from monitor.core.verdict import Rule, Verdict, VerdictKind

RecordRow: TypeAlias = tuple[str, str, str, str]
ChangeRow: TypeAlias = tuple[str, str, int, str]
ViewRow: TypeAlias = tuple[str, str, str, str, bytes]
EventRow: TypeAlias = tuple[int, str, str, str | None, str | None, str | None, str, str, str, str]

RESOLVER, AUTHORITY = "resolver", "authority"


@dataclass(frozen=True, slots=True)
class _StoredDomain:
    binding: Binding | None
    since: datetime
    rivals: tuple[Binding, ...]
    status: Settled[DomainStatus]
    split: Settled[bool]
    faults: frozenset[Fault]


@dataclass(frozen=True, slots=True)
class _StoredView:
    """A view without its chain, which follows from the answer, and without its wire."""

    kind: VerdictKind
    rule: Rule
    is_in_effect: bool | None
    seen: str
    since: datetime
    reply: Reply
    meaning: str
    meant_since: datetime | None


_INVENTORY = TypeAdapter(AccountInventory)
_DOMAIN = TypeAdapter(_StoredDomain)
_VIEW = TypeAdapter(_StoredView)
_RECORD = TypeAdapter(TrackedRecord)
_CHANGE = TypeAdapter(Change)


def account_row(account: AccountInventory) -> tuple[str, str]:
    return account.account, _INVENTORY.dump_json(account).decode()


def account_of(inventory: str) -> AccountInventory:
    return _INVENTORY.validate_json(inventory)


def domain_row(state: DomainState) -> tuple[str, str]:
    stored = _StoredDomain(
        state.binding, state.since, state.rivals, state.status, state.split, state.faults
    )
    return state.domain.text, _DOMAIN.dump_json(stored).decode()


def view_rows(state: DomainState) -> Iterable[ViewRow]:
    for role, views in ((RESOLVER, state.resolvers), (AUTHORITY, state.authorities)):
        for server, view in views.items():
            yield (state.domain.text, role, server, _view_text(view), view.reply.wire)


def record_rows(state: DomainState) -> Iterable[RecordRow]:
    for key, record in state.records.items():
        text = _RECORD.dump_json(record).decode()
        yield state.domain.text, key.owner.text, key.view, text


def record_of_row(text: str) -> TrackedRecord:
    return _RECORD.validate_json(text)


def change_row(change: Change) -> ChangeRow:
    text = _CHANGE.dump_json(change).decode()
    return change.id, change.domain.text, int(change.state.is_open), text


def change_of(text: str) -> Change:
    return _CHANGE.validate_json(text)


def domain_of(
    name: str,
    text: str,
    views: Mapping[str, Mapping[str, View]],
    records: Mapping[RecordKey, TrackedRecord],
) -> DomainState:
    stored = _DOMAIN.validate_json(text)
    return DomainState(
        domain=DomainName(name),
        binding=stored.binding,
        since=stored.since,
        rivals=stored.rivals,
        status=stored.status,
        split=stored.split,
        faults=stored.faults,
        resolvers=views.get(RESOLVER, {}),
        authorities=views.get(AUTHORITY, {}),
        records=records,
    )


def view_of(domain: str, server: str, text: str, wire: bytes) -> View:
    stored = _VIEW.validate_json(text)
    reply = replace(stored.reply, wire=wire)
    answer = reply.outcome if isinstance(reply.outcome, Answer) else None
    chain = rebuild(DomainName(domain), answer) if answer else Chain(DomainName(domain))
    verdict = Verdict(stored.kind, stored.rule, chain, stored.is_in_effect, stored.seen)
    sighting = Sighting(server, reply, verdict)
    return View(sighting, stored.since, stored.meaning, stored.meant_since)


def event_row(record: Record) -> EventRow:
    event = record.event
    return (
        record.seq,
        event.at.isoformat(),
        event.type.value,
        event.domain.text if event.domain else None,
        event.resolver,
        event.change,
        json.dumps(event.data, ensure_ascii=False),
        json.dumps(event.evidence, ensure_ascii=False),
        record.prev_hash,
        record.hash,
    )


def record_of(row: EventRow) -> Record:
    seq, at, kind, domain, resolver, change, data, evidence, prev_hash, digest = row
    event = Event(
        EventType(kind),
        datetime.fromisoformat(at),
        DomainName(domain) if domain else None,
        resolver,
        change,
        json.loads(data),
        tuple(json.loads(evidence)),
    )
    return Record(seq, event, prev_hash, digest)


def _view_text(view: View) -> str:
    verdict = view.verdict
    stored = _StoredView(
        verdict.kind,
        verdict.rule,
        verdict.is_in_effect,
        verdict.seen,
        view.since,
        replace(view.reply, wire=b""),
        view.meaning,
        view.meant_since,
    )
    return _VIEW.dump_json(stored).decode()
