"""The whole decision as a table, and what holds whatever comes."""

from datetime import timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.message import NoticeSeverity
from monitor.core.notices.concerns import Standing
from monitor.core.notices.due import Look, Patience, due
from monitor.core.notices.remembering import told_after
from monitor.core.told import Concern, ConcernKind, Reason, Told, ToldState
from tests.core.properties import REPEATABLE
from tests.core.samples import DOMAIN, MINUTE, START

PATIENCE = Patience(remind=timedelta(hours=24), hold_down=15 * MINUTE)
NEVER = timedelta(days=-999)

BROKEN = Concern(ConcernKind.BROKEN, NoticeSeverity.CRITICAL, START)
PARTIAL = Concern(ConcernKind.PARTIAL, NoticeSeverity.WARNING, START)
OVERSTAY = Concern(ConcernKind.OVERSTAY, NoticeSeverity.WARNING, START, "A", START)
ON_ITS_WAY = Concern(ConcernKind.PROPAGATING, NoticeSeverity.INFO, START, "A", START)
LATER = START + 10 * MINUTE
NEXT = Concern(ConcernKind.PROPAGATING, NoticeSeverity.INFO, LATER, "B", LATER)
RIGHT = Standing(None)
UNCLEAR = Standing(None, is_clear=False)


def told(
    state: ToldState = ToldState.OPEN,
    concern: Concern = BROKEN,
    *,
    times: int = 1,
    flaps: int = 0,
    gone: float | None = None,
) -> Told:
    """Return what is known since START; the concern has gone after so many minutes."""
    return Told(
        "oncall",
        DOMAIN,
        state,
        concern,
        since=START,
        look_at=START + timedelta(hours=24),
        told_at=START if times else None,
        times=times,
        flaps=flaps,
        gone_since=None if gone is None else START + gone * MINUTE,
    )


OPEN, FLAPPING, WILD = told(), told(flaps=2, gone=20), told(flaps=99, gone=20)
OVER = told(ToldState.OVER)
HELD = told(ToldState.HELD, flaps=1)
KEPT_BACK = told(ToldState.HELD, times=0)

TABLE = [
    # what there is, what is known, minutes later, muted, and what follows
    (RIGHT, None, 0, False, Reason.NOTHING),
    (UNCLEAR, None, 0, False, Reason.UNCLEAR),
    (Standing(BROKEN), None, 0, False, Reason.FIRST),
    (Standing(BROKEN), None, 0, True, Reason.MUTED),
    (Standing(BROKEN), OPEN, 5, False, Reason.KNOWN),
    (Standing(BROKEN), OPEN, 24 * 60 - 1, False, Reason.KNOWN),
    (Standing(BROKEN), OPEN, 24 * 60, False, Reason.REMINDER),
    (Standing(BROKEN), OPEN, 24 * 60, True, Reason.MUTED),
    (Standing(PARTIAL), OPEN, 5, False, Reason.KNOWN),
    (Standing(BROKEN), told(concern=PARTIAL), 5, False, Reason.WORSE),
    (Standing(BROKEN), told(concern=PARTIAL), 5, True, Reason.MUTED),
    (Standing(PARTIAL), told(concern=OVERSTAY), 5, False, Reason.KNOWN),
    (Standing(OVERSTAY), told(concern=ON_ITS_WAY), 5, False, Reason.WORSE),
    (Standing(OVERSTAY), told(concern=PARTIAL), 5, False, Reason.KNOWN),
    (Standing(NEXT), told(concern=ON_ITS_WAY), 11, False, Reason.HELD),
    (Standing(NEXT), told(concern=ON_ITS_WAY), 15, False, Reason.OTHER),
    (Standing(ON_ITS_WAY), told(concern=NEXT), 15, False, Reason.KNOWN),
    (RIGHT, OPEN, 5, False, Reason.OVER),
    (RIGHT, OPEN, 5, True, Reason.MUTED),
    (UNCLEAR, OPEN, 5, False, Reason.UNCLEAR),
    (UNCLEAR, OPEN, 25 * 60, False, Reason.UNCLEAR),
    (RIGHT, told(flaps=1), 20, False, Reason.OVER),
    (RIGHT, FLAPPING, 49, False, Reason.HELD),
    (RIGHT, FLAPPING, 50, False, Reason.OVER),
    (RIGHT, WILD, 139, False, Reason.HELD),
    (RIGHT, WILD, 140, False, Reason.OVER),
    (Standing(NEXT), told(concern=ON_ITS_WAY, flaps=3), 59, False, Reason.HELD),
    (Standing(NEXT), told(concern=ON_ITS_WAY, flaps=3), 60, False, Reason.OTHER),
    (RIGHT, OVER, 5, False, Reason.NOTHING),
    (Standing(BROKEN), OVER, 14, False, Reason.HELD),
    (Standing(BROKEN), OVER, 15, False, Reason.FIRST),
    (Standing(BROKEN), OVER, 14, True, Reason.MUTED),
    (Standing(PARTIAL), OVER, 14, False, Reason.HELD),
    (Standing(BROKEN), told(ToldState.OVER, PARTIAL), 1, False, Reason.FIRST),
    (RIGHT, HELD, 5, False, Reason.NOTHING),
    (Standing(BROKEN), HELD, 14, False, Reason.HELD),
    (Standing(BROKEN), HELD, 15, False, Reason.FIRST),
    (RIGHT, KEPT_BACK, 5, False, Reason.NOTHING),
    (Standing(BROKEN), KEPT_BACK, 5, True, Reason.MUTED),
    (Standing(BROKEN), KEPT_BACK, 5, False, Reason.FIRST),
]


