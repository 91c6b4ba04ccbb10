"""See at a glance what decides the verdict on the commonest response, and make nothing else of it.

That is: one question; CNAMEs in order, each owned by the name before, by a pointer to it; behind
them the addresses of the last name; perhaps OPT. Everything else is for `plain` and dnspython.
"""

from struct import Struct, error
from typing import NamedTuple

from dns.exception import DNSException

from monitor.adapters.resolvers.memo import TTL_SIZE, Spans
from monitor.adapters.resolvers.plain import LOWERED, MISTAKABLE, MOST_DOTS, opt_alone
from monitor.adapters.resolvers.questions import HEADER_END, ID_END
from monitor.adapters.resolvers.walking import CNAME, POINTER, Odd, header, past_labels
from monitor.core.answers import Rcode
from monitor.core.chain import MAX_HOPS
from monitor.core.gist import Essence, essence_of_chain
from monitor.core.names import MAX_NAME

_record = Struct(">HHHIH").unpack_from  # RFC 1035 §4.1.3, behind a pointer to its owner
_RECORD_SIZE = 12

_SHAPE, _RESPONSE = 0xFA0F, 0x8000  # of QR, opcode, TC and RCODE: answers a query, without error
_IN = 1
_OPT = b"\0\0\x29"  # the root's: owner and type (RFC 6891 §6.1.2)
_ADDRESS_SIZES = {1: 4, 28: 16}  # of A and AAAA (RFC 3596 §2)


class Glance(NamedTuple):
    """What decides the verdict, and which spans of the message are its own.

    `ttl_at` is where the TTL of the question's own record stands among these, behind the id.
    """

    essence: Essence
    question_end: int
    spans: Spans
    ttl_at: int


def glance(wire: bytes) -> Glance | None:
    """Return what is seen, None where the message has to be read. Never raises."""
    try:
        return _glance(wire)
    except (LookupError, ValueError, error, DNSException):
        return None


def _glance(wire: bytes) -> Glance:
    flags, questions, answers, authorities, additionals = header(wire, ID_END)
    if flags & _SHAPE != _RESPONSE or questions != 1 or authorities or additionals > 1:
        raise Odd
    names = _Names(wire)
    name, at = names.read(HEADER_END)
    question_end = at = at + 4
    if wire[at - 2 : at] != b"\0\1":
        raise Odd
    chain, spans = [name], list[tuple[int, int]]()
    owner, addresses = HEADER_END, 0
    for _ in range(answers):
        pointer, kind, rdclass, _, size = _record(wire, at)
        if pointer != POINTER + owner or rdclass != _IN:
            raise Odd
        spans.append((at + 6, TTL_SIZE))
        at += _RECORD_SIZE
        if kind == CNAME and not addresses:
            name, end = names.read(at)
            if end != at + size:
                raise Odd
            chain.append(name)
            owner = at
        elif _ADDRESS_SIZES.get(kind) == size:
            spans.append((at, size))
            addresses += 1
        else:
            raise Odd
        at += size
    if at > len(wire):
        raise Odd
    errors = _extended_errors(wire[at:], additionals)
    if not 1 < len(chain) <= MAX_HOPS or len({*chain}) < len(chain):
        raise Odd
    essence = essence_of_chain(Rcode.NOERROR, errors, chain[1:], has_addresses=addresses > 0)
    return Glance(essence, question_end, tuple(spans), ID_END)


class _Names:
    """The names of one message as text, each of plain labels at least in front."""

    def __init__(self, wire: bytes) -> None:
        self._wire = wire
        self._text = wire.translate(LOWERED).decode("latin-1")
        self._labels: dict[int, int] = {}
        self._names: dict[int, str] = {}

    def read(self, start: int) -> tuple[str, int]:
        """Return the name that starts there, and where it ends."""
        wire, labels = self._wire, self._labels
        before = len(labels)
        at = past_labels(wire, start, labels)
        name = self._text[start + 1 : at]
        if not 0 < at - start <= MISTAKABLE or name.count(".") != len(labels) - before - 1:
            raise Odd
        if wire[at]:
            label = int.from_bytes(wire[at : at + 2], "big") - POINTER
            begun = labels[label]
            name = f"{name}.{self._names[begun][label - begun :]}"
            at += 1
        if len(name) > MAX_NAME or name.count(".") > MOST_DOTS:
            raise Odd
        self._names[start] = name
        return name, at + 1


def _extended_errors(rest: bytes, records: int) -> tuple[int, ...]:
    """Return the codes (RFC 8914) in what follows the answers: OPT, or nothing."""
    if not records:
        if rest:
            raise Odd
        return ()
    opt = opt_alone(rest) if rest.startswith(_OPT) else None
    if opt is None or opt.rcode is not Rcode.NOERROR:
        raise Odd
    return tuple(error.code for error in opt.extended_errors)
