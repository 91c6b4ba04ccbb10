"""What one answer may conclude, where a slip would not be seen by its result."""

from monitor.core.events import EventType
from monitor.core.tracking.changes import ChangeState
from monitor.core.tracking.record import Announced
from monitor.core.tracking.tracks import TrackState
from tests.core.tracking.scenes import NEW, OLD, THIRD, Story, at, changed, panel

BOUND = 601  # seconds: all agreed at 0 s, the TTL of 600 s, and one more


def converged(story: Story, *resolvers: str) -> None:
    """Let the resolvers answer from one cache that fetched the new value at once."""
    for number in range(8):
        seconds = 12 + 2 * number
        for resolver in resolvers:
            story.answer(seconds, NEW, 600 - 2 * number, resolver)


def test_no_number_of_new_answers_settles_before_the_bound() -> None:
    story = changed()
    converged(story, "alidns")
    for seconds in range(60, BOUND, 20):
        story.answer(seconds, NEW, 500)
        assert story.track().state is TrackState.CONVERGED, seconds
    story.answer(BOUND + 2, NEW, 500)
    story.answer(BOUND + 4, NEW, 498)
    assert story.track().state is TrackState.SETTLED
    assert story.change.state is ChangeState.SETTLED


def test_a_doubt_about_one_keeps_the_change_from_converging_by_another() -> None:
    story = changed(panel("a", "b"))
    converged(story, "a")
    story.answer(BOUND + 10, OLD, 600, "a")
    assert story.track("a").doubt is not None and story.track("a").state.has_converged
    for number in range(8):
        story.answer(BOUND + 10.1 + number / 100, NEW, 600, "b")
    assert story.track("b").state.has_converged
    assert story.change.state is ChangeState.PROPAGATING
    assert EventType.CONVERGED not in story.types()


def test_a_second_announcement_ends_the_first() -> None:
    story = Story()
    story.poll(-60, OLD)
    story.tell(1, Announced(NEW, at(600), by="ops"))
    assert story.record.planned is not None
    first = story.record.planned.id
    step = story.tell(2, Announced(THIRD, at(600), by="ops"))
    ends = {change.id: change.state for change in step.changes}
    assert ends[first] is ChangeState.SUPERSEDED
    assert [e.change for e in step.events if e.type is EventType.SUPERSEDED] == [first]


def test_two_ends_in_one_step_are_both_told() -> None:
    story = Story()
    story.poll(-60, OLD)
    story.poll(0, OLD)
    story.tell(1, Announced(THIRD, at(2)))
    story.poll(100, NEW)
    story.poll(73 * 3600, OLD)
    story.poll(73 * 3600 + 60, OLD)
    ended = {e.type for e in story.events} & {EventType.REVERTED, EventType.CHANGE_CANCELLED}
    assert ended == {EventType.REVERTED, EventType.CHANGE_CANCELLED}
