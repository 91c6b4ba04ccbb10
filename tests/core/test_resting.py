"""What rests packed is the same as what it was packed from, and is not read without a look."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.adapters.stores.details import records_of
from monitor.adapters.stores.outline import outline_of
from monitor.adapters.stores.rows import DomainRow, domain_of, domain_row, resting
from monitor.adapters.stores.views import joined, packed_views, spells_in, views_of
from monitor.core.gist import Gist
from monitor.core.resting import Resting, RestingViews, numbered
from monitor.core.servers import Resolver
from monitor.core.state import DomainState, State
from monitor.core.status import DomainStatus, StatusPolicy, status_of, tally
from monitor.core.tracking.record import (
    CalmRecords,
    RecordKey,
    TrackedRecord,
    Unwatched,
    ended_at,
    followed_until,
    gists_tell,
    is_any_followed,
    is_calm,
    is_only_looked_after,
)
from monitor.core.verdict import VerdictKind
from monitor.core.views import (
    Place,
    Spell,
    Standing,
    View,
    places_of,
    servers_with,
    spells_of,
    standing_of,
    standings_of,
    views_after,
)
from monitor.usecases.snapshot import Snapshot
from tests.contracts.followed import stages
from tests.contracts.values import MOMENTS, domain_states
from tests.core.samples import DOMAIN, MINUTE, RIGHT, SILENT, START, WRONG, sighting, view
from tests.core.tracking.scenes import NEW, OLD, Story, at, panel

GISTS: st.SearchStrategy[Gist | None] = st.none() | st.binary(min_size=8, max_size=8)


@st.composite
def states(draw: st.DrawFn) -> DomainState:
    """Draw a domain some of whose views have a gist, as those of resolvers have."""
    state = draw(domain_states())
    views = {
        name: replace(one, sighting=replace(one.sighting, gist=draw(GISTS)))
        for name, one in state.resolvers.items()
    }
    return replace(state, resolvers=views)


@st.composite
def calm_states(draw: st.DrawFn) -> DomainState:
    """Draw a domain that has no change under way, or had its last one some time ago."""
    calm = [record for record in stages() if is_calm({record.key: record})]
    records = draw(st.lists(st.sampled_from(calm), max_size=1))
    keyed = {record.key: record for record in records}
    return replace(draw(states()), records=keyed)


def without_gist(place: Standing | Place) -> tuple[VerdictKind, bool | None, bool]:
    return place.kind, place.is_in_effect, place.gist is None


def moments_around(records: Mapping[RecordKey, TrackedRecord]) -> list[datetime]:
    """Return the instants at which a record may cease to be followed, and those beside them."""
    changes = [record.change for record in records.values() if record.change is not None]
    ends = [at for c in changes for at in (c.deadline_at, c.settled_at, c.detected_at) if at]
    return [end + beside for end in ends for beside in (-MINUTE, timedelta(), MINUTE)]


class Shelved:
    """Details that are read from one row; counts how often."""

    def __init__(self, row: DomainRow) -> None:
        self._row = row
        self.looks = list[str]()

    def resolvers(self, name: str) -> Mapping[str, View]:
        self.looks.append(name)
        return views_of(self._row.resolvers or b"")

    def authorities(self, name: str) -> Mapping[str, View]:
        self.looks.append(name)
        return views_of(self._row.authorities or b"")

    def resolver_spells(self, name: str) -> Mapping[str, Spell]:
        self.looks.append(name)
        return spells_in(self._row.resolvers or b"")

    def authority_spells(self, name: str) -> Mapping[str, Spell]:
        self.looks.append(name)
        return spells_in(self._row.authorities or b"")

    def records(self, name: str) -> Mapping[RecordKey, TrackedRecord]:
        self.looks.append(name)
        return records_of(self._row.records or b"")


def without_details(row: DomainRow) -> DomainRow:
    return row._replace(resolvers=None, authorities=None, records=None)


def rested(row: DomainRow, shelved: Shelved | None = None) -> DomainState:
    """Return the domain of a row as one whose details are read at each look, where it is calm."""
    read = without_details(row) if row.is_calm else row
    return domain_of(read, shelved or Shelved(row))


@given(st.one_of(states(), calm_states()))
def test_a_domain_comes_out_of_its_row_as_it_went_in(state: DomainState) -> None:
    row = domain_row(state)
    shelved = Shelved(row)
    for again in (domain_of(row, shelved), rested(row), resting(state, row, shelved)):
        assert again == state
        assert list(again.resolvers) == list(state.resolvers)
        assert list(again.authorities) == list(state.authorities)
        assert list(again.records) == list(state.records)


@given(st.one_of(states(), calm_states()))
def test_what_was_opened_is_stored_again_as_it_was(state: DomainState) -> None:
    row = domain_row(state)
    again = domain_row(rested(row))
    assert domain_of(again, Shelved(again)) == state
    assert outline_of(again.outline) == outline_of(row.outline)
    assert again.gists == row.gists


@given(calm_states())
def test_what_is_at_rest_is_not_written_where_it_rests(state: DomainState) -> None:
    row = domain_row(state)
    shelved = Shelved(row)
    again = domain_row(rested(row, shelved), shelved)
    assert shelved.looks == []
    assert again == without_details(row)
    elsewhere = Shelved(row)
    assert None not in domain_row(rested(row, shelved), elsewhere)[-3:]
    changed = replace(rested(row, shelved), authorities={"r": VIEWS["a"]})
    again = domain_row(changed, shelved)
    assert (again.resolvers, again.records) == (None, None)
    assert views_of(again.authorities or b"") == {"r": VIEWS["a"]}


@given(st.one_of(states(), calm_states()))
def test_a_domain_at_rest_is_not_looked_at_before_somebody_wants_to_see_it(
    state: DomainState,
) -> None:
    row = domain_row(state)
    shelved = Shelved(row)
    again = rested(row, shelved)
    assert dict(standings_of(again.resolvers)) == dict(standings_of(state.resolvers))
    assert is_calm(again.records) is is_calm(state.records)
    assert shelved.looks == []
    assert dict(again.resolvers.items()) == state.resolvers
    is_read = is_calm(state.records) and bool(state.resolvers)
    assert shelved.looks == ([state.domain.text] if is_read else [])


@given(calm_states())
def test_standings_are_those_of_the_views_without_a_look_at_them(state: DomainState) -> None:
    known = rested(domain_row(state))
    for resting_views, views in (
        (known.resolvers, state.resolvers),
        (known.authorities, state.authorities),
    ):
        assert list(standings_of(resting_views)) == list(standings_of(views))
        for server in (*views, "nobody"):
            assert standing_of(resting_views, server) == standing_of(views, server)
        assert {*map(without_gist, places_of(resting_views))} == {
            *map(without_gist, places_of(views))
        }
        gists = {standing.gist for _, standing in standings_of(views)}
        for gist in (*filter(None, gists), b"another"):
            assert [*servers_with(resting_views, gist)] == [*servers_with(views, gist)]
        assert tally(resting_views) == tally(views)
        assert spells_of(resting_views) == spells_of(views)
        assert resting_views == views


@given(st.one_of(states(), calm_states()), st.lists(MOMENTS, max_size=3))
def test_the_records_tell_the_same_of_themselves(
    state: DomainState, moments: list[datetime]
) -> None:
    records = rested(domain_row(state)).records
    assert is_calm(records) is is_calm(state.records)
    if is_calm(records):
        assert followed_until(records) == followed_until(state.records)
        assert ended_at(records) == ended_at(state.records)
        assert gists_tell(records) is gists_tell(state.records)
    for now in (*moments, *moments_around(state.records)):
        assert is_any_followed(records, now) is is_any_followed(state.records, now)
    assert records == state.records


@pytest.mark.parametrize("number", range(len(stages())))
def test_however_far_a_change_has_come_its_record_rests_as_it_was(number: int) -> None:
    record = stages()[number]
    state = replace(BARE, records={record.key: record})
    records = rested(domain_row(state)).records
    assert records == state.records
    for now in moments_around(state.records):
        assert is_any_followed(records, now) is is_any_followed(state.records, now)
        assert is_only_looked_after(records, now) is is_only_looked_after(state.records, now)


@pytest.mark.parametrize("ending", ["given up", "taken back"])
def test_a_change_that_came_to_nothing_is_followed_no_more(ending: str) -> None:
    story = Story(panel("a"))
    for seconds, value in ((0, OLD), (60, OLD), (120, NEW), (180, NEW)):
        story.poll(seconds, value)
    if ending == "given up":
        story.tell(240, Unwatched())
    else:
        for seconds in (240, 300):
            story.poll(seconds, OLD)
        story.tell(360, Unwatched())
    record = story.record
    state = replace(BARE, records={record.key: record})
    assert is_calm(state.records)
    records = rested(domain_row(state)).records
    for seconds in (400, 100_000, 10_000_000):
        assert not is_any_followed(state.records, at(seconds))
        assert not is_any_followed(records, at(seconds))


@given(calm_states(), st.data())
def test_damaged_details_are_never_taken_for_others(
    state: DomainState, data: st.DataObject
) -> None:
    details = packed_views(state.resolvers.values() or VIEWS.values())
    size = data.draw(st.integers(1, len(details) - 1))
    with pytest.raises(ValueError, match=r"damaged|cut off"):
        views_of(details[:size])
    broken = bytearray(details)
    broken[-1] ^= 1  # of the sum that zlib keeps
    with pytest.raises(ValueError, match="damaged"):
        views_of(bytes(broken))


def test_a_view_of_nothing_that_was_said_is_none() -> None:
    said = b'[["d.example","2026-01-01T00:00:00Z","PT0S","udp",0,"no-reply","",null,null,null]]'
    packed = joined(b'{"a":["timeout",null,"2026-01-01T00:00:00Z","",null,[]]}', said, b"")
    with pytest.raises(ValueError, match="a neither answered nor was silent"):
        views_of(packed)


def test_details_that_are_gone_when_somebody_looks_break_no_page() -> None:
    """The domain may have been unbound, or its row damaged, since the state was shown."""
    row = domain_row(replace(BARE, resolvers={"a": VIEWS["c"]}))
    state = rested(row, Shelved(without_details(row)))
    panel = (Resolver("a", "192.0.2.1"),)
    snapshot = Snapshot(START, State(domains={DOMAIN: state}), panel)
    assert snapshot.is_up(panel[0]) is False
    assert list(snapshot.views(state)) == []


@pytest.mark.parametrize("damaged", ["", "0123", "no gist"])
def test_gists_that_are_cut_off_or_no_gists_are_refused(damaged: str) -> None:
    one = VIEWS["a"]
    known = replace(one, sighting=replace(one.sighting, gist=b"12345678"))
    row = domain_row(replace(BARE, resolvers={known.sighting.server: known}))
    ((_, standing),) = standings_of(rested(row).resolvers)
    assert standing.gist == b"12345678"
    with pytest.raises(ValueError, match=r"missing|non-hexadecimal"):
        rested(row._replace(gists=damaged))


BARE = DomainState(DOMAIN, None, START)
VIEWS = {"a": view(RIGHT), "b": view(WRONG), "c": view(SILENT)}


class Shelf(RestingViews):
    """Counts how often it is read, and how often only for its spells."""

    def __init__(self, views: Mapping[str, View] = VIEWS) -> None:
        gists: dict[Gist, int] = {}
        super().__init__(numbered(views, gists), b"".join(gists))
        self._views = views
        self.reads = 0
        self.spellings = 0

    def read(self) -> Mapping[str, View]:
        self.reads += 1
        return self._views

    def spells(self) -> Mapping[str, Spell]:
        self.spellings += 1
        return spells_of(self._views)


class Gone(Shelf):
    """Of which nothing can be read any more."""

    def __init__(self, shelf: Shelf) -> None:
        super().__init__(shelf._views)
        self._views = {}


class Drawer(Resting[RecordKey, TrackedRecord], CalmRecords):
    ended_at = START

    def __init__(self, until: datetime | None) -> None:
        self._until = until
        self.reads = 0

    @property
    def followed_until(self) -> datetime | None:
        return self._until

    def keys_at_hand(self) -> tuple[RecordKey, ...]:
        return (RecordKey(DOMAIN),)

    def read(self) -> Mapping[RecordKey, TrackedRecord]:
        self.reads += 1
        return {RecordKey(DOMAIN): TrackedRecord(DOMAIN, RecordKey(DOMAIN))}


def test_who_stands_where_is_known_without_reading() -> None:
    shelf = Shelf()
    assert list(shelf) == ["a", "b", "c"]
    assert len(shelf) == 3
    assert dict(standings_of(shelf)) == dict(standings_of(VIEWS))
    assert standing_of(shelf, "c") == standing_of(VIEWS, "c")
    assert standing_of(shelf, "nobody") is None
    assert tally(shelf, {"a": 2.0}) == tally(VIEWS, {"a": 2.0})
    assert shelf.reads == 0


def test_who_looks_sees_all_of_it() -> None:
    shelf = Shelf()
    assert shelf["a"] == VIEWS["a"]
    assert "nobody" not in shelf
    assert shelf.get("nobody") is None
    assert dict(shelf) == VIEWS
    assert dict(shelf.items()) == VIEWS
    assert list(shelf.values()) == list(VIEWS.values())
    with pytest.raises(KeyError):
        shelf["nobody"]


def test_a_copy_of_it_needs_but_one_look() -> None:
    shelf = Shelf()
    assert {server: one.since for server, one in shelf.items()}
    assert shelf.reads == 1


def test_it_equals_what_it_was_made_of_from_both_sides_and_has_no_hash() -> None:
    other = {**VIEWS, "a": view(WRONG)}
    assert Shelf() == VIEWS
    assert Shelf() == VIEWS
    assert Shelf() == Shelf()
    assert Shelf() != other
    assert other != Shelf()
    assert Shelf() != Shelf(other)
    assert Shelf({}) == {}
    with pytest.raises(TypeError):
        hash(Shelf())


def test_new_answers_leave_it_as_it_was() -> None:
    shelf = Shelf()
    after = views_after(shelf, [sighting("a", WRONG, START + MINUTE)], frozenset("ab"))
    assert after.keys() == {"a", "b"}
    assert after["b"] == VIEWS["b"]
    assert after["a"].verdict != VIEWS["a"].verdict
    assert shelf == VIEWS


def test_where_everybody_was_seen_again_no_former_answer_is_read() -> None:
    asked, later = frozenset("abc"), START + MINUTE
    first = [sighting(server, WRONG) for server in "abc"]
    known = views_after({}, first, asked)
    seen = [sighting("c", SILENT, later), sighting("b", WRONG, later), sighting("a", RIGHT, later)]
    shelf = Shelf(known)
    after = views_after(shelf, seen, asked)
    assert (shelf.reads, shelf.spellings) == (0, 1)
    assert after == views_after(known, seen, asked)
    assert list(after) == ["a", "b", "c"]
    assert [view.meant_since for view in after.values()] == [later, START, START]


def test_since_when_resolvers_are_wrong_and_authorities_right_is_known_without_reading() -> None:
    wrong, right = {"a": view(RIGHT), "b": view(WRONG)}, {"ns": view(RIGHT), "lost": view(SILENT)}
    resolvers, authorities = Shelf(wrong), Shelf(right)
    policy = StatusPolicy({"a": 1.0, "b": 1.0}, window=MINUTE)
    for late, expected in ((1, DomainStatus.PROPAGATING), (2, DomainStatus.PARTIAL)):
        now = START + late * MINUTE
        assert status_of(wrong, right, policy, now) is expected
        assert status_of(resolvers, authorities, policy, now) is expected
    assert (resolvers.reads, authorities.reads) == (0, 0)
    gone = Gone(authorities)
    assert status_of(wrong, gone, policy, START) is DomainStatus.PARTIAL
    assert status_of(Gone(resolvers), right, policy, START) is DomainStatus.PROPAGATING


def test_calm_records_tell_until_when_they_are_followed_without_reading() -> None:
    drawer, empty = Drawer(START), Drawer(None)
    assert is_calm(drawer)
    assert (followed_until(drawer), ended_at(drawer)) == (START, START)
    assert is_any_followed(drawer, START - MINUTE)
    assert not is_any_followed(drawer, START)
    assert not is_any_followed(empty, START)
    assert list(drawer) == [RecordKey(DOMAIN)]
    assert (drawer.reads, empty.reads) == (0, 0)
