"""Messages of name servers: the fast readers must say what dnspython says, or nothing."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

from monitor.adapters.resolvers.datagrams import is_response
from monitor.adapters.resolvers.glance import Shapes
from monitor.adapters.resolvers.hearing import heard
from monitor.adapters.resolvers.plain import PLAIN
from monitor.adapters.resolvers.readable import readable
from monitor.adapters.resolvers.reading import reading_of, remembered
from monitor.adapters.resolvers.walking import ttl_offsets
from monitor.adapters.resolvers.wire import LONGEST_TEXT
from monitor.core.answers import Answer
from monitor.core.servers import Transport
from tests.adapters.resolvers.judges import (
    Way,
    has_only_ttls_at,
    is_read_alike,
    is_read_by_dnspython,
    is_seen_as_read,
    known,
    means_the_same,
    question_of,
    recognised,
)
from tests.adapters.resolvers.messages import (
    DAMAGES,
    ECS,
    EDE,
    NSID,
    ZONEVERSION,
    Message,
    Written,
    address,
    alias,
    damaged,
    understood,
)
from tests.fuzz.target import Target

NAME, CDN, BUCKET = "a.shop.example", "a.kunlun.net", "shop-a.oss-cn-hangzhou.aliyuncs.com"
APEX = Written("shop.example", "SOA", "ns.shop.example. root.shop.example. 9 1 2 3 30")
SERVER = Written("shop.example", "NS", "ns.b.example.")
CHAIN = Message(NAME, (alias(NAME, CDN), alias(CDN, BUCKET), address(BUCKET, "203.0.113.1")))
MESSAGES = (
    CHAIN,
    replace(CHAIN, options=None),
    replace(CHAIN, question=NAME.upper()),
    replace(CHAIN, answer=CHAIN.answer[::-1]),
    replace(CHAIN, answer=(*CHAIN.answer, address(BUCKET, "2001:db8::1"))),
    replace(CHAIN, options=((NSID, b"fra1"), (EDE, b"\0\3stale"), (ECS, b"\0\1\0\0"))),
    Message(NAME, (address(NAME, "203.0.113.1"),), options=((ZONEVERSION, b"\2\0\0\0\0\7"),)),
    Message(NAME, (), (APEX,), flags=0x8583),
    Message(NAME, (), (SERVER,), (address("ns.b.example", "192.0.2.53"),)),
    Message(NAME, (Written(NAME, "TXT", '"text" "\\255\\000"'), Written(NAME, "MX", "1 b.c."))),
    Message(NAME, (Written(NAME, "DNAME", "b.c."), Written(NAME, "HTTPS", "1 b.c."))),
    Message(NAME, flags=0x8385),
    Message("x." * 20 + "example", (alias("x." * 19 + "example", r"a\.b\000.example"),)),
)
OCTETS = (0, 1, 2, 3, 4, 5, 6, 7, 12, 28, 41, 44, 45, 48, 63, 64, 128, 192, 255, *b"aZ9-_.\\")
WORDS = (b"\xc0\x0c", b"\0\5\0\1", b"\0\1\0\1", b"\0\x1c\0\1", b"\0\0\x29", b"\0\6\0\1", b"\1a\0")
MOST = 1232


def judge_message(wire: bytes) -> None:
    """Every reader says what dnspython says; what is shown or kept of it acts on no terminal."""
    is_read_alike(wire)
    reading = reading_of(wire)
    assert (None if reading is None else reading.answer) == understood(wire)
    assert all(letter.isprintable() for letter in readable(wire).replace("\n", ""))
    told = heard(wire)
    assert told is None or told.answer == understood(wire)
    offsets = ttl_offsets(wire)
    if offsets is not None and is_read_by_dnspython(wire):
        assert has_only_ttls_at(wire, offsets, Random(1))
    if reading is not None:
        _assert_harmless(reading.answer)
        for masks in (True, False):
            remembered(wire, reading, b"gist", Transport.UDP, masks_question=masks)


def _assert_harmless(answer: Answer) -> None:
    free = [error.text for error in answer.extended_errors] + [text.value for text in answer.texts]
    assert all(text.isprintable() and len(text) <= LONGEST_TEXT for text in free)
    assert answer.nsid is None or answer.nsid.isprintable()
    names = [record.target for record in answer.aliases] + [r.name for r in answer.addresses]
    assert all(name.text.isascii() and name.text.isprintable() for name in names)


def judge_recognition(data: bytes) -> None:
    """Whatever is recognised means what was read before."""
    mode, wire, other = _parted(data)
    reading = reading_of(wire)
    question = _question_of(wire)
    if reading is None or not question or wire[12 : reading.question_end] != question:
        return
    way = Way(b"gist" if mode & 1 else None, masks_question=bool(mode & 2))
    said = known(wire, way)
    is_answer = is_response(other, other[:2], question_of(wire))
    if recognised((said,), other) and (is_answer or not way.masks_question):
        assert means_the_same(wire, other, way.gist)


def judge_glance(data: bytes) -> None:
    """Whatever is seen at a glance is what reading finds, whichever shapes were seen before."""
    _, whole, wire = _parted(data)
    question, shapes = _question_of(whole), Shapes()
    domain = _plain_name(question)
    if not domain:
        return
    for one in (whole, wire, whole):
        if is_response(one, one[:2], question.lower()):
            is_seen_as_read(one, domain, shapes)
        else:
            shapes.glance(one, domain, masks_question=False)


def _question_of(wire: bytes) -> bytes:
    return question_of(wire) if wire[4:6] == b"\0\1" and b"\0" in wire[12:] else b""


def _plain_name(question: bytes) -> str:
    """Return the name of a question about letters alone; nothing for another one."""
    labels, at = list[bytes](), 0
    while at < len(question) and 0 < (size := question[at]) < 64:
        labels.append(question[at + 1 : at + 1 + size])
        at += 1 + size
    is_whole = question[at:] == b"\0\0\1\0\1" and len(labels) > 1
    if not is_whole or any(label.translate(None, PLAIN) for label in labels):
        return ""
    return b".".join(labels).decode().lower()


def _parted(data: bytes) -> tuple[int, bytes, bytes]:
    """Return a mode, a message, and the same with some octets put in the place of others."""
    mode, size = (data[0] if data else 0), int.from_bytes(data[1:3])
    wire, edits = data[3 : 3 + size], data[3 + size :]
    other = bytearray(wire)
    for at in range(0, len(edits) - 2, 3):
        if other:
            other[int.from_bytes(edits[at : at + 2]) % len(other)] = edits[at + 2]
    return mode, wire, bytes(other)


def _joined(mode: int, wire: bytes, edits: bytes) -> bytes:
    return bytes([mode]) + len(wire).to_bytes(2) + wire + edits


def _damaged(data: bytes, random: Random) -> bytes:
    return damaged(data, random.choices(DAMAGES, k=random.randint(1, 3)), random)


def _with_other_edits(data: bytes, random: Random) -> bytes:
    mode, wire, _ = _parted(data)
    edits = data[3 + len(wire) :]
    match random.randrange(4):
        case 0:
            wire = _damaged(wire, random)[:0xFFFF]
        case 1:
            mode = random.randrange(4)
        case 2:
            edits = edits[:-3]
        case _:
            for _ in range(random.randint(1, 3)):
                at = random.randrange(len(wire) or 1)
                edits += at.to_bytes(2) + bytes([random.choice(OCTETS)])
    return _joined(mode, wire, edits)


def _messages() -> Iterator[bytes]:
    for message in MESSAGES:
        yield message.wire()


def _pairs() -> Iterator[bytes]:
    for mode, message in enumerate(MESSAGES):
        yield _joined(mode % 4, message.wire(), b"\0\x40\xc0\0\x21\1")


TARGETS = (
    Target("dns_message", judge_message, _messages, WORDS, _damaged, MOST),
    Target("dns_recognition", judge_recognition, _pairs, WORDS, _with_other_edits, MOST),
    Target("dns_glance", judge_glance, _pairs, WORDS, _with_other_edits, MOST),
)
