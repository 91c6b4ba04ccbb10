"""What travels between coordinator and workers: nothing is lost, and nothing harms."""

import json
import zlib
from array import array
from dataclasses import replace
from datetime import timedelta
from functools import partial
from math import inf, nan
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.adapters.resolvers.engine import LaneLimits
from monitor.adapters.resolvers.memo import layout_of
from monitor.adapters.resolvers.vantages import frames
from monitor.adapters.resolvers.vantages.frames import Refusal, opened, sealed
from monitor.adapters.resolvers.vantages.jobs import Errand, Sweep, job_of_wire, job_to_wire
from monitor.adapters.resolvers.vantages.parcels import (
    AS_IT_CAME,
    NOT_ASKED,
    Parcel,
    Told,
    parcel_of_wire,
    parcel_to_wires,
)
from monitor.adapters.resolvers.vantages.said import Said, silence_of
from monitor.adapters.resolvers.watchlist import STRIDE
from monitor.core.answers import NoAnswerReason, Question, RecordType
from monitor.core.names import DomainName
from monitor.core.servers import Resolver, Transport
from monitor.ports import Swept

SECONDS = st.floats(0, 60_000, width=16)  # what is finer does not travel
WORDS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)
NAMES = st.builds(DomainName, st.text(min_size=1, max_size=60))
RESOLVERS = st.builds(
    Resolver,
    name=WORDS,
    address=WORDS,
    port=st.integers(1, 65535),
    transport=st.sampled_from(Transport),
    client_subnet=st.none() | st.just("192.0.2.0/24"),
    max_qps=st.floats(0.1, 1e6),
    varies_case=st.booleans(),
    vantage=WORDS,
)
FEW = partial(st.lists, max_size=5, unique=True)
QUESTIONS = st.builds(
    Question, NAMES, st.sampled_from(RecordType), st.booleans(), st.none() | st.just("::/0")
)
LIMITS = st.builds(LaneLimits, st.floats(0.01, 60), st.integers(1, 9), st.integers(1, 999))
JOBS = st.builds(
    Sweep,
    WORDS,
    FEW(RESOLVERS).map(tuple),
    FEW(NAMES).map(tuple),
    LIMITS,
    st.floats(0, 600),
) | st.builds(
    Errand,
    WORDS,
    st.lists(st.tuples(RESOLVERS, QUESTIONS), max_size=5).map(tuple),
    LIMITS,
)
COUNTED = st.builds(
    Swept,
    st.dictionaries(st.sampled_from(["noerror", "timeout", "other"]), st.integers(0, 1 << 30)),
    st.lists(st.integers(0, 1 << 30), min_size=10, max_size=10).map(tuple),
    st.integers(0, 1000).map(lambda s: timedelta(seconds=s)),
    late=st.integers(0, 99),
    stray=st.integers(0, 99),
    shed=st.integers(0, 99),
    in_flight=st.just(0),
    lag=st.just(timedelta()),
)


@st.composite
def shared(draw: st.DrawFn) -> Said:
    """Draw what messages of one layout share."""
    question_end = at = draw(st.integers(12, 60))
    spans = []
    for gap, length in draw(st.lists(st.tuples(st.integers(0, 9), st.integers(1, 6)), max_size=5)):
        spans.append((at + gap, length))
        at += gap + length
    size = at + draw(st.integers(0, 9))
    layout = layout_of(size, question_end, tuple(spans), masks_question=False)
    body = draw(st.binary(min_size=layout.shared_size, max_size=layout.shared_size))
    return Said(draw(st.integers(0, 4)), body, layout)


AS_THEY_CAME = st.builds(Said, st.integers(0, 4), st.binary(max_size=50), st.none())
SILENCE = st.builds(silence_of, st.sampled_from(NoAnswerReason), st.text(max_size=300))
SAID = AS_THEY_CAME | shared() | SILENCE


