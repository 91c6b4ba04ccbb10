import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.tracking.changes import (
    CHANGE_MOVES,
    Change,
    ChangeKind,
    ChangeState,
    Source,
    change_id,
    kind_of,
)
from monitor.core.tracking.entries import Entry
from monitor.core.tracking.reasons import Reason
from monitor.core.tracking.tracks import BY_URGENCY, TRACK_MOVES, Track, TrackState, hidden_share
from monitor.core.tracking.values import Value
from tests.contracts.followed import changes
from tests.core.properties import REPEATABLE
from tests.core.tracking.scenes import DOMAIN, NEW, OLD, VALUES, at

ULID = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")
MOMENTS = st.datetimes(datetime(2000, 1, 1), datetime(2900, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
_S = TrackState


def change(**tracks: Track) -> Change:
    return Change(
        id="01",
        domain=DOMAIN,
        owner=DOMAIN,
        view=None,
        kind=ChangeKind.MODIFIED,
        state=ChangeState.PROPAGATING,
        source=Source.OBSERVED,
        old=OLD,
        new=NEW,
        detected_at=at(0),
        deadline_at=at(72 * 3600),
        all_authorities_at=at(0),
        bound_at=at(600),
        tracks=tracks,
    )


def track(state: TrackState, *entries: Entry, reason: Reason | None = None) -> Track:
    return Track("alidns", state, at(0), None, reason, entries=entries)


def entry(*, is_new: bool, expires: float = 300, hits: int = 1) -> Entry:
    value = NEW if is_new else OLD
    return Entry(value, is_new, at(expires), at(0), at(0), hits=hits)


@REPEATABLE
@given(MOMENTS, st.lists(st.text(max_size=10), max_size=4))
def test_an_id_is_a_ulid(moment: datetime, parts: list[str]) -> None:
    found = change_id(moment, *parts)
    assert len(found) == 26
    assert ULID.fullmatch(found)


@REPEATABLE
@given(st.lists(MOMENTS, min_size=2, max_size=6, unique=True))
def test_ids_sort_by_time(moments: list[datetime]) -> None:
    in_order = sorted(moments)
    for one, next_one in pairwise(in_order):
        if next_one - one >= timedelta(milliseconds=1):
            assert change_id(one, "new") < change_id(next_one, "new")


def test_the_time_in_an_id_is_that_of_the_ulid_specification() -> None:
    moment = datetime.fromtimestamp(1469918176.385, UTC)  # the example of the specification
    assert change_id(moment)[:10] == "01ARYZ6S41"  # of 1469918176.385 s, as it says


def test_the_same_change_at_the_same_time_has_the_same_id_and_no_other_has() -> None:
    assert change_id(at(0), "a", "b") == change_id(at(0), "a", "b")
    others = [change_id(at(0), "a"), change_id(at(0), "ab"), change_id(at(0.001), "a", "b")]
    assert len({change_id(at(0), "a", "b"), *others}) == 4


def test_the_clock_of_another_zone_gives_an_id_of_the_same_time() -> None:
    in_shanghai = at(0).astimezone(timezone(timedelta(hours=8)))
    assert change_id(in_shanghai, "a")[:10] == change_id(at(0), "a")[:10]


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        ("absent", "new", ChangeKind.NEW),
        ("old", "new", ChangeKind.MODIFIED),
        ("old", "addresses", ChangeKind.MODIFIED),
        ("old", "absent", ChangeKind.REMOVED),
        (None, "new", ChangeKind.MODIFIED),
        (None, "absent", ChangeKind.REMOVED),
    ],
)
def test_the_kind_of(old: str | None, new: str, kind: ChangeKind) -> None:
    before: Value | None = VALUES[old] if old else None
    assert kind_of(before, VALUES[new], is_hop=False) is kind
    assert kind_of(before, VALUES[new], is_hop=True) is ChangeKind.CHAIN


def test_the_states_are_those_that_users_rely_on() -> None:
    assert [state.value for state in ChangeState] == [
        "announced",
        "auth_split",
        "propagating",
        "converged",
        "settled",
        "expired",
        "superseded",
        "reverted",
        "cancelled",
    ]
    assert [state.value for state in TrackState] == [
        "unknown",
        "auth_wait",
        "census",
        "waiting",
        "confirming",
        "converged",
        "settled",
        "overstay",
        "unreachable",
        "regressed",
        "flapping",
    ]
    assert [kind.value for kind in ChangeKind] == ["new", "modified", "removed", "ttl", "chain"]


