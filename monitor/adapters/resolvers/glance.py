"""See at a glance what decides the verdict on the commonest response, and make nothing else of it.

That is: one question; CNAMEs in order, each owned by the name before, by a pointer to it; behind
them the addresses of the last name; perhaps OPT. Everything else is for `plain` and dnspython.

Many messages have one shape: they differ in nothing but what is each one's own and the labels of
the names. What was found of the records of one is then true of all; only the names are read.
"""

from dataclasses import dataclass
from functools import lru_cache
from struct import Struct, error
from typing import NamedTuple, TypeAlias

from dns.exception import DNSException

from monitor.adapters.resolvers.memo import (
    TTL_SIZE,
    Layout,
    Remembered,
    layout_of,
    own_of,
    shared_of,
)
from monitor.adapters.resolvers.plain import LOWERED, MOST_DOTS, PLAIN, opt_alone
from monitor.adapters.resolvers.questions import HEADER_END, ID_END
from monitor.adapters.resolvers.walking import CNAME, OPT, POINTER, Odd, header
from monitor.core.answers import Rcode
from monitor.core.chain import MAX_HOPS
from monitor.core.gist import Essence, essence_of_chain
from monitor.core.names import MAX_LABEL, MAX_NAME

_record = Struct(">HHHIH").unpack_from  # RFC 1035 §4.1.3, behind a pointer to its owner
_RECORD_SIZE = 12
_SIZE_AT = 10  # where in it the length of its data stands

_SHAPE, _RESPONSE = 0xFA0F, 0x8000  # of QR, opcode, TC and RCODE: answers a query, without error
_IN = 1
_ADDRESS_SIZES = {1: 4, 28: 16}  # of A and AAAA (RFC 3596 §2)
_QUESTION_TAIL = b"\0\0\1\0\1"  # the end of the name, A, IN
_OPT_HEAD = b"\0" + OPT.to_bytes(2)  # RFC 6891 §6.1.2: of the root
_LENGTHS = frozenset(range(1, MAX_LABEL + 1)).difference(PLAIN)  # that no letter is taken for
_MOST_SHAPES = 4096

Glance: TypeAlias = tuple[Essence, Remembered, bytes]
"""What decides the verdict, what to remember with its gist, and what is the message's own."""


class Shapes:
    """Looks at messages, and remembers the shapes of those that were seen last."""

    def __init__(self) -> None:
        self._shapes: dict[_Key, _Shape] = {}

    def glance(self, wire: bytes, domain: str, *, masks_question: bool) -> Glance | None:
        """Return what is seen in a response about the domain; None where it has to be read.

        Never raises.
        """
        try:
            return self._glance(wire, domain, masks_question)
        except (LookupError, ValueError, error, DNSException):
            return None

    def _glance(self, wire: bytes, domain: str, masks_question: bool) -> Glance:  # noqa: FBT001
        name_end = HEADER_END + 1 + len(domain)
        if wire[HEADER_END + 1 : name_end].translate(LOWERED) != domain.encode():
            raise Odd  # or a name in which other octets than lengths are no letters
        end = name_end + len(_QUESTION_TAIL)
        size = wire[end + _SIZE_AT : end + _RECORD_SIZE]
        key = len(wire), end, masks_question, wire[ID_END:HEADER_END], size
        shape = self._shapes.get(key)
        seen = None if shape is None else shape.glance(wire, domain)
        if seen is None:
            shape = _shape_of(wire, end, masks_question=masks_question)
            self._remember(key, shape)
            seen = shape.glance(wire, domain)
            assert seen is not None, "a message has its own shape"
        return seen

    def _remember(self, key: "_Key", shape: "_Shape") -> None:
        if len(self._shapes) >= _MOST_SHAPES:
            self._shapes.pop(next(iter(self._shapes)))
        self._shapes[key] = shape


# Sizes of message and question, whether that is masked, the header, and the first record's length:
# all that is told without a walk.
_Key: TypeAlias = tuple[int, int, bool, bytes, bytes]


class _Place(NamedTuple):
    """Where the labels of a name stand, before a pointer or the root.

    The pointer leads to the name numbered `source`, behind so many of its octets.
    """

    start: int
    stop: int
    source: int | None = None
    skipped: int = 0


