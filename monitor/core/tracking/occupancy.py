"""How many caches may stand behind one address, after some answers of them were told apart."""

from collections.abc import Sequence
from functools import lru_cache

_REFUTED = 0.05  # a number of caches is out of question when this few would have shown so seldom
_RARE = 9  # one answer in so many: two equal caches would seldom show that


@lru_cache(maxsize=4096)
def most_caches(distinct: int, samples: int, limit: int) -> int:
    """Return the largest number of equal caches that the samples do not refute at 95 %.

    `distinct` of the `samples` could be told apart. The classical occupancy distribution decides;
    where every sample was another cache, nothing is refuted, and `limit` is returned.
    """
    most = max(1, distinct)
    while most < limit and _at_most(distinct, samples, most + 1) > _REFUTED:
        most += 1
    return most


def is_skewed(hits: Sequence[int]) -> bool:
    """Tell whether one cache got so much of the answers that others may hide behind it.

    Then the occupancy of equal caches is no measure.
    """
    total, largest = sum(hits), max(hits, default=0)
    if len(hits) < 2:
        return False
    if len(hits) == 2:
        return (total - largest) * _RARE <= total
    return largest * 2 >= total


def _at_most(distinct: int, samples: int, caches: int) -> float:
    """Return the chance to meet at most so many different ones of the caches."""
    met = [1.0] + [0.0] * caches  # met[j]: the chance that j different ones have answered
    for _ in range(samples):
        for j in range(caches, 0, -1):
            met[j] = met[j] * j / caches + met[j - 1] * (caches - j + 1) / caches
        met[0] = 0.0
    return sum(met[: distinct + 1])
