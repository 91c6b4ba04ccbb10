from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from monitor.core.message import NoticeSeverity
from monitor.core.names import DomainName
from monitor.core.notices.dispatch import Limits, Parcel, Pause, next_parcel, pause_after
from monitor.core.told import Concern, ConcernKind, Handed, Letter, Notice, Reason
from tests.core.properties import REPEATABLE
from tests.core.samples import MINUTE, START

LIMITS = Limits(per_minute=20, digest_above=10)
SECOND = timedelta(seconds=1)
BROKEN = Concern(ConcernKind.BROKEN, NoticeSeverity.CRITICAL, START)


def named(number: int) -> DomainName:
    return DomainName(f"d{number}.example")


def letter(number: int, *, key: str = "", due: float = 0, bundle: str | None = None) -> Letter:
    notice = Notice(key or f"k{number}", "oncall", named(number), Reason.FIRST, BROKEN, START)
    return Letter(notice, START + due * SECOND, bundle=bundle)


def letters(*numbers: int) -> list[Letter]:
    return [letter(number) for number in numbers]


def taken(number: int, seconds_ago: float, bundle: str | None = None) -> Handed:
    return Handed(named(number), bundle, START - seconds_ago * SECOND)


def full_until(seconds: float) -> Pause:
    return Pause(START + seconds * SECOND, is_full=True)


def test_where_nothing_waits_nothing_is_to_do() -> None:
    assert next_parcel([], [], LIMITS, START) is None


def test_what_waits_is_handed_over_one_by_one_the_oldest_first() -> None:
    assert next_parcel(letters(1, 2), [], LIMITS, START) == Parcel((letter(1),))


def test_what_was_tried_in_vain_lets_others_pass_until_it_is_due() -> None:
    late = letter(1, due=30)
    assert next_parcel([late, letter(2)], [], LIMITS, START) == Parcel((letter(2),))
    assert next_parcel([late], [], LIMITS, START) == Pause(START + 30 * SECOND)
    assert next_parcel([late], [], LIMITS, START + 30 * SECOND) == Parcel((late,))


def test_messages_of_one_domain_never_overtake_each_other() -> None:
    first, over = letter(1, due=30), letter(1, key="over")
    assert next_parcel([first, over], [], LIMITS, START) == Pause(START + 30 * SECOND)


def test_a_pause_longer_than_the_longest_comes_of_a_clock_that_was_put_back() -> None:
    late = letter(1, due=3600)
    assert next_parcel([late], [], LIMITS, START) == Parcel((late,))


def test_more_than_ten_domains_are_one_digest() -> None:
    ten = next_parcel(letters(*range(10)), [], LIMITS, START)
    assert ten == Parcel((letter(0),))
    eleven = next_parcel(letters(*range(11)), [], LIMITS, START)
    assert isinstance(eleven, Parcel) and eleven.bundle is not None
    assert eleven.letters == tuple(letters(*range(11)))


def test_domains_told_within_the_minute_count_too() -> None:
    before = [taken(number, seconds_ago=20) for number in range(6)]
    parcel = next_parcel(letters(6, 7, 8, 9, 10), before, LIMITS, START)
    assert isinstance(parcel, Parcel) and len(parcel.letters) == 5
    # The same domains again are no more domains.
    again = next_parcel(letters(0, 1, 2, 3, 4), before, LIMITS, START)
    assert again == Parcel((letter(0),))


def test_a_trickle_after_ten_messages_is_gathered_until_the_minute_is_over() -> None:
    before = [taken(number, seconds_ago=20) for number in range(10)]
    assert next_parcel(letters(10), before, LIMITS, START) == full_until(40)


def test_what_comes_after_a_digest_waits_for_the_next_one() -> None:
    before = [taken(number, seconds_ago=20, bundle="b") for number in range(50)]
    assert next_parcel(letters(50), before, LIMITS, START) == full_until(40)


def test_what_was_taken_before_the_clock_was_put_back_fills_no_minute() -> None:
    ahead = [taken(number, seconds_ago=-3600) for number in range(LIMITS.per_minute)]
    assert next_parcel(letters(50), ahead, LIMITS, START) == Parcel((letter(50),))
    digest = [taken(number, seconds_ago=-3600, bundle="b") for number in range(50)]
    assert next_parcel(letters(50), digest, LIMITS, START) == Parcel((letter(50),))


def test_a_digest_is_tried_again_as_it_was() -> None:
    sealed = [letter(number, bundle="b") for number in range(12)]
    parcel = next_parcel([*sealed, letter(20)], [], LIMITS, START)
    assert parcel == Parcel(tuple(sealed), "b")
    assert parcel.key == "b"


def test_a_channel_takes_no_more_messages_in_a_minute_than_it_bears() -> None:
    limits = replace(LIMITS, per_minute=3)
    before = [taken(1, seconds_ago=n) for n in (50, 30, 10)]
    assert next_parcel(letters(1), before, limits, START) == full_until(10)
    assert next_parcel(letters(1), before[1:], limits, START) == Parcel((letter(1),))


def test_a_digest_counts_as_one_message() -> None:
    limits = replace(LIMITS, per_minute=2)
    digest = [taken(n, seconds_ago=20, bundle="b") for n in range(40)]
    found = next_parcel(letters(1), [taken(1, seconds_ago=50), *digest], limits, START)
    assert found == full_until(10)


@REPEATABLE
@given(st.integers(1, 100), st.text(max_size=5))
def test_a_pause_is_random_but_the_same_again_and_within_its_bounds(
    failures: int, lot: str
) -> None:
    pause = pause_after(failures, LIMITS, lot)
    assert pause == pause_after(failures, LIMITS, lot)
    assert SECOND <= pause <= min(5 * SECOND * 2 ** min(failures - 1, 9), 10 * MINUTE)


def test_pauses_of_many_messages_are_spread() -> None:
    pauses = [pause_after(20, LIMITS, str(number)) / (10 * MINUTE) for number in range(1000)]
    assert 0.45 < sum(pauses) / 1000 < 0.55
    assert min(pauses) < 0.05 and max(pauses) > 0.95


@REPEATABLE
@given(
    st.lists(st.integers(0, 30), max_size=60),
    st.lists(st.tuples(st.integers(0, 30), st.floats(0, 59)), max_size=30),
)
def test_no_minute_has_a_flood(wanted: list[int], before: list[tuple[int, float]]) -> None:
    """Whatever waits: singles and digests of one minute are few, and all goes in the end."""
    waiting = [letter(n, key=str(index)) for index, n in enumerate(wanted)]
    handed = [taken(n, ago) for n, ago in before[:9]]
    now, sent = START, list[tuple[float, int]]()
    for _ in range(500):
        recent = [one for one in handed if one.at >= now - MINUTE]
        turn = next_parcel(waiting, recent, LIMITS, now)
        if turn is None:
            break
        if not isinstance(turn, Parcel):
            assert turn.until > now
            now = turn.until
            continue
        sent.append(((now - START) / SECOND, len(turn.letters)))
        keys = {one.notice.key for one in turn.letters}
        waiting = [one for one in waiting if one.notice.key not in keys]
        handed += [Handed(one.notice.domain, turn.bundle, now) for one in turn.letters]
        now += timedelta(milliseconds=100)
    assert waiting == []
    for at, _ in sent:
        within = [size for other, size in sent if at <= other < at + 59]
        assert len(within) <= LIMITS.per_minute
        assert sum(size > 1 for size in within) <= 1
