import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.entrypoints.time_axis import MOST, ticks

BEGIN = datetime(2026, 11, 24, 20, 0, 3, tzinfo=UTC)


@given(
    begin=st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    length=st.timedeltas(timedelta(seconds=10), timedelta(days=3650)),
)
def test_ticks_lie_on_the_axis_evenly_apart_and_are_few(
    begin: datetime, length: timedelta
) -> None:
    found = [tick.at for tick in ticks(begin, begin + length)]
    assert 1 <= len(found) <= MOST
    assert all(begin <= at <= begin + length for at in found)
    assert len({b - a for a, b in itertools.pairwise(found)}) <= 1


def test_every_other_tick_may_be_left_out() -> None:
    fine = [tick.is_fine for tick in ticks(BEGIN, BEGIN + timedelta(minutes=12))]
    assert all(a is not b for a, b in itertools.pairwise(fine))


@pytest.mark.parametrize(
    ("length", "texts"),
    [
        (timedelta(seconds=12), ["20:00:04", "20:00:06", "20:00:08"]),
        (timedelta(minutes=12), ["20:02", "20:04", "20:06"]),
        (timedelta(hours=8), ["21:00", "22:00", "23:00", "11-25", "01:00"]),
        (timedelta(days=3), ["11-25", "12:00", "11-26"]),
        (timedelta(days=30), ["11-26", "12-03"]),
    ],
)
def test_an_instant_is_written_as_exactly_as_the_axis_needs(
    length: timedelta, texts: list[str]
) -> None:
    found = [tick.text for tick in ticks(BEGIN, BEGIN + length)]
    assert found[: len(texts)] == texts


def test_an_axis_that_begins_at_midnight_begins_with_the_time() -> None:
    midnight = datetime(2026, 11, 24, tzinfo=UTC)
    assert ticks(midnight, midnight + timedelta(minutes=10))[0].text == "00:00"
