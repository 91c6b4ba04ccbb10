from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.answers import Address, Answer, NoAnswer, Rcode
from monitor.core.status import (
    DomainStatus,
    Remedy,
    StatusPolicy,
    authorities_differ,
    remedy,
    status_of,
    tally,
)
from monitor.core.views import View, views_after
from tests.core.properties import REPEATABLE
from tests.core.samples import DOMAIN, RIGHT, SILENT, START, WRONG, pointing_to, sighting, view

POLICY = StatusPolicy(weights={}, min_coverage=0.5, window=timedelta(hours=72))
S = DomainStatus


@pytest.mark.parametrize(
    ("resolvers", "authorities", "expected"),
    [
        ([RIGHT, RIGHT], [RIGHT], S.IN_EFFECT),
        ([RIGHT, RIGHT], [WRONG], S.IN_EFFECT),
        ([RIGHT, WRONG], [RIGHT, RIGHT], S.PROPAGATING),
        ([WRONG, WRONG], [RIGHT], S.PROPAGATING),
        ([WRONG, WRONG], [RIGHT, SILENT], S.PROPAGATING),
        ([RIGHT, WRONG], [RIGHT, WRONG], S.PARTIAL),
        ([RIGHT, WRONG], [], S.PARTIAL),
        ([RIGHT, WRONG], [SILENT], S.PARTIAL),
        ([WRONG, WRONG], [WRONG], S.BROKEN),
        ([WRONG, WRONG], [], S.BROKEN),
        ([WRONG, WRONG], [SILENT], S.BROKEN),
        ([RIGHT, SILENT], [RIGHT], S.IN_EFFECT),
        ([RIGHT, SILENT, SILENT], [RIGHT], S.UNKNOWN),
        ([WRONG, SILENT, SILENT], [RIGHT], S.UNKNOWN),
        ([SILENT, SILENT], [RIGHT], S.UNKNOWN),
        ([], [RIGHT], S.UNKNOWN),
    ],
)
def test_the_status_follows_from_who_answers_what(
    resolvers: list[Answer | NoAnswer],
    authorities: list[Answer | NoAnswer],
    expected: DomainStatus,
) -> None:
    asked = {f"r{n}": view(outcome) for n, outcome in enumerate(resolvers)}
    served = {f"a{n}": view(outcome) for n, outcome in enumerate(authorities)}
    assert status_of(asked, served, POLICY, START) is expected


def test_what_lasts_longer_than_the_window_is_no_longer_propagating() -> None:
    resolvers, authorities = {"a": view(RIGHT), "b": view(WRONG)}, {"ns": view(RIGHT)}
    within = START + timedelta(hours=72)
    assert status_of(resolvers, authorities, POLICY, within) is S.PROPAGATING
    after = within + timedelta(seconds=1)
    assert status_of(resolvers, authorities, POLICY, after) is S.PARTIAL


def test_the_window_begins_when_the_record_is_mended_not_when_it_broke() -> None:
    mended = START + timedelta(hours=100)
    resolvers, authorities = {"a": view(WRONG, START)}, {"ns": view(RIGHT, mended)}
    assert status_of(resolvers, authorities, POLICY, mended) is S.PROPAGATING
    over = mended + timedelta(hours=73)
    assert status_of(resolvers, authorities, POLICY, over) is S.BROKEN


def test_a_lost_round_does_not_begin_the_window_anew() -> None:
    asked, views = frozenset({"r"}), dict[str, View]()
    for hours, outcome in ((0, WRONG), (40, SILENT), (41, WRONG)):
        at = START + timedelta(hours=hours)
        views = dict(views_after(views, [sighting("r", outcome, at)], asked))
    assert views["r"].meant_since == START
    now = START + timedelta(hours=73)
    assert remedy(views["r"], {"ns": view(RIGHT)}, POLICY.window, now) is Remedy.CACHE


