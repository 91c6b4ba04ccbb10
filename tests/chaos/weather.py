"""What becomes of datagrams on their way: some are lost, late, doubled, or overtaken."""

from dataclasses import dataclass
from random import Random

_OVERTAKEN_FOR = 0.1  # seconds that a datagram is held back, so that those behind it come first
_DOUBLED_AFTER = 0.02


@dataclass(frozen=True, slots=True)
class Weather:
    """Shares of the datagrams that suffer something, and the `delay` of all, in seconds.

    All of it is for one way: a question and its answer both have to get through.
    """

    loss: float = 0.0
    delay: float = 0.0
    reordering: float = 0.0
    duplication: float = 0.0


CALM = Weather()


def arrivals(weather: Weather, rng: Random) -> tuple[float, ...]:
    """Return after how many seconds copies of a datagram arrive; none where it is lost."""
    if rng.random() < weather.loss:
        return ()
    after = weather.delay
    if rng.random() < weather.reordering:
        after += _OVERTAKEN_FOR
    is_doubled = rng.random() < weather.duplication
    return (after, after + _DOUBLED_AFTER) if is_doubled else (after,)
