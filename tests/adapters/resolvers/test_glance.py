"""What is seen at a glance is what reading finds, and what is common is seen."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from random import Random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from monitor.adapters.resolvers.datagrams import is_response
from monitor.adapters.resolvers.glance import Shapes
from tests.adapters.resolvers.judges import is_seen_as_read
from tests.adapters.resolvers.messages import (
    DAMAGES,
    EDE,
    NSID,
    OPTIONS,
    SEEDED,
    Damage,
    Message,
    Written,
    address,
    alias,
    damaged,
    messages,
)

NAME, CDN, BUCKET = "a.shop.example", "a.kunlun.net", "shop-a.oss-cn-hangzhou.aliyuncs.com"
TO_BUCKET = (alias(NAME, BUCKET), address(BUCKET, "203.0.113.1"))
CHAIN = Message(NAME, (alias(NAME, CDN), alias(CDN, BUCKET), address(BUCKET, "203.0.113.1")))
LONG = "b" * 50 + ".shop.example"  # a length that is also a character


@settings(max_examples=500)
@given(messages())
def test_whatever_is_seen_is_seen_as_it_is_read(message: Message) -> None:
    is_seen_as_read(message.wire(), message.question.lower())


@st.composite
def chains(draw: st.DrawFn) -> Message:
    """Draw the shape that is common, now and then with a flaw."""
    labels = st.text("abcxyz019-_", min_size=1, max_size=30)
    ends = st.sampled_from(["shop.example", "oss-cn-hangzhou.aliyuncs.com", "aliyuncs.com"])
    names = st.builds("{}.{}".format, labels, ends) | ends
    path = draw(st.lists(names, min_size=1, max_size=5))
    links = [alias(owner, target) for owner, target in itertools.pairwise(path)]
    found = draw(st.lists(st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::1"]), max_size=3))
    end = draw(st.sampled_from([path[-1]] * 5 + path))
    addresses = [address(end, one) for one in found]
    return Message(path[0], (*links, *addresses), options=draw(st.none() | OPTIONS))


@settings(max_examples=500)
@given(chains())
def test_a_chain_in_order_is_seen_as_it_is_read_whatever_its_names(message: Message) -> None:
    is_seen_as_read(message.wire(), message.question)


@settings(max_examples=500)
@given(messages() | chains(), st.lists(st.sampled_from(DAMAGES), min_size=1, max_size=3), SEEDED)
def test_damage_is_seen_as_it_is_read_and_never_raises(
    message: Message, damages: list[Damage], random: Random
) -> None:
    shapes, domain, whole = Shapes(), message.question.lower(), message.wire()
    is_seen_as_read(whole, domain, shapes)
    wire = damaged(whole, damages, random)
    question = whole[12 : whole.index(b"\0", 12) + 5]
    if is_response(wire, wire[:2], question.lower()):
        is_seen_as_read(wire, domain, shapes)
    else:
        shapes.glance(wire, domain, masks_question=False)


PLACES = st.integers(12, 200)
OCTETS = st.sampled_from([0, 1, 2, 3, 4, 7, 12, 44, 45, 48, 63, 64, 0xC0, *b"aZ9-_.\\"])


@settings(max_examples=500)
@given(chains(), st.lists(st.tuples(PLACES, OCTETS), min_size=1, max_size=3))
def test_a_message_of_a_known_shape_is_seen_as_it_is_read_whatever_its_octets(
    message: Message, others: list[tuple[int, int]]
) -> None:
    shapes, whole = Shapes(), message.wire()
    is_seen_as_read(whole, message.question, shapes)
    behind = whole.index(b"\0", 12) + 5
    assume(behind < len(whole))
    wire = bytearray(whole)
    for place, octet in others:
        wire[behind + place % (len(whole) - behind)] = octet
    is_seen_as_read(bytes(wire), message.question, shapes)


@settings(max_examples=200)
@given(st.lists(chains(), min_size=2, max_size=8))
def test_no_message_is_seen_otherwise_because_others_were_seen_before(
    several: list[Message],
) -> None:
    shapes = Shapes()
    for message in (*several, *several):
        alone = is_seen_as_read(message.wire(), message.question)
        assert is_seen_as_read(message.wire(), message.question, shapes) is alone


def test_a_pointer_that_leads_amid_a_label_of_another_name_is_left_to_be_read() -> None:
    shapes = Shapes()
    whole = Message(NAME, (alias(NAME, "cdn.shop.example"),)).wire()
    assert is_seen_as_read(whole, NAME, shapes)
    other = whole.replace(b"\1a\4shop", b"\2as\3hop")
    assert not is_seen_as_read(other, "as.hop.example", shapes)
    assert is_seen_as_read(whole.replace(b"\1a\4shop", b"\1b\4chop"), "b.chop.example", shapes)


def test_a_response_about_another_name_is_not_seen() -> None:
    assert Shapes().glance(CHAIN.wire(), "b.shop.example", masks_question=False) is None
    assert Shapes().glance(CHAIN.wire(), "shop.example", masks_question=False) is None


@given(st.binary(max_size=60))
def test_gibberish_is_not_seen(wire: bytes) -> None:
    assert Shapes().glance(wire, NAME, masks_question=False) is None


SEEN = {
    "two aliases and an address": CHAIN,
    "one alias and two addresses": replace(
        CHAIN, answer=(*TO_BUCKET, address(BUCKET, "2001:db8::1"))
    ),
    "an alias without addresses": Message(NAME, (alias(NAME, BUCKET),)),
    "without EDNS": replace(CHAIN, options=None),
    "the server's name and an extended error": replace(
        CHAIN, options=((NSID, b"fra1"), (EDE, b"\0\3stale"))
    ),
    "from an authority": replace(CHAIN, flags=CHAIN.flags | 0x0400),
    "upper case": replace(CHAIN, question=NAME.upper()),
    "a long label in the question": Message(LONG, (alias(LONG, BUCKET),)),
}


@pytest.mark.parametrize("message", SEEN.values(), ids=SEEN)
def test_the_common_is_seen(message: Message) -> None:
    assert is_seen_as_read(message.wire(), message.question.lower())


READ = {
    "addresses alone": Message(NAME, (address(NAME, "203.0.113.1"),)),
    "nothing": Message(NAME),
    "addresses of another name": Message(NAME, (*TO_BUCKET, address(CDN, "203.0.113.1"))),
    "an alias behind the addresses": Message(NAME, (*TO_BUCKET, alias(BUCKET, CDN))),
    "another order": replace(CHAIN, answer=CHAIN.answer[::-1]),
    "a loop": Message(NAME, (alias(NAME, CDN), alias(CDN, NAME))),
    "two aliases of one name": Message(NAME, (alias(NAME, CDN), alias(NAME, BUCKET))),
    "another type": Message(NAME, (Written(NAME, "TXT", "text"),)),
    "no compression": replace(CHAIN, answer=(replace(CHAIN.answer[0], is_compressed=False),)),
    "an SOA beside": replace(CHAIN, authority=(Written("b.c", "SOA", "a. b. 1 2 3 4 5"),)),
    "an address beside": replace(CHAIN, additional=(address(BUCKET, "203.0.113.1"),)),
    "an address of the root beside": replace(
        CHAIN, additional=(address("", "203.0.113.1"),), options=None
    ),
    "a failure": replace(CHAIN, flags=CHAIN.flags | 2),
    "a long label": Message(NAME, (alias(NAME, LONG),)),
    "an odd name": Message(NAME, (alias(NAME, r"a\.b.example"),)),
}


@pytest.mark.parametrize("message", READ.values(), ids=READ)
def test_the_uncommon_is_left_to_be_read(message: Message) -> None:
    assert not is_seen_as_read(message.wire(), message.question.lower())


def too_long(wire: bytes) -> bytes:
    return wire + b"\0"


def cut_off(wire: bytes) -> bytes:
    return wire[:2] + bytes((wire[2] | 2,)) + wire[3:]


def without_class(wire: bytes) -> bytes:
    end = wire.index(b"\0", 12) + 5
    return wire[: end - 2] + b"\0\3" + wire[end:]


@pytest.mark.parametrize("change", [too_long, cut_off, without_class])
@pytest.mark.parametrize("options", [None, ()])
def test_a_message_that_is_not_whole_is_left_to_be_read(
    change: Callable[[bytes], bytes], options: tuple[tuple[int, bytes], ...] | None
) -> None:
    wire = change(replace(CHAIN, options=options).wire())
    assert not is_seen_as_read(wire, NAME)


def test_a_chain_of_more_links_than_are_followed_is_left_to_be_read() -> None:
    path = [f"n{number}.example" for number in range(18)]
    links = tuple(alias(a, b) for a, b in itertools.pairwise(path))
    assert not is_seen_as_read(Message(path[0], links).wire(), path[0])
    assert is_seen_as_read(Message(path[0], links[:15]).wire(), path[0])
