from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from monitor.core.answers import Address, Alias, Answer, Rcode, Reply
from monitor.core.bindings import BucketTarget
from monitor.core.discovery import take_listing
from monitor.core.domain_tracking import (
    AuthorityLook,
    Followers,
    agendas,
    announce_all,
    is_left_alone,
    records_of,
    track_announcement,
    track_authorities,
    track_clock,
    track_explanation,
    track_resolvers,
    track_restart,
    track_time,
    unexplained,
    unwatched,
)
from monitor.core.events import Event, EventType
from monitor.core.inventory import Listing
from monitor.core.names import DomainName
from monitor.core.servers import Authority, Delegation, Resolver, Transport
from monitor.core.state import DomainState, RoundPolicy, State, Step, see_authorities, see_change
from monitor.core.status import DomainStatus, StatusPolicy
from monitor.core.targets import TargetPolicy
from monitor.core.tracking.changes import Change, ChangeKind, ChangeState, Source
from monitor.core.tracking.policy import TrackingPolicy
from monitor.core.tracking.record import Announced, Explained, RecordKey
from monitor.core.tracking.tracks import TrackState
from monitor.core.tracking.values import alias
from monitor.core.verdict import Expectation, judge
from monitor.core.views import Sighting
from tests.core.samples import BINDING, DOMAIN, ENDPOINT, SILENT, START, TARGET, sighting

FORMER = DomainName("elsewhere.example")
RIGHT = TARGET.name
HOP = DomainName("lb.shop.example")
SUBNET = "198.51.100.0/24"
ZONE = DomainName("shop.example")
SERVERS = (Authority(ZONE, None, "192.0.2.1"), Authority(ZONE, None, "192.0.2.2"))
EVERYBODY, LINE = RecordKey(DOMAIN), RecordKey(DOMAIN, SUBNET)
PLAIN, EAST = Resolver("plain", "192.0.2.11"), Resolver("east", "192.0.2.12", client_subnet=SUBNET)
ALONE = Followers(TrackingPolicy(), {PLAIN.name: PLAIN})
BOTH = Followers(TrackingPolicy(), {PLAIN.name: PLAIN, EAST.name: EAST})
POLICY = RoundPolicy(StatusPolicy({PLAIN.name: 1.0, EAST.name: 1.0}))


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def leading(owner: DomainName, target: DomainName, ttl: int = 600) -> Answer:
    return Answer(
        Rcode.NOERROR,
        aliases=(Alias(owner, target, ttl),),
        addresses=(Address(target, "203.0.113.1", 60),),
        is_authoritative=True,
    )


def seen_at(owner: DomainName, server: str, answer: Answer, when: datetime) -> Sighting:
    reply = Reply(answer, when, timedelta(milliseconds=12), Transport.UDP, b"wire")
    expected = Expectation(owner, TARGET, TargetPolicy())
    return Sighting(server, reply, judge(answer, expected, asked_authority=True))


def look(
    seconds: float, *targets: DomainName, key: RecordKey = EVERYBODY, ttl: int = 600
) -> AuthorityLook:
    """Return a poll in which each of the two authorities serves its target, or both the same."""
    said = targets if len(targets) > 1 else targets * 2
    sightings = tuple(
        seen_at(key.owner, server.name, leading(key.owner, target, ttl), at(seconds))
        for server, target in zip(SERVERS, said, strict=True)
    )
    return AuthorityLook(key, Delegation(ZONE, None, None, SERVERS), sightings)


