"""The audit log's records in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from monitor.core.events import EventType, Json, Record
from monitor.core.status import DomainStatus, Fault
from monitor.core.told import ConcernKind, Reason
from monitor.wording import Wording
from monitor.wording.change_history import change_told


@dataclass(frozen=True, slots=True)
class Entry:
    """One record: when, what kind of event, and what it changed."""

    at: datetime
    event: str
    change: str


def entry(record: Record, words: Wording) -> Entry:
    """Say what a record tells of its domain."""
    event = record.event
    return Entry(event.at, words.word(f"event_{event.type.value}"), _change(record, words))


def _change(  # noqa: PLR0911  # one way out for each kind of record
    record: Record, words: Wording
) -> str:
    data = record.event.data
    match record.event.type:
        case EventType.BINDING_ADDED | EventType.BINDING_REMOVED:
            return _bound(data)
        case EventType.BINDING_MOVED:
            return f"{_bound(_part(data, 'from'))} → {_bound(_part(data, 'to'))}"
        case EventType.STATUS:
            return _status_change(data, words)
        case EventType.FAULT:
            key = "fault_raised" if data.get("state") == "raised" else "fault_cleared"
            told = words.word(key).format(fault=_fault(_text(data, "fault"), words))
            return f"{told}{_shown(data, words)}"
        case EventType.NOTICE_SENT | EventType.NOTICE_FAILED:
            return _notice(data, words)
        case EventType.RELOAD | EventType.START | EventType.STOP:
            return ""
        case EventType.LOG_PRUNED:
            return words.audit("pruned", seq=_text(data, "through"))
        case _:
            return change_told(record.event, words)


def _bound(data: Mapping[str, Json]) -> str:
    return f"{_text(data, 'target')} ({_text(data, 'account')})"


_OF_CERTIFICATES = frozenset({Fault.CERTIFICATE_EXPIRING.value, Fault.CERTIFICATE_MISSING.value})


def _shown(data: Mapping[str, Json], words: Wording) -> str:
    """Return what a fault was seen by: a certificate's end, or an HTTP answer, or nothing."""
    shown = _part(data, "shown")
    if _text(data, "fault") in _OF_CERTIFICATES:
        until = shown.get("certificate_expires_at")
        return f" ({words.word('certificate_until')} {until})" if until else ""
    terms = [_text(shown, key) for key in ("status", "code", "address")]
    found = " ".join(term for term in terms if term)
    return f" (HTTP {found})" if found else ""


def _status_change(data: Mapping[str, Json], words: Wording) -> str:
    return words.word("status_change").format(
        before=_status(_text(data, "from"), words),
        after=_status(_text(data, "to"), words),
        in_effect=_text(data, "in_effect"),
        answering=_text(data, "answering"),
        asked=_text(data, "asked"),
    )


def _notice(data: Mapping[str, Json], words: Wording) -> str:
    kinds = {kind.value: words.concern(kind) for kind in ConcernKind}
    reasons = {reason.value: words.notice_reason(reason) for reason in Reason if reason.is_told}
    what = kinds.get(_text(data, "kind"), "")
    said = (reasons.get(_text(data, "reason"), ""), _text(data, "why"))
    return f"{_text(data, 'channel')}: {what} ({', '.join(part for part in said if part)})"


def _status(value: str, words: Wording) -> str:
    known = {status.value: status for status in DomainStatus}
    return words.status(known[value]) if value in known else value


def _fault(value: str, words: Wording) -> str:
    known = {fault.value: fault for fault in Fault}
    return words.fault(known[value]) if value in known else value


def _part(data: Mapping[str, Json], key: str) -> Mapping[str, Json]:
    part = data.get(key)
    return part if isinstance(part, Mapping) else {}


def _text(data: Mapping[str, Json], key: str) -> str:
    value = data.get(key, "")
    return f"{value:g}" if isinstance(value, float) else str(value)
