"""The fast reader against dnspython: what it reads means the same, and it reads what is common."""

from collections.abc import Callable, Sequence
from io import BytesIO
from random import Random
from typing import TypeAlias

import dns.edns
import dns.exception
import dns.message
import dns.name
import dns.rrset
import dns.update
import pytest
from dns.rrset import RRset
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.adapters.resolvers.plain import parse
from monitor.adapters.resolvers.reading import read
from monitor.adapters.resolvers.walking import ttl_offsets
from monitor.adapters.resolvers.wire import answer_of
from monitor.core.answers import Rcode
from monitor.core.names import DomainName
from tests.adapters.resolvers.judges import (
    has_only_ttls_at,
    is_read_alike,
    is_read_by_dnspython,
)

QR, AA, TC, RD_RA, UPDATE = 0x8000, 0x0400, 0x0200, 0x0180, 5 << 11
NSID, ECS, COOKIE, EDE, ZONEVERSION = 3, 8, 10, 15, 19
MOST_TTL = 2**31 - 1

NAME, BUCKET, CDN = "img.shop.example.", "shop-img.oss-cn-hangzhou.aliyuncs.com.", "a.kunlun.net."
LONG = f"{'b' * 48}.{'c' * 57}.{'d' * 45}.aliyuncs.com."  # lengths that are also characters


def record(owner: str, kind: str, data: str, ttl: int = 60) -> RRset:
    return dns.rrset.from_text(owner, ttl, "IN", kind, data)


def edns(*options: tuple[int, bytes], flags: int = 0) -> RRset:
    message = dns.message.Message()
    generic: list[dns.edns.Option] = [dns.edns.GenericOption(str(o), data) for o, data in options]
    message.use_edns(0, flags, 1232, options=generic)
    assert message.opt
    return message.opt


def message(
    question: str,
    answer: Sequence[RRset] = (),
    authority: Sequence[RRset] = (),
    additional: Sequence[RRset] = (),
    flags: int = QR,
    compressed: int = -1,
) -> bytes:
    """Return the wire; bit n of `compressed` tells whether the nth record has pointers."""
    counts = (flags, 1, len(answer), len(authority), len(additional))
    file = BytesIO(b"".join(count.to_bytes(2) for count in (7, *counts)))
    file.seek(0, 2)
    known: dict[dns.name.Name, int] = {}
    dns.name.from_text(question).to_wire(file, known)
    file.write(b"\0\1\0\1")
    for number, rrset in enumerate([*answer, *authority, *additional]):
        rrset.to_wire(file, known if compressed >> number & 1 else None)
    return file.getvalue()


V4, V6 = record(BUCKET, "A", "203.0.113.1"), record(BUCKET, "AAAA", "2001:db8::1")
TO_BUCKET = record(NAME, "CNAME", BUCKET)
CHAIN = (record(NAME, "CNAME", CDN), record(CDN, "CNAME", BUCKET))
APEX = record("shop.example.", "SOA", "ns1.shop.example. root.ns1.shop.example. 9 1 2 3 30")
SERVER, GLUE = (
    record("shop.example.", "NS", "ns.b.example."),
    record("ns.b.example.", "A", "192.0.2.53"),
)

