"""What can be told of one change afterwards: who had what when, who was late, and the proof."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from itertools import chain

from monitor.core.events import EventType, Json, Record
from monitor.core.servers import Resolver
from monitor.core.tracking.changes import Change
from monitor.core.tracking.curve import Curve, curve_of
from monitor.core.tracking.reasons import Reason
from monitor.core.tracking.tracks import Track, TrackState

_STATES = {state.value: state for state in TrackState}
_REASONS = {reason.value: reason for reason in Reason}
_NOTICES = frozenset({EventType.NOTICE_SENT, EventType.NOTICE_FAILED})


@dataclass(frozen=True, slots=True)
class Spell:
    """For how long a resolver was in a state that time alone does not end.

    `until` is None while it lasts; `reason` is the last that was found for it.
    """

    resolver: str
    state: TrackState
    since: datetime
    until: datetime | None = None
    reason: Reason | None = None

    def length(self, now: datetime) -> timedelta:
        return (self.until or now) - self.since


@dataclass(frozen=True, slots=True)
class Shown:
    """One answer that bears records out; `number` names it in the report, `seqs` are theirs."""

    number: int
    evidence: Mapping[str, Json]
    seqs: tuple[int, ...] = field(default=())

    def text(self, key: str) -> str:
        """Return what the evidence has under a key; empty where it has nothing."""
        value = self.evidence.get(key)
        return "" if value is None else str(value)

    @property
    def ede(self) -> tuple[str, ...]:
        codes = self.evidence.get("ede")
        return tuple(map(str, codes)) if isinstance(codes, list | tuple) else ()


@dataclass(frozen=True)
class Report:
    """A change as it stood at a moment, with the records that tell of it, oldest first.

    The records are those of the change, and what else became of its domain meanwhile.
    """

    change: Change
    records: tuple[Record, ...]
    resolvers: Sequence[Resolver]
    at: datetime

    @property
    def head(self) -> Record | None:
        """The newest record: its hash covers all records before it too."""
        return self.records[-1] if self.records else None

    @property
    def weights(self) -> Mapping[str, float]:
        return {resolver.name: resolver.weight for resolver in self.resolvers}

    @property
    def tracks(self) -> tuple[Track, ...]:
        return tuple(track for _, track in sorted(self.change.tracks.items()))

    @cached_property
    def curve(self) -> Curve:
        events = (record.event for record in self.records)
        return curve_of(self.change, events, self.weights, self.at)

    @property
    def notices(self) -> tuple[Record, ...]:
        """What people were told of this change, or could not be told."""
        number = self.change.id
        return tuple(
            r for r in self.records if r.event.type in _NOTICES and r.event.change == number
        )

    @cached_property
    def spells(self) -> tuple[Spell, ...]:
        """Overstays and relapses, in the order of their beginnings."""
        return tuple(_spells(r for r in self.records if r.event.change == self.change.id))

    @cached_property
    def answers(self) -> tuple[Shown, ...]:
        """Every answer that any of the records rests on, once each."""
        return _answers(self.records)

    @cached_property
    def numbers(self) -> Mapping[int, tuple[int, ...]]:
        """The numbers of the answers that bear out each record, by its seq."""
        found: dict[int, tuple[int, ...]] = {}
        for answer in self.answers:
            for seq in answer.seqs:
                found[seq] = (*found.get(seq, ()), answer.number)
        return found


def _spells(records: Iterable[Record]) -> list[Spell]:
    found, running = list[Spell](), dict[str, int]()
    for record in records:
        event = record.event
        state, name = _STATES.get(str(event.data.get("to"))), event.resolver
        if state is None or name is None:
            continue
        reason = _REASONS.get(str(event.data.get("reason")))
        known = running.get(name)
        if known is not None and found[known].state is state:
            found[known] = replace(found[known], reason=reason or found[known].reason)
            continue
        if known is not None:
            found[known] = replace(found[running.pop(name)], until=event.at)
        if state.is_beyond_waiting:
            running[name] = len(found)
            found.append(Spell(name, state, event.at, None, reason))
    return found


def _answers(records: Iterable[Record]) -> tuple[Shown, ...]:
    found: dict[tuple[str, ...], Shown] = {}
    shown = chain.from_iterable(((r.seq, one) for one in r.event.evidence) for r in records)
    for seq, evidence in shown:
        key = tuple(str(evidence.get(part)) for part in ("resolver", "at", "wire"))
        known = found.get(key) or Shown(len(found) + 1, evidence)
        found[key] = replace(known, seqs=(*known.seqs, seq))
    return tuple(found.values())