class Told:
    """One domain that is told what happens; keeps all that it said."""

    def __init__(self, followers: Followers = ALONE) -> None:
        self.followers = followers
        self.state = DomainState(DOMAIN, BINDING, START)
        self.events: list[Event] = []
        self.changes: dict[str, Change] = {}

    def take(self, step: Step) -> Step:
        (self.state,) = step.domains or (self.state,)
        self.events += step.events
        self.changes |= {change.id: change for change in step.changes}
        return step

    def poll(self, seconds: float, *looks: AuthorityLook) -> Step:
        return self.take(track_authorities(self.state, looks, self.followers, at(seconds)))

    def answer(self, seconds: float, resolver: Resolver, *links: Alias) -> Step:
        answer = Answer(
            Rcode.NOERROR, links, addresses=(Address(links[-1].target, "203.0.113.1", 60),)
        )
        seen = sighting(resolver.name, answer, at(seconds))
        return self.take(track_resolvers(self.state, (seen,), self.followers, at(seconds)))

    def change(self, key: RecordKey = EVERYBODY) -> Change:
        change = self.state.records[key].change
        assert change is not None
        return change

    def types(self) -> list[EventType]:
        return [event.type for event in self.events]


def with_views(seconds: float, plain: DomainName, east: DomainName) -> tuple[AuthorityLook, ...]:
    return look(seconds, plain), look(seconds, east, key=LINE)


def changed(followers: Followers = ALONE) -> Told:
    """Return a domain whose change in every view was agreed at 120 s, seen again at 130 s."""
    told = Told(followers)
    for seconds, target in ((0, FORMER), (60, FORMER), (120, RIGHT), (130, RIGHT)):
        looks = [look(seconds, target, key=RecordKey(DOMAIN, view)) for view in followers.views]
        told.poll(seconds, *looks)
    return told


def over_a_hop() -> Told:
    """Return a domain that leads over a name of one's own, whose hop changed at 120 s."""
    told = Told()
    for seconds, target in ((0, FORMER), (60, FORMER), (120, RIGHT), (130, RIGHT)):
        told.poll(seconds, look(seconds, HOP), look(seconds, target, key=RecordKey(HOP)))
    return told


def arrive(told: Told, resolver: Resolver, *links: Alias) -> None:
    """Have the resolver answer with the new value whenever its agenda says so, to the end."""
    for _ in range(60):
        found = agendas(told.state, told.followers, at(0))
        due = [agenda.resolvers.get(resolver.name) for _, agenda in found]
        instants = [instant for instant in due if instant is not None]
        if not instants or told.change().state is ChangeState.SETTLED:
            return
        told.answer((min(instants) - START).total_seconds(), resolver, *links)


# -- views


def test_everybody_is_a_view_and_each_subnet_is_one() -> None:
    assert ALONE.views == ("",)
    assert BOTH.views == ("", SUBNET)
    assert set(BOTH.of("").resolvers) == {PLAIN.name}
    assert set(BOTH.of(SUBNET).resolvers) == {EAST.name}
    assert set(BOTH.of("203.0.113.0/24").resolvers) == set()


def test_a_change_in_one_line_alone_is_a_change_in_that_view_alone() -> None:
    told = Told(BOTH)
    for seconds, east in ((0, FORMER), (60, FORMER), (120, RIGHT), (130, RIGHT)):
        told.poll(seconds, *with_views(seconds, FORMER, east))
    assert told.state.records[EVERYBODY].change is None
    assert told.change(LINE).view == SUBNET
    assert set(told.change(LINE).tracks) == {EAST.name}
    assert told.change(LINE).state is ChangeState.PROPAGATING
    (detected,) = [event for event in told.events if event.type is EventType.CHANGE_DETECTED]
    assert detected.data["view"] == SUBNET


def test_lines_that_differ_from_the_first_look_on_are_no_change() -> None:
    told = Told(BOTH)
    for seconds in (0, 60, 120):
        told.poll(seconds, *with_views(seconds, FORMER, RIGHT))
    assert all(record.change is None for record in told.state.records.values())
    assert told.events == []


def test_each_view_hears_only_its_own_resolvers() -> None:
    told = changed(BOTH)
    for seconds in range(132, 152, 2):
        told.answer(seconds, EAST, Alias(DOMAIN, RIGHT, 732 - seconds))
    assert told.change(LINE).tracks[EAST.name].state.has_converged
    assert told.change(EVERYBODY).tracks[PLAIN.name].state is TrackState.CENSUS
    assert told.change(EVERYBODY).tracks[PLAIN.name].census.samples == 0