@dataclass(frozen=True, slots=True)
class _Shape:
    """What all messages of one shape have in common.

    `fixed` is, as a number, what is left of what they share when the `mask` takes the labels away.
    The name that was asked for is number 0, those at the `places` follow.
    """

    layout: Layout
    mask: int
    fixed: int
    places: tuple[_Place, ...]
    errors: tuple[int, ...]
    has_addresses: bool

    def glance(self, wire: bytes, domain: str) -> Glance | None:
        """Return what is seen in a message of the same length; None where its shape is another.

        Raises Odd.
        """
        parts = self.layout.unpack(wire)
        shared = shared_of(parts)
        if int.from_bytes(shared) & self.mask != self.fixed:
            return None
        names = [wire[HEADER_END : HEADER_END + 1 + len(domain)]]
        for start, stop, source, skipped in self.places:
            labels = wire[start:stop]
            names.append(labels if source is None else labels + names[source][skipped:])
        targets = [*map(_text, names[1:])]
        if len({domain, *targets}) <= len(targets):
            raise Odd
        essence = essence_of_chain(
            Rcode.NOERROR, self.errors, targets, has_addresses=self.has_addresses
        )
        return essence, Remembered(self.layout, shared, ttl_at=ID_END), own_of(parts)


def _shape_of(wire: bytes, question_end: int, *, masks_question: bool) -> _Shape:
    flags, questions, answers, authorities, additionals = header(wire, ID_END)
    if flags & _SHAPE != _RESPONSE or questions != 1 or authorities or additionals > 1:
        raise Odd
    if not wire.startswith(_QUESTION_TAIL, question_end - len(_QUESTION_TAIL)):
        raise Odd
    places = [_Place(HEADER_END, question_end - len(_QUESTION_TAIL))]
    spans: list[tuple[int, int]] = []
    at, owner, addresses = question_end, HEADER_END, 0
    for _ in range(answers):
        pointer, kind, rdclass, _, size = _record(wire, at)
        if pointer != POINTER + owner or rdclass != _IN:
            raise Odd
        spans.append((at + 6, TTL_SIZE))
        at += _RECORD_SIZE
        if kind == CNAME and not addresses:
            places.append(_place(wire, at, at + size, places))
            owner = at
        elif _ADDRESS_SIZES.get(kind) == size:
            spans.append((at, size))
            addresses += 1
        else:
            raise Odd
        at += size
    if at > len(wire) or not 1 < len(places) <= MAX_HOPS:
        raise Odd
    layout = layout_of(len(wire), question_end, tuple(spans), masks_question=masks_question)
    mask = _mask(layout, len(wire), places)
    return _Shape(
        layout,
        mask,
        int.from_bytes(shared_of(layout.unpack(wire))) & mask,
        tuple(places[1:]),
        _extended_errors(wire[at:], additionals),
        has_addresses=addresses > 0,
    )


def _place(wire: bytes, start: int, end: int, before: list[_Place]) -> _Place:
    if wire[end - 1] == 0:
        return _Place(start, end - 1)
    at = int.from_bytes(wire[end - 2 : end]) - POINTER
    for number, place in enumerate(before):
        if place.start <= at < place.stop:
            return _Place(start, end - 2, number, at - place.start)
    raise Odd


def _mask(layout: Layout, size: int, places: list[_Place]) -> int:
    octets = bytearray(b"\xff" * size)
    for start, stop, _, _ in places:
        octets[start:stop] = bytes(stop - start)
    return int.from_bytes(shared_of(layout.unpack(octets)))


def _text(labels: bytes) -> str:
    """Return the name whose labels these are. Raises Odd where it is not plain."""
    size = labels[0]
    first, rest = labels[1 : 1 + size], labels[1 + size :]
    if size not in _LENGTHS or first.translate(None, PLAIN):
        raise Odd
    return f"{first.lower().decode()}.{_parent(rest)}"


@lru_cache(maxsize=1024)  # many buckets have one endpoint, and many domains one edge
def _parent(labels: bytes) -> str:
    """Return the same of the name above, which has a label at least.

    Where all are plain, the octets that are no letters are lengths, each of all up to the next.
    """
    text = labels[1:].translate(LOWERED).decode("latin-1")
    lengths = labels.translate(None, PLAIN)
    if bytes(map(len, text.split("."))) != lengths or not _LENGTHS.issuperset(lengths):
        raise Odd
    if len(text) > MAX_NAME - MAX_LABEL - 1 or len(lengths) > MOST_DOTS:
        raise Odd
    return text


def _extended_errors(rest: bytes, records: int) -> tuple[int, ...]:
    """Return the codes (RFC 8914) in what follows the answers: OPT, or nothing."""
    if not records:
        if rest:
            raise Odd
        return ()
    if not rest.startswith(_OPT_HEAD) or (opt := opt_alone(rest)).rcode is not Rcode.NOERROR:
        raise Odd
    return tuple(error.code for error in opt.extended_errors)