def test_another_wrong_answer_is_another_meaning() -> None:
    later = START + timedelta(hours=1)
    first = views_after({}, [sighting("r", pointing_to("a.example"))], frozenset({"r"}))
    second = [sighting("r", pointing_to("b.example"), later)]
    assert views_after(first, second, frozenset({"r"}))["r"].meant_since == later


def test_weights_decide_coverage_and_share() -> None:
    views = {"big": view(RIGHT), "small": view(SILENT)}
    counted = tally(views, {"big": 3.0, "small": 1.0})
    assert counted.coverage == pytest.approx(0.75)
    assert counted.ratio == 1.0
    policy = StatusPolicy({"big": 1.0, "small": 3.0}, min_coverage=0.5)
    assert status_of(views, {}, policy, START) is S.UNKNOWN


def test_nobody_asked_is_no_coverage() -> None:
    assert (tally({}).coverage, tally({}).ratio) == (0.0, None)


def test_a_view_keeps_since_when_it_says_the_same() -> None:
    later = START + timedelta(hours=1)
    views = views_after({}, [sighting("r", WRONG)], frozenset({"r"}))
    same = views_after(views, [sighting("r", WRONG, later)], frozenset({"r"}))
    assert (same["r"].since, same["r"].reply.at) == (START, later)
    other = views_after(same, [sighting("r", RIGHT, later)], frozenset({"r"}))
    assert other["r"].since == later


def test_servers_that_are_no_longer_asked_are_forgotten_and_others_stay() -> None:
    views = {"gone": view(RIGHT), "quiet": view(WRONG)}
    after = views_after(views, [sighting("new", RIGHT)], frozenset({"quiet", "new"}))
    assert after.keys() == {"quiet", "new"}
    assert views_after(views, [sighting("gone", RIGHT)], frozenset()) == {}


def test_authorities_differ_by_what_they_say_of_the_domain_itself() -> None:
    assert authorities_differ({"a": view(RIGHT), "b": view(WRONG)})
    assert authorities_differ({"a": view(RIGHT), "b": view(RIGHT)}) is False
    assert authorities_differ({"a": view(RIGHT), "b": view(SILENT)}) is None
    assert authorities_differ({"a": view(RIGHT), "b": view(WRONG), "c": view(SILENT)})
    # One of them also serves the target's zone and shows its addresses.
    bare = Answer(RIGHT.rcode, RIGHT.aliases, is_authoritative=True)
    assert not authorities_differ({"a": view(RIGHT), "b": view(bare)})
    assert authorities_differ({"a": view(pointing_to("a.b")), "b": view(Answer(RIGHT.rcode))})


@pytest.mark.parametrize(
    ("said", "served", "hours", "expected"),
    [
        (WRONG, WRONG, 0, Remedy.RECORD),
        (WRONG, SILENT, 0, Remedy.RECORD),
        (WRONG, RIGHT, 72, Remedy.WAIT),
        (WRONG, RIGHT, 73, Remedy.CACHE),
        (SILENT, RIGHT, 73, Remedy.RECORD),
    ],
)
def test_a_wrong_answer_is_mended_at_the_record_by_waiting_or_at_the_cache(
    said: Answer | NoAnswer, served: Answer | NoAnswer, hours: int, expected: Remedy
) -> None:
    now = START + timedelta(hours=hours)
    found = remedy(view(said), {"ns": view(served)}, timedelta(hours=72), now)
    assert found is expected


OUTCOMES = st.lists(st.sampled_from([RIGHT, WRONG, SILENT]), max_size=6)


def views_of(outcomes: list[Answer | NoAnswer]) -> dict[str, View]:
    return {f"s{number}": view(outcome) for number, outcome in enumerate(outcomes)}


@REPEATABLE
@given(OUTCOMES, OUTCOMES, st.floats(0, 1))
def test_silence_lowers_the_coverage_and_counts_for_nothing_else(
    resolvers: list[Answer | NoAnswer], authorities: list[Answer | NoAnswer], least: float
) -> None:
    policy = replace(POLICY, min_coverage=least)
    heard = [[o for o in outcomes if o is not SILENT] for outcomes in (resolvers, authorities)]
    found = status_of(views_of(resolvers), views_of(authorities), policy, START)
    if not heard[0] or len(heard[0]) / len(resolvers) < least:
        assert found is S.UNKNOWN
    else:
        assert found is status_of(views_of(heard[0]), views_of(heard[1]), policy, START)