def test_a_line_that_is_being_changed_leaves_the_resolvers_of_others_to_the_usual_rounds() -> None:
    told = Told(BOTH)
    for seconds, east in ((0, FORMER), (60, FORMER), (120, RIGHT), (130, RIGHT)):
        told.poll(seconds, *with_views(seconds, FORMER, east))
    assert is_left_alone(told.state, EAST, at(140))
    assert not is_left_alone(told.state, PLAIN, at(140))


def test_an_announcement_holds_in_every_view() -> None:
    told = Told(BOTH)
    told.poll(0, *with_views(0, FORMER, FORMER))
    announced = Announced(alias(RIGHT), at(600), "lin", "ticket 12")
    told.take(track_announcement(told.state, announced, BOTH, at(10)))
    plans = [record.planned for record in told.state.records.values()]
    assert [plan.state for plan in plans if plan] == [ChangeState.ANNOUNCED] * 2
    assert {plan.by for plan in plans if plan} == {"lin"}
    assert len({plan.id for plan in plans if plan}) == 2


def test_an_announcement_of_a_domain_that_is_not_watched_is_nothing() -> None:
    announced = Announced(alias(RIGHT), at(600))
    assert announce_all(State(), DOMAIN, announced, ALONE, at(0)) == Step()


def test_an_announcement_of_a_watched_domain_is_kept_before_its_first_poll() -> None:
    state = State(domains={DOMAIN: DomainState(DOMAIN, BINDING, START)})
    step = announce_all(state, DOMAIN, Announced(alias(RIGHT), at(600)), ALONE, at(0))
    assert [change.state for change in step.changes] == [ChangeState.ANNOUNCED]
    assert [event.type for event in step.events] == [EventType.CHANGE_ANNOUNCED]


# -- hops


def test_a_change_of_a_later_hop_is_of_the_chain_and_of_that_owner() -> None:
    told = over_a_hop()
    change = told.change(RecordKey(HOP))
    assert (change.kind, change.owner, change.domain) == (ChangeKind.CHAIN, HOP, DOMAIN)
    assert (change.old, change.new) == (alias(FORMER), alias(RIGHT))
    assert told.state.records[EVERYBODY].change is None
    (detected,) = [event for event in told.events if event.type is EventType.CHANGE_DETECTED]
    assert (detected.domain, detected.data["owner"]) == (DOMAIN, HOP.text)


def test_a_resolver_is_judged_at_the_hop_that_changed() -> None:
    told = over_a_hop()
    first = Alias(DOMAIN, HOP, 500)
    for seconds in range(132, 148, 2):
        told.answer(seconds, PLAIN, first, Alias(HOP, FORMER, 600 - seconds))
    track = told.change(RecordKey(HOP)).tracks[PLAIN.name]
    assert track.state is TrackState.WAITING
    assert track.next_at is not None
    assert 600 <= (track.next_at - START).total_seconds() <= 604


@pytest.mark.parametrize(
    ("target", "followed"),
    [
        ("lb.shop.example", True),
        ("elsewhere.example", True),
        ("shop-img.oss-cn-shanghai.aliyuncs.com", False),  # the target itself
        ("other.oss-cn-beijing.aliyuncs.com", False),  # OSS
        ("img.shop.example.w.kunlunar.com", False),  # a proxy
    ],
)
def test_the_chain_is_followed_up_to_where_the_vendor_begins(
    target: str, *, followed: bool
) -> None:
    told, name = Told(), DomainName(target)
    for seconds in (0, 60):
        told.poll(seconds, look(seconds, name))
    policy = TargetPolicy(proxy_suffixes=("kunlunar.com",))
    expected = (EVERYBODY, RecordKey(name)) if followed else (EVERYBODY,)
    assert records_of(told.state, "", policy) == expected


