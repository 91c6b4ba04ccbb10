from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.core.answers import Answer, NoAnswer
from monitor.core.names import DomainName
from monitor.core.state import DomainState
from monitor.core.tracking.changes import Change, ChangeKind, ChangeState, Source
from monitor.core.tracking.record import RecordKey, TrackedRecord
from monitor.core.tracking.values import ABSENT, Value, alias
from monitor.core.views import View
from monitor.usecases.wait import Waited, waited
from tests.core.samples import BINDING, DOMAIN, RIGHT, SILENT, START, TARGET, WRONG, sighting

HOUR = timedelta(hours=1)
SINCE = START + HOUR  # when the wait begins
SUBNET = "198.51.100.0/24"
NEW, OTHER = alias(TARGET.name), alias(DomainName("elsewhere.example"))
C, NOT_YET, REACHED, ANOTHER_WON = ChangeState, Waited.NOT_YET, Waited.REACHED, Waited.ANOTHER_WON


def change(
    state: ChangeState, new: Value = NEW, *, owner: DomainName = DOMAIN, hours: float = 1.5
) -> Change:
    """Return a change that is in that state since so many hours after START."""
    begun = Change(
        id="01CHANGE",
        domain=DOMAIN,
        owner=owner,
        view=None,
        kind=ChangeKind.MODIFIED,
        state=ChangeState.AUTH_SPLIT,
        source=Source.OBSERVED,
        old=OTHER if new is NEW else NEW,
        new=new,
        detected_at=START,
        deadline_at=START + 72 * HOUR,
    )
    since = START + hours * HOUR
    if state is ChangeState.SETTLED:
        begun = begun.moved(ChangeState.CONVERGED, START + hours * HOUR / 2)
    return begun.moved(state, since)


def record(
    changed: Change | None = None,
    agreed: Value | None = NEW,
    planned: Change | None = None,
    view: str = "",
) -> TrackedRecord:
    return TrackedRecord(
        DOMAIN, RecordKey(DOMAIN, view), agreed=agreed, change=changed, planned=planned
    )


def domain(records: Iterable[TrackedRecord], *outcomes: Answer | NoAnswer) -> DomainState:
    views = {
        f"r{number}": View(sighting(f"r{number}", outcome), START)
        for number, outcome in enumerate(outcomes)
    }
    kept = {one.key: one for one in records}
    return DomainState(DOMAIN, BINDING, START, resolvers=views, records=kept)


@pytest.mark.parametrize(
    ("state", "soon", "settled"),
    [
        (C.AUTH_SPLIT, NOT_YET, NOT_YET),
        (C.PROPAGATING, NOT_YET, NOT_YET),
        (C.CONVERGED, REACHED, NOT_YET),
        (C.SETTLED, REACHED, REACHED),
        (C.EXPIRED, NOT_YET, NOT_YET),
    ],
)
def test_a_change_is_reached_when_it_has_converged_or_settled(
    state: ChangeState, soon: Waited, settled: Waited
) -> None:
    known = domain((record(change(state)),), RIGHT, RIGHT)
    for target in (TARGET.name, None):
        assert waited(known, target, SINCE, is_settled=False) is soon
        assert waited(known, target, SINCE, is_settled=True) is settled


@pytest.mark.parametrize(
    ("state", "soon", "settled"),
    [
        (C.AUTH_SPLIT, NOT_YET, NOT_YET),
        (C.PROPAGATING, NOT_YET, NOT_YET),
        (C.CONVERGED, ANOTHER_WON, NOT_YET),
        (C.SETTLED, ANOTHER_WON, ANOTHER_WON),
        (C.EXPIRED, NOT_YET, NOT_YET),
    ],
)
def test_another_value_has_won_when_it_has_come_so_far(
    state: ChangeState, soon: Waited, settled: Waited
) -> None:
    known = domain((record(change(state, OTHER), OTHER),), WRONG, WRONG)
    assert waited(known, TARGET.name, SINCE, is_settled=False) is soon
    assert waited(known, TARGET.name, SINCE, is_settled=True) is settled


def test_without_a_target_whatever_arrives_is_what_was_waited_for() -> None:
    known = domain((record(change(C.CONVERGED, OTHER), OTHER),), WRONG)
    assert waited(known, None, SINCE, is_settled=False) is REACHED


def test_a_record_that_is_taken_away_is_another_value() -> None:
    known = domain((record(change(C.CONVERGED, ABSENT), ABSENT),))
    assert waited(known, TARGET.name, SINCE, is_settled=False) is ANOTHER_WON


@pytest.mark.parametrize("target", [TARGET.name, DomainName("third.example")])
def test_what_had_ended_with_another_value_before_is_no_answer(target: DomainName) -> None:
    ended = change(C.SETTLED, OTHER, hours=0.5)
    known = domain((record(ended, OTHER),), WRONG, WRONG)
    assert waited(known, target, SINCE, is_settled=False) is NOT_YET


