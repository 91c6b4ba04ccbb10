from datetime import datetime, timedelta

from monitor.core.names import DomainName
from monitor.usecases.errands import Errands
from tests.core.samples import START

ONE, TWO, THREE = (DomainName(f"{number}.example") for number in ("one", "two", "three"))
SECOND = timedelta(seconds=1)


def errands(abreast: int = 2) -> Errands:
    return Errands(abreast, longest_rest=10 * SECOND)


def after(seconds: float) -> datetime:
    return START + seconds * SECOND


def taken(some: Errands, seconds: float) -> list[DomainName]:
    return list(some.taken(after(seconds)))


def test_what_is_due_is_taken_once_in_the_order_in_which_it_is_due() -> None:
    some = errands()
    some.plan(ONE, after(2), START)
    some.plan(TWO, after(1), START)
    some.plan(THREE, after(9), START)
    assert some.next_at == after(1)
    assert taken(some, 0) == []
    assert taken(some, 3) == [TWO, ONE]
    assert taken(some, 3) == []


def test_where_many_are_due_a_few_are_under_way_and_the_next_follow_as_those_are_done() -> None:
    some = errands()
    for domain in (ONE, TWO, THREE):
        some.plan(domain, START, START)
    assert taken(some, 0) == [ONE, THREE]
    assert some.next_at is None, "there is no room"
    assert taken(some, 5) == []
    some.done(ONE)
    assert some.next_at == START
    assert taken(some, 5) == [TWO]


def test_what_is_planned_anew_is_due_then_and_not_before() -> None:
    some = errands()
    some.plan(ONE, after(1), START)
    some.plan(ONE, after(5), START)
    assert taken(some, 4) == []
    some.plan(ONE, after(4.5), after(4))
    assert taken(some, 4.6) == [ONE]


def test_what_is_not_to_be_done_any_more_is_not_done() -> None:
    some = errands()
    some.plan(ONE, after(1), START)
    some.plan(TWO, after(1), START)
    some.plan(ONE, None, START)
    some.drop({TWO})
    assert taken(some, 2) == []


def test_what_is_under_way_is_not_begun_again() -> None:
    some = errands()
    some.plan(ONE, START, START)
    assert taken(some, 0) == [ONE]
    some.plan(ONE, START, START)
    assert taken(some, 1) == []
    some.done(ONE)
    some.plan(ONE, START, after(1))
    assert taken(some, 1) == [ONE]


def test_what_was_done_rests_unless_the_clock_was_put_back_since() -> None:
    some = errands()
    some.done(ONE, not_before=after(3))
    some.plan(ONE, START, START)
    assert taken(some, 2.9) == []
    assert taken(some, 3) == [ONE]
    some.done(ONE, not_before=after(3600))
    some.plan(ONE, START, START)
    assert taken(some, 0) == [ONE]
