from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitor.core.tracking.record import Announced, ClockStepped, TrackedRecord
from monitor.core.tracking.shifting import shifted
from tests.core.properties import REPEATABLE
from tests.core.tracking.scenes import NEW, OLD, THIRD, Story, at, changed, mixed

HOUR = timedelta(hours=1)


def eventful() -> Story:
    """Return a story with something in every field that holds an instant."""
    story = changed()
    for t, value in ((15, OLD), (17, NEW), (19, OLD), (21, None), (24, None)):
        story.answer(t, value, 300)
    story.tell(30, mixed(30, ns1=THIRD, ns2=None))
    story.tell(40, mixed(40, ns1=THIRD, ns2=THIRD))
    story.poll(50, THIRD)
    story.answer(55, NEW, 300)
    story.tell(60, Announced(OLD, at(600)))
    return story


def instants(value: object, path: str = "") -> Iterator[tuple[str, datetime]]:
    match value:
        case datetime():
            yield path, value
        case tuple() | list():
            for number, item in enumerate(value):
                yield from instants(item, f"{path}.{number}")
        case dict():
            for key, item in value.items():
                yield from instants(item, f"{path}.{key}")
        case _ if is_dataclass(value):
            for part in fields(value):
                yield from instants(getattr(value, part.name), f"{path}.{part.name}")
        case _:
            pass


def test_every_instant_moves_by_the_same() -> None:
    record = eventful().record
    before, after = dict(instants(record)), dict(instants(shifted(record, HOUR)))
    assert before.keys() == after.keys()
    assert len(before) > 30
    for path, instant in before.items():
        assert after[path] - instant == HOUR, path


@REPEATABLE
@given(st.timedeltas(timedelta(days=-400), timedelta(days=400)))
def test_what_is_put_forward_and_back_is_as_before(by: timedelta) -> None:
    record = eventful().record
    assert shifted(shifted(record, by), -by) == record


def test_what_is_no_instant_stays_as_it_is() -> None:
    story = eventful()
    record: TrackedRecord = shifted(story.record, HOUR)
    assert record.change is not None
    assert record.change.id == story.change.id
    assert record.change.new == story.change.new
    assert record.change.old_ttl == story.change.old_ttl
    assert record.domain == story.record.domain


def test_nothing_is_due_sooner_or_later_after_the_clock_was_set() -> None:
    story = changed()
    story.answer(15, OLD, 300)
    due = story.agenda
    story.tell(15 + 3600, ClockStepped(HOUR))
    assert story.agenda.next_at is not None
    assert due.next_at is not None
    assert story.agenda.next_at - due.next_at == HOUR
    assert story.agenda.resolvers == {n: t + HOUR for n, t in due.resolvers.items()}
    assert story.change.deadline_at == at(72 * 3600) + HOUR