@st.composite
def parcels(draw: st.DrawFn) -> Parcel:
    rows = draw(st.lists(st.integers(0, 4000), max_size=6, unique=True))
    said = tuple(tuple(draw(st.lists(SAID, min_size=1, max_size=3))) for _ in rows)
    size = len(rows)

    def which() -> bytes:
        choices = (st.sampled_from([*range(len(s)), AS_IT_CAME, NOT_ASKED]) for s in said)
        return bytes(draw(choice) for choice in choices)

    def seconds() -> "array[float]":
        return array("f", draw(st.lists(SECONDS, min_size=size, max_size=size)))

    columns = tuple(
        Told(
            which(),
            draw(st.binary(min_size=STRIDE * size, max_size=STRIDE * size)),
            seconds(),
            seconds(),
        )
        for _ in range(draw(st.integers(0, 3)))
    )
    counted = tuple(draw(COUNTED) for _ in columns) if draw(st.booleans()) else ()
    clock = draw(st.floats(0, 2e9))
    job, worker = draw(WORDS), draw(WORDS)
    is_last = draw(st.booleans())
    return Parcel(
        job, worker, "1.0", clock, array("I", rows), said, columns, counted, is_last=is_last
    )


@given(JOBS)
def test_a_job_arrives_as_it_was_sent(job: Sweep | Errand) -> None:
    assert job_of_wire(job_to_wire(job)) == job


@given(parcels())
def test_a_parcel_arrives_as_it_was_sent(parcel: Parcel) -> None:
    (wire,) = parcel_to_wires(parcel)
    assert parcel_of_wire(wire) == parcel


@given(st.binary(max_size=300))
def test_whatever_comes_is_refused_and_harms_nobody(noise: bytes) -> None:
    for wire in (noise, frames.VERSION + noise, frames.VERSION + zlib.compress(noise)):
        assert isinstance(parcel_of_wire(wire), Refusal)
        assert isinstance(job_of_wire(wire), Refusal)


@given(parcels(), st.data())
def test_a_parcel_that_was_tampered_with_is_taken_or_refused_and_never_raises(
    parcel: Parcel, data: st.DataObject
) -> None:
    (wire,) = parcel_to_wires(parcel)
    frame = opened(wire)
    assert not isinstance(frame, Refusal)
    head = dict(frame.head)
    key = data.draw(st.sampled_from(sorted(head)))
    junk = st.none() | st.integers() | st.floats() | st.text(max_size=5)
    head[key] = data.draw(junk | st.lists(junk, max_size=4))
    body = bytearray(frame.body)
    if body:
        body[data.draw(st.integers(0, len(body) - 1))] ^= data.draw(st.integers(1, 255))
    for changed in (sealed(head, frame.body), sealed(dict(frame.head), bytes(body))):
        taken = parcel_of_wire(changed)
        assert isinstance(taken, Refusal) or len(taken.rows) == len(taken.said)


@given(JOBS, st.data())
def test_a_job_that_was_tampered_with_is_taken_or_refused_and_never_raises(
    job: Sweep | Errand, data: st.DataObject
) -> None:
    frame = opened(job_to_wire(job))
    assert not isinstance(frame, Refusal)
    head = dict(frame.head)
    key = data.draw(st.sampled_from(sorted(head)))
    junk = st.none() | st.integers() | st.floats() | st.text(max_size=5)
    head[key] = data.draw(junk | st.lists(junk | st.lists(junk, max_size=5), max_size=4))
    assert job_of_wire(sealed(head)) is not None


def one(**changes: object) -> Parcel:
    told = Told(b"\0", bytes(STRIDE), array("f", [0.5]), array("f", [1.0]))
    parcel = Parcel("j", "w", "1", 1.0, array("I", [3]), ((Said(0, b"wire"),),), (told,))
    return replace(parcel, **changes)  # type: ignore[arg-type]


def taken(parcel: Parcel) -> Parcel | Refusal:
    (wire,) = parcel_to_wires(parcel)
    return parcel_of_wire(wire)