def test_every_state_is_in_the_tables_and_can_be_reached() -> None:
    assert CHANGE_MOVES.keys() == set(ChangeState)
    assert TRACK_MOVES.keys() == set(TrackState)
    arrivals = {state for moves in CHANGE_MOVES.values() for state in moves}
    assert arrivals == set(ChangeState) - {ChangeState.ANNOUNCED}
    assert all(state not in moves for state, moves in CHANGE_MOVES.items())
    assert all(state not in moves for state, moves in TRACK_MOVES.items())


@pytest.mark.parametrize("state", ChangeState, ids=lambda state: str(state.value))
def test_what_is_final_has_no_move_and_is_not_open(state: ChangeState) -> None:
    ends = {ChangeState.SUPERSEDED, ChangeState.REVERTED, ChangeState.CANCELLED}
    assert state.is_final is (state in ends)
    if state.is_final:
        assert not state.is_open
        assert not replace(change(), state=state).is_watched(at(0))


def test_an_unreachable_resolver_counts_neither_as_old_nor_as_new() -> None:
    found = change(
        a=track(_S.CONVERGED), b=track(_S.UNREACHABLE), c=track(_S.WAITING, entry(is_new=False))
    )
    assert found.progress(at(60), {}) == 0.5
    assert found.coverage({}) == pytest.approx(2 / 3)


def test_resolvers_count_by_their_weight() -> None:
    found = change(a=track(_S.CONVERGED), b=track(_S.WAITING, entry(is_new=False)))
    assert found.progress(at(60), {"a": 3.0}) == 0.75
    alone = change(a=track(_S.CONVERGED), b=track(_S.UNREACHABLE))
    assert alone.coverage({"a": 3.0}) == 0.75


def test_progress_is_the_share_of_new_answers_and_grows_as_old_copies_expire() -> None:
    caches = (
        entry(is_new=True, hits=2),
        entry(is_new=False, hits=1),
        entry(is_new=False, expires=500),
    )
    found = change(a=track(_S.WAITING, *caches))
    assert [found.progress(at(t), {}) for t in (60, 310, 510)] == [0.5, 0.75, 1.0]


def test_nothing_has_progressed_while_the_authorities_are_apart_or_nobody_answers() -> None:
    assert replace(change(a=track(_S.CONVERGED)), all_authorities_at=None).progress(at(0), {}) == 0
    assert change(a=track(_S.UNREACHABLE)).progress(at(0), {}) == 0
    assert change().coverage({}) == 0


def test_the_expectation_is_when_the_last_old_copy_that_is_known_expires() -> None:
    waiting = track(_S.WAITING, entry(is_new=False), entry(is_new=False, expires=450))
    assert change(a=waiting, b=track(_S.CONVERGED)).eta() == at(450)
    assert change(a=track(_S.CENSUS)).eta() == at(600)
    assert change(a=track(_S.CONVERGED)).eta() == at(0)
    assert change(a=track(_S.UNREACHABLE)).eta() == at(600)


def test_there_is_no_expectation_where_the_ttl_does_not_tell() -> None:
    stale = track(_S.OVERSTAY, entry(is_new=False), reason=Reason.SERVE_STALE)
    assert change(a=stale).eta() is None
    assert replace(change(), bound_at=None).eta() is None


def test_a_verdict_is_as_sure_as_hidden_caches_are_unlikely() -> None:
    sure = replace(track(_S.CONVERGED), caches=2, agreed=7)
    assert sure.confidence == pytest.approx(1 - 0.5**7)
    assert replace(sure, state=_S.WAITING).confidence is None
    assert hidden_share(1, 1) == 0.0
    assert hidden_share(1, 0) == 1.0


def test_a_state_that_stays_keeps_its_beginning() -> None:
    census = track(_S.CENSUS)
    assert census.moved(_S.CENSUS, at(60)) is census
    assert census.moved(_S.WAITING, at(60)).since == at(60)


def test_every_state_of_a_track_has_its_place_by_urgency() -> None:
    assert len(BY_URGENCY) == len(set(BY_URGENCY)) == len(TrackState)
    assert [state for state in BY_URGENCY if state.has_converged] == list(BY_URGENCY[-2:])


@pytest.mark.parametrize("change", changes(), ids=lambda change: change.id)
def test_each_track_has_it_or_is_late_or_cannot_be_verified(change: Change) -> None:
    settled = [track for track in change.ordered if track.state.has_converged]
    parts = [*change.late, *change.unverified, *settled]
    assert sorted(t.resolver for t in parts) == sorted(change.tracks)
    places = [BY_URGENCY.index(track.state) for track in change.ordered]
    assert places == sorted(places)
