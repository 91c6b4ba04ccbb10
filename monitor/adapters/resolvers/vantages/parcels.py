"""What a worker heard, and how that travels back: each message once, and columns beside it.

A row is one name of a sweep, or one question of an errand; a column is one resolver. What is said
of a row stands once, however many resolvers say so; a column holds which of these each said, what
was its own (ids apart: TTLs, perhaps addresses), how long it took, and how long ago it came.
"""

import sys
from array import array
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import accumulate, count, pairwise
from math import isfinite

from monitor.adapters.resolvers.memo import Layout
from monitor.adapters.resolvers.vantages.frames import MOST_WIRE, Refusal, opened, sealed
from monitor.adapters.resolvers.vantages.jobs import MOST_COLUMNS, MOST_ROWS
from monitor.adapters.resolvers.vantages.said import Said, checked, layout_of_json, layout_to_json
from monitor.adapters.resolvers.watchlist import STRIDE
from monitor.core.answers import NoAnswerReason, Rcode
from monitor.ports import RTT_BOUNDS, Swept

NOT_ASKED = 0x7F  # in `which`
AS_IT_CAME = 0x80  # a bit of `which`: the octets of its own are those of the message itself

_LONGEST_WORD = 100
_MOST_COUNT = 1 << 40
_FINE = 1  # octet of four, which would tell seconds finer than to a 30,000th, by lot
_MOST_LAYOUTS = 32_768  # in one parcel; a fleet of a million names has some hundreds
_OUTCOMES = frozenset(
    [*(rcode.name.lower() for rcode in Rcode), *(reason.value for reason in NoAnswerReason)]
)


@dataclass(frozen=True, slots=True)
class Told:
    """One resolver's column; `rtts` and `ages` in seconds."""

    which: bytes
    own: bytes
    rtts: "array[float]"
    ages: "array[float]"


@dataclass(frozen=True, slots=True)
class Parcel:
    """A part of what came of a job; `said` has a tuple for each row.

    `counted` has an item for each column, or none: what was counted since the parcel before. The
    clock is the worker's, in seconds since the epoch, and only shown. `is_last` ends the job.
    """

    job: str
    worker: str
    release: str
    clock: float
    rows: "array[int]"
    said: tuple[tuple[Said, ...], ...]
    columns: tuple[Told, ...]
    counted: tuple[Swept, ...] = ()
    is_last: bool = True


@dataclass(frozen=True, slots=True)
class Beat:
    """A sign of life of a worker; its clock in seconds since the epoch."""

    worker: str
    release: str
    clock: float


def beat_to_wire(beat: Beat) -> bytes:
    return sealed({"worker": beat.worker, "release": beat.release, "clock": beat.clock})


def beat_of_wire(wire: bytes) -> Beat | Refusal:
    """Return the beat. Never raises."""
    frame = opened(wire)
    if isinstance(frame, Refusal):
        return frame
    try:
        head = frame.head
        return Beat(_word(head["worker"]), _word(head["release"]), _finite(head["clock"]))
    except (LookupError, ValueError):
        return Refusal.FORMAT


def parcel_to_wires(parcel: Parcel) -> Iterator[bytes]:
    """Yield the parcel in as few parts as fit, the last of which alone counts and ends."""
    wire = _wire(parcel)
    if len(wire) <= MOST_WIRE:
        yield wire
    elif len(parcel.rows) > 1:
        half = len(parcel.rows) // 2
        first = _part(parcel, slice(None, half))
        yield from parcel_to_wires(replace(first, counted=(), is_last=False))
        yield from parcel_to_wires(_part(parcel, slice(half, None)))
    else:  # nothing of this kind is DNS; it is left as not asked
        nothing = array("I")
        yield _wire(replace(_part(parcel, slice(0, 0)), rows=nothing, said=()))


def parcel_of_wire(wire: bytes) -> Parcel | Refusal:
    """Return the parcel, in which everything fits together. Never raises."""
    frame = opened(wire)
    if isinstance(frame, Refusal):
        return frame
    try:
        return _Reading(frame.body).parcel(frame.head)
    except (LookupError, TypeError, ValueError, OverflowError):
        return Refusal.FORMAT


def _part(parcel: Parcel, rows: slice) -> Parcel:
    cut = slice(
        None if rows.start is None else rows.start * STRIDE,
        None if rows.stop is None else rows.stop * STRIDE,
    )
    columns = (
        Told(told.which[rows], told.own[cut], told.rtts[rows], told.ages[rows])
        for told in parcel.columns
    )
    return replace(parcel, rows=parcel.rows[rows], said=parcel.said[rows], columns=tuple(columns))


def _wire(parcel: Parcel) -> bytes:
    head: dict[str, object] = {
        "job": parcel.job,
        "worker": parcel.worker,
        "release": parcel.release,
        "clock": parcel.clock,
        "rows": len(parcel.rows),
        "columns": len(parcel.columns),
        "counted": [_counted_to_json(swept) for swept in parcel.counted],
        "last": parcel.is_last,
    }
    flat = [said for of_row in parcel.said for said in of_row]
    layouts = dict(zip(dict.fromkeys(said.layout for said in flat), count(), strict=False))
    head["layouts"] = [layout_to_json(layout) for layout in layouts]
    body = [
        _little(parcel.rows),
        bytes(map(len, parcel.said)),
        bytes([said.code for said in flat]),
        _little(array("H", [layouts[said.layout] for said in flat])),
        _little(array("H", [len(said.body) for said in flat])),
        *(said.body for said in flat),
    ]
    for told in parcel.columns:
        body += (told.which, _planes(told.own, STRIDE), _seconds(told.rtts), _seconds(told.ages))
    return sealed(head, b"".join(body))


