"""The same happenings lead to the same record, however they are cut or repeated."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from monitor.core.tracking.changes import ChangeState
from monitor.core.tracking.record import (
    Announced,
    AuthoritiesAnswered,
    ClockStepped,
    Delegated,
    Happening,
    RecordKey,
    ResolverAnswered,
    Restarted,
    TimePassed,
    TrackedRecord,
)
from monitor.core.tracking.steps import step
from monitor.core.tracking.values import Sample
from tests.core.properties import REPEATABLE
from tests.core.tracking.scenes import (
    DOMAIN,
    NEW,
    OLD,
    RESOLVER,
    THIRD,
    VALUES,
    Story,
    at,
    changed,
    mixed,
    panel,
    poll,
)

NAMES = ("alidns", "dnspod")
SAID = st.sampled_from([OLD, NEW, THIRD, VALUES["absent"], None])
TTLS = st.sampled_from([0, 30, 600])


@st.composite
def happenings(draw: st.DrawFn) -> list[tuple[float, Happening]]:
    """Draw what happens within some hours, each with its second."""
    found: list[tuple[float, Happening]] = []
    t = 0.0
    for _ in range(draw(st.integers(3, 40))):
        t += draw(st.sampled_from([2, 10, 60, 601, 7200]))
        sample = Sample(at(t), draw(SAID), draw(TTLS))
        other = Sample(at(t), draw(SAID), draw(TTLS))
        may_come: list[Happening] = [
            AuthoritiesAnswered({"ns1": sample, "ns2": sample}),
            AuthoritiesAnswered({"ns1": sample, "ns2": other}),
            ResolverAnswered("alidns", sample),
            ResolverAnswered("dnspod", sample),
            Announced(NEW, at(t + 60)),
            Delegated(frozenset({"ns1"})),
            TimePassed(),
            Restarted(),
        ]
        found.append((t, draw(st.sampled_from(may_come))))
    return found


@REPEATABLE
@given(happenings())
def test_a_replay_gives_the_same_record_and_the_same_events(
    told: list[tuple[float, Happening]],
) -> None:
    one, other = Story(panel(*NAMES)), Story(panel(*NAMES))
    for t, happening in told:
        one.tell(t, happening)
    for happening, panelists, now in one.told:
        stepped = step(other.record, happening, panelists, now)
        other.record, other.agenda = stepped.record, stepped.agenda
        other.events += stepped.events
    assert other.record == one.record
    assert other.events == one.events
    assert other.agenda == one.agenda


@REPEATABLE
@given(happenings())
def test_an_answer_that_comes_twice_counts_once(told: list[tuple[float, Happening]]) -> None:
    story = Story(panel(*NAMES))
    for t, happening in told:
        story.tell(t, happening)
        if not isinstance(happening, AuthoritiesAnswered | ResolverAnswered):
            continue
        once = story.record
        again = story.tell(t, happening)
        assert again.record == once
        assert not again.events
        assert not again.changes


@REPEATABLE
@given(happenings())
def test_what_is_told_follows_from_what_is_kept(told: list[tuple[float, Happening]]) -> None:
    story = Story(panel(*NAMES))
    for t, happening in told:
        before = story.record
        stepped = story.tell(t, happening)
        assert stepped.record != before or not stepped.events
        assert all(event.at == at(t) for event in stepped.events)


@REPEATABLE
@given(
    value=st.sampled_from([NEW, THIRD, VALUES["absent"], VALUES["addresses"]]),
    ttl=TTLS,
    order=st.permutations(["ns1", "ns2", "ns3"]),
)
def test_a_poll_in_parts_leads_to_the_same_change_as_a_whole_one(
    value: object, ttl: int, order: list[str]
) -> None:
    said = next(v for v in VALUES.values() if v == value)
    whole, parts = Story(), Story()
    for story in (whole, parts):
        for t in (-120, -60):
            story.tell(t, poll(t, OLD, servers=order))
    for t in (0, 10):
        whole.tell(t, poll(t, said, ttl, servers=order))
        for server in order:
            parts.tell(t, poll(t, said, ttl, servers=[server]))
    for story in (whole, parts):
        assert story.change.new == said
    assert parts.change.state is whole.change.state
    assert parts.change.bound_at == whole.change.bound_at
    assert parts.change.all_authorities_at == whole.change.all_authorities_at
    assert parts.change.deadline_at == whole.change.deadline_at


def test_a_poll_that_brings_nothing_new_changes_nothing_of_a_change() -> None:
    story = changed()
    story.answer(15, OLD, 300)
    story.answer(17, NEW, 600)
    before = story.record
    for t in range(20, 300, 60):
        stepped = story.poll(t, NEW)
        assert stepped.record.change == before.change
        assert not stepped.events
        assert not stepped.changes
    steady = story.record.authorities["ns1"]
    known = before.authorities["ns1"]
    assert steady.served[-1] == replace(known.served[-1], until=at(260))
    assert steady.served[:-1] == known.served[:-1]
    assert story.record.agreed == before.agreed


def test_an_answer_of_yesterday_is_not_taken_for_one_of_today() -> None:
    story = changed()
    story.answer(20, NEW)
    before = story.record
    story.answer(16, OLD, 600)
    assert story.record == before
    story.tell(30, poll(5, OLD))
    assert story.change == before.change


def test_a_clock_that_is_set_and_set_back_leaves_no_trace() -> None:
    story = changed()
    story.answer(15, OLD, 300)
    before = story.record
    hour = at(3600) - at(0)
    story.tell(3620, ClockStepped(hour))
    assert story.record != before
    story.tell(20, ClockStepped(-hour))
    assert story.record == before


def test_a_fresh_record_knows_nothing_and_asks_nothing() -> None:
    record = TrackedRecord(DOMAIN, RecordKey(DOMAIN))
    for happening in (TimePassed(), Restarted(), AuthoritiesAnswered({})):
        stepped = step(record, happening, panel(), at(0))
        assert stepped.record == record
        assert stepped.agenda.next_at is None
        assert not stepped.events


def test_three_values_at_once_are_a_split_and_nothing_worse() -> None:
    three = ("ns1", "ns2", "ns3")
    story = Story()
    for t in (-60, -50):
        story.tell(t, poll(t, OLD, servers=three))
    for t in (0, 10, 20):
        story.tell(t, mixed(t, ns1=NEW, ns2=THIRD, ns3=VALUES["absent"]))
    assert story.change.state is ChangeState.AUTH_SPLIT
    assert story.change.bound_at is None


def test_a_ttl_that_stays_and_is_told_to_be_stale_at_last() -> None:
    story = changed()
    for t in (14, 18):
        story.answer(t, OLD, 30)
    story.tell(22, ResolverAnswered(RESOLVER, Sample(at(22), OLD, 30, (3,))))
    assert [entry.hits for entry in story.track().entries if not entry.is_new] != []
    assert story.track().recent[-1].extended_errors == (3,)


def test_setting_the_clock_tells_nothing() -> None:
    story = changed(old_ttl=60)
    for t in range(12, 200, 2):
        story.answer(t, NEW, 600 - t)
    assert story.change.state is ChangeState.SETTLED
    hour = at(3600) - at(0)
    assert not story.tell(3800, ClockStepped(hour)).events
    assert not story.tell(200, ClockStepped(-hour)).events
