"""The judge of faults tells what is lost and what is false: it can fail."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.events import GENESIS, Event, EventType, Record, seal
from monitor.core.names import DomainName
from tests.chaos.fault import Outcome
from tests.chaos.judging import Delivery, Observed, Report, Trouble, judge, paging_of
from tests.core.properties import REPEATABLE
from tests.core.samples import START

WWW, IMG = "www.shop.example", "img.shop.example"


def logged(*events: Event) -> list[Record]:
    """Return the log of these events, a second apart."""
    log = list[Record]()
    for seq, event in enumerate(events, 1):
        before = log[-1].hash if log else GENESIS
        log.append(seal(replace(event, at=START + timedelta(seconds=seq)), seq, before))
    return log


def told(*reasons: str, domain: str = WWW, key: str = "") -> list[Event]:
    return [
        Event(
            EventType.NOTICE_SENT,
            START,
            DomainName(domain),
            data={"reason": reason, "key": key or f"{domain} {number}"},
        )
        for number, reason in enumerate(reasons)
    ]


def reports(log: Iterable[Record], by: str = "the event stream") -> tuple[Report, ...]:
    return tuple(Report(it.seq, it.event.type.value, by, it.hash) for it in log)


def taken(events: Sequence[Event], first: float = 10.0) -> tuple[Delivery, ...]:
    """Return these notices as they were delivered, a second apart."""
    return tuple(
        Delivery(str(event.data["key"]), f"{event.domain}", first + number)
        for number, event in enumerate(events)
    )


def judged(observed: Observed, log: Sequence[Record], *complaints: str) -> Outcome:
    return judge(observed, log, complaints, 1.0, "")


def test_a_daemon_that_lost_nothing_and_told_the_truth_has_kept_its_promise() -> None:
    notices = told("first", "worse", "over")
    log = logged(Event(EventType.START, START), *notices)
    observed = Observed(reports(log), taken(notices), (Trouble(WWW, 5.0, 11.5),))
    assert judged(observed, log) == Outcome((), 1, 1, 1.0, "")
    assert judged(observed, log).kept


@REPEATABLE
@given(st.data())
def test_whatever_reported_record_is_not_in_the_log_is_lost(data: st.DataObject) -> None:
    kinds = st.sampled_from([EventType.START, EventType.STATUS, EventType.STOP])
    events = data.draw(st.lists(kinds, min_size=1, max_size=8))
    log = logged(*(Event(kind, START) for kind in events))
    gone = data.draw(st.sampled_from(log))
    rest = [record for record in log if record is not gone]
    outcome = judged(Observed(reports(log), (), ()), rest)
    assert [f"record {gone.seq})" in words for words in outcome.lost] == [True]
    assert not outcome.kept
    assert judged(Observed(reports(rest), (), ()), log).kept, "more may be known than was told"


def test_a_record_that_became_another_one_is_lost() -> None:
    log = logged(Event(EventType.START, START), Event(EventType.STATUS, START))
    others = logged(Event(EventType.RELOAD, START), Event(EventType.STATUS, START))
    assert len(judged(Observed(reports(log), (), ()), others).lost) == 2
    by_name = (Report(1, "start", "the daemon's log"), Report(2, "status", "the daemon's log"))
    assert len(judged(Observed(by_name, (), ()), others).lost) == 1


def test_a_broken_chain_is_lost() -> None:
    outcome = judged(Observed((), (), ()), [], "record 3 was edited")
    assert outcome.lost == ("the log is broken: record 3 was edited",)


def test_a_notice_that_the_log_does_not_know_is_lost() -> None:
    trouble = (Trouble(WWW, 5.0),)
    notices = told("first")
    outcome = judged(Observed((), taken(notices), trouble), [])
    assert "the log does not know it" in outcome.lost[0]


def test_a_notice_that_nobody_received_is_lost() -> None:
    log = logged(*told("first"))
    assert "nobody received it" in judged(Observed((), (), (Trouble(WWW, 5.0),)), log).lost[0]


def test_the_same_notice_twice_is_one_page() -> None:
    notices = told("first")
    twice = (*taken(notices), *taken(notices, first=30.0))
    assert judged(Observed((), twice, (Trouble(WWW, 5.0),)), logged(*notices)).kept


@pytest.mark.parametrize(
    ("reasons", "troubles"),
    [
        (("first",), ()),
        (("first",), (Trouble(IMG, 5.0),)),
        (("first",), (Trouble(WWW, 10.5),)),
        (("first", "over", "first"), (Trouble(WWW, 5.0, 10.5),)),
        (("first", "reminder"), (Trouble(WWW, 5.0),)),
        (("first", "over"), (Trouble(WWW, 5.0),)),
        (("other",), (Trouble(WWW, 5.0),)),
    ],
    ids=[
        "of nothing",
        "of another domain",
        "before it began",
        "of what is over",
        "a reminder after seconds",
        "an all-clear too early",
        "more of what was never told",
    ],
)
def test_a_page_that_no_trouble_bears_out_is_false(
    reasons: tuple[str, ...], troubles: tuple[Trouble, ...]
) -> None:
    notices = told(*reasons)
    outcome = judged(Observed((), taken(notices), troubles), logged(*notices))
    assert len(outcome.false_pages) == 1
    assert not outcome.kept


def test_each_trouble_bears_out_one_page() -> None:
    notices = told("first", "over", "first")
    troubles = (Trouble(WWW, 5.0, 10.5), Trouble(WWW, 11.5))
    observed = Observed((), taken(notices), troubles)
    assert judged(observed, logged(*notices)) == Outcome((), 2, 2, 1.0, "")


def test_a_trouble_that_was_never_paged_is_no_lie_but_known_to_be_missing() -> None:
    outcome = judged(Observed((), (), (Trouble(WWW, 5.0),)), [])
    assert (outcome.paged, outcome.truth, outcome.false_pages) == (0, 1, ())
    assert paging_of(Observed((), (), (Trouble(WWW, 5.0),)), []).open == set()


def test_pages_from_before_the_fault_are_known_and_not_counted() -> None:
    notices = told("first")
    observed = Observed((), taken(notices), (Trouble(WWW, 5.0),), since=20.0)
    outcome = judged(observed, logged(*notices))
    assert (outcome.paged, outcome.truth) == (0, 0)
    assert paging_of(observed, logged(*notices)).open == {WWW}


def test_a_digest_is_a_page_of_each_of_its_domains() -> None:
    notices = [*told("first", key="digest"), *told("first", domain=IMG, key="digest")]
    troubles = (Trouble(WWW, 5.0), Trouble(IMG, 5.0))
    observed = Observed((), taken(notices[:1]), troubles)
    assert judged(observed, logged(*notices)) == Outcome((), 2, 2, 1.0, "")


def test_who_never_became_normal_has_kept_nothing() -> None:
    assert not replace(Outcome((), 0, 0, 1.0, ""), normal_after=None).kept
    assert not Outcome((), 2, 1, 1.0, "").kept
