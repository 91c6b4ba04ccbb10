"""The pages of changes: every state of a change that a long story has, in both languages."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from monitor.core.events import GENESIS, Event, EventType, Record, seal
from monitor.core.names import DomainName
from monitor.core.tracking.changes import Change, ChangeState
from monitor.core.tracking.tracks import Census, TrackState
from monitor.core.tracking.values import alias
from monitor.entrypoints.web.site import Site
from monitor.ports import StoreError
from monitor.usecases.snapshot import Snapshot
from monitor.wording import Language, wording
from tests.contracts.followed import changes, stages
from tests.core.samples import START
from tests.entrypoints.sample import sample_snapshot
from tests.entrypoints.web.worlds import reader, site_of

AT = START + timedelta(seconds=600)
STATES = {record.change.state: record.change for record in stages() if record.change}
HOSTILE = "<script>alert(1)</script>\u202e"


@dataclass
class Kept:
    """Changes and what is told of each, as a store would keep them."""

    known: Sequence[Change]
    told: Sequence[Record] = ()

    async def changes(
        self, limit: int, *, before: str | None = None, only_open: bool = False
    ) -> tuple[Change, ...]:
        newest_first = sorted(self.known, key=lambda change: change.id, reverse=True)
        wanted = [one for one in newest_first if before is None or one.id < before]
        return tuple(one for one in wanted if one.state.is_open or not only_open)[:limit]

    async def change(self, number: str) -> Change | None:
        return next((change for change in self.known if change.id == number), None)

    async def story(self, number: str, limit: int, after: int = 0) -> tuple[Record, ...]:
        found = (one for one in self.told if one.event.change == number and one.seq > after)
        return tuple(found)[:limit]


class Broken(Kept):
    async def changes(
        self, limit: int, *, before: str | None = None, only_open: bool = False
    ) -> tuple[Change, ...]:
        raise StoreError("disk I/O error: /var/lib/secret.db")

    async def change(self, number: str) -> Change | None:
        raise StoreError("disk I/O error: /var/lib/secret.db")


def site_with(*known: Change, told: Sequence[Record] = (), at: Snapshot | None = None) -> Site:
    shown = at or replace(sample_snapshot(), at=AT)
    return replace(site_of(shown), changes=Kept(known, told))


def text(site: Site, path: str, status: int = 200) -> str:
    reply = reader(site).get(path)
    assert reply.status_code == status, reply.text
    return reply.text


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("state", list(STATES))
def test_a_change_in_any_state_has_a_page_that_answers_first(
    state: ChangeState, language: Language
) -> None:
    change, words = STATES[state], wording(language)
    html = text(site_with(change), f"/changes/{change.id}?lang={language.value}")
    head = html.partition('<p class="headline')[2].partition("</p>")[0]
    assert words.standing(change) in head
    assert words.value(change.old) in html and words.value(change.new) in html
    for track in change.tracks.values():
        assert words.track_state(track.state) in html
        if track.reason:
            assert words.track_advice(track.reason) in html


def test_a_change_under_way_shows_its_curve_and_when_each_old_copy_expires() -> None:
    change = STATES[ChangeState.PROPAGATING]
    html = text(site_with(change), f"/changes/{change.id}")
    assert html.count('<svg class="curve"') == 1
    waiting = [t for t in change.tracks.values() if t.state is TrackState.WAITING]
    for track in waiting:
        expiries = [e.expires_at for e in track.entries if not e.is_new and e.is_alive(AT)]
        assert f"{max(expiries):%Y-%m-%d %H:%M:%S}" in html


def test_the_story_of_a_change_is_told_in_order() -> None:
    change = STATES[ChangeState.PROPAGATING]
    told = [
        seal(Event(kind, START, change.domain, change=change.id), 1, GENESIS)
        for kind in (EventType.CHANGE_DETECTED, EventType.CENSUS_DONE)
    ]
    html = text(site_with(change, told=told), f"/changes/{change.id}")
    assert html.index("<b>change detected</b>") < html.index("<b>caches counted</b>")


def test_changes_are_listed_newest_first_or_those_under_way_alone() -> None:
    known = changes()
    html = text(site_with(*known), "/changes")
    places = [html.index(f"/changes/{change.id}") for change in reversed(known)]
    assert places == sorted(places)
    only_open = text(site_with(*known), "/changes?open=true")
    for change in known:
        assert (f"/changes/{change.id}" in only_open) is change.state.is_open


def test_who_is_late_stands_on_a_line_of_its_own_with_its_state() -> None:
    change = STATES[ChangeState.PROPAGATING]
    html = text(site_with(change), "/changes")
    words = wording(Language.ENGLISH)
    for track in change.late:
        state = words.track_state(track.state)
        assert f"<div><bdi>{track.resolver}</bdi> <small>{state}</small></div>" in html


def test_a_long_list_leads_to_its_rest() -> None:
    known = [replace(changes()[0], id=f"{number:026}") for number in range(60)]
    first = text(site_with(*known), "/changes")
    assert first.count('<h3><a href="/changes/') == 50
    assert f'href="/changes?cursor={10:026}" rel="next"' in first
    assert text(site_with(*known), f"/changes?cursor={10:026}").count("<h3><a") == 10


def test_the_overview_shows_the_changes_that_are_under_way() -> None:
    known = changes()
    html = text(site_with(*known), "/")
    for change in known:
        assert (f"/changes/{change.id}" in html) is change.state.is_open
    assert "No change is under way." in text(site_with(), "/")
    assert "/changes/" not in text(site_with(*known), "/?q=img")


def test_a_store_that_cannot_be_read_takes_nothing_else_from_the_pages() -> None:
    site = replace(site_with(), changes=Broken(()))
    for path in ("/", "/changes"):
        assert "The changes cannot be read now" in text(site, path)
    assert "secret.db" not in text(site, "/")
    assert text(site, "/resolvers")
    assert "secret.db" not in text(site, "/changes/1", 503)
    assert "There is no such change." in text(site_with(), "/changes/1", 404)


def test_the_caches_behind_a_resolver_are_those_that_a_change_has_shown() -> None:
    change = STATES[ChangeState.PROPAGATING]
    track = next(iter(change.tracks.values()))
    counted = replace(track, resolver="telecom", caches=7, census=Census(is_done=True))
    known = replace(change, tracks={"telecom": counted})
    row = text(site_with(known), "/resolvers").partition("<bdi>telecom")[2].partition("</tr>")[0]
    assert "≤ 7" in row


def test_nothing_in_a_change_can_act_on_its_pages() -> None:
    change = STATES[ChangeState.PROPAGATING]
    (name, track), *_ = change.tracks.items()
    hostile = replace(
        change,
        old=alias(DomainName("<img src=x onerror=alert(1)>.example")),
        by=HOSTILE,
        note='"><svg onload=alert(1)>',
        tracks={**change.tracks, name: replace(track, resolver=HOSTILE)},
    )
    for path in (f"/changes/{change.id}", "/changes", "/"):
        html = text(site_with(hostile), path)
        assert "<script>alert" not in html and "<img" not in html and "<svg onload" not in html
        assert "\u202e" not in html