def test_what_does_not_fit_together_is_refused() -> None:
    (told,) = one().columns
    assert taken(one()) == one()
    assert taken(one(columns=(replace(told, which=b"\1"),))) is Refusal.FORMAT
    assert taken(one(columns=(replace(told, which=bytes([AS_IT_CAME | 1])),))) is Refusal.FORMAT
    assert taken(one(columns=(replace(told, rtts=array("f", [nan])),))) is Refusal.FORMAT
    assert taken(one(columns=(replace(told, ages=array("f", [-1])),))) is Refusal.FORMAT
    assert taken(one(said=((),))) is Refusal.FORMAT
    assert taken(one(said=((Said(9, b""),),))) is Refusal.FORMAT
    assert taken(one(said=((Said(0x80, b"\x1b[2J"),),))) is Refusal.FORMAT
    assert taken(one(worker="")) is Refusal.FORMAT
    assert taken(one(worker="w\n")) is Refusal.FORMAT
    assert taken(one(rows=array("I", [3, 3]), said=one().said * 2)) is Refusal.FORMAT


LAYOUT = layout_of(60, 30, ((36, 4), (46, 4)), masks_question=False)


def test_what_messages_share_travels_with_the_layout_that_says_what_is_each_ones_own() -> None:
    said = Said(0, bytes(LAYOUT.shared_size), LAYOUT)
    parcel = taken(one(said=((said,),)))
    assert isinstance(parcel, Parcel)
    assert parcel.said[0][0].layout is LAYOUT
    assert taken(one(said=((said._replace(body=said.body + b"x"),),))) is Refusal.FORMAT
    assert taken(one(said=((said._replace(code=0x80, body=b""),),))) is Refusal.FORMAT


@pytest.mark.parametrize(
    "written",
    [
        [60, 30, 36, 4, 39, 4],  # overlapping
        [60, 30, 29, 4, 46, 4],  # in the question
        [60, 30, 36, 4, 58, 4],  # beyond the end
        [60, 11, 36, 4, 46, 4],  # no header before it
        [60, 30, 40, -4, 46, 12],
        [60, 30, 36, 4.0, 46, 4],
        [60, 30, 36, 4, 46, True],
        [60, 30, 36, 4, 46],
        [81, 30, 36, STRIDE - 1],  # more than columns hold
        [65_536, 30],
        [10**30, 30],
        [50, 51],
        [50],
        {"60": 30},
        "60",
        1,
    ],
    ids=str,
)
def test_a_layout_that_no_message_can_have_is_refused(written: object) -> None:
    said = Said(0, bytes(LAYOUT.shared_size), LAYOUT)
    frame = opened(next(parcel_to_wires(one(said=((said,),)))))
    assert not isinstance(frame, Refusal)
    for layouts in ([written], [], written):
        wire = sealed({**frame.head, "layouts": layouts}, frame.body)
        assert parcel_of_wire(wire) is Refusal.FORMAT


def test_an_outcome_that_is_no_label_of_ours_is_refused() -> None:
    frame = opened(next(parcel_to_wires(one())))
    assert not isinstance(frame, Refusal)
    counted = [[{"noerror": 1}, [0] * 10, 0.0, 0, 0, 0]]
    assert isinstance(
        parcel_of_wire(sealed({**frame.head, "counted": counted}, frame.body)), Parcel
    )
    counted[0][0] = {"<script>": 1}
    assert parcel_of_wire(sealed({**frame.head, "counted": counted}, frame.body)) is Refusal.FORMAT


def test_a_few_octets_that_unpack_to_very_many_are_refused() -> None:
    bomb = frames.VERSION + zlib.compress(bytes(frames.MOST_UNPACKED + 1))
    assert len(bomb) < 100_000
    assert parcel_of_wire(bomb) is Refusal.SIZE
    assert parcel_of_wire(frames.VERSION + bytes(frames.MOST_WIRE)) is Refusal.SIZE


