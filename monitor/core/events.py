"""The audit log: events, and the hash chain that shows whether one was changed or lost."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import TypeAlias

from monitor.core.answers import Answer
from monitor.core.names import DomainName
from monitor.core.views import Sighting

Json: TypeAlias = "str | int | float | bool | Mapping[str, Json] | tuple[Json, ...] | None"


class EventType(Enum):
    """What the audit log can hold."""

    BINDING_ADDED = "binding_added"
    BINDING_REMOVED = "binding_removed"
    BINDING_MOVED = "binding_moved"
    CHANGE_ANNOUNCED = "change_announced"
    CHANGE_DETECTED = "change_detected"
    CHANGE_EXPLAINED = "change_explained"
    CHANGE_CANCELLED = "change_cancelled"
    AUTHORITY_SPLIT = "authority_split"
    AUTHORITY_AGREED = "authority_agreed"
    CENSUS_DONE = "census_done"
    TRACK_STATE = "track_state"
    OVERSTAY = "overstay"
    CONVERGED = "converged"
    SETTLED = "settled"
    REGRESSED = "regressed"
    REVERTED = "reverted"
    SUPERSEDED = "superseded"
    WINDOW_EXPIRED = "window_expired"
    STATUS = "status"
    FAULT = "fault"
    NOTICE_SENT = "notice_sent"
    NOTICE_FAILED = "notice_failed"
    RELOAD = "reload"
    START = "start"
    STOP = "stop"
    LOG_PRUNED = "log_pruned"  # the oldest records were let go, as configured


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; `evidence` holds the answers that show it."""

    type: EventType
    at: datetime
    domain: DomainName | None = None
    resolver: str | None = None
    change: str | None = None
    data: Mapping[str, Json] = field(default_factory=dict)
    evidence: tuple[Mapping[str, Json], ...] = ()


@dataclass(frozen=True, slots=True)
class Record:
    """An event in its place in the log."""

    seq: int
    event: Event
    prev_hash: str
    hash: str


GENESIS = "0" * 64  # what the first record names as the hash before it


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def canonical(value: Json) -> str:
    """Return the text in which a value is sealed."""
    return _CANONICAL.encode(value)


def seal(event: Event, seq: int, prev_hash: str, evidence: str | None = None) -> Record:
    """Return the event as the record that follows the one with `prev_hash`.

    The `evidence` is the event's in canonical form, for who needs that text too: it is long.
    """
    if evidence is None:
        evidence = canonical(event.evidence)
    before, behind = _content(event, seq, prev_hash)
    text = f'{canonical(before)[:-1]},"evidence":{evidence},{canonical(behind)[1:]}'
    return Record(seq, event, prev_hash, hashlib.sha256(text.encode()).hexdigest())


def evidence_of(sighting: Sighting) -> Mapping[str, Json]:
    """Return one answer as evidence: what came, from whom, how, and when."""
    reply = sighting.reply
    answer = reply.outcome if isinstance(reply.outcome, Answer) else None
    return {
        "resolver": sighting.server,
        "verdict": sighting.verdict.kind.value,
        "rule": sighting.verdict.rule.value,
        "seen": sighting.verdict.seen,
        "transport": reply.transport.value,
        "at": reply.at.isoformat(),
        "rtt_ms": round(reply.rtt.total_seconds() * 1000, 3),
        "nsid": answer.nsid if answer else None,
        "ede": tuple(e.code for e in answer.extended_errors) if answer else (),
        "wire": base64.b64encode(reply.wire).decode(),
    }


def _content(
    event: Event, seq: int, prev_hash: str
) -> tuple[Mapping[str, Json], Mapping[str, Json]]:
    """Return what is sealed before the evidence and behind it, by the order of the alphabet."""
    before: Mapping[str, Json] = {
        "at": event.at.isoformat(),
        "change": event.change,
        "data": event.data,
        "domain": event.domain.text if event.domain else None,
    }
    behind: Mapping[str, Json] = {
        "prev_hash": prev_hash,
        "resolver": event.resolver,
        "seq": seq,
        "type": event.type.value,
    }
    return before, behind
