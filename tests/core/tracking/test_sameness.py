"""A poll that is but later is told from one that changes something, and can be made up for."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.tracking.record import (
    Announced,
    AuthoritiesAnswered,
    Delegated,
    Happening,
    RecordKey,
    TrackedRecord,
)
from monitor.core.tracking.sameness import is_anybody_silent, is_but_later, said_again
from monitor.core.tracking.values import Sample
from tests.core.tracking.scenes import AUTHORITIES, DOMAIN, HOP, NEW, OLD, VALUES, Story, at, mixed

OWN = RecordKey(DOMAIN)


def polled(*said: tuple[float, str], ttl: int = 600) -> Story:
    """Return what polls of both authorities have left, of a value at each second."""
    story = Story()
    for seconds, value in said:
        story.poll(seconds, VALUES[value], ttl)
    return story


def steady(value: str = "old", polls: int = 3) -> Story:
    return polled(*((60.0 * number, value) for number in range(polls)))


def only(record: TrackedRecord) -> Mapping[RecordKey, TrackedRecord]:
    return {record.key: record}


def but_for_counts(record: TrackedRecord) -> TrackedRecord:
    histories = {n: replace(h, polls=min(h.polls, 2)) for n, h in record.authorities.items()}
    return replace(record, authorities=histories)


@pytest.mark.parametrize("value", [name for name in VALUES if name != "sibling"])
def test_one_more_poll_of_the_same_is_but_later(value: str) -> None:
    story = steady(value)
    before = only(story.record)
    story.poll(1000, VALUES[value])
    assert is_but_later(before, only(story.record))


def test_a_first_poll_is_more_than_later_and_so_is_the_second() -> None:
    story = Story()
    for seconds in (0, 60):
        before = only(story.record)
        story.poll(seconds, OLD)
        assert not is_but_later(before, only(story.record))


def test_a_new_serial_is_but_later() -> None:
    story = steady()
    before = only(story.record)
    samples = {name: Sample(at(300), OLD, 600) for name in AUTHORITIES}
    story.tell(300, AuthoritiesAnswered(samples, dict.fromkeys(AUTHORITIES, 7)))
    assert is_but_later(before, only(story.record))


CHANGES: dict[str, Happening] = {
    "another value at all": mixed(300, ns1=NEW, ns2=NEW),
    "another value at one": mixed(300, ns1=OLD, ns2=NEW),
    "nothing at one": mixed(300, ns1=OLD, ns2=None),
    "nothing at all": mixed(300, ns1=None, ns2=None),
    "another TTL": mixed(300, ttl=1200, ns1=OLD, ns2=OLD),
    "a further server": mixed(300, ns1=OLD, ns2=OLD, ns3=OLD),
    "fewer servers": Delegated(frozenset({"ns1"})),
    "a delegation that contradicts": Delegated(frozenset(AUTHORITIES), is_consistent=False),
    "a plan": Announced(NEW, at(1000)),
}


@pytest.mark.parametrize("happening", CHANGES.values(), ids=CHANGES)
def test_whatever_else_happens_is_more_than_later(happening: Happening) -> None:
    story = steady()
    before = only(story.record)
    story.tell(300, happening)
    assert not is_but_later(before, only(story.record))


def test_a_server_that_answers_again_is_more_than_later() -> None:
    story = steady()
    story.tell(300, mixed(300, ns1=OLD, ns2=None))
    story.tell(360, mixed(360, ns1=OLD, ns2=None))
    before = only(story.record)
    story.poll(420, OLD)
    assert not is_but_later(before, only(story.record))


def test_a_record_that_comes_or_goes_is_more_than_later() -> None:
    record = steady().record
    hop = replace(record, key=RecordKey(HOP))
    assert not is_but_later(only(record), {OWN: record, hop.key: hop})
    assert not is_but_later({OWN: record, hop.key: hop}, only(record))
    assert is_but_later({}, {})


@given(st.sampled_from(["old", "absent", "addresses", "flattened"]), st.integers(1, 20))
def test_many_polls_made_up_for_leave_what_each_by_itself_leaves(value: str, more: int) -> None:
    story = steady(value)
    known = story.record
    for number in range(more):
        story.poll(200 + 60 * number, VALUES[value])
    last = at(200 + 60 * (more - 1))
    again = said_again(only(known), {OWN: dict.fromkeys(AUTHORITIES, last)})
    assert but_for_counts(again[OWN]) == but_for_counts(story.record)


def test_each_server_is_said_to_have_answered_when_it_did() -> None:
    known = steady().record
    (record,) = said_again(only(known), {OWN: {"ns1": at(500), "ns2": at(503)}}).values()
    for server, seconds in (("ns1", 500), ("ns2", 503)):
        newest = record.authorities[server].newest
        assert newest is not None
        assert newest.until == record.authorities[server].answered_at == at(seconds)
    assert record.polled_at == at(503)


def test_who_was_not_asked_stays_as_it_was() -> None:
    own, hop = steady().record, replace(steady().record, key=RecordKey(HOP))
    after = said_again({OWN: own, hop.key: hop}, {OWN: {"ns1": at(500)}})
    assert after[hop.key] == hop
    assert after[OWN].authorities["ns2"] == own.authorities["ns2"]


def test_nobody_is_said_to_have_answered_earlier_than_is_known() -> None:
    known = steady().record
    (record,) = said_again(only(known), {OWN: dict.fromkeys(AUTHORITIES, at(1))}).values()
    assert record.authorities == known.authorities


def test_what_has_ended_goes_on_no_more() -> None:
    story = steady()
    story.tell(200, Delegated(frozenset({"ns1"})))
    ended = story.record.authorities["ns2"]
    (record,) = said_again(only(story.record), {OWN: dict.fromkeys(AUTHORITIES, at(999))}).values()
    assert record.authorities["ns2"] == ended


def test_silence_matters_as_long_as_the_server_counts() -> None:
    story = steady()
    assert not is_anybody_silent(only(story.record))
    story.tell(300, mixed(300, ns1=OLD, ns2=None))
    assert is_anybody_silent(only(story.record))
    story.tell(310, Delegated(frozenset({"ns1"})))
    assert not is_anybody_silent(only(story.record))
    assert not is_anybody_silent({})
