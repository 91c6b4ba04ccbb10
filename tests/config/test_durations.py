import contextlib
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic_core import PydanticCustomError

from monitor.config.durations import duration_text, parse_duration

durations = st.timedeltas(min_value=timedelta(0), max_value=timedelta(days=3650))


@given(durations)
def test_a_duration_that_is_written_down_is_read_back(duration: timedelta) -> None:
    assert parse_duration(duration_text(duration)) == duration


@given(st.integers(0, 3650), st.sampled_from(["ms", "s", "m", "h", "d"]))
def test_every_whole_number_takes_every_unit(number: int, unit: str) -> None:
    name = {"ms": "milliseconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days"}[unit]

    assert parse_duration(f"{number}{unit}") == timedelta(**{name: number})


@given(st.text())
def test_any_text_is_a_duration_or_refused(text: str) -> None:
    with contextlib.suppress(PydanticCustomError):
        assert parse_duration(text) >= timedelta(0)


@pytest.mark.parametrize(
    ("written", "canonical"),
    [("72h", "72h"), ("3d", "72h"), ("96h", "4d"), ("60s", "1m"), ("0.5s", "500ms"), ("0m", "0s")],
)
def test_a_duration_is_shown_in_one_writing(written: str, canonical: str) -> None:
    assert duration_text(parse_duration(written)) == canonical
