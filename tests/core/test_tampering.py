from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.events import GENESIS, Event, EventType, Json, Record, seal
from monitor.core.pruning import pruned_event
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


def pruned(through: int, length: int = 9) -> list[Logged]:
    """Return the rows of a log of which all up to a record was let go, as its last one tells."""
    records = chain(length)
    event = pruned_event(records[through - 1], START, START)
    records.append(seal(event, length + 1, records[-1].hash))
    return [Logged(r.seq, r.hash, r) for r in records[through:]]


@pytest.mark.parametrize("through", [1, 4, 9])
def test_a_beginning_that_was_let_go_as_the_log_tells_is_not_missing(through: int) -> None:
    found = Inspection().along(pruned(through)).ended()
    assert (found.is_intact, found.is_pruned, found.base.seq) == (True, True, through)


def test_what_is_gone_beyond_what_was_let_go_is_missing() -> None:
    rows = pruned(4)
    assert kinds(Inspection().along(rows[1:]).ended()) == [(Tampering.MISSING, 1)]
    del rows[2]
    assert kinds(Inspection().along(rows).ended()) == [(Tampering.MISSING, 7)]


def test_a_beginning_is_missing_where_nobody_tells_that_it_was_let_go() -> None:
    assert kinds(Inspection().along(pruned(4)[:-1]).ended()) == [(Tampering.MISSING, 1)]


@pytest.mark.parametrize(
    "data",
    [
        {"through": 3, "hash": GENESIS, "before": START.isoformat()},
        {"through": "4", "hash": GENESIS, "before": START.isoformat()},
        {"through": 4, "hash": GENESIS, "before": START.isoformat()},
        {"through": 4, "before": None},
        {},
    ],
)
def test_a_record_that_tells_of_another_beginning_vouches_for_nothing(
    data: dict[str, Json],
) -> None:
    records = chain(9)
    records.append(seal(Event(EventType.LOG_PRUNED, START, data=data), 10, records[-1].hash))
    rows = [Logged(r.seq, r.hash, r) for r in records[4:]]
    assert kinds(Inspection().along(rows).ended()) == [(Tampering.MISSING, 1)]


def test_of_a_head_that_was_let_go_nobody_can_know_any_more() -> None:
    rows, records = pruned(4), chain(9)
    for head in (Head(2, records[1].hash), Head(4, records[3].hash), Head(7, records[6].hash)):
        assert Inspection(head).along(rows).ended().is_intact
    wrong = Inspection(Head(4, records[6].hash)).along(rows).ended()
    assert kinds(wrong) == [(Tampering.CUT_OFF, 4)]
    nowhere = Inspection(Head(None, "f" * 64)).along(rows).ended()
    assert kinds(nowhere) == [(Tampering.CUT_OFF, 11)]


@pytest.mark.parametrize("before", ["x", "2026-01-01T00:00:00", None, 1, {}])
def test_a_time_that_is_none_vouches_for_nothing(before: Json) -> None:
    last = chain(6)[-1]
    data: dict[str, Json] = {"through": last.seq, "hash": last.hash, "before": before}
    record = seal(Event(EventType.LOG_PRUNED, START, data=data), 7, last.hash)
    found = inspected([record]).ended()
    assert not found.is_pruned
    assert kinds(found) == [(Tampering.MISSING, 1)]
