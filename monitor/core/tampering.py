"""Find what was edited, removed or moved in the audit log.

Each record seals its content and the hash of the one before it, so that a change shows at the
record itself or at the next. Two things cannot be known from the log alone: whether the newest
records were removed, and whether all from some record on was written anew by somebody who can
seal as we do. Both show to whoever keeps an earlier head elsewhere.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import Enum

from monitor.core.events import GENESIS, EventType, Record, seal
from monitor.core.tracking.changes import Change, ChangeKind

MOST_FINDINGS = 1000


class Tampering(Enum):
    """What can be wrong with a record."""

    EDITED = "edited"  # it does not have its hash, or is not written as we write
    MISSING = "missing"  # this one is gone, and those that follow up to the next that is there
    MISPLACED = "misplaced"  # it does not follow the one before it
    CUT_OFF = "cut_off"  # the log does not hold the head that was noted
    UNTOLD = "untold"  # a change is known of which no record tells


@dataclass(frozen=True, slots=True)
class Logged:
    """A row of the log: its number and hash as they stand there, and the record that it holds.

    The record is None where the row is not written as we write one.
    """

    seq: int
    hash: str
    record: Record | None


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with which record; of missing ones `until` is the last.

    What is wrong with the end of the log is told of the number that would come next.
    """

    kind: Tampering
    seq: int
    until: int | None = None
    change: str | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """The newest record at some time; it stands for all before it. No seq where it is not told."""

    seq: int | None
    hash: str

    @classmethod
    def parse(cls, written: str) -> "Head":
        """Return the head that is written as `SEQ:HASH`, or as the hash alone.

        Raises ValueError.
        """
        seq, _, digest = written.strip().rpartition(":")
        is_hash = len(digest) == len(GENESIS) and not digest.strip("0123456789abcdef")
        if not is_hash or (seq and not (seq.isascii() and seq.isdigit())):
            raise ValueError(f"{written!r} is no head: write SEQ:HASH, or the 64 digits alone")
        return cls(int(seq) if seq else None, digest)

    @property
    def text(self) -> str:
        return self.hash if self.seq is None else f"{self.seq}:{self.hash}"


EMPTY = Head(0, GENESIS)


@dataclass(frozen=True, slots=True)
class Inspection:
    """What a way along the log has found so far.

    `wanted` is an earlier head that the log should still hold. `base` is the record before the
    first that is there; `pruned` the last that was let go as configured, as the log itself tells.
    `links` are the hashes that the next record may name as the one before it; None where that one
    is not there.
    """

    wanted: Head | None = None
    records: int = 0
    base: Head = EMPTY
    head: Head = EMPTY
    pruned: Head | None = None
    pruned_before: datetime | None = None
    findings: tuple[Finding, ...] = ()
    is_met: bool = False
    links: frozenset[str | None] | None = frozenset({GENESIS})

    @property
    def is_intact(self) -> bool:
        return not self.findings

    def along(self, rows: Iterable[Logged]) -> "Inspection":
        """Return the inspection after the rows that follow, in the order of their numbers."""
        found = self
        for row in rows:
            found = found._after(row)
        return found

    def ended(self, untold: Iterable[str] = ()) -> "Inspection":
        """Return the inspection at the end of the log; `untold` are changes that it is silent of.

        Was the wanted head on the way? Was what is missing at the beginning let go?
        """
        end, findings = (self.head.seq or 0) + 1, list(self.findings)
        if self.is_pruned:
            findings.remove(Finding(Tampering.MISSING, 1, self.base.seq))
        findings += [Finding(Tampering.UNTOLD, end, change=change) for change in untold]
        wanted = self.wanted
        if wanted is not None and not self._may_be_met(wanted):
            at = end if wanted.seq is None else min(wanted.seq, end)
            findings.append(Finding(Tampering.CUT_OFF, at))
        return replace(self, findings=tuple(findings))

    @property
    def is_pruned(self) -> bool:
        """True where a record tells that what is missing at the beginning was let go."""
        return self.base != EMPTY and self.pruned == self.base

    def _may_be_met(self, wanted: Head) -> bool:
        if self.is_met or wanted == EMPTY or (self.is_pruned and wanted == self.base):
            return True
        # Of what was let go nobody can know any more.
        return self.is_pruned and wanted.seq is not None and wanted.seq < (self.base.seq or 0)

    def _after(self, row: Logged) -> "Inspection":
        expected, resealed, base = (self.head.seq or 0) + 1, _resealed(row), self.base
        found, links = list[Finding](), self.links
        if row.seq > expected:
            found.append(Finding(Tampering.MISSING, expected, row.seq - 1))
            links = None
            if self.records == 0 and row.record is not None:
                base = Head(row.seq - 1, row.record.prev_hash)
        if resealed != row.hash:
            found.append(Finding(Tampering.EDITED, row.seq))
        elif row.seq < expected or not _is_linked(row, links):
            found.append(Finding(Tampering.MISPLACED, row.seq))
        pruned, before = _pruned(row) if resealed == row.hash else (None, None)
        return replace(
            self,
            records=self.records + 1,
            base=base,
            head=Head(row.seq, row.hash),
            pruned=pruned or self.pruned,
            pruned_before=before or self.pruned_before,
            findings=(*self.findings, *found)[:MOST_FINDINGS] if found else self.findings,
            is_met=self.is_met or self._is_wanted(row),
            # Who edits a record leaves its hash, or edits that alone: the next is not to blame.
            links=frozenset({row.hash, resealed}),
        )

    def _is_wanted(self, row: Logged) -> bool:
        wanted = self.wanted
        return wanted is not None and row.hash == wanted.hash and wanted.seq in {None, row.seq}


def _resealed(row: Logged) -> str | None:
    """Return the hash that the content of a row has; None where it cannot be read."""
    record = row.record
    return None if record is None else seal(record.event, record.seq, record.prev_hash).hash


def _is_linked(row: Logged, links: frozenset[str | None] | None) -> bool:
    return links is None or row.record is None or row.record.prev_hash in links


def _pruned(row: Logged) -> tuple[Head | None, datetime | None]:
    """Return up to which record, and from which time, the row tells that the log was let go."""
    event = row.record.event if row.record is not None else None
    if event is None or event.type is not EventType.LOG_PRUNED:
        return None, None
    seq, digest, before = (event.data.get(key) for key in ("through", "hash", "before"))
    moment = _moment(before)
    if not isinstance(seq, int) or moment is None:
        return None, None
    return Head(seq, str(digest)), moment


def _moment(written: object) -> datetime | None:
    """Return the time that a record tells; who can seal as we do may write anything there."""
    try:
        moment = datetime.fromisoformat(str(written))
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else None


_TURNS = {
    EventType.CHANGE_ANNOUNCED: "begun",
    EventType.CHANGE_DETECTED: "begun",
    EventType.CONVERGED: "converged",
    EventType.SETTLED: "settled",
}


def turn_told(record: Record) -> tuple[str, str] | None:
    """Return of which turn of which change a record tells; None for none of them."""
    turn = _TURNS.get(record.event.type)
    return None if turn is None or record.event.change is None else (record.event.change, turn)


def turns_of(change: Change) -> frozenset[tuple[str, str]]:
    """Return the turns of a change that records must tell of."""
    turns = {(change.id, "begun")}
    if change.converged_at is not None:
        turns.add((change.id, "converged"))
    if change.settled_at is not None and change.kind is not ChangeKind.TTL:
        turns.add((change.id, "settled"))
    return frozenset(turns)
