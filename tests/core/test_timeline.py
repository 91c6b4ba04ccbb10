import itertools
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitor.core.timeline import STRETCHES, spells, stretch_of
from monitor.core.views import View, views_after
from tests.core.properties import REPEATABLE
from tests.core.samples import RIGHT, SILENT, START, WRONG, sighting

MINUTE = timedelta(minutes=1)


def view_after(minutes: dict[int, int]) -> View:
    """Return the view of one who said the outcome of that number at each of these minutes."""
    views: dict[str, View] = {}
    for minute, number in sorted(minutes.items()):
        seen = sighting("r", (RIGHT, WRONG, SILENT)[number], START + minute * MINUTE)
        views = dict(views_after(views, [seen], frozenset({"r"})))
    return views["r"]


def test_a_timeline_begins_where_the_first_thing_was_said_and_ends_now() -> None:
    view = view_after({0: 1, 5: 2, 7: 0})
    found = list(spells(view, START - MINUTE, START + 10 * MINUTE))
    assert [(s.said.is_in_effect, s.since, s.until) for s in found] == [
        (False, START, START + 5 * MINUTE),
        (None, START + 5 * MINUTE, START + 7 * MINUTE),
        (True, START + 7 * MINUTE, START + 10 * MINUTE),
    ]


def test_what_ended_before_the_stretch_is_left_out_and_what_reaches_into_it_is_cut() -> None:
    view = view_after({0: 1, 5: 2, 7: 0})
    first, second = spells(view, START + 6 * MINUTE, START + 10 * MINUTE)
    assert (first.since, first.until) == (START + 6 * MINUTE, START + 7 * MINUTE)
    assert second.said.is_in_effect is True


@REPEATABLE
@given(
    st.dictionaries(st.integers(0, 600), st.integers(0, 2), min_size=1),
    st.integers(-60, 700),
    st.integers(1, 700),
)
def test_spells_follow_one_another_without_a_gap(
    minutes: dict[int, int], start: int, length: int
) -> None:
    view = view_after(minutes)
    begin, end = START + start * MINUTE, START + (start + length) * MINUTE
    found = list(spells(view, begin, end))
    assert all(begin <= spell.since < spell.until <= end for spell in found)
    assert all(one.until == two.since for one, two in itertools.pairwise(found))
    assert all(one.said.kind != two.said.kind for one, two in itertools.pairwise(found))
    if found:
        assert found[-1].until == end


def test_a_stretch_reaches_back_to_the_first_moment_but_not_for_ever() -> None:
    assert stretch_of(None, START) == STRETCHES[0]
    assert stretch_of(START - 2 * timedelta(hours=1), START) == timedelta(hours=6)
    assert stretch_of(START - timedelta(days=90), START) == timedelta(days=7)
