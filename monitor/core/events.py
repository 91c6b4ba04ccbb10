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
from monitor.core.status import Sighting

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


def seal(event: Event, seq: int, prev_hash: str) -> Record:
    """Return the event as the record that follows the one with `prev_hash`."""
    text = json.dumps(
        _content(event, seq, prev_hash), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
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


def _content(event: Event, seq: int, prev_hash: str) -> Mapping[str, Json]:
    return {
        "seq": seq,
        "at": event.at.isoformat(),
        "type": event.type.value,
        "domain": event.domain.text if event.domain else None,
        "resolver": event.resolver,
        "change": event.change,
        "data": event.data,
        "evidence": event.evidence,
        "prev_hash": prev_hash,
    }