@REPEATABLE
@given(OUTCOMES, OUTCOMES)
def test_propagating_is_said_only_where_every_authority_that_answers_is_right(
    resolvers: list[Answer | NoAnswer], authorities: list[Answer | NoAnswer]
) -> None:
    found = status_of(views_of(resolvers), views_of(authorities), POLICY, START)
    if found is S.PROPAGATING:
        assert RIGHT in authorities
        assert WRONG not in authorities
    assert (found is S.IN_EFFECT) <= (WRONG not in resolvers)


def test_one_resolver_late_beyond_the_window_is_enough() -> None:
    now = START + timedelta(hours=73)
    resolvers = {"old": view(WRONG), "young": view(WRONG, now)}
    assert status_of(resolvers, {"ns": view(RIGHT)}, POLICY, now) is S.BROKEN


def addresses(*found: str) -> Answer:
    return Answer(Rcode.NOERROR, addresses=tuple(Address(DOMAIN, a, 60) for a in found))


def test_a_wrong_answer_whose_addresses_rotate_does_not_begin_the_window_anew() -> None:
    views, asked = dict[str, View](), frozenset({"r"})
    for hours in range(0, 80, 8):
        at = START + timedelta(hours=hours)
        said = sighting("r", addresses(f"203.0.113.{hours + 1}"), at, frozenset({"192.0.2.1"}))
        views = dict(views_after(views, [said], asked))
    now = START + timedelta(hours=73)
    assert remedy(views["r"], {"ns": view(RIGHT)}, POLICY.window, now) is Remedy.CACHE


def test_an_authority_that_flattens_does_not_begin_the_window_anew_with_each_address() -> None:
    served, asked = dict[str, View](), frozenset({"ns"})
    for hours in range(0, 80, 8):
        at, address = START + timedelta(hours=hours), f"203.0.113.{hours + 1}"
        said = sighting("ns", addresses(address), at, frozenset({address}))
        served = dict(views_after(served, [said], asked))
    now = START + timedelta(hours=73)
    assert status_of({"r": view(WRONG)}, served, POLICY, now) is S.BROKEN


def test_where_some_authorities_are_right_and_others_wrong_these_are_to_be_mended() -> None:
    authorities = {"ns1": view(RIGHT), "ns2": view(WRONG)}
    assert remedy(view(WRONG), authorities, POLICY.window, START) is Remedy.AUTHORITY
    silent = {"ns1": view(RIGHT), "ns2": view(SILENT)}
    assert remedy(view(WRONG), silent, POLICY.window, START) is Remedy.WAIT


def said(views: Mapping[str, View]) -> list[tuple[bool | None, datetime]]:
    return [(one.is_in_effect, one.since) for one in views["r"].past]


def test_a_view_remembers_what_was_said_before_and_since_when() -> None:
    views: Mapping[str, View] = {}
    said_in_turn: list[Answer | NoAnswer] = [WRONG, WRONG, SILENT, RIGHT, RIGHT]
    for minute, outcome in enumerate(said_in_turn):
        seen = sighting("r", outcome, START + timedelta(minutes=minute))
        views = views_after(views, [seen], frozenset({"r"}))
    assert said(views) == [(False, START), (None, START + timedelta(minutes=2))]
    assert views["r"].since == START + timedelta(minutes=3)


def test_the_past_of_a_view_that_flaps_does_not_grow_for_ever() -> None:
    views: Mapping[str, View] = {}
    for minute in range(200):
        outcome = (RIGHT, WRONG)[minute % 2]
        seen = sighting("r", outcome, START + timedelta(minutes=minute))
        views = views_after(views, [seen], frozenset({"r"}))
    found = said(views)
    assert len(found) == 32
    assert found[-1] == (True, START + timedelta(minutes=198))