def test_another_version_is_named_as_the_reason() -> None:
    (wire,) = parcel_to_wires(one())
    assert parcel_of_wire(b"OCV1" + wire[4:]) is Refusal.VERSION


def test_deep_nesting_is_refused() -> None:
    text = b"[" * 100_000
    packed = zlib.compress(len(text).to_bytes(4, "little") + text)
    assert opened(frames.VERSION + packed) is Refusal.FORMAT


def test_what_does_not_fit_into_one_message_goes_in_parts_of_which_the_last_ends() -> None:
    size = 40
    said = tuple((Said(0, _noise(60_000, row)),) for row in range(size))
    told = Told(
        bytes(size), bytes(STRIDE * size), array("f", [0.1] * size), array("f", [0.2] * size)
    )
    counted = (
        Swept({}, (0,) * 10, timedelta(), late=0, stray=0, shed=0, in_flight=0, lag=timedelta()),
    )
    whole = Parcel("j", "w", "1", 1.0, array("I", range(size)), said, (told,), counted)
    parts = [parcel_of_wire(wire) for wire in parcel_to_wires(whole)]
    assert len(parts) > 2
    rows, found = list[int](), list[tuple[Said, ...]]()
    for part in parts:
        assert isinstance(part, Parcel)
        rows += part.rows
        found += part.said
    assert (rows, tuple(found)) == (list(range(size)), said)
    assert [bool(part.counted) for part in parts if isinstance(part, Parcel)][-1:] == [True]
    assert [part.is_last for part in parts if isinstance(part, Parcel)].count(True) == 1


def _noise(size: int, seed: int) -> bytes:
    return Random(seed).randbytes(size)


def test_a_row_that_no_message_can_hold_is_left_out() -> None:
    said = (tuple(Said(0, _noise(60_000, seed)) for seed in range(20)),)
    (left,) = (parcel_of_wire(wire) for wire in parcel_to_wires(one(said=said)))
    assert isinstance(left, Parcel)
    assert (len(left.rows), left.is_last) == (0, True)


def with_other(head: dict[str, object], path: tuple[str | int, ...], value: object) -> bytes:
    """Return a job in which something else stands in one place."""
    document = json.loads(json.dumps(head))
    place = document
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return sealed(document)


RESOLVER = ("resolvers", 0)


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ((*RESOLVER, "port"), (0, -1, 65_536, True, "53", 10**30)),
        ((*RESOLVER, "max_qps"), (0, -1, nan, inf, 10**400, True, "1")),
        ((*RESOLVER, "client_subnet"), ("x", "192.0.2.1/24", "fe80::%x/64", [], 1)),
        ((*RESOLVER, "varies_case"), (1, None, "no")),
        ((*RESOLVER, "server_name"), (1, [], "\x1b[31m")),
        ((*RESOLVER, "address"), ("\x1b[31m", "x" * 2000, None)),
        ((*RESOLVER, "unheard"), (1,)),
        (("attempts",), (0, 10**9, True, 1.5)),
        (("window",), (0, 10**9, True)),
        (("timeout",), (0, -1, nan, 1e-300, 10**400)),
        (("over",), (-1, nan, inf, 10**400, True)),
        (("job",), ("\n", 1)),
        (("names", 0), ("\ud800", "x" * 2000, 1)),
    ],
    ids=str,
)
def test_a_job_that_no_worker_could_begin_on_is_refused(
    path: tuple[str | int, ...], values: tuple[object, ...]
) -> None:
    job = Sweep("j", (Resolver("a", "192.0.2.53"),), (DomainName("b.c"),), LaneLimits())
    frame = opened(job_to_wire(job))
    assert not isinstance(frame, Refusal)
    assert job_of_wire(sealed(frame.head)) == job
    for value in values:
        assert job_of_wire(with_other(frame.head, path, value)) is Refusal.FORMAT, value
