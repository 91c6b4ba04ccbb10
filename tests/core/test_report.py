from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from monitor.core.events import Event, EventType, Json
from monitor.core.report import Report, Spell
from monitor.core.servers import Resolver
from monitor.core.tracking.changes import Change
from monitor.core.tracking.reasons import Reason
from monitor.core.tracking.tracks import TrackState
from tests.contracts.followed import changes
from tests.core.samples import DOMAIN, START
from tests.core.sealed import sealed

CHANGE: Change = changes()[-1]


def after(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def moved(seconds: float, resolver: str, to: str, reason: str | None = None) -> Event:
    data: dict[str, Json] = {"to": to, "reason": reason}
    return Event(EventType.TRACK_STATE, after(seconds), DOMAIN, resolver, CHANGE.id, data)


def report(*events: Event) -> Report:
    return Report(CHANGE, sealed(events), (Resolver("a", "192.0.2.1", weight=2.0),), after(1000))


def shown(server: str, seconds: float = 0.0, wire: str = "AA==") -> Mapping[str, Json]:
    return {"resolver": server, "at": after(seconds).isoformat(), "wire": wire}


def test_a_resolver_overstays_from_when_it_should_have_gone_until_it_went() -> None:
    found = report(
        moved(1, "a", "waiting"),
        moved(10, "a", "overstay"),
        moved(20, "b", "overstay", "serve_stale"),
        moved(30, "a", "overstay", "override"),
        moved(40, "a", "converged"),
    ).spells
    assert found == (
        Spell("a", TrackState.OVERSTAY, after(10), after(40), Reason.OVERRIDE),
        Spell("b", TrackState.OVERSTAY, after(20), None, Reason.SERVE_STALE),
    )
    assert found[0].length(after(1000)) == timedelta(seconds=30)
    assert found[1].length(after(1000)) == timedelta(seconds=980)


def test_a_relapse_and_its_to_and_fro_are_spells_of_their_own() -> None:
    found = report(
        moved(10, "a", "regressed"), moved(20, "a", "flapping"), moved(30, "a", "converged")
    ).spells
    assert [(s.state, s.since, s.until) for s in found] == [
        (TrackState.REGRESSED, after(10), after(20)),
        (TrackState.FLAPPING, after(20), after(30)),
    ]


def test_spells_of_another_change_are_not_told() -> None:
    other = replace(moved(10, "a", "overstay"), change="another")
    assert report(other).spells == ()


def test_each_answer_is_told_once_with_all_records_that_rest_on_it() -> None:
    one, two = shown("a"), shown("b")
    found = report(
        replace(moved(1, "a", "census"), evidence=(one,)),
        replace(moved(2, "a", "waiting"), evidence=(one, two)),
        replace(
            moved(3, "a", "waiting"), evidence=(shown("a", seconds=3), shown("a", wire="AQ=="))
        ),
    )
    assert [(a.number, a.text("resolver"), a.seqs) for a in found.answers] == [
        (1, "a", (1, 2)),
        (2, "b", (2,)),
        (3, "a", (3,)),
        (4, "a", (3,)),
    ]
    assert found.numbers == {1: (1,), 2: (1, 2), 3: (3, 4)}


def test_an_answer_is_told_whatever_release_kept_it() -> None:
    (answer,) = report(replace(moved(1, "a", "census"), evidence=({"ede": (3, 22)},))).answers
    assert answer.ede == ("3", "22")
    assert answer.text("wire") == answer.text("rule") == ""
    (odd,) = report(replace(moved(1, "a", "census"), evidence=({"ede": "3"},))).answers
    assert odd.ede == ()


def test_notices_are_those_of_the_change() -> None:
    told = Event(EventType.NOTICE_SENT, after(5), DOMAIN, change=CHANGE.id)
    failed = Event(EventType.NOTICE_FAILED, after(6), DOMAIN, change=CHANGE.id)
    other = Event(EventType.NOTICE_SENT, after(7), DOMAIN)
    found = report(told, other, failed)
    assert [record.seq for record in found.notices] == [1, 3]


def test_the_newest_record_covers_the_report() -> None:
    found = report(moved(1, "a", "census"), moved(2, "a", "waiting"))
    assert found.head == found.records[-1]
    assert report().head is None


def test_resolvers_weigh_as_configured_in_the_curve_too() -> None:
    found = report()
    assert found.weights == {"a": 2.0}
    assert [track.resolver for track in found.tracks] == sorted(CHANGE.tracks)
    assert found.curve.begins_at == CHANGE.detected_at
