from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.events import GENESIS, Event, EventType, Record, seal
from monitor.core.tampering import (
    EMPTY,
    MOST_FINDINGS,
    Finding,
    Head,
    Inspection,
    Logged,
    Tampering,
)
from tests.core.properties import REPEATABLE
from tests.core.samples import DOMAIN, START
from tests.core.tampered import first_tampered, inspected

Edit = Callable[[Record], Record]


def chain(length: int) -> list[Record]:
    records: list[Record] = []
    for number in range(length):
        at = START + timedelta(seconds=number)
        event = Event(EventType.STATUS, at, DOMAIN, data={"to": "broken", "nr": number})
        records.append(seal(event, number + 1, records[-1].hash if records else GENESIS))
    return records


def of_event(change: Callable[[Event], Event]) -> Edit:
    return lambda record: replace(record, event=change(record.event))


EDITS: dict[str, Edit] = {
    "number": lambda record: replace(record, seq=record.seq + 1),
    "hash": lambda record: replace(record, hash=record.hash[::-1]),
    "hash before": lambda record: replace(record, prev_hash=record.prev_hash[::-1] + "0"),
    "type": of_event(lambda event: replace(event, type=EventType.FAULT)),
    "time": of_event(lambda event: replace(event, at=event.at + timedelta(microseconds=1))),
    "domain": of_event(lambda event: replace(event, domain=None)),
    "resolver": of_event(lambda event: replace(event, resolver="")),
    "change": of_event(lambda event: replace(event, change="")),
    "data": of_event(lambda event: replace(event, data={**event.data, "to": "in_effect"})),
    "evidence": of_event(lambda event: replace(event, evidence=({"wire": ""},))),
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
@REPEATABLE
@given(length=st.integers(1, 12), data=st.data())
def test_whatever_is_edited_in_a_record_is_found_at_it(
    edit: Edit, length: int, data: st.DataObject
) -> None:
    records = chain(length)
    at = data.draw(st.integers(0, length - 1))
    records[at] = edit(records[at])
    assert first_tampered(records) == at + 1


@REPEATABLE
@given(length=st.integers(2, 12), data=st.data())
def test_who_seals_an_edited_record_anew_is_betrayed_by_the_next(
    length: int, data: st.DataObject
) -> None:
    records = chain(length)
    at = data.draw(st.integers(0, length - 2))
    edited = replace(records[at].event, data={"to": "in_effect"})
    records[at] = seal(edited, at + 1, records[at].prev_hash)
    assert first_tampered(records) == at + 2


@REPEATABLE
@given(length=st.integers(2, 12), data=st.data())
def test_a_removed_record_is_found_where_it_stood(length: int, data: st.DataObject) -> None:
    records = chain(length)
    at = data.draw(st.integers(0, length - 2))
    del records[at]
    assert first_tampered(records) == at + 1


@REPEATABLE
@given(length=st.integers(1, 12), data=st.data())
def test_a_repeated_or_forged_record_is_found_where_the_true_one_follows(
    length: int, data: st.DataObject
) -> None:
    records = chain(length)
    at = data.draw(st.integers(0, length - 1))
    assert first_tampered([*records[:at], records[at], *records[at:]]) == at + 1
    forged = seal(Event(EventType.STOP, START), at + 1, records[at].prev_hash)
    assert first_tampered([*records[:at], forged, *records[at:]]) == at + 1


@REPEATABLE
@given(st.permutations(range(8)))
def test_any_other_order_of_the_records_is_found_at_the_first_that_moved(order: list[int]) -> None:
    records = chain(8)
    moved = (place + 1 for place, number in enumerate(order) if place != number)
    assert first_tampered(records[number] for number in order) == next(moved, None)


@REPEATABLE
@given(st.integers(0, 12))
def test_an_untouched_log_is_intact(length: int) -> None:
    assert first_tampered(chain(length)) is None


def kinds(found: Inspection) -> list[tuple[Tampering, int]]:
    return [(finding.kind, finding.seq) for finding in found.findings]


@REPEATABLE
@given(length=st.integers(1, 12), data=st.data())
def test_one_edited_record_alone_is_blamed(length: int, data: st.DataObject) -> None:
    records = chain(length)
    at = data.draw(st.integers(0, length - 1))
    edit = data.draw(st.sampled_from([e for name, e in EDITS.items() if name != "number"]))
    records[at] = edit(records[at])
    assert kinds(inspected(records)) == [(Tampering.EDITED, at + 1)]


def test_records_that_are_gone_are_told_from_where_to_where() -> None:
    records = chain(9)
    (finding,) = inspected(records[:2] + records[5:]).findings
    assert finding == Finding(Tampering.MISSING, 3, 5)
    assert inspected(records[4:]).findings == (Finding(Tampering.MISSING, 1, 4),)


def test_a_row_that_cannot_be_read_is_blamed_and_the_way_goes_on() -> None:
    rows = [Logged(r.seq, r.hash, r) for r in chain(4)]
    rows[1] = replace(rows[1], record=None)
    assert kinds(Inspection().along(rows)) == [(Tampering.EDITED, 2)]


def test_a_log_may_be_read_in_parts() -> None:
    rows = [Logged(r.seq, r.hash, r) for r in chain(7)]
    del rows[3]
    in_parts = Inspection().along(rows[:2]).along(()).along(rows[2:])
    assert in_parts == Inspection().along(rows)
    assert (in_parts.records, in_parts.head) == (6, Head(7, rows[-1].hash))


def test_findings_are_kept_up_to_a_number() -> None:
    rows = [replace(Logged(r.seq, r.hash, None), record=None) for r in chain(MOST_FINDINGS + 5)]
    found = Inspection().along(rows)
    assert len(found.findings) == MOST_FINDINGS
    assert found.records == MOST_FINDINGS + 5


@REPEATABLE
@given(length=st.integers(1, 12), data=st.data())
def test_an_earlier_head_shows_what_was_cut_off_or_written_anew(
    length: int, data: st.DataObject
) -> None:
    records = chain(length)
    noted = records[data.draw(st.integers(0, length - 1))]
    seq = data.draw(st.sampled_from([None, noted.seq]))
    head = Head(seq, noted.hash)
    rows = [Logged(r.seq, r.hash, r) for r in records]
    assert Inspection(head).along(rows).ended().is_intact
    cut = Inspection(head).along(rows[: noted.seq - 1]).ended()
    assert kinds(cut) == [(Tampering.CUT_OFF, noted.seq)]
    anew = [Logged(r.seq, r.hash, r) for r in rewritten(length)]
    assert Inspection().along(anew).ended().is_intact  # by itself it is a log like any other
    assert [f.kind for f in Inspection(head).along(anew).ended().findings] == [Tampering.CUT_OFF]


def rewritten(length: int) -> list[Record]:
    records: list[Record] = []
    for number in range(length):
        event = Event(EventType.STATUS, START, DOMAIN, data={"to": "in_effect"})
        records.append(seal(event, number + 1, records[-1].hash if records else GENESIS))
    return records


def test_the_head_of_an_empty_log_is_on_every_log() -> None:
    assert Inspection(EMPTY).along(()).ended().is_intact


@pytest.mark.parametrize("written", ["", "1:", f"x:{GENESIS}", "abc", "g" * 64, f"{GENESIS}0"])
def test_what_is_no_head_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match="SEQ:HASH"):
        Head.parse(written)


@pytest.mark.parametrize("written", [GENESIS, "12:" + "0123456789abcdef" * 4])
def test_a_head_is_read_as_it_is_written(written: str) -> None:
    assert Head.parse(f" {written}\n").text == written
