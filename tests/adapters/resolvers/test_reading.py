"""Whatever comes from the network is read, or is gibberish; what is odd is read by dnspython."""

from dataclasses import replace
from random import Random

import dns.flags
import dns.message
import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.adapters.resolvers.memo import own_of, recognised
from monitor.adapters.resolvers.reading import reading_of, remembered
from monitor.core.answers import Rcode
from monitor.core.names import DomainName
from monitor.core.servers import Transport
from tests.adapters.resolvers.messages import (
    DAMAGES,
    SEEDED,
    Damage,
    Message,
    Written,
    address,
    alias,
    damaged,
    messages,
    understood,
)

NAME, BUCKET = "a.shop.example", "shop-a.oss-cn-hangzhou.aliyuncs.com"
CHAIN = Message(NAME, (alias(NAME, BUCKET), address(BUCKET, "203.0.113.1")))


@given(messages())
def test_a_response_is_read_as_dnspython_reads_it(message: Message) -> None:
    wire = message.wire()
    reading = reading_of(wire)
    assert reading is not None
    assert reading.answer == understood(wire)
    assert wire[12 : reading.question_end] == wire[12 : wire.index(b"\0", 12) + 5]


@settings(max_examples=200)
@given(messages(), st.lists(st.sampled_from(DAMAGES), min_size=1, max_size=3), SEEDED)
def test_damage_is_read_as_dnspython_reads_it_and_never_raises(
    message: Message, damages: list[Damage], random: Random
) -> None:
    wire = damaged(message.wire(), damages, random)
    reading = reading_of(wire)
    assert (None if reading is None else reading.answer) == understood(wire)
    if reading is not None:
        remembered(wire, reading, b"gist", Transport.UDP, masks_question=True)
        remembered(wire, reading, None, Transport.TCP, masks_question=False)


@given(st.binary(max_size=60))
def test_gibberish_is_nothing(wire: bytes) -> None:
    reading = reading_of(wire)
    assert (None if reading is None else reading.answer) == understood(wire)


def test_a_cut_off_answer_says_so_and_a_whole_one_does_not() -> None:
    whole, cut_off = (
        reading_of(CHAIN.wire()),
        reading_of(replace(CHAIN, flags=CHAIN.flags | int(dns.flags.TC)).wire()),
    )
    assert whole is not None
    assert cut_off is not None
    assert not whole.is_cut_off
    assert cut_off.is_cut_off


def test_a_refusal_that_does_not_repeat_the_question_is_an_answer() -> None:
    wire = b"\0\7\x81\x05" + bytes(8)
    reading = reading_of(wire)
    assert reading is not None
    assert reading.answer.rcode is Rcode.REFUSED


def test_such_a_refusal_is_recognised_by_all_of_it_but_its_id_or_not_at_all() -> None:
    wire = b"\0\7\x81\x05" + bytes(8)
    reading = reading_of(wire)
    assert reading is not None
    said = remembered(wire, reading, None, Transport.UDP, masks_question=False)
    assert recognised((said,), wire, masks_question=False)
    assert recognised((said,), b"\0\7\x81\x02" + bytes(8), masks_question=False) is None
    assert said.ttl(own_of(said.unpack(wire))) is None


@pytest.mark.parametrize("kind", ["MX", "SRV", "PTR"])
def test_records_whose_names_might_lie_in_a_ttl_forbid_to_recognise_it_by_parts(kind: str) -> None:
    data = {"MX": f"1 {NAME}.", "SRV": f"1 1 1 {NAME}.", "PTR": f"{NAME}."}[kind]
    message = replace(CHAIN, answer=(*CHAIN.answer, Written(NAME, kind, data)))
    wire = message.wire()
    reading = reading_of(wire)
    assert reading is not None
    assert reading.answer.aliases
    for masks in (True, False):
        said = remembered(wire, reading, b"gist", Transport.UDP, masks_question=masks)
        for may_mask in (True, False):
            other = message.wire([1, 2, 3])
            assert recognised((said,), other, masks_question=may_mask) is None


def test_two_questions_in_a_response_forbid_to_recognise_it_by_parts() -> None:
    query = dns.message.make_query(f"{NAME}.", "A")
    response = dns.message.make_response(query)
    response.question.append(dns.rrset.from_text("b.shop.example.", 0, "IN", "A"))
    wire = response.to_wire()
    reading = reading_of(wire)
    assert reading is not None
    assert reading.ttl_offsets is None


def test_the_transport_the_code_and_the_gist_are_remembered_with_it() -> None:
    wire = replace(CHAIN, flags=CHAIN.flags | 3).wire()
    reading = reading_of(wire)
    assert reading is not None
    said = remembered(wire, reading, b"gist", Transport.TCP, masks_question=False)
    assert (said.transport, said.rcode, said.gist) == (Transport.TCP, 3, b"gist")


def test_octets_behind_the_end_do_not_hide_an_answer() -> None:
    wire = CHAIN.wire() + b"\0\1\2"
    reading = reading_of(wire)
    assert reading is not None
    assert reading.answer.aliases[0].target == DomainName(BUCKET)
