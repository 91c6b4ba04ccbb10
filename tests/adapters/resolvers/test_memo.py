"""What is recognised without being read must mean what dnspython would have read."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.adapters.resolvers import memo
from monitor.adapters.resolvers.datagrams import is_response
from monitor.adapters.resolvers.memo import (
    NOTHING_YET,
    Remembered,
    Unanswered,
    own_of,
    shared_of,
    with_variant,
)
from monitor.adapters.resolvers.reading import reading_of
from monitor.core.answers import NoAnswer, NoAnswerReason
from monitor.core.chain import rebuild
from monitor.core.gist import Gist
from monitor.core.names import DomainName
from tests.adapters.resolvers.judges import (
    Way,
    known,
    means_the_same,
    question_of,
    recognised,
)
from tests.adapters.resolvers.messages import (
    DAMAGES,
    MOST_TTL,
    NAMES,
    NSID,
    OPTIONS,
    OTHER_DATA,
    SEEDED,
    TTLS,
    Damage,
    Message,
    Written,
    address,
    alias,
    damaged,
    messages,
    understood,
)
from tests.core.properties import REPEATABLE

A, B, C = "a.shop.example", "b.shop.example", "c.shop.example"
BUCKET, OTHER = (f"shop-{x}.oss-cn-hangzhou.aliyuncs.com" for x in "ab")
FLAT: tuple[str, ...] = ("192.0.2.1", "192.0.2.2")
CHAIN = Message(A, (alias(A, B), alias(B, BUCKET), *(address(BUCKET, one) for one in FLAT)))
SAMPLES = {
    "a chain": CHAIN,
    "addresses first": replace(CHAIN, answer=CHAIN.answer[::-1]),
    "addresses alone": Message(A, tuple(address(A, one) for one in FLAT)),
    "a refusal": Message(A, flags=0x8185, options=((15, b"\0\x12"),)),
    "without EDNS": replace(CHAIN, options=None),
    "a named node": replace(CHAIN, options=((NSID, b"fra1"),)),
}


EVERY_WAY = [Way(gist, masks) for gist in (None, b"gist") for masks in (False, True)]
WAYS = st.sampled_from(EVERY_WAY)
TTL_LISTS = st.lists(TTLS, min_size=12, max_size=12)
IDS = st.integers(0, 2**16 - 1)


def is_maskable(wire: bytes) -> bool:
    reading = reading_of(wire)
    return reading is not None and reading.ttl_offsets is not None


@given(messages(), TTL_LISTS, TTL_LISTS, IDS, WAYS)
def test_neither_the_id_nor_any_ttl_matters(
    message: Message,
    ttls: list[int],
    later: list[int],
    other_id: int,
    way: Way,
) -> None:
    count = len(message.records)
    wire, again = message.wire(ttls[:count]), message.wire(later[:count], other_id)
    if not is_maskable(wire):
        return
    said = known(wire, way)
    assert recognised((said,), again) == (said, own_of(said.unpack(again)))


@given(messages(), TTL_LISTS, IDS, WAYS)
def test_the_parts_of_a_message_make_it_again_octet_for_octet(
    message: Message, ttls: list[int], own_id: int, way: Way
) -> None:
    wire = message.wire(ttls[: len(message.records)], own_id)
    said = known(wire, way)
    parts = said.unpack(wire)
    assert shared_of(parts) == said.shared
    assert said.layout.joined(own_of(parts), said.shared, question_of(wire)) == wire


@given(messages(), st.sampled_from((None, b"gist")))
def test_a_layout_that_leaves_the_question_out_tells_the_one_that_does_not(
    message: Message, gist: Gist | None
) -> None:
    wire = message.wire()
    if not is_maskable(wire):
        return
    for masks in (False, True):
        said, whole = known(wire, Way(gist, masks)), known(wire, Way(gist, masks_question=False))
        found = said.layout.unmasked(said.shared, question_of(wire))
        assert found == (whole.layout, whole.shared)


@settings(max_examples=200)
@given(
    messages(),
    TTL_LISTS,
    st.lists(st.sampled_from(DAMAGES), min_size=1, max_size=2),
    SEEDED,
    WAYS,
)
def test_what_is_recognised_after_any_damage_still_means_the_same(
    message: Message,
    ttls: list[int],
    damages: Sequence[Damage],
    random: Random,
    way: Way,
) -> None:
    wire = message.wire()
    said = known(wire, way)
    other = damaged(message.wire(ttls[: len(message.records)]), damages, random)
    is_answer = is_response(other, other[:2], question_of(wire))
    if recognised((said,), other) and (is_answer or not way.masks_question):
        assert means_the_same(wire, other, way.gist)


@st.composite
def siblings(draw: st.DrawFn) -> tuple[Message, Message]:
    """Draw a message and one that differs from it in one record, their order, or in its head."""
    one = draw(messages().filter(lambda message: message.answer))
    at, records = draw(st.integers(0, len(one.answer) - 1)), list(one.answer)
    match draw(st.sampled_from(["owner", "data", "order", "question", "flags", "options"])):
        case "owner":
            records[at] = replace(records[at], owner=draw(st.sampled_from(NAMES)))
        case "data":
            data = draw(OTHER_DATA[records[at].kind])
            records[at] = replace(records[at], data=data)
        case "order":
            records = draw(st.permutations(records))
        case "question":
            return one, replace(one, question=draw(st.sampled_from(NAMES)))
        case "flags":
            return one, replace(one, flags=one.flags ^ 1 << draw(st.integers(0, 15)))
        case _:
            return one, replace(one, options=draw(OPTIONS))
    return one, replace(one, answer=tuple(records))


@settings(max_examples=200)
@given(siblings(), TTL_LISTS, WAYS)
def test_two_answers_that_are_taken_for_one_mean_the_same(
    drawn: tuple[Message, Message], ttls: list[int], way: Way
) -> None:
    wire, other = drawn[0].wire(), drawn[1].wire(ttls[: len(drawn[1].records)])
    if recognised((known(wire, way),), other) and other[12:].startswith(question_of(wire)):
        assert means_the_same(wire, other, way.gist)
    elif recognised((known(wire, way),), other):
        assert way.masks_question, "else the question counts"


@pytest.mark.parametrize("way", EVERY_WAY)
@pytest.mark.parametrize("message", SAMPLES.values(), ids=SAMPLES)
def test_no_single_bit_that_matters_is_overlooked(message: Message, way: Way) -> None:
    wire = message.wire()
    said = known(wire, way)
    overlooked = 0
    for bit in range(16, 8 * len(wire)):
        other = bytearray(wire)
        other[bit // 8] ^= 1 << bit % 8
        if recognised((said,), bytes(other)):
            overlooked += 1
            if is_response(bytes(other), wire[:2], question_of(wire)):
                assert means_the_same(wire, bytes(other), way.gist)
    addresses = sum(record.kind == "A" for record in message.records)
    is_chain = any(record.kind == "CNAME" for record in message.records)
    own_octets = 4 * len(message.records) + 4 * addresses * (way.gist is not None and is_chain)
    assert overlooked == 8 * (own_octets + way.masks_question * len(question_of(wire)))


@pytest.mark.parametrize("message", SAMPLES.values(), ids=SAMPLES)
def test_a_message_of_another_length_is_never_recognised(message: Message) -> None:
    wire = message.wire()
    said = known(wire)
    for size in range(len(wire)):
        assert recognised((said,), wire[:size]) is None
    for at in range(len(wire) + 1):
        assert recognised((said,), wire[:at] + b"\0" + wire[at:]) is None


@pytest.mark.parametrize("masks_question", [False, True])
def test_the_same_records_for_another_name_are_no_answer_for_this_one(
    *, masks_question: bool
) -> None:
    wire = CHAIN.wire()
    said = known(wire, Way(masks_question=masks_question))
    other = wire[:12] + wire[12:].replace(b"\1a\4shop", b"\1b\4shop", 1)
    found = recognised((said,), other)
    assert (found is not None) is masks_question
    assert not is_response(other, wire[:2], question_of(wire)), "who masks it, checks it so"


def test_an_answer_with_the_name_in_another_case_is_recognised_where_case_is_checked_apart() -> (
    None
):
    upper = replace(CHAIN, question=A.upper(), answer=CHAIN.answer)
    said = known(CHAIN.wire(), Way(masks_question=True))
    found = recognised((said,), upper.wire())
    assert found is not None
    assert said.layout.joined(found[1], said.shared, question_of(upper.wire())) == upper.wire()


def test_other_addresses_behind_a_chain_say_the_same_and_are_all_kept() -> None:
    moved = replace(
        CHAIN, answer=(*CHAIN.answer[:2], address(BUCKET, "203.0.113.7"), CHAIN.answer[2])
    )
    said = known(CHAIN.wire())
    found = recognised((said,), moved.wire([9, 8, 7, 6]))
    assert found is not None
    wire = said.layout.joined(found[1], said.shared, question_of(moved.wire()))
    assert understood(wire) == understood(moved.wire([9, 8, 7, 6]))


@pytest.mark.parametrize(
    ("message", "gist"),
    [(CHAIN, None), (Message(A, (address(A, "192.0.2.1"),)), b"gist")],
    ids=["nobody knows what it means", "no chain leads to them"],
)
def test_other_addresses_are_news_where_they_matter(message: Message, gist: Gist | None) -> None:
    wire = message.wire()
    said = known(wire, Way(gist))
    assert recognised((said,), wire.replace(b"\xc0\0\2\1", b"\xc0\0\2\7")) is None


@given(messages(), TTL_LISTS, WAYS)
def test_the_ttl_of_the_domains_own_record_is_found_in_whatever_order(
    message: Message, ttls: list[int], way: Way
) -> None:
    wire = message.wire(ttls[: len(message.records)])
    if not is_maskable(wire):
        return
    said, answer = known(wire, way), understood(wire)
    assert answer is not None
    chain = rebuild(DomainName.seen(message.question), answer)
    assert said.ttl(own_of(said.unpack(wire))) == chain.first_ttl


@pytest.mark.parametrize(
    "answer",
    [
        (alias(f"www.{A}", BUCKET), alias(A, f"www.{A}")),
        (replace(alias(f"www.{A}", BUCKET), is_compressed=False), alias(A, f"www.{A}")),
        (alias(B, BUCKET), replace(alias(A, B), is_compressed=False)),
        (alias(B, BUCKET), replace(alias(A.upper(), B), is_compressed=False)),
    ],
    ids=["a name below it first", "that written out", "itself written out", "in another case"],
)
def test_the_ttl_is_that_of_the_domains_own_record_and_of_no_other(
    answer: tuple[Written, ...],
) -> None:
    message = replace(CHAIN, answer=answer)
    wire = message.wire([11, 22])
    said = known(wire)
    assert said.ttl(own_of(said.unpack(wire))) == 22


def test_a_ttl_with_the_highest_bit_set_counts_as_none() -> None:
    wire = CHAIN.wire([MOST_TTL + 1])
    answer = understood(wire)
    assert answer is not None
    assert answer.aliases[0].ttl == 0
    said = known(wire)
    assert said.ttl(own_of(said.unpack(wire))) == 0


def test_a_domain_without_an_alias_has_no_ttl_of_its_own() -> None:
    wire = SAMPLES["addresses alone"].wire()
    said = known(wire)
    assert said.ttl(own_of(said.unpack(wire))) is None


@given(st.binary(max_size=40) | st.just(bytes(12)))
def test_no_message_is_what_was_said_before_anything_was_said(wire: bytes) -> None:
    silence = Unanswered(NoAnswer(NoAnswerReason.TIMEOUT, "> 2 s"), b"gist")
    assert recognised((NOTHING_YET, silence), wire) is None
    assert NOTHING_YET.ttl(b"") is None
    assert silence.ttl(b"") is None


@given(st.binary(max_size=120), SEEDED)
def test_gibberish_is_never_recognised_and_never_raises(wire: bytes, random: Random) -> None:
    said = tuple(known(message.wire()) for message in SAMPLES.values())
    assert recognised(said, wire) is None
    assert recognised(said, CHAIN.wire()[:2] + b"\x81\x80" + random.randbytes(120)) is None


def test_who_checks_no_question_apart_recognises_nothing_that_leaves_it_out() -> None:
    wire = CHAIN.wire()
    variants = tuple(known(wire, Way(masks_question=masks)) for masks in (True, False))
    for masks_question in (True, False):
        found = memo.recognised(variants, wire, masks_question=masks_question)
        assert found is not None
        assert found[0].layout.masks_question is masks_question
        (other,) = (said for said in variants if said is not found[0])
        assert memo.recognised((other,), wire, masks_question=masks_question) is None


def test_of_many_answers_about_one_name_the_newest_are_remembered() -> None:
    wires = [replace(CHAIN, answer=(alias(A, f"t{n:02}.example"),)).wire() for n in range(20)]
    variants: tuple[Remembered, ...] = ()
    for wire in wires:
        variants = with_variant(variants, known(wire))
    assert recognised(variants, wires[-1])
    assert recognised(variants, wires[-2])
    assert recognised(variants, wires[0]) is None, "else a name that changes grows for ever"


@settings(REPEATABLE, max_examples=40)
@given(st.lists(messages(), min_size=2, max_size=6), TTL_LISTS)
def test_among_several_remembered_answers_the_right_one_is_found(
    drawn: list[Message], ttls: list[int]
) -> None:
    said = tuple(known(message.wire(), Way(None)) for message in drawn)
    for message in drawn:
        wire = message.wire(ttls[: len(message.records)])
        found = recognised(said, wire)
        if found is not None:
            again = found[0].layout.joined(found[1], found[0].shared, question_of(wire))
            assert understood(again) == understood(wire)
        else:
            assert not is_maskable(wire)
