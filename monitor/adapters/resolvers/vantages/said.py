"""What is said of a name: a message, by what it shares with others, or words about silence."""

from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from monitor.adapters.resolvers.memo import Layout, Spans, layout_of
from monitor.adapters.resolvers.questions import HEADER_END, ID_END
from monitor.adapters.resolvers.watchlist import STRIDE
from monitor.core.answers import NoAnswerReason
from monitor.core.servers import Transport

TRANSPORTS = tuple(Transport)
REASONS = tuple(NoAnswerReason)
SILENT = 0x80  # the codes from here on are reasons, those below are transports

_LONGEST_DETAIL = 200
_LONGEST_MESSAGE = 65_535  # RFC 1035 §4.2.2


class Said(NamedTuple):
    """A message by the transport of that code, its id 0; or words about silence.

    With a layout, the body is what all such messages share.
    """

    code: int
    body: bytes
    layout: Layout | None = None


def silence_of(reason: NoAnswerReason, detail: str) -> Said:
    """Return words about silence, as far as they may travel."""
    kept = "".join(c for c in detail if c.isprintable())[:_LONGEST_DETAIL]
    return Said(SILENT + REASONS.index(reason), kept.encode(errors="replace"))


def checked(said: Said) -> Said:
    """Return it. Raises LookupError and ValueError for what nobody can have said."""
    if said.code < SILENT:
        TRANSPORTS[said.code]
        if said.layout is not None and said.layout.shared_size != len(said.body):
            raise ValueError("a message of another length")
        return said
    REASONS[said.code - SILENT]
    detail = said.body.decode()
    if said.layout or len(detail) > _LONGEST_DETAIL or not detail.isprintable():
        raise ValueError("words that could act on a terminal")
    return said


def layout_to_json(layout: Layout | None) -> list[int] | None:
    if layout is None:
        return None
    return [layout.size, layout.question_end, *chain.from_iterable(layout.spans or ())]


def layout_of_json(written: object) -> Layout | None:
    """Return a layout of messages of which what is each one's own fits into columns.

    Raises TypeError and ValueError.
    """
    if written is None:
        return None
    if not isinstance(written, list) or any(type(number) is not int for number in written):
        raise TypeError
    size, question_end, *rest = written
    spans = tuple(zip(rest[::2], rest[1::2], strict=True))
    ends = [HEADER_END, question_end, *_ends(spans), size, _LONGEST_MESSAGE]
    if ends != sorted(ends) or ID_END + sum(length for _, length in spans) > STRIDE:
        raise ValueError("no message has it, or columns do not hold what is its own")
    return layout_of(size, question_end, spans, masks_question=False)


def _ends(spans: Spans) -> Iterator[int]:
    """Yield where each begins and ends."""
    for offset, length in spans:
        yield from (offset, offset + length)