def test_what_had_settled_before_is_reached_where_everybody_still_has_it() -> None:
    ended = change(C.SETTLED, hours=0.5)
    for is_settled in (False, True):
        for target in (TARGET.name, None):
            known = domain((record(ended),), RIGHT, RIGHT)
            assert waited(known, target, SINCE, is_settled=is_settled) is REACHED
            known = domain((record(ended),), RIGHT, WRONG)
            assert waited(known, target, SINCE, is_settled=is_settled) is NOT_YET


def test_a_change_that_had_converged_before_and_is_open_still_counts() -> None:
    known = domain((record(change(C.CONVERGED, hours=0.5)),))
    assert waited(known, TARGET.name, SINCE, is_settled=False) is REACHED
    assert waited(known, TARGET.name, SINCE, is_settled=True) is NOT_YET


def test_what_settles_in_the_very_moment_counts() -> None:
    known = domain((record(change(C.SETTLED, OTHER, hours=1), OTHER),))
    assert waited(known, TARGET.name, SINCE, is_settled=True) is ANOTHER_WON


def test_what_is_expected_is_not_there_though_everybody_agrees_on_the_old_value() -> None:
    planned = replace(change(C.AUTH_SPLIT), state=C.ANNOUNCED)
    known = domain((record(agreed=OTHER, planned=planned),), WRONG, WRONG)
    assert waited(known, TARGET.name, SINCE, is_settled=False) is NOT_YET


@pytest.mark.parametrize(
    ("agreed", "outcomes", "found"),
    [
        (NEW, (RIGHT, RIGHT), REACHED),
        (NEW, (RIGHT, SILENT), REACHED),
        (NEW, (RIGHT, WRONG), NOT_YET),
        (NEW, (WRONG, WRONG), NOT_YET),
        (NEW, (SILENT, SILENT), NOT_YET),
        (NEW, (), NOT_YET),
        (OTHER, (RIGHT, RIGHT), NOT_YET),
        (None, (RIGHT, RIGHT), NOT_YET),
    ],
)
def test_where_nothing_changes_all_who_answer_must_have_what_the_authorities_serve(
    agreed: Value | None, outcomes: tuple[Answer | NoAnswer, ...], found: Waited
) -> None:
    known = domain((record(agreed=agreed),), *outcomes)
    assert waited(known, TARGET.name, SINCE, is_settled=False) is found


def test_where_nothing_changes_and_no_target_is_named_whatever_is_everywhere_will_do() -> None:
    known = domain((record(agreed=OTHER),), WRONG, WRONG)
    assert waited(known, None, SINCE, is_settled=False) is REACHED
    known = domain((record(agreed=OTHER),), WRONG, RIGHT)
    assert waited(known, None, SINCE, is_settled=False) is NOT_YET


def test_a_domain_of_which_nothing_is_known_yet_is_waited_for() -> None:
    assert waited(domain(()), TARGET.name, SINCE, is_settled=False) is NOT_YET
    assert waited(domain(()), None, SINCE, is_settled=False) is NOT_YET


@pytest.mark.parametrize(
    ("everybody", "line", "found"),
    [
        (change(C.CONVERGED), change(C.CONVERGED), REACHED),
        (change(C.CONVERGED), change(C.PROPAGATING), NOT_YET),
        (change(C.AUTH_SPLIT), change(C.SETTLED), NOT_YET),
        (change(C.CONVERGED), change(C.CONVERGED, OTHER), ANOTHER_WON),
        (change(C.PROPAGATING), change(C.CONVERGED, OTHER), ANOTHER_WON),
    ],
)
def test_a_wait_is_over_all_lines(everybody: Change, line: Change, found: Waited) -> None:
    known = domain((record(everybody), record(line, view=SUBNET)))
    assert waited(known, TARGET.name, SINCE, is_settled=False) is found


def test_a_later_hop_is_not_what_was_waited_for() -> None:
    hop = DomainName("lb.shop.example")
    at_hop = TrackedRecord(
        DOMAIN, RecordKey(hop), change=change(C.CONVERGED, OTHER, owner=hop), agreed=OTHER
    )
    known = domain((record(change(C.PROPAGATING)), at_hop))
    assert waited(known, TARGET.name, SINCE, is_settled=False) is NOT_YET
    known = domain((record(change(C.CONVERGED)), at_hop))
    assert waited(known, TARGET.name, SINCE, is_settled=False) is REACHED


@pytest.mark.parametrize(
    ("outcomes", "found"),
    [((WRONG, RIGHT), REACHED), ((RIGHT, RIGHT), NOT_YET), ((WRONG, WRONG), NOT_YET)],
)
def test_a_resolver_is_held_against_what_the_authorities_give_to_its_own_line(
    outcomes: tuple[Answer, Answer], found: Waited
) -> None:
    known = domain((record(agreed=OTHER), record(agreed=NEW, view=SUBNET)), *outcomes)
    views = {"r1": SUBNET}
    assert waited(known, None, SINCE, is_settled=False, views=views) is found