def test_a_target_of_ones_own_is_where_the_chain_ends() -> None:
    bound = replace(BINDING, target=BucketTarget("lb", DomainName("shop.example")))
    told = Told()
    told.state = replace(told.state, binding=bound)
    told.poll(0, look(0, HOP))
    assert records_of(told.state, "", TargetPolicy()) == (EVERYBODY,)


def test_a_chain_that_bites_its_tail_is_followed_once() -> None:
    told = Told()
    told.poll(0, look(0, HOP), look(0, DOMAIN, key=RecordKey(HOP)))
    assert records_of(told.state, "", TargetPolicy()) == (EVERYBODY, RecordKey(HOP))


def test_a_long_chain_is_followed_for_some_hops() -> None:
    told = Told()
    names = [DOMAIN, *(DomainName(f"h{n}.shop.example") for n in range(20))]
    told.poll(
        0,
        *(look(0, b, key=RecordKey(a)) for a, b in pairwise(names)),
    )
    found = [key.owner for key in records_of(told.state, "", TargetPolicy())]
    assert found == names[: len(found)]
    assert 8 <= len(found) <= 9


def test_a_hop_that_the_chain_does_not_pass_any_more_is_forgotten() -> None:
    told = Told()
    told.poll(0, look(0, HOP), look(0, RIGHT, key=RecordKey(HOP)))
    assert set(told.state.records) == {EVERYBODY, RecordKey(HOP)}
    told.poll(60, look(60, RIGHT))
    assert set(told.state.records) == {EVERYBODY}


def test_a_change_of_a_hop_that_the_chain_left_is_cancelled() -> None:
    told = over_a_hop()
    number = told.change(RecordKey(HOP)).id
    told.poll(180, look(180, RIGHT))
    assert RecordKey(HOP) not in told.state.records
    ended = [e.change for e in told.events if e.type is EventType.CHANGE_CANCELLED]
    assert ended == [number]


def test_a_hop_that_could_not_be_looked_at_stays() -> None:
    told = over_a_hop()
    step = track_authorities(
        told.state,
        (look(180, HOP),),
        ALONE,
        at(180),
        wanted=frozenset({EVERYBODY, RecordKey(HOP)}),
    )
    (after,) = step.domains
    assert RecordKey(HOP) in after.records


# -- one notice


def test_windows_of_one_domain_that_are_over_together_are_told_in_one_notice() -> None:
    told = changed(BOTH)
    for seconds in range(132, 148, 2):
        told.answer(seconds, EAST, Alias(DOMAIN, FORMER, 30))
    told.events.clear()
    step = told.take(track_time(told.state, BOTH, at(130 + 72 * 3600)))
    (notice,) = [event for event in step.events if event.type is EventType.WINDOW_EXPIRED]
    late, unverified = notice.data["late"], notice.data["unverified"]
    assert isinstance(late, Mapping) and isinstance(unverified, tuple)
    assert set(late) | set(unverified) == {PLAIN.name, EAST.name}
    assert EAST.name in late
    changes = notice.data["changes"]
    assert isinstance(changes, tuple)
    assert set(changes) == {told.change(EVERYBODY).id, told.change(LINE).id}
    assert {told.change(key).state for key in (EVERYBODY, LINE)} == {ChangeState.EXPIRED}
    again = track_time(told.state, BOTH, at(131 + 72 * 3600))
    assert again.events == ()


def test_one_window_that_is_over_is_told_as_it_is() -> None:
    told = changed()
    step = told.take(track_time(told.state, ALONE, at(120 + 72 * 3600)))
    (notice,) = [event for event in step.events if event.type is EventType.WINDOW_EXPIRED]
    assert notice.change == told.change().id