COMMON = {
    "two aliases and two addresses": message(NAME, [*CHAIN, V4, V4], (), [edns()]),
    "without EDNS": message(NAME, [TO_BUCKET, V4]),
    "both families": message(NAME, [TO_BUCKET, V6, V4, V6], (), [edns()]),
    "addresses before the alias": message(NAME, [V4, TO_BUCKET], (), [edns()]),
    "no compression": message(NAME, [*CHAIN, V4], (), [edns()], compressed=0),
    "upper case": message(NAME.title(), [record(NAME.upper(), "CNAME", BUCKET.title()), V4]),
    "an alias alone": message(NAME, [TO_BUCKET], (), [edns()], QR | AA),
    "long labels": message(LONG, [record(LONG, "A", "203.0.113.1")], (), [edns()]),
    "no data": message(NAME, (), [APEX], [edns()], QR | AA),
    "no such name": message(NAME, [TO_BUCKET], [APEX], [edns()], QR | Rcode.NXDOMAIN),
    "refused": message(NAME, (), (), [edns((EDE, b"\0\x16"))], QR | Rcode.REFUSED),
    "a referral": message(NAME, (), [SERVER, SERVER], [GLUE, edns()]),
    "name servers": message("shop.example.", [SERVER], (), [GLUE, edns()], QR | AA),
    "an apex": message("shop.example.", [APEX], [SERVER], [edns()]),
    "the server's name": message(NAME, [V4], (), [edns((NSID, b"fra-1"))]),
    "a name of octets": message(NAME, [V4], (), [edns((NSID, b"\xff\0"))]),
    "a hostile text": message(NAME, (), (), [edns((EDE, b"\0\3\x1b[31m red"))]),
    "a subnet": message(NAME, [V4], (), [edns((ECS, b"\0\1\x18\x10\xc0\0\2"))]),
    "a zone's version": message(NAME, [V4], (), [edns((ZONEVERSION, b"\2\0\0\0\0\7"))]),
    "version 0 beside an SOA": message(NAME, (), [APEX], [edns((ZONEVERSION, b"\2" + bytes(5)))]),
    "other options": message(NAME, [V4], (), [edns((65001, b"x"), (COOKIE, bytes(16)))]),
    "an extended rcode": message(NAME, (), (), [edns(flags=1 << 24)]),
    "octets behind the end": message(NAME, [TO_BUCKET, V4], (), [edns()]) + b"\0\1",
}


PLAIN = ["a", "img", "Shop", "_dns", "x-1", "B" * 45, "7" * 63]
ODD = [r"a\.b", "*", r"\\", r"\000", r"\255", r"\032", r"\(", "a/b", "x." + "0" * 44 + "*"]
ENDS = ["shop.example.", "Aliyuncs.com.", "x.aliyuncs.com."]
TTLS = st.sampled_from([0, 1, 60, MOST_TTL, 2**31, 2**32 - 1])
SEEDED = st.randoms(use_true_random=False)
OPTIONS = st.sampled_from(
    [
        *(
            (NSID, b"fra1"),
            (NSID, b"\0"),
            (NSID, b""),
            (EDE, b"\0\3"),
            (EDE, b"\0\4caf\xc3\xa9\n"),
        ),
        *((ECS, b"\0\1\0\0"), (ECS, b"\0\2\x08\x20\x20"), (ZONEVERSION, b"\2\0\0\0\0\7")),
        *((ZONEVERSION, b"\2\1\0\0\0\7"), (ZONEVERSION, b"\2\0\0\0\0\0"), (65001, b"\0\1")),
    ]
)


def records(kinds: str, names: st.SearchStrategy[str]) -> st.SearchStrategy[list[RRset]]:
    number = st.sampled_from([0, 7, 2**32 - 1])
    data = {
        "A": st.sampled_from(["0.0.0.0", "203.0.113.1", "255.1.2.3"]),
        "AAAA": st.sampled_from(["::", "::1", "::ffff:1.2.3.4", "1::2:0:0:3", "1:0:2::"]),
        "CNAME": names,
        "NS": names,
        "SOA": st.builds("{} {} {} 1 2 3 {}".format, names, names, number, number),
        "DNAME": names,
        "TXT": st.just("text"),
        "RRSIG": st.builds("A 8 3 60 20260101000000 20250101000000 1 {} AAAA".format, names),
        "HTTPS": st.builds("1 {}".format, names),
    }  # fmt: skip
    kind = st.sampled_from(kinds.split())
    return st.lists(
        kind.flatmap(lambda k: st.builds(record, names, st.just(k), data[k], TTLS)), max_size=4
    )


@st.composite
def messages(draw: st.DrawFn, labels: Sequence[str], more: str = "") -> bytes:
    """Draw a response of common parts; `more` are types beside the common ones."""
    some = st.lists(st.sampled_from(labels), max_size=3)
    names = st.builds(lambda first, end: ".".join([*first, end]), some, st.sampled_from(ENDS))
    additional = draw(records(f"A AAAA {more}", names))
    if draw(st.booleans()):
        opt = edns(
            *draw(st.lists(OPTIONS, max_size=3)),
            flags=draw(st.sampled_from([0, 1 << 15, 1 << 16, 1 << 24])),
        )
        additional.insert(draw(st.integers(0, len(additional))), opt)
    return message(
        draw(names),
        draw(records(f"A AAAA CNAME NS SOA {more}", names)),
        draw(records(f"NS SOA {more}", names)),
        additional,
        QR | draw(st.integers(0, 15)) | draw(st.sampled_from([0, AA, RD_RA])),
        draw(st.sampled_from([-1, 0]) | st.integers(0, 2**12)),
    )