class _Reading:
    """Takes a body apart, from its beginning. Raises ValueError for what does not fit."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def parcel(self, head: Mapping[str, object]) -> Parcel:
        size = _count(head["rows"], MOST_ROWS)
        width = _count(head["columns"], MOST_COLUMNS)
        counted = head["counted"]
        if not isinstance(counted, list) or len(counted) not in {0, width}:
            raise ValueError("counted")
        rows = array("I")
        self._fill(rows, size)
        layouts = head["layouts"]
        if not isinstance(layouts, list) or len(layouts) > _MOST_LAYOUTS:
            raise ValueError("layouts")
        said = self._said(size, [layout_of_json(layout) for layout in layouts])
        columns = tuple(self._told(said) for _ in range(width))
        if self._at != len(self._body):
            raise ValueError("more than there should be")
        if len(set(rows)) != size:
            raise ValueError("a row twice")
        return Parcel(
            _word(head["job"]),
            _word(head["worker"]),
            _word(head["release"]),
            _finite(head["clock"]),
            rows,
            said,
            columns,
            tuple(map(_counted_of_json, counted)),
            is_last=bool(head["last"]),
        )

    def _take(self, size: int) -> bytes:
        start, self._at = self._at, self._at + size
        if self._at > len(self._body):
            raise ValueError("less than there should be")
        return self._body[start : self._at]

    def _fill(self, values: "array[float] | array[int]", size: int) -> None:
        values.frombytes(self._take(size * values.itemsize))
        if sys.byteorder == "big":
            values.byteswap()

    def _seconds(self, size: int) -> "array[float]":
        values = array("f")
        values.frombytes(self._rejoined(size, values.itemsize, _FINE))
        if sys.byteorder == "big":
            values.byteswap()
        signs = self._body[self._at - size : self._at]  # in the highest bits of the last plane
        # No sum of so few is too large, so that one that is not finite shows in it.
        if not (signs.isascii() and isfinite(sum(values))):
            raise ValueError("seconds")
        return values

    def _rejoined(self, items: int, width: int, left_out: int = 0) -> bytes:
        """Return the items whose planes come next, but for the first ones, which are zeros."""
        joined = bytearray(items * width)
        for octet in range(left_out, width):
            joined[octet::width] = self._take(items)
        return bytes(joined)

    def _said(self, rows: int, layouts: Sequence[Layout | None]) -> tuple[tuple[Said, ...], ...]:
        counts = self._take(rows)
        total = sum(counts)
        codes = self._take(total)
        places, lengths = array("H"), array("H")
        self._fill(places, total)
        self._fill(lengths, total)
        text = self._take(sum(lengths))
        bodies = (text[start:end] for start, end in pairwise(accumulate(lengths, initial=0)))
        flat = [
            checked(Said(code, body, layouts[place]))
            for code, body, place in zip(codes, bodies, places, strict=True)
        ]
        ends = pairwise(accumulate(counts, initial=0))
        return tuple(tuple(flat[start:end]) for start, end in ends)

    def _told(self, said: Sequence[tuple[Said, ...]]) -> Told:
        size = len(said)
        which, own = self._take(size), self._rejoined(size, STRIDE)
        if any(which) or not all(said):  # mostly every row has one message, and all say that
            for place, of_row in zip(which, said, strict=True):
                if place != NOT_ASKED and place & ~AS_IT_CAME >= len(of_row):
                    raise ValueError("which of these")
        return Told(which, own, self._seconds(size), self._seconds(size))


def _planes(items: bytes, width: int, left_out: int = 0) -> bytes:
    """Return the first octet of each item that is not left out, then the second, and so on.

    Octets at the same place are alike, so that they are packed in two thirds of the time, and
    unpacked in half of it, to three quarters of the size.
    """
    return b"".join(items[octet::width] for octet in range(left_out, width))


def _seconds(values: "array[float]") -> bytes:
    return _planes(_little(values), values.itemsize, _FINE)


def _little(values: "array[float] | array[int]") -> bytes:
    if sys.byteorder == "big":
        values = values[:]
        values.byteswap()
    return values.tobytes()


def _counted_to_json(swept: Swept) -> list[object]:
    return [
        dict(swept.outcomes),
        list(swept.rtts),
        swept.rtt_total.total_seconds(),
        swept.late,
        swept.stray,
        swept.shed,
    ]


def _counted_of_json(written: object) -> Swept:
    if not isinstance(written, list):
        raise TypeError
    outcomes, rtts, total, late, stray, shed = written
    if not (isinstance(outcomes, dict) and outcomes.keys() <= _OUTCOMES):
        raise ValueError("outcomes become labels")
    if not (isinstance(rtts, list) and len(rtts) == len(RTT_BOUNDS) + 1):
        raise ValueError("rtts")
    return Swept(
        {outcome: _count(count, _MOST_COUNT) for outcome, count in outcomes.items()},
        tuple(_count(count, _MOST_COUNT) for count in rtts),
        timedelta(seconds=_finite(total)),
        late=_count(late, _MOST_COUNT),
        stray=_count(stray, _MOST_COUNT),
        shed=_count(shed, _MOST_COUNT),
        in_flight=0,
        lag=timedelta(),
    )


def _count(value: object, most: int) -> int:
    if type(value) is not int or not 0 <= value <= most:
        raise ValueError("a number")
    return value


def _finite(value: object) -> float:
    if not isinstance(value, int | float) or not 0 <= value < _MOST_COUNT:
        raise ValueError("a finite number")
    return float(value)


def _word(value: object) -> str:
    """Return a word that may stand in a log and in a label."""
    if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_WORD:
        raise ValueError("a word")
    if not (value.isprintable() and value.isascii()):
        raise ValueError("a printable word")
    return value
