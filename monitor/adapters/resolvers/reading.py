"""Read a response once, by the fast reader where it can, and note how to recognise it again."""

from dataclasses import dataclass

import dns.exception
import dns.flags
import dns.message

from monitor.adapters.resolvers import plain
from monitor.adapters.resolvers.memo import TTL_SIZE, Remembered, Spans, layout_of, shared_of
from monitor.adapters.resolvers.questions import HEADER_END, ID_END
from monitor.adapters.resolvers.walking import ttl_offsets
from monitor.adapters.resolvers.wire import answer_of
from monitor.core.answers import Answer
from monitor.core.gist import Gist
from monitor.core.servers import Transport

_TC = dns.flags.TC >> 8  # in the octet behind the id
_LONGEST_LABEL = 63  # RFC 1035 §2.3.4; above are pointers
_CNAME = b"\0\5\0\1"  # type and class, RFC 1035 §3.2.2
_ADDRESS_SIZES = {b"\0\1\0\1": 4, b"\0\x1c\0\1": 16}  # of A and AAAA (RFC 3596 §2)
_POINTER_TO_QUESTION = b"\xc0\x0c"  # RFC 1035 §4.1.4: the name at offset 12


@dataclass(frozen=True, slots=True)
class Reading:
    """What a response says; `ttl_offsets` of all its records, OPT apart, in their order.

    They are None where it must not be recognised by what is between them.
    """

    answer: Answer
    question_end: int
    ttl_offsets: tuple[int, ...] | None
    is_cut_off: bool = False


def read(wire: bytes) -> dns.message.Message:
    """Return the message, each record by itself: joined, one of two CNAMEs would be lost.

    Raises DNSException or ValueError.
    """
    return dns.message.from_wire(wire, one_rr_per_rrset=True, ignore_trailing=True)


def reading_of(wire: bytes) -> Reading | None:
    """Return what the message says; None for gibberish. Never raises."""
    if (parsed := plain.parse(wire)) is not None:
        return Reading(parsed.answer, parsed.question_end, parsed.ttl_offsets)
    try:
        answer = answer_of(read(wire))
    except (dns.exception.DNSException, ValueError):
        return None
    is_cut_off = bool(wire[ID_END] & _TC)
    question_end = _question_end(wire)
    offsets = None if question_end is None else ttl_offsets(wire)
    return Reading(answer, question_end or HEADER_END, offsets, is_cut_off)


def remembered(
    wire: bytes, reading: Reading, gist: Gist | None, transport: Transport, *, masks_question: bool
) -> Remembered:
    """Return how to recognise the next message that says the same.

    Where a chain leads to the addresses, other ones are the same to us: OSS rotates them.
    """
    masks_addresses = gist is not None and bool(reading.answer.aliases)
    spans, ttl_at = _own_spans(wire, reading, masks_addresses=masks_addresses)
    layout = layout_of(len(wire), reading.question_end, spans, masks_question=masks_question)
    return Remembered(
        layout,
        shared_of(layout.unpack(wire)),
        gist=gist,
        rcode=reading.answer.rcode % 16,  # OTHER is -1: the last, which is no code of its own
        ttl_at=ttl_at,
        transport=transport,
    )


def _own_spans(
    wire: bytes, reading: Reading, *, masks_addresses: bool
) -> tuple[Spans | None, int]:
    """Return TTLs, and addresses perhaps, and where among them the first CNAME's TTL stands.

    The place is among all that is the message's own, behind the id; 0 where there is none.
    """
    if reading.ttl_offsets is None:
        return None, 0
    spans: list[tuple[int, int]] = []
    at, ttl_at, owner = ID_END, 0, reading.question_end
    for offset in reading.ttl_offsets:
        kind, rdata = wire[offset - 4 : offset], offset + 6
        if kind == _CNAME and not ttl_at and _is_questions(wire, owner, offset - 4, reading):
            ttl_at = at
        spans.append((offset, TTL_SIZE))
        at += TTL_SIZE
        length = int.from_bytes(wire[offset + 4 : rdata], "big")
        if masks_addresses and length == _ADDRESS_SIZES.get(kind):
            spans.append((rdata, length))
            at += length
        owner = rdata + length  # of the next record, where no OPT stands between
    return tuple(spans), ttl_at


def _is_questions(wire: bytes, start: int, end: int, reading: Reading) -> bool:
    """Tell whether a record's owner is the name that was asked for."""
    question = wire[HEADER_END : reading.question_end - 4]  # type and class stand behind the name
    owner = wire[start:end]
    return owner == _POINTER_TO_QUESTION or owner.lower() == question.lower()


def _question_end(wire: bytes) -> int | None:
    """Return the offset behind the question of a message that was read.

    None where there is not just one, or where its name is no plain row of labels.
    """
    if wire[4:6] != b"\0\1":
        return None
    at = HEADER_END
    while wire[at]:
        if wire[at] > _LONGEST_LABEL:
            return None
        at += 1 + wire[at]
    return at + 5
