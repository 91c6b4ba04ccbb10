"""Judge all stored answers again, or those of one change."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from monitor.core.events import Record
from monitor.core.replay import Rejudged, Replay, Unjudged

_AT_ONCE = 1000


class Records(Protocol):
    """The log from its beginning."""

    async def records(self, after: int, limit: int) -> tuple[Record, ...]: ...


@dataclass(frozen=True, slots=True)
class Replayed:
    """What the rules of now say of the answers of then; the others are counted by reason."""

    answers: tuple[Rejudged, ...] = ()
    unjudged: Mapping[Unjudged, int] = field(default_factory=dict)

    @property
    def differing(self) -> tuple[Rejudged, ...]:
        return tuple(answer for answer in self.answers if answer.differs)


async def replay(
    log: Records,
    judging: Replay,
    change: str | None,
    advanced: Callable[[int], None] = lambda _: None,
) -> Replayed:
    """Return what would be judged otherwise now; `advanced` is told how many records were read.

    Raises StoreError.
    """
    answers, unjudged, after = list[Rejudged](), Counter[Unjudged](), 0
    while part := await log.records(after, _AT_ONCE):
        for record in part:
            judging.learn(record)
            if change in {None, record.event.change}:
                found = list(judging.judged(record))
                answers += (one for one in found if isinstance(one, Rejudged))
                unjudged.update(one for one in found if isinstance(one, Unjudged))
        after = part[-1].seq
        advanced(len(part))
    return Replayed(tuple(answers), unjudged)
