from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.events import (
    GENESIS,
    Event,
    EventType,
    Record,
    evidence_of,
    first_tampered,
    seal,
)
from tests.core.samples import DOMAIN, RIGHT, SILENT, START, sighting

Tamper = Callable[[list[Record], int], list[Record]]


def chain(length: int) -> list[Record]:
    records: list[Record] = []
    for number in range(length):
        at = START + timedelta(seconds=number)
        event = Event(EventType.STATUS, at, DOMAIN, data={"to": "broken", "nr": number})
        records.append(seal(event, number + 1, records[-1].hash if records else GENESIS))
    return records


def edited(records: list[Record], at: int) -> list[Record]:
    event = replace(records[at].event, data={"to": "in_effect"})
    return [*records[:at], replace(records[at], event=event), *records[at + 1 :]]


def removed(records: list[Record], at: int) -> list[Record]:
    return records[:at] + records[at + 1 :]


def inserted(records: list[Record], at: int) -> list[Record]:
    return [*records[:at], records[at], *records[at:]]


def swapped(records: list[Record], at: int) -> list[Record]:
    return [*records[:at], records[at + 1], records[at], *records[at + 2 :]]


@pytest.mark.parametrize("tamper", [edited, removed, inserted, swapped])
@given(data=st.data())
def test_whatever_is_changed_in_the_log_is_found_at_its_place(
    tamper: Tamper, data: st.DataObject
) -> None:
    records = chain(data.draw(st.integers(2, 12)))
    at = data.draw(st.integers(0, len(records) - 2))
    found = first_tampered(tamper(records, at))
    assert found is not None
    assert at + 1 <= found <= at + 2


@given(st.integers(0, 12))
def test_an_untouched_log_is_intact(length: int) -> None:
    assert first_tampered(chain(length)) is None


def test_a_part_of_the_log_is_checked_against_the_record_before_it() -> None:
    records = chain(5)
    assert first_tampered(records[2:], records[1].hash, seq=3) is None
    assert first_tampered(records[2:]) == 1


def test_evidence_holds_the_answer_as_it_came() -> None:
    evidence = evidence_of(sighting("alidns", RIGHT))
    assert evidence["resolver"] == "alidns"
    assert evidence["wire"] == "AHdpcmU="
    assert evidence["verdict"] == "in_effect"
    silent = evidence_of(sighting("dead", SILENT))
    assert (silent["verdict"], silent["nsid"], silent["ede"]) == ("timeout", None, ())
