from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.inventory import FailureReason
from monitor.core.names import DomainName
from monitor.core.provider import Line, ProviderReason, ProviderRecord, Told, line_of, told_change
from tests.core.properties import REPEATABLE
from tests.core.samples import DOMAIN, MINUTE, START, TARGET

OLD_SEEN, NEW_SEEN = START, START + 10 * MINUTE
CHANGED = START + 4 * MINUTE
SECOND = timedelta(seconds=1)
NEW = ProviderRecord(DOMAIN, "CNAME", TARGET.name.text, 600, "default", True, CHANGED)
CODES = ["default", "telecom", "cn_unicom_beijing", "cn_mobile_hubei", "oversea", "edu"]


def told(*records: ProviderRecord, target: DomainName | None = TARGET.name) -> Told | None:
    return told_change(records, DOMAIN, target, OLD_SEEN, NEW_SEEN)


def edited(at: datetime | None) -> ProviderRecord:
    return replace(NEW, updated_at=at)


def test_a_record_that_says_the_new_target_explains_the_change() -> None:
    assert told(NEW) == Told(CHANGED, CHANGED, (Line.DEFAULT,), (NEW,))


def test_a_change_of_several_lines_lasts_from_the_first_to_the_last_edit() -> None:
    later = replace(edited(CHANGED + MINUTE), line="cn_telecom_beijing")
    assert told(later, NEW) == Told(
        CHANGED, CHANGED + MINUTE, (Line.DEFAULT, Line.TELECOM), (later, NEW)
    )


@pytest.mark.parametrize(
    "other",
    [
        replace(NEW, owner=DomainName("www.shop.example")),
        replace(NEW, record_type="TXT"),
        replace(NEW, value="elsewhere.example"),
        replace(NEW, value="no name at all"),
        replace(NEW, is_enabled=False),
        replace(NEW, updated_at=None),
    ],
)
def test_a_record_that_says_something_else_explains_nothing(other: ProviderRecord) -> None:
    assert told(other) is None
    assert told(other, NEW) == told(NEW)


def test_no_record_explains_nothing() -> None:
    assert told() is None


@pytest.mark.parametrize("written", [TARGET.name.text.upper(), f"{TARGET.name.text}."])
def test_names_are_compared_as_everywhere(written: str) -> None:
    assert told(replace(NEW, value=written, record_type="cname")) is not None


@pytest.mark.parametrize(
    ("at", "explains"),
    [
        (OLD_SEEN - MINUTE - SECOND, False),
        (OLD_SEEN - MINUTE, True),
        (OLD_SEEN, True),
        (NEW_SEEN, True),
        (NEW_SEEN + MINUTE, True),
        (NEW_SEEN + MINUTE + SECOND, False),
    ],
)
def test_an_edit_counts_between_the_two_sights_give_or_take_an_interval(
    at: datetime, *, explains: bool
) -> None:
    assert (told(edited(at)) is not None) is explains


def test_the_slack_is_the_callers() -> None:
    late = edited(NEW_SEEN + 2 * MINUTE)
    window = (OLD_SEEN, NEW_SEEN)
    assert told_change([late], DOMAIN, TARGET.name, *window, slack=2 * MINUTE) is not None
    assert told_change([late], DOMAIN, TARGET.name, *window, slack=timedelta()) is None


def test_nothing_is_told_where_nobody_saw_the_old_value() -> None:
    assert told_change([NEW], DOMAIN, TARGET.name, None, NEW_SEEN) is None


def test_a_paused_record_explains_a_removal_and_one_in_use_does_not() -> None:
    paused = replace(NEW, value="whatever.example", is_enabled=False)
    assert told(paused, target=None) == Told(CHANGED, CHANGED, (Line.DEFAULT,), (paused,))
    assert told(NEW, target=None) is None


@pytest.mark.parametrize(
    ("code", "line"),
    [
        ("default", Line.DEFAULT),
        ("telecom", Line.TELECOM),
        ("cn_telecom_beijing", Line.TELECOM),
        ("cn_unicom_shanghai", Line.UNICOM),
        ("CN_Mobile_hubei", Line.MOBILE),
        ("oversea", Line.OVERSEA),
        ("os_asia_hk", Line.OVERSEA),
        ("edu", Line.OTHER),
        ("cn_region_hubei", Line.OTHER),
        ("aliyun_r_cn-hangzhou", Line.OTHER),
        ("cn", Line.OTHER),
        ("", Line.OTHER),
    ],
)
def test_a_line_belongs_to_a_network(code: str, line: Line) -> None:
    assert line_of(code) is line


def test_a_reason_has_one_meaning_as_a_label() -> None:
    labels = [reason.value for reason in (*FailureReason, *ProviderReason)]
    assert len(labels) == len(set(labels))


RECORDS = st.lists(
    st.builds(
        replace,
        st.just(NEW),
        line=st.sampled_from(CODES),
        is_enabled=st.booleans(),
        updated_at=st.none() | st.integers(-5, 15).map(lambda minutes: START + minutes * MINUTE),
    ),
    max_size=6,
)


@REPEATABLE
@given(RECORDS)
def test_what_is_told_lies_within_the_window_and_in_the_records(
    records: list[ProviderRecord],
) -> None:
    found = told(*records)
    if found is not None:
        assert OLD_SEEN - MINUTE <= found.changed_at <= found.completed_at <= NEW_SEEN + MINUTE
        assert set(found.records) <= set(records)
        assert set(found.lines) == {line_of(record.line) for record in found.records}


@REPEATABLE
@given(RECORDS)
def test_the_order_of_records_tells_nothing(records: list[ProviderRecord]) -> None:
    one, other = told(*records), told(*reversed(records))
    assert (one is None) == (other is None)
    if one is not None and other is not None:
        assert replace(one, records=()) == replace(other, records=())
