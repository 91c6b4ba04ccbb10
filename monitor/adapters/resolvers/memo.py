"""Recognise an answer that means what the last one meant, without reading it.

Two responses of one layout that agree in every octet outside their own parts (the id, each TTL,
perhaps addresses) differ in nothing else: compression pointers lead to the same places, and no
record's meaning depends on another's TTL. What is compared holds the question, so that no two
names can share an answer.
"""

from collections.abc import Sequence
from functools import lru_cache
from struct import Struct, error
from typing import TypeAlias

from monitor.core.answers import NoAnswer
from monitor.core.gist import Gist
from monitor.core.servers import Transport

MISFIT = error  # what `Layout.unpack` raises for a message of another length

Spans: TypeAlias = tuple[tuple[int, int], ...]  # offsets and lengths

_TTL = Struct(">I")
TTL_SIZE = _TTL.size
_MOST_TTL = 0x7FFFFFFF  # RFC 2181 §8: any above counts as 0
_HEADER_LESS_ID = 10  # octets, RFC 1035 §4.1.1
_MOST_VARIANTS = 8  # of one name's answers that are remembered: orders of records, several nodes


class Layout:
    """Where the parts that are a message's own lie in messages of one length.

    `unpack` gives, in turn, parts that are its own and parts that may be shared, beginning with
    the id. With `masks_question` the question is in neither, for those who vary its case (0x20)
    and check it apart.
    """

    __slots__ = (
        "_sizes",
        "masks_question",
        "own_size",
        "question_end",
        "shared_size",
        "size",
        "spans",
        "unpack",
    )

    def __init__(
        self, size: int, question_end: int, spans: Spans | None, *, masks_question: bool
    ) -> None:
        """Take the spans in ascending order, none overlapping, all behind the question.

        None for a message that must not be recognised by a part of it: nothing is its own then.
        """
        parts, at = (["0s"], 0) if spans is None else (["2s"], 2)
        self.size, self.question_end, self.spans = size, question_end, spans
        self.masks_question = masks_question and spans is not None
        if self.masks_question:
            parts += [f"{_HEADER_LESS_ID}s", f"{question_end - 12}x0s"]
            at = question_end
        for offset, length in spans or ():
            parts += [f"{offset - at}s", f"{length}s"]
            at = offset + length
        parts.append(f"{size - at}s")
        self.unpack = Struct(">" + "".join(parts)).unpack
        self._sizes = tuple(len(part) for part in self.unpack(bytes(size)))
        self.own_size, self.shared_size = sum(self._sizes[::2]), sum(self._sizes[1::2])

    def joined(self, own: bytes, shared: bytes, question: bytes) -> bytes:
        """Return the message again; the question is used where the layout leaves it out."""
        parts, at = [], [0, 0]
        for number, size in enumerate(self._sizes):
            source = number % 2
            parts.append((own, shared)[source][at[source] : at[source] + size])
            at[source] += size
        if self.masks_question:
            parts.insert(2, question)
        return b"".join(parts)

    def unmasked(self, shared: bytes, question: bytes) -> "tuple[Layout, bytes]":
        """Return the layout that leaves no question out, and what such messages share."""
        if not self.masks_question:
            return self, shared
        layout = layout_of(self.size, self.question_end, self.spans, masks_question=False)
        return layout, shared[:_HEADER_LESS_ID] + question + shared[_HEADER_LESS_ID:]


# A few layouts serve all names: there are as many as lengths of names times shapes of answers.
layout_of = lru_cache(maxsize=4096)(Layout)


def own_of(parts: Sequence[bytes]) -> bytes:
    """Return what is the message's own, in order, its id first."""
    return b"".join(parts[::2])


def shared_of(parts: Sequence[bytes]) -> bytes:
    """Return what it has in common with all that say the same."""
    return b"".join(parts[1::2])


class Remembered:
    """An answer that was read once, and what its reader made of it.

    `ttl_at` is where the TTL of the question's own record stands in what is the message's own, and
    0 where it has none; `rcode` is the response code on the wire.
    """

    __slots__ = ("gist", "layout", "rcode", "shared", "transport", "ttl_at", "unpack")

    def __init__(
        self,
        layout: Layout,
        shared: bytes,
        *,
        gist: Gist | None = None,
        rcode: int = 0,
        ttl_at: int = 0,
        transport: Transport = Transport.UDP,
    ) -> None:
        self.layout = layout
        self.unpack = layout.unpack
        self.shared = shared
        self.gist = gist
        self.rcode = rcode
        self.ttl_at = ttl_at
        self.transport = transport

    def ttl(self, own: bytes | bytearray, start: int = 0) -> int | None:
        """Return the TTL of the question's own record in seconds; `own` begins at `start`."""
        if not self.ttl_at:
            return None
        (ttl,) = _TTL.unpack_from(own, start + self.ttl_at)
        return 0 if ttl > _MOST_TTL else ttl


def unrecognised(_wire: object, /) -> tuple[bytes, ...]:
    """Stand for the `unpack` of what must be read each time: no parts equal any."""
    return ()


class Unanswered(Remembered):
    """Stands for no answer, and says why; equal to no message, since one octet is never shared."""

    __slots__ = ("outcome",)

    def __init__(self, outcome: NoAnswer | None, gist: Gist | None = None) -> None:
        super().__init__(layout_of(12, 12, (), masks_question=False), b"\0", gist=gist)
        self.unpack = unrecognised
        self.outcome = outcome


NOTHING_YET = Unanswered(None)

Variants: TypeAlias = tuple[Remembered, ...]
"""What one name's answers over UDP said, from whichever resolver: the newest few first."""


def recognised(
    variants: Variants, wire: bytes, *, masks_question: bool
) -> tuple[Remembered, bytes] | None:
    """Return what the message says, and what is its own; None where it is not known.

    Who checks no question apart must not use what leaves it out.
    """
    for known in variants:
        if known.layout.masks_question is not masks_question:
            continue
        try:
            parts = known.unpack(wire)
        except MISFIT:
            continue
        if shared_of(parts) == known.shared:
            return known, own_of(parts)
    return None


def with_variant(known: Variants, newest: Remembered) -> Variants:
    return (newest, *known)[:_MOST_VARIANTS]
