import itertools
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.tracking.occupancy import _at_most, is_skewed, most_caches
from tests.core.properties import REPEATABLE

LIMIT = 64


@pytest.mark.parametrize("caches", range(1, 6))
@pytest.mark.parametrize("samples", range(1, 7))
def test_the_chances_are_those_of_counting_every_course_of_answers(
    caches: int, samples: int
) -> None:
    courses = list(itertools.product(range(caches), repeat=samples))
    for distinct in range(1, samples + 1):
        met = sum(len(set(course)) <= distinct for course in courses)
        assert _at_most(distinct, samples, caches) == pytest.approx(met / len(courses))


@pytest.mark.parametrize("caches", [1, 2, 3, 5, 8, 20])
@pytest.mark.parametrize("samples", [12, 24])
def test_the_true_number_of_caches_is_refuted_once_in_twenty_at_most(
    caches: int, samples: int
) -> None:
    lots = Random(7)
    refuted = 0
    for _ in range(1000):
        distinct = len({lots.randrange(caches) for _ in range(samples)})
        refuted += most_caches(distinct, samples, LIMIT) < caches
    assert refuted <= 70  # 5 %, and what chance adds to it in so many draws


@pytest.mark.parametrize(
    ("distinct", "samples", "most"),
    [(1, 6, 1), (1, 2, 19), (6, 6, LIMIT), (1, 24, 1), (2, 24, 2)],
)
def test_the_largest_number_that_the_samples_allow(distinct: int, samples: int, most: int) -> None:
    assert most_caches(distinct, samples, LIMIT) == most


@REPEATABLE
@given(st.integers(1, 24), st.data())
def test_more_samples_allow_fewer_caches_and_more_distinct_ones_allow_more(
    samples: int, data: st.DataObject
) -> None:
    distinct = data.draw(st.integers(1, samples))
    most = most_caches(distinct, samples, LIMIT)
    assert distinct <= most <= LIMIT
    assert most_caches(distinct, samples + 1, LIMIT) <= most
    assert most_caches(min(distinct + 1, samples), samples, LIMIT) >= most


@pytest.mark.parametrize(
    ("hits", "is_one_sided"),
    [
        ((), False),
        ((24,), False),
        ((9, 1), True),
        ((5, 1), False),
        ((6, 1, 1), True),
        ((2, 2, 2), False),
    ],
)
def test_one_cache_that_answers_nearly_always_may_hide_others(
    hits: tuple[int, ...], *, is_one_sided: bool
) -> None:
    assert is_skewed(hits) is is_one_sided