@pytest.mark.parametrize(("standing", "known", "minutes", "is_muted", "expected"), TABLE)
def test_the_table_decides(
    standing: Standing, known: Told | None, minutes: int, is_muted: bool, expected: Reason
) -> None:
    now = START + minutes * MINUTE
    muted_until = now + 60 * MINUTE if is_muted else None
    look = Look("oncall", DOMAIN, standing, known, now, muted_until)
    assert due(look, PATIENCE) is expected


def test_the_table_has_every_reason() -> None:
    assert {expected for *_, expected in TABLE} == set(Reason)


# What may be seen of one domain, minutes after the last look, in maintenance or not.
LOOKS = st.lists(
    st.tuples(
        st.sampled_from([0.5, 1, 5, 10, 16, 60, 1500]),
        st.sampled_from([RIGHT, UNCLEAR, *map(Standing, (BROKEN, PARTIAL, OVERSTAY, ON_ITS_WAY))]),
        st.booleans(),
    ),
    max_size=60,
)
FLAPPING_LOOKS = st.lists(
    st.tuples(
        st.sampled_from([0.5, 1, 5, 10, 16]),
        st.sampled_from([RIGHT, Standing(BROKEN)]),
        st.just(value=False),
    ),
    max_size=80,
)


def play(looks: list[tuple[float, Standing, bool]]) -> list[tuple[float, Reason, Told | None]]:
    """Return after each look the minute, the reason, and what is known."""
    known: Told | None = None
    minute, played = 0.0, list[tuple[float, Reason, Told | None]]()
    for wait, standing, is_muted in looks:
        minute += wait
        now = START + minute * MINUTE
        look = Look(
            "oncall", DOMAIN, standing, known, now, now + 30 * MINUTE if is_muted else None
        )
        reason = due(look, PATIENCE)
        known = told_after(look, reason, PATIENCE)
        played.append((minute, reason, known))
    return played


@REPEATABLE
@given(LOOKS)
def test_an_opening_and_an_end_take_turns(looks: list[tuple[float, Standing, bool]]) -> None:
    turns = [r for _, r, _ in play(looks) if r in {Reason.FIRST, Reason.OVER}]
    assert (
        turns == [Reason.FIRST, Reason.OVER] * (len(turns) // 2) + turns[2 * (len(turns) // 2) :]
    )
    assert turns[::2] == [Reason.FIRST] * len(turns[::2])


@REPEATABLE
@given(LOOKS)
def test_what_was_opened_is_open_until_its_end_is_told(
    looks: list[tuple[float, Standing, bool]],
) -> None:
    is_open = False
    for _, reason, known in play(looks):
        is_open = (is_open or reason is Reason.FIRST) and reason is not Reason.OVER
        assert is_open == (known is not None and known.state is ToldState.OPEN)


@REPEATABLE
@given(LOOKS)
def test_nobody_is_told_anything_in_maintenance(
    looks: list[tuple[float, Standing, bool]],
) -> None:
    for (_, reason, _), (_, _, is_muted) in zip(play(looks), looks, strict=True):
        assert not (is_muted and reason.is_told)


@REPEATABLE
@given(LOOKS)
def test_whatever_came_all_is_forgotten_when_it_stays_right(
    looks: list[tuple[float, Standing, bool]],
) -> None:
    calm = [(60.0, RIGHT, False)] * 6
    *_, (_, _, known) = play([*looks, *calm])
    assert known is None


@REPEATABLE
@given(LOOKS)
def test_whatever_came_what_stays_wrong_is_open(
    looks: list[tuple[float, Standing, bool]],
) -> None:
    lasting = [(16.0, Standing(BROKEN), False)] * 2
    *_, (_, _, known) = play([*looks, *lasting])
    assert known is not None and known.state is ToldState.OPEN
    assert known.concern.kind is ConcernKind.BROKEN


@REPEATABLE
@given(LOOKS)
def test_a_second_look_at_the_same_tells_nothing(
    looks: list[tuple[float, Standing, bool]],
) -> None:
    twice = [look for first in looks for look in (first, (0.0, *first[1:]))]
    assert not any(reason.is_told for _, reason, _ in play(twice)[1::2])


@REPEATABLE
@given(FLAPPING_LOOKS)
def test_a_flapping_domain_is_opened_once_and_closed_once_in_a_hold_down(
    looks: list[tuple[float, Standing, bool]],
) -> None:
    played = play(looks)
    for turn in (Reason.FIRST, Reason.OVER):
        minutes = [minute for minute, reason, _ in played if reason is turn]
        assert all(later - earlier >= 15 for earlier, later in pairwise(minutes))
    assert not {reason for _, reason, _ in played} & {Reason.WORSE, Reason.OTHER}


def test_a_domain_that_goes_to_and_fro_for_a_day_is_two_openings_and_two_ends() -> None:
    looks = [(5.0, Standing(BROKEN) if n % 2 else RIGHT, False) for n in range(1, 288)]
    told_of = [reason for _, reason, _ in play([*looks, *[(60.0, RIGHT, False)] * 6])]
    turns = [reason for reason in told_of if reason in {Reason.FIRST, Reason.OVER}]
    assert turns == [Reason.FIRST, Reason.OVER] * 2