def flip(wire: bytearray, random: Random) -> None:
    wire[random.randrange(len(wire))] ^= 1 << random.randrange(8)


def replace(wire: bytearray, random: Random) -> None:
    wire[random.randrange(len(wire))] = random.choice([0, 1, 2, 5, 6, 28, 41, 45, 63, 64, 192])


def insert(wire: bytearray, random: Random) -> None:
    at = random.randrange(len(wire))
    wire[at:at] = random.randbytes(random.randint(1, 4))


def delete(wire: bytearray, random: Random) -> None:
    at = random.randrange(len(wire))
    del wire[at : at + random.randint(1, 4)]


def cut(wire: bytearray, random: Random) -> None:
    del wire[random.randrange(len(wire)) :]


def swap_counts(wire: bytearray, random: Random) -> None:
    one, two = random.choices(range(4, 12, 2), k=2)
    wire[one : one + 2], wire[two : two + 2] = wire[two : two + 2], wire[one : one + 2]


def point(wire: bytearray, random: Random) -> None:
    """Let a pointer, or what was none, lead anywhere."""
    pointers = [at for at, octet in enumerate(wire) if octet >= 192]
    at = random.choice(pointers) if pointers else random.randrange(len(wire))
    wire[at : at + 2] = (0xC000 | random.randrange(len(wire))).to_bytes(2)


Change: TypeAlias = Callable[[bytearray, Random], None]
CHANGES: tuple[Change, ...] = (flip, replace, insert, delete, cut, swap_counts, point)


def changed(wire: bytes, changes: Sequence[Change], random: Random) -> bytes:
    other = bytearray(wire)
    for change in changes:
        if len(other) > 12:
            change(other, random)
    return bytes(other)


@pytest.mark.parametrize("wire", COMMON.values(), ids=COMMON)
def test_the_common_shapes_are_read_without_dnspython(wire: bytes) -> None:
    assert is_read_alike(wire)
    assert has_only_ttls_at(wire, ttl_offsets(wire) or (), Random(1))


@given(messages(PLAIN), SEEDED)
def test_what_is_made_of_common_parts_is_read_and_means_the_same(
    wire: bytes, random: Random
) -> None:
    assert is_read_alike(wire)
    assert has_only_ttls_at(wire, ttl_offsets(wire) or (), random)


@given(messages([*PLAIN, *ODD], "TXT DNAME RRSIG HTTPS"), SEEDED)
def test_what_holds_odd_parts_is_left_to_dnspython_or_means_the_same(
    wire: bytes, random: Random
) -> None:
    is_read_alike(wire)
    assert has_only_ttls_at(wire, ttl_offsets(wire) or (), random)


@settings(max_examples=600)
@given(
    st.sampled_from(list(COMMON.values())) | messages(PLAIN),
    st.lists(st.sampled_from(CHANGES), min_size=1, max_size=3),
    SEEDED,
)
def test_no_damage_makes_it_raise_or_read_what_dnspython_does_not(
    whole: bytes, changes: list[Change], random: Random
) -> None:
    wire = changed(whole, changes, random)
    is_read_alike(wire)
    offsets = ttl_offsets(wire)
    if offsets is not None and is_read_by_dnspython(wire):
        assert has_only_ttls_at(wire, offsets, random)


@given(st.binary(max_size=80), st.binary(max_size=80))
def test_gibberish_is_nothing_to_it(octets: bytes, records: bytes) -> None:
    for wire in (octets, octets[:2] + b"\x80\0\0\1\0\1\0\1\0\1\1a\0\0\1\0\1" + records):
        is_read_alike(wire)
        ttl_offsets(wire)


@pytest.mark.parametrize("shape", ["without EDNS", "no such name", "a referral", "an apex"])
def test_many_an_octet_can_change_and_all_is_still_read_alike(shape: str) -> None:
    whole = COMMON[shape]
    wires = [
        whole[:at] + bytes([octet]) + whole[at + 1 :]
        for at in range(len(whole))
        for octet in {0, 1, 45, 97, 192, 255, whole[at] ^ 1, whole[at] ^ 32}
    ]
    assert sum(map(is_read_alike, wires)) > len(wires) / 4


