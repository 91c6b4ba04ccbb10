"""What a broken or hostile server makes of an answer."""

from collections.abc import Callable, Iterable, Mapping
from random import Random

import dns.flags
import dns.message
import dns.name
import dns.rrset
from dns.rdataclass import RdataClass

_HEADER = 12
_OTHER_NAME = dns.name.from_text("another.invalid.")
_ONE_ANSWER = b"\x81\x80\0\1\0\1\0\0\0\0"  # flags, and how many records each section has
_A_IN_A_MINUTE = b"\0\1\0\1\0\0\0\x3c\0\4\x7f\0\0\1"
_MOST_FLIPS = 8
_RECORDS_IN_A_BOMB = 200


def random_octets(answer: bytes, rng: Random) -> bytes:
    """Keep the id, so that it is not thrown away at first sight."""
    return answer[:2] + rng.randbytes(rng.randint(0, 500))


def torn(answer: bytes, rng: Random) -> bytes:
    """End somewhere behind the question, though the header promises more."""
    end = _question_end(answer)
    return answer[: rng.randint(end, max(end, len(answer) - 1))]


def wrong_id(answer: bytes, rng: Random) -> bytes:
    return (int.from_bytes(answer[:2]) ^ rng.randint(1, 0xFFFF)).to_bytes(2) + answer[2:]


def wrong_question(answer: bytes, rng: Random) -> bytes:
    """Answer what was not asked."""
    message = dns.message.from_wire(answer)
    kind = message.question[0].rdtype
    message.question = [dns.rrset.RRset(_OTHER_NAME, RdataClass.IN, kind)]
    return message.to_wire()


def looping_names(answer: bytes, rng: Random) -> bytes:
    """Give a record an owner whose compression pointer leads to itself (RFC 1035 §4.1.4)."""
    end = _question_end(answer)
    itself = (0xC000 | end).to_bytes(2)
    return answer[:2] + _ONE_ANSWER + answer[_HEADER:end] + itself + _A_IN_A_MINUTE


def nested_names(answer: bytes, rng: Random) -> bytes:
    """Give many records owners that each lead to the one before: as dear to read as can be."""
    end = _question_end(answer)
    octets = bytearray(answer[:2] + _ONE_ANSWER + answer[_HEADER:end])
    octets[6:8] = _RECORDS_IN_A_BOMB.to_bytes(2)
    before = _HEADER
    for _ in range(_RECORDS_IN_A_BOMB):
        here = len(octets)
        octets += b"\1x" + (0xC000 | before).to_bytes(2) + _A_IN_A_MINUTE
        before = here
    return bytes(octets)


def mutated(answer: bytes, rng: Random) -> bytes:
    """Turn some bits behind the question of a real answer."""
    octets = bytearray(answer)
    end = _question_end(answer)
    for _ in range(rng.randint(1, _MOST_FLIPS) if end < len(answer) else 0):
        octets[rng.randrange(end, len(octets))] ^= 1 << rng.randrange(8)
    return bytes(octets)


def cut_off(answer: bytes, rng: Random) -> bytes:
    """Say that the answer is too long for UDP (TC), and leave the records out."""
    end = _question_end(answer)
    flags = (answer[2] | dns.flags.TC >> 8, answer[3])
    return answer[:2] + bytes(flags) + b"\0\1" + bytes(6) + answer[_HEADER:end]


Kind = Callable[[bytes, Random], bytes]
KINDS: Mapping[str, Kind] = {
    "random octets": random_octets,
    "torn messages": torn,
    "wrong ids": wrong_id,
    "wrong questions": wrong_question,
    "names that loop": looping_names,
    "names that are dear to read": nested_names,
}


def instead(kind: Kind, rng: Random) -> Callable[[bytes], Iterable[bytes]]:
    """Return what a relay sends for an answer: this instead."""
    return lambda answer: (kind(answer, rng),)


def any_of_it(rng: Random) -> Callable[[bytes], Iterable[bytes]]:
    """Send now this, now that, and often several of them for one answer."""
    kinds = tuple(KINDS.values())
    return lambda answer: [rng.choice(kinds)(answer, rng) for _ in range(rng.randint(1, 3))]


def _question_end(wire: bytes) -> int:
    return wire.index(b"\0", _HEADER) + 5