def test_no_window_is_over_before_its_deadline() -> None:
    told = changed()
    deadline = told.change().deadline_at
    assert deadline == told.change().detected_at + timedelta(hours=72)
    step = track_time(told.state, ALONE, deadline - timedelta(seconds=1))
    assert EventType.WINDOW_EXPIRED not in {event.type for event in step.events}


# -- usual rounds


def test_a_resolver_is_left_alone_until_it_has_converged() -> None:
    told = changed()
    assert is_left_alone(told.state, PLAIN, at(131))
    arrive(told, PLAIN, Alias(DOMAIN, RIGHT, 600))
    assert told.change().tracks[PLAIN.name].state.has_converged
    assert not is_left_alone(told.state, PLAIN, at(200))


def test_a_resolver_on_whose_account_nobody_asks_any_more_is_not_left_alone() -> None:
    told = changed()
    for hours in (72, 7 * 24):
        told.take(track_time(told.state, ALONE, at(130 + hours * 3600)))
    assert told.change().state is ChangeState.EXPIRED
    assert not is_left_alone(told.state, PLAIN, at(200 + 7 * 24 * 3600))


def test_nobody_is_left_alone_where_nothing_changes() -> None:
    told = Told()
    told.poll(0, look(0, FORMER))
    assert not is_left_alone(told.state, PLAIN, at(1))


def test_a_resolver_is_left_alone_while_an_authority_serves_the_old_value() -> None:
    told = Told()
    told.poll(0, look(0, FORMER))
    told.poll(60, look(60, FORMER))
    told.poll(120, look(120, RIGHT, FORMER))
    assert told.change().state is ChangeState.AUTH_SPLIT
    assert is_left_alone(told.state, PLAIN, at(121))


def test_an_answer_of_somebody_unknown_changes_nothing() -> None:
    told = changed()
    stranger = Resolver("stranger", "192.0.2.99")
    assert told.answer(140, stranger, Alias(DOMAIN, RIGHT, 600)) == Step()


# -- bindings


def listing(*bucket: str) -> Listing:
    return Listing(
        BINDING.account,
        tuple(replace(BINDING, target=BucketTarget(name, ENDPOINT)) for name in bucket),
    )


def test_a_binding_that_moves_keeps_its_records() -> None:
    told = changed()
    state = State().after(take_listing(State(), listing("shop-img"), at(0)))
    state = state.after(Step(domains=(told.state,)))
    after = state.after(take_listing(state, listing("shop-new"), at(200)))
    moved = after.domains[DOMAIN]
    assert moved.binding is not None and moved.binding.bucket == "shop-new"
    assert moved.records == told.state.records


def test_a_domain_that_is_unbound_cancels_its_change() -> None:
    told = changed()
    state = State().after(take_listing(State(), listing("shop-img"), at(0)))
    state = state.after(Step(domains=(told.state,)))
    step = take_listing(state, listing(), at(200))
    assert DOMAIN in step.forgotten
    assert [change.state for change in step.changes] == [ChangeState.CANCELLED]
    assert [change.id for change in step.changes] == [told.change().id]
    kinds = [event.type for event in step.events]
    assert EventType.CHANGE_CANCELLED in kinds and EventType.WINDOW_EXPIRED not in kinds


def test_a_plan_of_a_domain_that_is_unbound_is_cancelled_too() -> None:
    told = Told()
    told.poll(0, look(0, FORMER))
    told.take(track_announcement(told.state, Announced(alias(RIGHT), at(600)), ALONE, at(10)))
    told.take(unwatched(told.state, at(20)))
    assert [change.state for change in told.changes.values()] == [ChangeState.CANCELLED]
    assert told.state.records[EVERYBODY].planned is None


# -- restart, clock, explanation