def test_a_pointer_may_lead_anywhere() -> None:
    whole = COMMON["a referral"]
    for at in (octet for octet in range(len(whole)) if whole[octet] == 192):
        for target in range(len(whole) + 2):
            pointer = (0xC000 | target).to_bytes(2)
            is_read_alike(whole[:at] + pointer + whole[at + 2 :])


def test_a_name_that_lies_in_a_ttl_is_left_to_dnspython() -> None:
    ttl = int.from_bytes(b"\1a\0\0")
    wire = message(NAME, [record(NAME, "CNAME", BUCKET, ttl), V4])
    offset, last = ttl_offsets(wire) or (0, 0)
    wire = wire[: last - 6] + (0xC000 | offset).to_bytes(2) + wire[last - 4 :]
    assert answer_of(read(wire)).addresses[0].name == DomainName("a")
    assert parse(wire) is None
    assert ttl_offsets(wire) is None


def test_a_type_in_whose_data_a_name_may_lie_in_a_ttl_has_no_offsets() -> None:
    assert ttl_offsets(message(NAME, [record(NAME, "MX", f"1 {NAME}")])) is None


def test_as_many_pointers_in_a_row_are_followed_as_dnspython_follows() -> None:
    names = [f"{'x.' * n}shop.example." for n in range(30)]
    for n in range(2, 30):
        wire = message(names[0], [record(name, "A", "203.0.113.1") for name in names[1:n]])
        assert is_read_alike(wire) is (n < 16)


@pytest.mark.parametrize("size", range(1, 64))
def test_a_label_of_any_length_is_read_and_an_odd_character_in_it_is_not(size: int) -> None:
    for label, is_plain in (("0" * size, True), ("0" * (size - 1) + "*", False)):
        wire = message("b.", [record(f"a.{label}.b.", "A", "203.0.113.1")])
        assert is_read_alike(wire) is is_plain


def test_a_name_that_is_too_long_for_the_wire_is_left_to_dnspython() -> None:
    question = f"{'a' * 63}.{'b' * 63}.{'c' * 63}.{'d' * 50}."  # 244 octets
    data = b"\xc0\x0c\0\1\0\1\0\0\0\1\0\4\1\2\3\4"
    for size in range(1, 20):
        owner = bytes([size]) + b"x" * size
        wire = message(question, [V4])[: 12 + 244 + 4] + owner + data
        assert is_read_alike(wire) is (1 + size + 244 <= 255)


def test_a_label_of_another_type_is_left_to_dnspython() -> None:
    wire = message("a.b.", [record("a.b.", "A", "203.0.113.1")])
    for octet in range(64, 192):
        other = wire[:12] + bytes([octet]) + b"a" * octet + wire[14:]
        assert parse(other) is None
        assert ttl_offsets(other) is None


def test_what_is_cut_short_has_no_offsets() -> None:
    wire = COMMON["without EDNS"]
    for size in range(len(wire)):
        assert ttl_offsets(wire[:size]) is None
        assert parse(wire[:size]) is None


def test_a_name_that_is_longer_than_its_record_gives_no_offsets() -> None:
    wire = message(NAME, [TO_BUCKET])
    (offset,) = ttl_offsets(wire) or ()
    assert ttl_offsets(wire[: offset + 4] + b"\0\1" + wire[offset + 6 :]) is None


@pytest.mark.parametrize(
    "wire",
    [
        message(NAME, [TO_BUCKET, V4], flags=0),
        message(NAME, [TO_BUCKET, V4], flags=QR | TC),
        message(NAME, [TO_BUCKET, V4], flags=QR | UPDATE),
        message(NAME, (), (), [edns(), edns()]),
        message(NAME, (), [edns()]),
        message(NAME).removesuffix(b"\1") + b"\3",
    ],
    ids=["query", "cut off", "update", "EDNS twice", "EDNS elsewhere", "of another class"],
)
def test_what_is_no_common_response_is_left_to_dnspython(wire: bytes) -> None:
    assert parse(wire) is None
