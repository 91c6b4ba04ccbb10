"""Messages between coordinator and workers: refused as declared, or whole and as sent."""

import json
import zlib
from array import array
from collections.abc import Iterator
from datetime import timedelta
from random import Random
from typing import Any

from monitor.adapters.resolvers.engine import LaneLimits
from monitor.adapters.resolvers.memo import layout_of
from monitor.adapters.resolvers.questions import Unaskable, encoded
from monitor.adapters.resolvers.vantages import frames
from monitor.adapters.resolvers.vantages.frames import MOST_UNPACKED, Frame, Refusal, opened
from monitor.adapters.resolvers.vantages.jobs import (
    MOST_COLUMNS,
    MOST_ROWS,
    Errand,
    Job,
    Sweep,
    job_of_wire,
    job_to_wire,
)
from monitor.adapters.resolvers.vantages.parcels import (
    AS_IT_CAME,
    Beat,
    Parcel,
    Told,
    beat_of_wire,
    beat_to_wire,
    parcel_of_wire,
    parcel_to_wires,
)
from monitor.adapters.resolvers.vantages.said import Said, silence_of
from monitor.adapters.resolvers.watchlist import STRIDE
from monitor.core.answers import NoAnswerReason, Question
from monitor.core.names import DomainName
from monitor.core.servers import Resolver, Transport
from monitor.ports import RTT_BOUNDS, Swept
from tests.fuzz.target import Target

_RAW = b"="  # first, where the rest is the message itself and not what is packed in it


def judge(data: bytes) -> None:
    """What is taken packs again to what is equal, is bounded, and can be worked with."""
    wire = data[1:] if data[:1] == _RAW else _packed(data)
    frame = opened(wire)
    assert not isinstance(frame, Frame) or len(frame.body) <= MOST_UNPACKED
    parcel, job, beat = parcel_of_wire(wire), job_of_wire(wire), beat_of_wire(wire)
    if isinstance(frame, Refusal):
        assert {parcel, job, beat} == {frame}
    if isinstance(parcel, Parcel):
        _judge_parcel(parcel)
    if not isinstance(job, Refusal):
        _judge_job(job)
    if isinstance(beat, Beat):
        assert beat_of_wire(beat_to_wire(beat)) == beat
        assert (beat.worker + beat.release).isprintable()


def _judge_parcel(parcel: Parcel) -> None:
    parts = [parcel_of_wire(wire) for wire in parcel_to_wires(parcel)]
    assert len(parts) > 1 or parts == [parcel]
    assert len(set(parcel.rows)) == len(parcel.rows) == len(parcel.said) <= MOST_ROWS
    assert len(parcel.columns) <= MOST_COLUMNS
    for told in parcel.columns:
        assert len(told.own) == STRIDE * len(parcel.rows)
        for place, said in zip(told.which, parcel.said, strict=True):
            assert place == 0x7F or said[place & ~AS_IT_CAME]
    for swept in parcel.counted:
        assert all(count >= 0 for count in (*swept.rtts, swept.late, swept.stray, swept.shed))


def _judge_job(job: Job) -> None:
    """A worker can begin on it: whatever else it says is refused, and no question breaks it."""
    assert job_of_wire(job_to_wire(job)) == job
    limits = job.limits
    assert timedelta() < timedelta(seconds=limits.timeout) <= timedelta(minutes=10)
    assert 0 < limits.attempts <= 100
    assert 0 < limits.window <= 1_000_000
    for resolver, question in _asked(job)[:50]:
        assert 0 < resolver.port < 65536
        assert 0 < resolver.max_qps < float("inf")
        assert f"{resolver.name}{resolver.address}".isprintable()
        try:
            encoded(question, resolver.client_subnet)
        except Unaskable as error:
            assert str(error).isprintable()


def _asked(job: Job) -> list[tuple[Resolver, Question]]:
    if isinstance(job, Errand):
        return list(job.questions)
    assert len(set(job.resolvers)) <= MOST_COLUMNS
    assert 0 <= job.over <= 3650 * 86_400
    return [(resolver, Question(name)) for resolver in job.resolvers for name in job.names]


def _packed(data: bytes) -> bytes:
    """Return a frame of a head in JSON and, behind a NUL, its body."""
    head, _, body = data.partition(b"\0")
    plain = len(head).to_bytes(4, "little") + head + body
    return frames.VERSION + zlib.compress(plain, 1)


def _unpacked(wire: bytes) -> bytes:
    plain = zlib.decompress(wire[len(frames.VERSION) :])
    size = int.from_bytes(plain[:4], "little")
    return plain[4 : 4 + size] + b"\0" + plain[4 + size :]


_ODD: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1,
    10**30,
    1e300,
    0.5,
    "",
    "x",
    "\x1b",
    "::/129",
    [],
    [[]],
    {},
    {"a": 1},
)


def _with_other_head(data: bytes, random: Random) -> bytes:
    """Put something else in one place of the head, wherever that is."""
    head, nul, body = data.partition(b"\0")
    try:
        document = json.loads(head)
    except (ValueError, RecursionError):
        return data[:-1]
    place, key = document, None
    while isinstance(place, dict | list) and place and (key is None or random.random() < 0.8):
        inside, key = (
            place,
            random.choice(list(place) if isinstance(place, dict) else range(len(place))),
        )
        place = inside[key]
        if random.random() < 0.4 or not isinstance(place, dict | list) or not place:
            inside[key] = random.choice(_ODD)
            break
    return json.dumps(document).encode() + nul + body


def _inputs() -> Iterator[bytes]:
    for wire in _wires():
        yield _unpacked(wire)
        yield _RAW + wire
    yield b"[" * 2000
    yield b'{"a":1' + b"0" * 4400 + b"}"


def _wires() -> Iterator[bytes]:
    resolver = Resolver("a", "192.0.2.53", client_subnet="192.0.2.0/24", vantage="beijing")
    secure = Resolver("b", "https://dns.example/dns-query", transport=Transport.DOH)
    name, limits = DomainName("img.shop.example"), LaneLimits(2.0, 3, 100)
    yield job_to_wire(Sweep("j1", (resolver, secure), (name, DomainName("*.b")), limits, 20.0))
    questions = ((resolver, Question(name)), (secure, Question(name, client_subnet="::/0")))
    yield job_to_wire(Errand("j2", questions, limits))
    yield beat_to_wire(Beat("w1", "1.0", 1.7e9))
    counts = (0,) * (len(RTT_BOUNDS) + 1)
    swept = Swept(
        {"noerror": 2, "timeout": 1}, counts, timedelta(seconds=1),
        late=0, stray=1, shed=2, in_flight=0, lag=timedelta(),
    )  # fmt: skip
    seconds = array("f", [0.5, 1.0])
    layout = layout_of(60, 30, ((36, 4), (46, 4)), masks_question=False)
    shared = Said(0, bytes(layout.shared_size), layout)
    said = (
        (Said(0, b"wire"), silence_of(NoAnswerReason.TIMEOUT, "> 2 s")),
        (Said(1, b""), shared),
    )
    columns = (Told(b"\1\x80", bytes(2 * STRIDE), seconds, seconds),)
    parcel = Parcel("j1", "w1", "1.0", 1.7e9, array("I", [3, 4]), said, columns, (swept,))
    yield from parcel_to_wires(parcel)


_WORDS = (
    b"null",
    b"true",
    b"NaN",
    b"1e999",
    b"-1",
    b"[[",
    b'"\\u001b"',
    b"\0",
    _RAW,
    frames.VERSION,
)

TARGETS = (Target("worker_message", judge, _inputs, _WORDS, _with_other_head, 20_000),)
