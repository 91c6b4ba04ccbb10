from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.adapters.maintenance import Calendar, Once, Recurring
from monitor.core.names import DomainName
from tests.core.properties import REPEATABLE

HOUR = timedelta(hours=1)
SHOP, OTHER = DomainName("www.shop.example"), DomainName("www.other.example")
NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)  # a Thursday


def everything(_: DomainName) -> bool:
    return True


def only_shop(name: DomainName) -> bool:
    return name == SHOP


def starts(cron: str, since: datetime = NEW_YEAR, hours: int = 24 * 15) -> list[datetime]:
    """Return the hours in which a window of an hour is on."""
    window = Recurring(everything, cron, HOUR)
    found = (since + n * HOUR for n in range(hours))
    return [at for at in found if window.ends(at) is not None]


def days(cron: str) -> list[str]:
    return [f"{at:%a}" for at in starts(cron, hours=24 * 7)]


def test_a_window_is_on_from_its_beginning_until_just_before_its_end() -> None:
    once = Once(everything, NEW_YEAR, NEW_YEAR + HOUR)
    moment = timedelta(microseconds=1)
    assert once.ends(NEW_YEAR - moment) is None
    assert once.ends(NEW_YEAR) == once.ends(NEW_YEAR + HOUR - moment) == NEW_YEAR + HOUR
    assert once.ends(NEW_YEAR + HOUR) is None


def test_a_schedule_begins_its_windows() -> None:
    night = Recurring(everything, "30 2 * * *", 2 * HOUR)
    begin = NEW_YEAR + timedelta(hours=2, minutes=30)
    moment = timedelta(microseconds=1)
    assert night.ends(begin - moment) is None
    assert night.ends(begin) == night.ends(begin + 2 * HOUR - moment) == begin + 2 * HOUR
    assert night.ends(begin + 2 * HOUR) is None
    assert night.ends(begin + 24 * HOUR) == begin + 26 * HOUR


def test_a_clock_that_is_put_back_finds_the_window_again() -> None:
    night = Recurring(everything, "0 2 * * *", HOUR)
    assert night.ends(NEW_YEAR + 26 * HOUR) is not None
    assert night.ends(NEW_YEAR + 2 * HOUR) == NEW_YEAR + 3 * HOUR
    assert night.ends(NEW_YEAR + 1 * HOUR) is None


@pytest.mark.parametrize(
    ("weekday", "expected"),
    [
        ("0", ["Sun"]),
        ("7", ["Sun"]),
        ("sun", ["Sun"]),
        ("1", ["Mon"]),
        ("mon-fri", ["Thu", "Fri", "Mon", "Tue", "Wed"]),
        ("1-5", ["Thu", "Fri", "Mon", "Tue", "Wed"]),
        ("5-7", ["Fri", "Sat", "Sun"]),
        ("*/2", ["Thu", "Sat", "Sun", "Tue"]),
        ("sat,sun", ["Sat", "Sun"]),
        ("sun-tue", ["Sun", "Mon", "Tue"]),
        ("*", ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]),
    ],
)
def test_a_weekday_is_that_of_crontab(weekday: str, expected: list[str]) -> None:
    assert days(f"0 3 * * {weekday}") == expected


def test_of_a_day_of_the_month_and_a_weekday_either_is_enough() -> None:
    assert [at.day for at in starts("0 3 13 * fri")] == [2, 9, 13]


def test_months_may_be_names_numbers_and_steps() -> None:
    for months in ("jan,apr,jul,oct", "1-12/3", "*/3", "1/3", "jan-dec/3"):
        found = starts(f"0 0 1 {months} *", hours=24 * 365)
        assert [at.month for at in found] == [1, 4, 7, 10], months


def test_a_day_that_never_comes_mutes_nobody() -> None:
    assert Recurring(everything, "0 0 30 feb *", HOUR).ends(NEW_YEAR) is None


def test_a_calendar_mutes_the_domains_that_a_window_covers_until_the_last_one_ends() -> None:
    calendar = Calendar(
        (
            Once(everything, NEW_YEAR, NEW_YEAR + HOUR),
            Once(only_shop, NEW_YEAR, NEW_YEAR + 3 * HOUR),
        )
    )
    assert calendar.muted_until(SHOP, NEW_YEAR) == NEW_YEAR + 3 * HOUR
    assert calendar.muted_until(OTHER, NEW_YEAR) == NEW_YEAR + HOUR
    assert calendar.muted_until(OTHER, NEW_YEAR + HOUR) is None
    assert Calendar().muted_until(SHOP, NEW_YEAR) is None


@REPEATABLE
@given(st.lists(st.integers(0, 60 * 24 * 30), max_size=30), st.integers(1, 60 * 30))
def test_whenever_one_looks_the_answer_is_that_of_a_fresh_look(
    minutes: list[int], duration: int
) -> None:
    length = timedelta(minutes=duration)
    kept = Recurring(everything, "15 3,9 * * 1-6", length)
    for minute in minutes:
        now = NEW_YEAR + timedelta(minutes=minute)
        fresh = Recurring(everything, "15 3,9 * * 1-6", length)
        assert (kept.ends(now) is None) == (fresh.ends(now) is None)
        ends = kept.ends(now)
        assert ends is None or now < ends <= now + length
