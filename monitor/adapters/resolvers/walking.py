"""Walk the records of a message, whatever their types, to where their TTLs stand."""

from struct import Struct, error

header = Struct(">HHHHH").unpack_from  # RFC 1035 §4.1.1, behind the id
record = Struct(">HHIH").unpack_from  # RFC 1035 §4.1.3: type, class, TTL, length of the data

HEADER_END = 12
POINTER = 0xC000  # RFC 1035 §4.1.4: added to an offset
NS, CNAME, SOA, OPT = 2, 5, 6, 41

_NAMES_IN = {NS: 1, CNAME: 1, SOA: 2}
# The others in which dnspython follows pointers, PTR, MX, RP, AFSDB, RT, SIG, PX, SRV and NAPTR,
# and TSIG. No answer to our questions needs them.
_UNWALKED = frozenset({12, 15, 17, 18, 21, 24, 26, 33, 35, 250})


def ttl_offsets(wire: bytes) -> tuple[int, ...] | None:
    """Return where the TTLs stand in a message that dnspython read, OPT's apart.

    None, never an exception, where other octets there might change more than TTLs. OPT's are flags
    (RFC 6891 §6.1.3); a message that is signed itself (TSIG, SIG(0)) is none to recognise again.
    """
    try:
        return _ttl_offsets(wire)
    except (LookupError, ValueError, error):
        return None


class Odd(ValueError):
    """The message has not the common shape."""


def _ttl_offsets(wire: bytes) -> tuple[int, ...]:
    _, questions, *counts = header(wire, 2)
    labels: dict[int, int] = {}
    found: list[int] = []
    at = HEADER_END
    for _ in range(questions):
        at = _past_name(wire, at, labels) + 4
    for _ in range(sum(counts)):
        at = _past_name(wire, at, labels)
        kind, _, _, length = record(wire, at)
        if kind != OPT:
            found.append(at + 4)
        at += 10
        end = at + length
        for _ in range(_NAMES_IN.get(kind, 0)):
            at = _past_name(wire, at, labels)
        if not at <= end <= len(wire) or kind in _UNWALKED:
            raise Odd
        at = end
    return tuple(found)


def _past_name(wire: bytes, start: int, labels: dict[int, int]) -> int:
    at = past_labels(wire, start, labels)
    if wire[at] == 0:
        return at + 1
    if int.from_bytes(wire[at : at + 2], "big") - POINTER not in labels:
        raise Odd
    return at + 2


def past_labels(wire: bytes, start: int, labels: dict[int, int]) -> int:
    """Return where the labels end, and note of each to which name's start it belongs."""
    at = start
    while 0 < (length := wire[at]) < 64:
        labels[at] = start
        at += 1 + length
    return at
