"""Values of the core to and from rows."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple, TypeAlias, TypeVar

from pydantic import TypeAdapter

from monitor.adapters.stores.at_rest import (
    Details,
    StoredAuthorities,
    StoredRecords,
    StoredResolvers,
    is_stored,
)
from monitor.adapters.stores.details import packed_records, records_of
from monitor.adapters.stores.outline import drawn, gists_of, outline_of
from monitor.adapters.stores.views import packed_views, views_of
from monitor.core.bindings import Binding
from monitor.core.events import Event, EventType, Record, canonical, seal
from monitor.core.inventory import AccountInventory, Failure
from monitor.core.names import DomainName
from monitor.core.state import DomainState
from monitor.core.tampering import Logged
from monitor.core.tracking.changes import Change
from monitor.core.tracking.record import is_calm

AccountRow: TypeAlias = tuple[str, str, str | None, str]
BindingRow: TypeAlias = tuple[str, str, int, str]
ChangeRow: TypeAlias = tuple[str, str, int, str]
EventRow: TypeAlias = tuple[int, str, str, str | None, str | None, str | None, str, str, str, str]


class DomainRow(NamedTuple):
    """A domain; a part of its details that is None stays in the database as it is."""

    name: str
    binding: str | None
    since: str
    outline: bytes
    gists: str
    is_calm: int
    resolvers: bytes | None
    authorities: bytes | None
    records: bytes | None


_MAY_BE_NULL = frozenset({3, 4, 5})  # of an event: its domain, its resolver, its change
_T = TypeVar("_T")
_BINDING = TypeAdapter(Binding)
_FAILURES = TypeAdapter(tuple[Failure, ...])
_BUCKETS = TypeAdapter(frozenset[str])
_CHANGE = TypeAdapter(Change)


def account_row(account: AccountInventory) -> AccountRow:
    failures = _FAILURES.dump_json(account.failures).decode()
    return account.account, failures, moment(account), json.dumps(sorted(account.buckets))


def account_of(row: AccountRow, bindings: tuple[Binding, ...]) -> AccountInventory:
    name, failures, read_at, buckets = row
    at = datetime.fromisoformat(read_at) if read_at else None
    found = _BUCKETS.validate_json(buckets)
    return AccountInventory(name, bindings, at, _FAILURES.validate_json(failures), found)


def binding_rows(account: str, bindings: Iterable[Binding]) -> Iterator[BindingRow]:
    """Yield the rows of bindings of one account, those of one domain numbered."""
    numbers = Counter[str]()
    for binding in bindings:
        domain = binding.domain.text
        yield account, domain, numbers[domain], text_of(binding)
        numbers[domain] += 1


def text_of(binding: Binding) -> str:
    return _BINDING.dump_json(binding).decode()


def binding_of(text: str) -> Binding:
    return _BINDING.validate_json(text)


def moment(account: AccountInventory) -> str | None:
    """Return when the account was last read completely."""
    return account.last_success_at.isoformat() if account.last_success_at else None


def domain_row(state: DomainState, stored: Details | None = None) -> DomainRow:
    """Return the row of a domain, without the parts that are at rest in `stored`."""
    name = state.domain.text

    def is_left(part: Mapping[Any, object]) -> bool:
        return is_stored(part, name, stored)

    outline, gists = drawn(state)
    resolvers, authorities, records = state.resolvers, state.authorities, state.records
    return DomainRow(
        name,
        None if state.binding is None else text_of(state.binding),
        state.since.isoformat(),
        outline,
        gists,
        int(is_calm(records)),
        None if is_left(resolvers) else packed_views(resolvers.values()),
        None if is_left(authorities) else packed_views(authorities.values()),
        None if is_left(records) else packed_records(records.values()),
    )


def domain_of(
    row: DomainRow, details: Details, read: Callable[[str], Binding] = binding_of
) -> DomainState:
    """Return the domain; the parts that the row lacks are left to `details`. Raises ValueError."""
    binding = None if row.binding is None else read(row.binding)
    is_its_own = binding is not None and binding.domain.text == row.name
    domain = binding.domain if binding is not None and is_its_own else DomainName(row.name)
    return _domain(row, domain, binding, details)


def resting(state: DomainState, row: DomainRow, details: Details) -> DomainState:
    """Return the domain as it was just stored in its row, in the least of memory."""
    if not row.is_calm:
        return state
    at_rest = row._replace(resolvers=None, authorities=None, records=None)
    return _domain(at_rest, state.domain, state.binding, details)


def _domain(
    row: DomainRow, domain: DomainName, binding: Binding | None, details: Details
) -> DomainState:
    outline, gists = outline_of(row.outline), gists_of(row.gists)
    return DomainState(
        domain=domain,
        binding=binding,
        since=datetime.fromisoformat(row.since),
        rivals=outline.rivals,
        status=outline.status,
        split=outline.split,
        faults=outline.faults,
        doubts=outline.doubts,
        resolvers=(
            StoredResolvers(domain.text, outline.resolvers, gists, details)
            if row.resolvers is None
            else views_of(row.resolvers)
        ),
        authorities=(
            StoredAuthorities(domain.text, outline.authorities, gists, details)
            if row.authorities is None
            else views_of(row.authorities)
        ),
        records=(
            StoredRecords(domain, outline, details)
            if row.records is None
            else records_of(row.records)
        ),
    )


def change_row(change: Change) -> ChangeRow:
    text = _CHANGE.dump_json(change).decode()
    return change.id, change.domain.text, int(change.state.is_open), text


def change_of(text: str) -> Change:
    return _CHANGE.validate_json(text)


def sealed(event: Event, seq: int, prev_hash: str) -> tuple[Record, EventRow]:
    """Return the event as a record of the log, and as its row; its evidence is written once."""
    evidence = canonical(event.evidence)
    record = seal(event, seq, prev_hash, evidence)
    return record, _event_row(record, evidence)


def _event_row(record: Record, evidence: str) -> EventRow:
    event = record.event
    return (
        record.seq,
        event.at.isoformat(),
        event.type.value,
        event.domain.text if event.domain else None,
        event.resolver,
        event.change,
        json.dumps(event.data, ensure_ascii=False),
        evidence,
        record.prev_hash,
        record.hash,
    )


def record_of(row: EventRow) -> Record:
    """Return the record. Raises ValueError for a row that makes none."""
    _refuse_other_types(row)
    seq, at, kind, domain, resolver, change, data, evidence, prev_hash, digest = row
    event = Event(
        EventType(kind),
        datetime.fromisoformat(at),
        DomainName(domain) if domain else None,
        resolver,
        change,
        _read(data, dict),
        tuple(_read(evidence, list)),
    )
    if not all(isinstance(shown, dict) for shown in event.evidence):
        raise ValueError("evidence that is no table")
    return Record(seq, event, prev_hash, digest)


def _refuse_other_types(row: EventRow) -> None:
    """Refuse what only a damaged file holds: the schema of the log allows nothing else."""
    columns: tuple[Any, ...] = row[1:]
    for number, value in enumerate(columns, start=1):
        if not isinstance(value, str) and not (value is None and number in _MAY_BE_NULL):
            raise ValueError(f"column {number} is no text")


def _read(text: str, kind: type[_T]) -> _T:
    try:
        value = json.loads(text)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(value, kind):
        raise ValueError(f"no {kind.__name__}")  # noqa: TRY004 - a row is no argument
    return value


def logged_of(row: EventRow) -> Logged:
    """Return the row as it stands; its record only where it is written just as we write it."""
    try:
        record = record_of(row)
        evidence = record.event.evidence
        # The second form is that of the first releases.
        forms = (canonical(evidence), json.dumps(evidence, ensure_ascii=False))
        is_ours = any(_event_row(record, form) == row for form in forms)
    except (ValueError, TypeError, RecursionError):
        return Logged(row[0], str(row[-1]), None)
    return Logged(row[0], str(row[-1]), record if is_ours else None)
