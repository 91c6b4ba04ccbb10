"""How a coordinator parts a sweep into batches."""

import pytest

from monitor.adapters.resolvers.vantages.afar import batch_size


@pytest.mark.parametrize(
    ("names", "pace", "over", "size"),
    [
        (1000, 20, 0, 100),
        (1000, 20, 240, 20),  # in five seconds of the sweep, not all at its end
        (10, 20, 240, 1),
        (10, 0.1, 0, 1),
        (10_000, 20, 240, 100),
        (1_000_000, 10_000, 240, 4000),
        (1_000_000, 10_000, 0, 4000),
    ],
)
def test_a_batch_is_what_is_asked_in_a_few_seconds(
    names: int, pace: float, over: float, size: int
) -> None:
    assert batch_size(names, pace, over) == size
