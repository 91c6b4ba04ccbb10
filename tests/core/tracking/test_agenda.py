from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.core.tracking.changes import ChangeState
from monitor.core.tracking.policy import TrackingPolicy
from monitor.core.tracking.record import Agenda, Announced, Restarted
from monitor.core.tracking.tracks import TrackState
from tests.core.tracking.scenes import NEW, OLD, Story, after_start, at, changed, mixed, panel

HOUR, DAY = 3600.0, 86400.0


def split() -> Story:
    """Return the story of a change that one of two authorities has at 0 s."""
    story = Story()
    story.poll(-120, OLD)
    story.poll(-60, OLD)
    story.tell(0, mixed(0, ns1=NEW, ns2=OLD))
    return story


def kept(story: Story, until: float, *, value: str) -> Story:
    """Ask the resolver as the agenda says: one cache, that keeps the old value or has the new."""
    said = OLD if value == "old" else NEW
    while (due := story.agenda.resolvers.get("alidns")) is not None:
        seconds = after_start(due)
        if seconds is None or seconds > until:
            break
        story.answer(seconds, said, 600 - int(seconds) % 600)
    return story


def test_the_next_instant_is_the_first_of_all() -> None:
    assert Agenda().next_at is None
    agenda = Agenda(at(30), {"alidns": at(20), "dnspod": at(40)}, at(50))
    assert agenda.next_at == at(20)
    assert replace(agenda, resolvers={}).next_at == at(30)
    assert Agenda(deadline_at=at(50)).next_at == at(50)


def test_nothing_is_due_while_nothing_changes() -> None:
    story = Story()
    for t in (0, 60, 120):
        assert story.poll(t, OLD).agenda == Agenda()


def test_a_difference_is_polled_fast_for_ten_minutes() -> None:
    story = split()
    for t in range(0, 600, 10):
        story.tell(t or 0.5, mixed(t or 0.5, ns1=NEW, ns2=OLD))
        if t < 590:
            assert story.agenda.authorities_at is not None
            assert 0 < (story.agenda.authorities_at - at(t)).total_seconds() <= 11
    story.tell(600, mixed(600, ns1=NEW, ns2=OLD))
    assert story.agenda.authorities_at is None


def test_the_fast_polls_end_though_nobody_polled() -> None:
    story = split()
    story.wait(700)
    assert story.agenda.authorities_at is None


def test_no_resolver_is_asked_while_an_authority_has_the_old_value_but_for_a_heartbeat() -> None:
    story = split()
    half_an_hour = TrackingPolicy().split_heartbeat
    assert story.agenda.resolvers == {"alidns": at(0) + half_an_hour}
    story.tell(60, mixed(60, ns1=NEW, ns2=OLD))
    assert story.agenda.resolvers == {"alidns": at(0) + half_an_hour}
    story.answer(1800, OLD, 600)
    assert story.agenda.resolvers == {"alidns": at(1800) + half_an_hour}


def test_the_census_begins_once_all_authorities_were_seen_twice() -> None:
    story = Story()
    story.poll(-60, OLD)
    story.poll(-50, OLD)
    story.poll(0, NEW)
    assert after_start(story.agenda.authorities_at) is not None
    assert story.agenda.resolvers["alidns"] > at(60)
    story.poll(10, NEW)
    assert story.agenda.authorities_at is None
    assert story.agenda.resolvers == {"alidns": at(12)}


def test_the_samples_of_a_census_are_two_seconds_apart() -> None:
    story = changed()
    for t in range(12, 22, 2):
        story.answer(t, NEW)
        assert story.track().state is TrackState.CENSUS
        assert story.agenda.resolvers == {"alidns": at(t + 2)}


def test_we_sleep_until_the_old_copy_that_was_seen_expires() -> None:
    story = changed()
    for t in range(12, 60, 2):
        if story.track().state is TrackState.CENSUS:
            story.answer(t, OLD, 600 - t)
    assert story.track().state is TrackState.WAITING
    assert story.agenda.resolvers == {"alidns": at(602)}


def test_after_the_verdict_the_next_look_is_at_the_bound() -> None:
    story = kept(changed(), 300, value="new")
    assert story.track().state is TrackState.CONVERGED
    due = after_start(story.agenda.resolvers["alidns"])
    assert due == pytest.approx(602, abs=2)


def test_the_watch_after_the_end_slackens_to_an_hour_and_ends_with_the_window() -> None:
    story = kept(changed(), 700, value="new")
    assert story.change.state is ChangeState.SETTLED
    gaps = []
    while (due := story.agenda.resolvers.get("alidns")) is not None:
        seconds = after_start(due)
        assert seconds is not None
        gaps.append(seconds - (after_start(story.track().recent[-1].at) or 0))
        story.answer(seconds, NEW, 600 - int(seconds) % 600)
        assert len(gaps) < 200
    assert gaps[0] >= 300
    assert gaps[-1] == HOUR
    assert gaps == sorted(gaps)
    assert (after_start(story.track().recent[-1].at) or 0) >= 71 * HOUR
    assert story.agenda == Agenda()