def test_a_restart_keeps_the_deadline_and_begins_the_census_again() -> None:
    told = changed()
    told.answer(132, PLAIN, Alias(DOMAIN, FORMER, 400))
    before = told.change()
    assert before.tracks[PLAIN.name].census.samples == 1
    told.take(track_restart(told.state, ALONE, at(1000)))
    after = told.change()
    assert (after.id, after.deadline_at) == (before.id, before.deadline_at)
    track = after.tracks[PLAIN.name]
    assert (track.state, track.census.samples) == (TrackState.CENSUS, 0)
    assert track.next_at is not None
    assert at(1000) <= track.next_at <= at(1060)


def test_a_clock_that_was_put_forward_leaves_the_rest_of_the_window_as_it_was() -> None:
    told = changed()
    before = told.change()
    by = timedelta(hours=1)
    told.take(track_clock(told.state, by, ALONE, at(200) + by))
    after = told.change()
    assert after.deadline_at == before.deadline_at + by
    assert before.bound_at is not None
    assert after.bound_at == before.bound_at + by
    assert told.types().count(EventType.CHANGE_DETECTED) == 1


def test_what_the_provider_tells_names_the_edit_and_the_change_is_explained() -> None:
    told = changed()
    assert [key for key, _ in unexplained(told.state)] == [EVERYBODY]
    explained = Explained(told.change().id, at(100), ("telecom",))
    told.take(track_explanation(told.state, EVERYBODY, explained, ALONE, at(140)))
    assert told.change().source is Source.ALIDNS
    assert (told.change().edited_at, told.change().lines) == (at(100), ("telecom",))
    assert unexplained(told.state) == ()


def test_what_the_provider_tells_of_a_change_that_is_over_is_not_taken() -> None:
    told = changed()
    before = told.state
    explained = Explained("01OTHER", at(100))
    told.take(track_explanation(told.state, EVERYBODY, explained, ALONE, at(140)))
    assert told.state == before


def test_a_change_of_a_hop_is_not_asked_of_the_provider_as_the_domains_own() -> None:
    assert unexplained(over_a_hop().state) == ()


def test_a_poll_that_shows_the_same_again_says_nothing() -> None:
    told = Told()
    for seconds in (0, 60, 120):
        assert told.poll(seconds, look(seconds, FORMER)).events == ()


def test_authorities_that_do_not_answer_are_no_change() -> None:
    told = Told()
    told.poll(0, look(0, RIGHT))
    told.poll(60, look(60, RIGHT))
    silent = tuple(sighting(server.name, SILENT, at(120)) for server in SERVERS)
    told.poll(120, replace(look(120, RIGHT), sightings=silent))
    assert told.state.records[EVERYBODY].change is None
    assert told.events == []


# -- status


def after_round(told: Told, seconds: float, *targets: DomainName) -> None:
    """Take one round of the authorities as the daemon does."""
    seen = look(seconds, *targets)
    told.take(see_authorities(told.state, seen.sightings, seen.delegation, POLICY, at(seconds)))
    told.poll(seconds, seen)
    told.take(see_change(told.state, POLICY, at(seconds)))


@pytest.mark.parametrize(
    ("before", "old", "new", "after"),
    [
        (DomainStatus.BROKEN, FORMER, RIGHT, DomainStatus.PROPAGATING),
        (DomainStatus.PARTIAL, FORMER, RIGHT, DomainStatus.PROPAGATING),
        (DomainStatus.UNKNOWN, FORMER, RIGHT, DomainStatus.UNKNOWN),
        (DomainStatus.IN_EFFECT, RIGHT, FORMER, DomainStatus.IN_EFFECT),
        (DomainStatus.BROKEN, FORMER, HOP, DomainStatus.BROKEN),
    ],
)
def test_a_change_to_the_right_target_alone_is_under_way_at_once(
    before: DomainStatus, old: DomainName, new: DomainName, after: DomainStatus
) -> None:
    told = Told()
    status = replace(told.state.status, value=before)
    told.state = replace(told.state, status=status)
    after_round(told, 0, old)
    after_round(told, 60, old)
    after_round(told, 120, new, old)
    assert told.state.status.value is after
