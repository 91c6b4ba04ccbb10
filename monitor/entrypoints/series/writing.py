"""How a family of series is written: by hand, since there may be a million of them.

The client library has the say on all that differs between formats, which is a family's head and
how its samples are called; their lines are the same in each.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from monitor.entrypoints.series.survey import Survey

Encoder: TypeAlias = Callable[[Collector], bytes]

END = b"# EOF\n"  # of OpenMetrics; the other format has none

# Characters: 1 to 2 ms to write, and half as long again to pack and send.
_PIECE = 96 * 1024
_PART = 8 * 1024  # in whose time a part is looked through that has nothing to write


@dataclass(frozen=True, slots=True)
class Family:
    """A gauge of the state; `parts` yields its lines, given the name that they begin with.

    A part is the lines of a batch of domains, or of one resolver or account.
    """

    name: str
    promise: str
    parts: Callable[[str, Survey], Iterable[str]]


def written(family: Family, encode: Encoder, survey: Survey) -> Iterator[str]:
    """Yield the family in pieces of about 2 ms of work."""
    head, name = _head(family, encode)
    piece, size = [head], 0
    for part in family.parts(name, survey):
        piece.append(part)
        size += len(part) + _PART
        if size >= _PIECE:
            yield "".join(piece)
            piece, size = [], 0
    yield "".join(piece)


def _head(family: Family, encode: Encoder) -> tuple[str, str]:
    """Return the family's head and the name of its samples, as the encoder writes them."""
    example = GaugeMetricFamily(family.name, family.promise, value=0)
    text = encode(Collected([example])).removesuffix(END).decode()
    *head, sample = text.splitlines(keepends=True)
    return "".join(head), sample.partition(" ")[0]


class Collected(Collector):
    """Families that are not asked for anew, for an encoder, which takes a collector."""

    def __init__(self, families: Sequence[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        return self._families
