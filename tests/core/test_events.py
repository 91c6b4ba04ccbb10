import hashlib
import json
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
    canonical,
    evidence_of,
    first_tampered,
    seal,
)
from tests.contracts.values import EVENTS
from tests.core.properties import REPEATABLE
from tests.core.samples import DOMAIN, RIGHT, SILENT, START, sighting

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
    assert first_tampered([*records[:at], records[at], *records[at:]]) == at + 2
    forged = seal(Event(EventType.STOP, START), at + 1, records[at].prev_hash)
    assert first_tampered([*records[:at], forged, *records[at:]]) == at + 2


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


def test_a_part_of_the_log_is_checked_against_the_record_before_it() -> None:
    records = chain(5)
    assert first_tampered(records[2:], records[1].hash, seq=3) is None
    assert first_tampered(records[2:]) == 1


@given(EVENTS, st.integers(1, 2**53), st.sampled_from([GENESIS, "f" * 64]))
def test_what_is_sealed_is_the_whole_record_as_one_text(
    event: Event, seq: int, prev_hash: str
) -> None:
    content = {
        "seq": seq,
        "at": event.at.isoformat(),
        "type": event.type.value,
        "domain": event.domain.text if event.domain else None,
        "resolver": event.resolver,
        "change": event.change,
        "data": event.data,
        "evidence": event.evidence,
        "prev_hash": prev_hash,
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    digest = hashlib.sha256(text.encode()).hexdigest()
    assert seal(event, seq, prev_hash) == Record(seq, event, prev_hash, digest)
    assert seal(event, seq, prev_hash, canonical(event.evidence)).hash == digest


def test_evidence_holds_the_answer_as_it_came() -> None:
    evidence = evidence_of(sighting("alidns", RIGHT))
    assert evidence["resolver"] == "alidns"
    assert evidence["wire"] == "AHdpcmU="
    assert evidence["verdict"] == "in_effect"
    silent = evidence_of(sighting("dead", SILENT))
    assert (silent["verdict"], silent["nsid"], silent["ede"]) == ("timeout", None, ())
