"""Values of the core to and from rows."""

import json
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import TypeAlias, TypeVar

from pydantic import TypeAdapter

from monitor.adapters.stores.details import (
    Look,
    Summary,
    at_rest,
    packed,
    summary_of,
    unpacked,
)
from monitor.core.bindings import Binding
from monitor.core.events import Event, EventType, Record
from monitor.core.hysteresis import Settled
from monitor.core.inventory import AccountInventory
from monitor.core.names import DomainName
from monitor.core.state import DomainState, Doubt
from monitor.core.status import DomainStatus, Fault
from monitor.core.tracking.changes import Change

ChangeRow: TypeAlias = tuple[str, str, int, str]
DomainRow: TypeAlias = tuple[str, str, int, bytes]
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
    doubts: frozenset[Doubt] = frozenset()  # absent in what earlier releases stored


_INVENTORY = TypeAdapter(AccountInventory)
_DOMAIN = TypeAdapter(_StoredDomain)
_CHANGE = TypeAdapter(Change)


def account_row(account: AccountInventory) -> tuple[str, str, str | None]:
    return account.account, _INVENTORY.dump_json(account).decode(), moment(account)


def account_of(inventory: str, read_at: str | None) -> AccountInventory:
    account = _INVENTORY.validate_json(inventory)
    at = datetime.fromisoformat(read_at) if read_at else account.last_success_at
    return replace(account, last_success_at=at)


def moment(account: AccountInventory) -> str | None:
    """Return when the account was last read completely."""
    return account.last_success_at.isoformat() if account.last_success_at else None


def domain_row(state: DomainState) -> DomainRow:
    summary = summary_of(state)
    stored = _StoredDomain(
        state.binding,
        state.since,
        state.rivals,
        state.status,
        state.split,
        state.faults,
        summary,
        state.doubts,
    )
    text = _DOMAIN.dump_json(stored).decode()
    return state.domain.text, text, int(summary.is_calm), packed(state)


def domain_of(
    row: DomainRow, look: Look | None = None, bound: Binding | None = None
) -> DomainState:
    """Return the domain; the details of a calm one are left to `look`. Raises ValueError.

    `bound` is the binding as an account has it: one object serves both, where they are equal.
    """
    name, text, is_calm, details = row
    stored = _DOMAIN.validate_json(text)
    binding = bound if bound == stored.binding else stored.binding
    domain = binding.domain if binding and binding.domain.text == name else DomainName(name)
    if is_calm and look is not None:
        known = at_rest(domain, stored.summary, look)
    else:
        known = unpacked(details)
    return DomainState(
        domain=domain,
        binding=binding,
        since=stored.since,
        rivals=stored.rivals,
        status=_same(stored.status),
        split=_same(stored.split),
        faults=_same(stored.faults),
        doubts=_same(stored.doubts),
        resolvers=known.resolvers,
        authorities=known.authorities,
        records=known.records,
    )


def resting(state: DomainState, look: Look) -> DomainState:
    """Return the domain as it was just stored, in the least of memory."""
    summary = summary_of(state)
    if not summary.is_calm:
        return state
    known = at_rest(state.domain, summary, look)
    return replace(
        state,
        status=_same(state.status),
        split=_same(state.split),
        faults=_same(state.faults),
        doubts=_same(state.doubts),
        resolvers=known.resolvers,
        authorities=known.authorities,
        records=known.records,
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
