"""Values of the core to and from rows."""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import TypeAlias, TypeVar

from pydantic import TypeAdapter

from monitor.adapters.stores.details import Summary, opened, packed, summary_of
from monitor.core.bindings import Binding
from monitor.core.events import Event, EventType, Record
from monitor.core.hysteresis import Settled
from monitor.core.inventory import AccountInventory
from monitor.core.names import DomainName
from monitor.core.state import DomainState
from monitor.core.status import DomainStatus, Fault
from monitor.core.tracking.changes import Change

ChangeRow: TypeAlias = tuple[str, str, int, str]
DomainRow: TypeAlias = tuple[str, str, bytes]
EventRow: TypeAlias = tuple[int, str, str, str | None, str | None, str | None, str, str, str, str]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _StoredDomain:
    """A domain without its details, but with what can be told of them without a look."""

    binding: Binding | None
    since: datetime
    rivals: tuple[Binding, ...]
    status: Settled[DomainStatus]
    split: Settled[bool]
    faults: frozenset[Fault]
    summary: Summary


_INVENTORY = TypeAdapter(AccountInventory)
_DOMAIN = TypeAdapter(_StoredDomain)
_CHANGE = TypeAdapter(Change)


def account_row(account: AccountInventory) -> tuple[str, str]:
    return account.account, _INVENTORY.dump_json(account).decode()


def account_of(inventory: str) -> AccountInventory:
    return _INVENTORY.validate_json(inventory)


def domain_row(state: DomainState) -> DomainRow:
    stored = _StoredDomain(
        state.binding,
        state.since,
        state.rivals,
        state.status,
        state.split,
        state.faults,
        summary_of(state),
    )
    return state.domain.text, _DOMAIN.dump_json(stored).decode(), packed(state)


def domain_of(row: DomainRow) -> DomainState:
    """Return the domain; what is calm stays packed until somebody looks at it.

    Raises ValueError.
    """
    name, text, details = row
    stored = _DOMAIN.validate_json(text)
    bound = stored.binding.domain if stored.binding else None
    domain = bound if bound and bound.text == name else DomainName(name)  # one object, if it can
    known = opened(domain, stored.summary, details)
    return DomainState(
        domain=domain,
        binding=stored.binding,
        since=stored.since,
        rivals=stored.rivals,
        status=_same(stored.status),
        split=_same(stored.split),
        faults=stored.faults,
        resolvers=known.resolvers,
        authorities=known.authorities,
        records=known.records,
    )


def resting(state: DomainState, row: DomainRow) -> DomainState:
    """Return the domain as it was just stored, in the least of memory."""
    summary = summary_of(state)
    if not summary.is_calm:
        return state
    known = opened(state.domain, summary, row[2])
    return replace(
        state,
        resolvers=known.resolvers,
        authorities=known.authorities,
        records=known.records,
        status=_same(state.status),
        split=_same(state.split),
    )


def change_row(change: Change) -> ChangeRow:
    text = _CHANGE.dump_json(change).decode()
    return change.id, change.domain.text, int(change.state.is_open), text


def change_of(text: str) -> Change:
    return _CHANGE.validate_json(text)


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


@lru_cache(maxsize=1024)
def _same(value: T) -> T:
    """Return the first of all equal values: a fleet has few."""
    return value
