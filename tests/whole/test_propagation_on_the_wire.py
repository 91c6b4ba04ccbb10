"""A change followed by the real daemon over real authorities and real caches, against the truth.

What each cache holds is read from its memory, so that a verdict that comes too early, or for the
wrong reason, cannot hide behind the answers on which it rests.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest

from monitor.core.events import Event, EventType
from monitor.core.tracking.changes import Change, ChangeKind, ChangeState, Source
from monitor.core.tracking.reasons import Reason
from monitor.core.tracking.tracks import TrackState
from tests.servers.balancer import Balancer
from tests.servers.bind import Bind
from tests.servers.knot_resolver import KnotResolver
from tests.servers.lab import Authorities, standing_authorities
from tests.servers.unbound import Unbound
from tests.whole.propagation_lab import (
    NEW,
    OLD,
    PINNED,
    Cache,
    Post,
    Site,
    Story,
    Witness,
    deaf,
    now,
    point,
    post,
    standing,
)

# The first test of each story waits until it is played.
pytestmark = pytest.mark.timeout(240)

log = logging.getLogger(__name__)

TTL = 10
SHORT_TTL = 4
FLOOR = 35
WINDOW = 60
# How near the reckoning of an expiry must come: TTLs are whole seconds.
NEAR = timedelta(seconds=2)
# What a machine with much else to do may add to any act of the daemon.
SLACK = timedelta(seconds=12)

HONEST = ("plain", "cap", "bind", "knot", "pool")
FORGETFUL = ("plain", "bind", "knot")
every_honest_cache = pytest.mark.parametrize("name", HONEST)
every_forgetful_cache = pytest.mark.parametrize("name", FORGETFUL)


@dataclass(frozen=True, slots=True)
class Modified:
    """What was done, what the caches held meanwhile, and what the daemon made of it."""

    sites: Mapping[str, Site]
    witness: Witness
    begun_at: datetime  # the first authority is about to change
    last_at: datetime  # so is the last one
    restored_at: datetime  # the stale cache is about to reach an authority again
    asked: tuple[Mapping[str, int], Mapping[str, int]]  # before and at the end of the split
    split: Story
    killed: Story
    resumed: Story
    end: Story
    told: Mapping[str, str]  # by every cache, after the window

    @property
    def change(self) -> Change:
        return self.end.change

    @property
    def agreed_at(self) -> datetime:
        assert self.change.all_authorities_at is not None
        return self.change.all_authorities_at

    @property
    def bound_at(self) -> datetime:
        assert self.change.bound_at is not None
        return self.change.bound_at

    def last_old(self, name: str) -> datetime:
        """Return the last instant that is proved at which the site held the old value."""
        last = self.witness.last_held(self.sites[name], OLD)
        assert last is not None, f"{name} never held the old value"
        return last

    def gone_by(self, name: str) -> datetime:
        """Return when it is proved that the site held the old value no more."""
        gone = self.witness.gone_by(self.sites[name], OLD)
        assert gone is not None, f"{name} never held the old value"
        return gone


@pytest.fixture(scope="module")
def modified(tmp_path_factory: pytest.TempPathFactory) -> Modified:
    """Play the story of a modified record once; the tests read it."""
    with standing_authorities() as authorities, ExitStack() as running:
        point(OLD, TTL, authorities.ns1, authorities.ns2)
        line = Balancer(authorities.ns2.endpoints)
        line_is_up = running.enter_context(ExitStack())
        line_is_up.enter_context(line.running())
        sites = running.enter_context(standing(_cast(authorities, line)))
        resolvers = [(site.name, site.front.endpoint) for site in sites.values()]
        resolvers.append(("dead", running.enter_context(deaf())))
        servers = (authorities.ns1, authorities.ns2)
        daemon = post(tmp_path_factory.mktemp("modified"), servers, resolvers, WINDOW)
        memories = [site for site in sites.values() if site.name != "pinned"]
        witness = running.enter_context(Witness(memories).watching())
        played = _Play(authorities, sites, daemon, line, line_is_up).played(witness)
        _log(played.end.change, sites, witness, OLD)
        return played


def _cast(authorities: Authorities, line: Balancer) -> dict[str, tuple[Cache, ...]]:
    """Return the caches by the name of their site: those that ask both authorities come first."""
    both = authorities.stubs
    late = {**both, "shop.test": authorities.ns2.endpoints}
    return {
        "plain": (Unbound(both),),
        "bind": (Bind(authorities.root),),
        "knot": (KnotResolver(both),),
        "pinned": (Unbound(both, overrides=[PINNED]),),
        "pool": (Unbound(late), Unbound(late), Unbound(late)),
        "floor": (Unbound(late, min_ttl=FLOOR),),
        "cap": (Unbound(late, max_ttl=5),),
        "optimistic": (Unbound(late, serves_stale=True, optimistic=True),),
        "stale": (Unbound({**both, "shop.test": (line.at,)}, serves_stale=True),),
    }


@dataclass(frozen=True, slots=True)
class _Play:
    """The story: one authority lags, one cache is cut off, and the daemon is killed."""

    authorities: Authorities
    sites: Mapping[str, Site]
    daemon: Post
    line: Balancer
    line_is_up: ExitStack

    def played(self, witness: Witness) -> Modified:
        with self.daemon.staffed() as process:
            self._ask_as_clients_before()
            before, begun_at = self._asked(), now()
            point(NEW, TTL, self.authorities.ns1)
            split = self.daemon.wait_until(_is_split, "the split")
            self._ask_as_clients_in_between()
            self.daemon.wait_until(_is_told_of_the_split, "word of the split")
            self.line_is_up.close()
            in_split = self._asked()
            last_at = now()
            point(NEW, TTL, self.authorities.ns2)
            self.daemon.wait_until(_is_half_way, "the middle")
            process.kill()
            process.wait()
        killed = self.daemon.story()
        with self.daemon.staffed() as process:
            resumed, restored_at = self.daemon.story(), now()
            self.line_is_up.enter_context(self.line.running())
            end = self.daemon.wait_until(_is_over, "the end", patience=120)
            told = {site.name: site.told() for site in self.sites.values()}
            process.terminate()
            assert process.wait() == 0
        return Modified(
            self.sites, witness, begun_at, last_at, restored_at, (before, in_split),
            split, killed, resumed, end, told,
        )  # fmt: skip

    def _ask_as_clients_before(self) -> None:
        for name in ("plain", "bind", "knot"):
            assert self.sites[name].warm() == OLD
            time.sleep(0.4)

    def _ask_as_clients_in_between(self) -> None:
        """Plant old copies of different ages in caches that ask only the authority that lags."""
        for number, names in enumerate((("floor", "cap"), ("optimistic",), ("stale",))):
            assert self.sites["pool"].warm(number) == OLD
            for name in names:
                assert self.sites[name].warm() == OLD
            time.sleep(1.8)  # copies of nearly one age would look like one cache

    def _asked(self) -> Mapping[str, int]:
        return {site.name: site.asked for site in self.sites.values()}


def _is_split(story: Story) -> bool:
    return bool(story.changes) and story.change.state is ChangeState.AUTH_SPLIT


def _is_told_of_the_split(story: Story) -> bool:
    return bool(story.told(EventType.AUTHORITY_SPLIT))


def _is_half_way(story: Story) -> bool:
    """True when the honest caches have come round, and those that overstay are found out."""
    late = {event.resolver for event in story.told(EventType.OVERSTAY)}
    return late >= {"floor", "stale", "pinned"} and all(map(story.has_converged, HONEST))


def _is_over(story: Story) -> bool:
    has_expired = story.change.state is ChangeState.EXPIRED
    return has_expired and all(map(story.has_converged, ("floor", "stale", "optimistic")))


def _log(change: Change, sites: Mapping[str, Site], witness: Witness, old: str) -> None:
    """Show the figures, which nobody asserts: `--log-cli-level=INFO`."""
    for name, site in sites.items():
        track, gone = change.tracks[name], witness.gone_by(site, old)
        delay = track.converged_at - gone if track.converged_at and gone else None
        log.info(f"{name}: verdict {delay} after the truth, {site.asked} questions")


def test_there_is_one_change_and_it_says_what_changed(modified: Modified) -> None:
    (change,) = modified.end.changes
    assert change.old is not None
    assert (change.old.text, change.new.text) == (OLD.rstrip("."), NEW.rstrip("."))
    assert (change.kind, change.source) == (ChangeKind.MODIFIED, Source.OBSERVED)
    assert change.old_ttl == TTL
    assert change.unseen_since is not None
    assert change.unseen_since <= modified.last_at
    assert modified.begun_at <= change.detected_at <= modified.last_at


def test_while_the_authorities_differ_no_resolver_is_judged(modified: Modified) -> None:
    change = modified.split.change
    assert (change.state, change.bound_at) == (ChangeState.AUTH_SPLIT, None)
    assert {track.state for track in change.tracks.values()} == {TrackState.AUTH_WAIT}
    (told,) = modified.end.told(EventType.AUTHORITY_SPLIT)
    servers = told.data["servers"]
    assert isinstance(servers, Mapping)
    assert set(servers.values()) == {OLD.rstrip("."), NEW.rstrip(".")}
    (agreed,) = modified.end.told(EventType.AUTHORITY_AGREED)
    assert change.detected_at < told.at < agreed.at


def test_while_the_authorities_differ_no_cache_is_asked(modified: Modified) -> None:
    before, in_split = modified.asked
    assert in_split == before
    assert all(site.asked > before[name] for name, site in modified.sites.items())


@every_honest_cache
def test_no_cache_that_keeps_to_the_ttl_has_the_old_value_after_the_bound(
    name: str, modified: Modified
) -> None:
    assert modified.last_old(name) <= modified.bound_at


def test_the_bound_is_one_ttl_after_the_last_authority(modified: Modified) -> None:
    late = modified.bound_at - modified.last_at - timedelta(seconds=TTL)
    assert timedelta() <= late <= SLACK


@every_honest_cache
def test_no_verdict_comes_before_the_truth(name: str, modified: Modified) -> None:
    assert modified.end.converged_at(name) >= modified.last_old(name)


@every_honest_cache
def test_the_verdict_comes_soon_after_the_truth(name: str, modified: Modified) -> None:
    # Behind a pool one more cache may hide: that is ruled out only a while after the bound.
    latest = modified.bound_at if name == "pool" else modified.agreed_at
    delay = modified.end.converged_at(name) - max(latest, modified.gone_by(name))
    assert delay <= SLACK


def test_nobody_is_said_to_have_gone_back(modified: Modified) -> None:
    assert modified.end.told(EventType.REGRESSED) == []


def test_a_cache_with_a_floor_is_explained_and_its_end_foretold(modified: Modified) -> None:
    (told,) = modified.end.told(EventType.OVERSTAY, "floor")
    assert told.data["reason"] == Reason.TTL_FLOOR.value
    eta = datetime.fromisoformat(str(told.data["eta_at"]))
    # The true end lies between the last look that found the old value and the next one.
    assert modified.last_old("floor") - NEAR <= eta <= modified.gone_by("floor") + NEAR
    assert modified.last_old("floor") > modified.bound_at
    assert modified.end.converged_at("floor") >= modified.last_old("floor")


def test_a_cache_that_serves_stale_is_explained_and_has_no_eta(modified: Modified) -> None:
    (told,) = modified.end.told(EventType.OVERSTAY, "stale")
    assert (told.data["reason"], told.data["eta_at"]) == (Reason.SERVE_STALE.value, None)
    turns = modified.end.arrivals("stale", TrackState.OVERSTAY)
    assert 3 in {code for turn in turns for answer in turn.evidence for code in _ede(answer)}
    # It was asked ever less often while it was cut off.
    verdict = modified.end.converged_at("stale")
    assert modified.restored_at <= verdict <= modified.restored_at + 2 * SLACK


def _ede(answer: Mapping[str, object]) -> tuple[int, ...]:
    codes = answer["ede"]
    return tuple(codes) if isinstance(codes, tuple | list) else ()


def test_an_optimistic_cache_is_believed_as_soon_as_it_has_renewed_its_copy(
    modified: Modified,
) -> None:
    verdict, last = modified.end.converged_at("optimistic"), modified.last_old("optimistic")
    assert last <= verdict <= max(modified.agreed_at, modified.gone_by("optimistic")) + SLACK


def test_the_census_of_a_pool_meets_more_than_one_cache(modified: Modified) -> None:
    census = modified.end.told(EventType.CENSUS_DONE)
    distinct = {event.resolver: event.data["distinct"] for event in census}
    met = distinct["pool"]
    assert isinstance(met, int)
    assert met > 1


def test_a_dead_resolver_is_unverified_and_never_late(modified: Modified) -> None:
    assert modified.change.tracks["dead"].state is TrackState.UNREACHABLE
    assert modified.end.told(EventType.OVERSTAY, "dead") == []
    (expired,) = modified.end.told(EventType.WINDOW_EXPIRED)
    assert _unverified(expired) == {"dead"}
    assert "dead" not in _late(expired)


def test_at_the_deadline_the_late_are_named_once_with_their_reasons(modified: Modified) -> None:
    (expired,) = modified.end.told(EventType.WINDOW_EXPIRED)
    late = _late(expired)
    assert late["pinned"] == Reason.OVERRIDE.value
    come_round = {n for n in modified.sites if _has_converged_by(modified.end, n, expired.at)}
    assert set(late) == set(modified.sites) - come_round
    assert expired.at >= modified.change.deadline_at
    assert modified.end.told(EventType.SETTLED) == []


def _has_converged_by(story: Story, name: str, at: datetime) -> bool:
    return story.has_converged(name) and story.converged_at(name) <= at


def _late(told: Event) -> Mapping[str, object]:
    late = told.data["late"]
    assert isinstance(late, Mapping)
    return late


def _unverified(told: Event) -> set[object]:
    unverified = told.data["unverified"]
    assert isinstance(unverified, Sequence)
    return set(unverified)


@every_honest_cache
def test_who_keeps_to_the_ttl_is_settled_in_the_end(name: str, modified: Modified) -> None:
    assert modified.change.tracks[name].state is TrackState.SETTLED


def test_the_deadline_never_moves(modified: Modified) -> None:
    stories = (modified.split, modified.killed, modified.resumed, modified.end)
    deadline = modified.change.detected_at + timedelta(seconds=WINDOW)
    assert {story.change.deadline_at for story in stories} == {deadline}


def test_a_daemon_that_was_killed_goes_on_with_the_same_change(modified: Modified) -> None:
    assert modified.killed.told(EventType.STOP) == []
    assert len(modified.end.told(EventType.START)) == 2
    stories = (modified.split, modified.killed, modified.resumed, modified.end)
    assert len({story.change.id for story in stories}) == 1
    known = len(modified.killed.events)
    assert modified.end.events[:known] == modified.killed.events


@pytest.mark.parametrize(
    "kind",
    [
        EventType.CHANGE_DETECTED,
        EventType.AUTHORITY_SPLIT,
        EventType.AUTHORITY_AGREED,
        EventType.OVERSTAY,
        EventType.CENSUS_DONE,
        EventType.WINDOW_EXPIRED,
    ],
    ids=lambda kind: kind.value,
)
def test_nothing_is_told_twice(kind: EventType, modified: Modified) -> None:
    whom = [event.resolver for event in modified.end.told(kind)]
    assert len(set(whom)) == len(whom) > 0


def test_after_the_window_clients_are_told_the_new_value(modified: Modified) -> None:
    assert modified.told == dict.fromkeys(modified.sites, NEW) | {"pinned": OLD}


@dataclass(frozen=True, slots=True)
class Reverted:
    """A record that was modified and, while caches had either value, put back."""

    sites: Mapping[str, Site]
    witness: Witness
    end: Story
    told: Mapping[str, str]

    @property
    def first(self) -> Change:
        return self.end.changes[0]

    @property
    def second(self) -> Change:
        return self.end.changes[1]

    @property
    def bound_at(self) -> datetime:
        assert self.second.bound_at is not None
        return self.second.bound_at

    def last_held(self, name: str) -> datetime:
        """Return the last instant that is proved at which the site held the withdrawn value."""
        last = self.witness.last_held(self.sites[name], NEW)
        assert last is not None, f"{name} never held the new value"
        return last


@pytest.fixture(scope="module")
def reverted(tmp_path_factory: pytest.TempPathFactory) -> Reverted:
    """Play the story of a record that is put back once; the tests read it."""
    with standing_authorities() as authorities, ExitStack() as running:
        servers = (authorities.ns1, authorities.ns2)
        point(OLD, SHORT_TTL, *servers)
        cast: dict[str, tuple[Cache, ...]] = {
            "plain": (Unbound(authorities.stubs),),
            "bind": (Bind(authorities.root),),
            "knot": (KnotResolver(authorities.stubs),),
            "original": (Unbound(authorities.stubs, min_ttl=300),),
        }
        sites = running.enter_context(standing(cast))
        resolvers = [(site.name, site.front.endpoint) for site in sites.values()]
        resolvers.append(("dead", running.enter_context(deaf())))
        daemon = post(tmp_path_factory.mktemp("reverted"), servers, resolvers, WINDOW)
        witness = running.enter_context(Witness(tuple(sites.values())).watching())
        with daemon.staffed():
            point(NEW, SHORT_TTL, *servers)
            daemon.wait_until(lambda story: _overstays(story, "original"), "the first change")
            for name in FORGETFUL:
                assert sites[name].warm() == NEW
            point(OLD, SHORT_TTL, *servers)
            end = daemon.wait_until(_is_settled_again, "the second change")
            told = {site.name: site.told() for site in sites.values()}
        _log(end.change, sites, witness, NEW)
        return Reverted(sites, witness, end, told)


def _overstays(story: Story, name: str) -> bool:
    return bool(story.arrivals(name, TrackState.OVERSTAY))


def _is_settled_again(story: Story) -> bool:
    return len(story.changes) > 1 and story.change.state is ChangeState.SETTLED


def test_a_record_that_is_put_back_makes_two_changes(reverted: Reverted) -> None:
    first, second = reverted.first, reverted.second
    assert (first.state, second.state) == (ChangeState.REVERTED, ChangeState.SETTLED)
    assert second.supersedes == first.id
    assert (second.old, second.new) == (first.new, first.old)
    (told,) = reverted.end.told(EventType.REVERTED)
    assert (told.change, told.data["by"]) == (first.id, second.id)


@every_forgetful_cache
def test_the_value_that_was_withdrawn_is_awaited_as_any_other(
    name: str, reverted: Reverted
) -> None:
    last = reverted.last_held(name)
    verdict = reverted.end.converged_at(name, reverted.second.id)
    gone = reverted.witness.gone_by(reverted.sites[name], NEW)
    agreed = reverted.second.all_authorities_at
    assert gone is not None
    assert agreed is not None
    assert last <= reverted.bound_at
    assert last <= verdict <= max(gone, agreed) + SLACK


def test_a_copy_from_before_the_change_is_right_again(reverted: Reverted) -> None:
    (told,) = reverted.end.arrivals("original", TrackState.OVERSTAY)
    assert (told.change, told.data["reason"]) == (reverted.first.id, Reason.TTL_FLOOR.value)
    assert reverted.witness.last_held(reverted.sites["original"], NEW) is None
    assert reverted.end.has_converged("original", reverted.second.id)


def test_a_change_settles_though_a_resolver_is_dead(reverted: Reverted) -> None:
    (told,) = reverted.end.told(EventType.SETTLED)
    assert (_late(told), _unverified(told)) == ({}, {"dead"})
    assert told.at >= reverted.bound_at
    assert reverted.end.told(EventType.WINDOW_EXPIRED) == []


def test_after_the_reversal_clients_are_told_the_old_value(reverted: Reverted) -> None:
    assert reverted.told == dict.fromkeys(reverted.sites, OLD)