def test_a_late_resolver_is_asked_at_least_every_half_hour_until_the_seventh_day() -> None:
    story = kept(changed(), 6 * DAY, value="old")
    assert story.change.state is ChangeState.EXPIRED
    last = after_start(story.track().recent[-1].at) or 0
    assert 0 < (after_start(story.agenda.resolvers["alidns"]) or 0) - last <= HOUR
    story.wait(7 * DAY)
    assert story.agenda == Agenda()
    story.answer(7 * DAY + 1, OLD)
    assert not story.agenda.resolvers


def test_the_end_of_the_window_is_on_the_agenda() -> None:
    story = changed()
    assert after_start(story.agenda.deadline_at) == 72 * HOUR
    story.wait(72 * HOUR)
    assert story.change.state is ChangeState.EXPIRED
    assert after_start(story.agenda.deadline_at) is None


def test_a_split_is_told_in_time_without_a_poll() -> None:
    story = split()
    assert story.agenda.deadline_at == at(120)
    story.wait(120)
    assert [event.type.value for event in story.events][-1] == "authority_split"
    assert story.agenda.deadline_at == at(72 * HOUR)


def test_an_overstay_is_told_in_time_without_an_answer() -> None:
    story = changed()
    for t in range(12, 60, 2):
        if story.track().state is TrackState.CENSUS:
            story.answer(t, OLD, 3600 - t)
    assert story.track().state is TrackState.OVERSTAY
    since = after_start(story.track().since) or 0
    assert after_start(story.agenda.deadline_at) == since + 300
    story.wait(since + 299)
    assert "overstay" not in [event.type.value for event in story.events]
    story.wait(since + 300)
    assert [event.type.value for event in story.events][-1] == "overstay"


def test_an_announced_change_is_looked_for_from_its_time_on() -> None:
    story = Story()
    story.poll(-60, OLD)
    story.poll(0, OLD)
    story.tell(10, Announced(NEW, at(HOUR)))
    assert story.agenda.authorities_at == at(HOUR)
    assert not story.agenda.resolvers
    story.poll(HOUR, OLD)
    assert story.agenda.authorities_at == at(HOUR + 10)
    story.poll(HOUR + 700, OLD)
    assert story.agenda.authorities_at is None


def test_a_resolver_that_is_not_configured_any_more_is_not_asked() -> None:
    story = changed(panel("alidns", "dnspod"))
    assert story.agenda.resolvers.keys() == {"alidns", "dnspod"}
    story.panelists = panel("dnspod")
    assert story.wait(11).agenda.resolvers.keys() == {"dnspod"}


def test_what_was_due_while_the_process_was_away_is_spread_over_a_minute() -> None:
    names = [f"r{number}" for number in range(6)]
    story = changed(panel(*names))
    for t in range(12, 60, 2):
        for name in names:
            if story.track(name).state is TrackState.CENSUS:
                story.answer(t, OLD, 600 - t, resolver=name)
    assert all(track.state is TrackState.WAITING for track in story.change.tracks.values())
    story.tell(HOUR, Restarted())
    due = sorted(after_start(instant) or 0 for instant in story.agenda.resolvers.values())
    assert len(due) == 6
    assert due[0] >= HOUR
    assert due[-1] <= HOUR + 62
    assert len(set(due)) > 1


def test_bursts_that_begin_again_are_spread_over_a_minute_too() -> None:
    story = changed(panel(*(f"r{number}" for number in range(6))))
    story.tell(HOUR, Restarted())
    due = {after_start(instant) or 0 for instant in story.agenda.resolvers.values()}
    assert len(due) > 1
    assert max(due) <= HOUR + 62


def test_failures_are_retried_soon_and_then_with_patience() -> None:
    story = kept(changed(), 300, value="new")
    due, gaps = 602.0, []
    for _ in range(12):
        story.answer(due, None)
        again = after_start(story.agenda.resolvers["alidns"]) or 0
        gaps.append(again - due)
        due = again
    assert gaps[:2] == [3.0, 3.0]
    assert gaps == sorted(gaps)
    assert gaps[-1] == 600.0


def test_the_patience_is_a_matter_of_the_configuration() -> None:
    policy = TrackingPolicy(sample_gap=timedelta(seconds=0.5), expiry_margin=timedelta(seconds=1))
    story = changed(panel("alidns", policy=policy))
    assert story.agenda.resolvers == {"alidns": at(11)}
    story.answer(11, NEW)
    assert story.agenda.resolvers == {"alidns": at(11.5)}
