"""Polls that bring nothing new are not recorded, and the record is none the poorer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.answers import (
    Address,
    Alias,
    Answer,
    NoAnswer,
    NoAnswerReason,
    Outcome,
    Rcode,
    Reply,
)
from monitor.core.domain_tracking import (
    AuthorityLook,
    Followers,
    track_announcement,
    track_authorities,
    unwatched,
)
from monitor.core.events import Event
from monitor.core.names import DomainName
from monitor.core.servers import Authority, Delegation, Transport
from monitor.core.state import (
    DomainState,
    RoundPolicy,
    Step,
    in_turn,
    see_authorities,
    see_change,
)
from monitor.core.status import StatusPolicy
from monitor.core.targets import TargetPolicy
from monitor.core.tracking.authorities import ServerHistory
from monitor.core.tracking.changes import Change
from monitor.core.tracking.policy import TrackingPolicy
from monitor.core.tracking.record import Announced, RecordKey, TrackedRecord
from monitor.core.tracking.values import alias
from monitor.core.verdict import Expectation, judge
from monitor.core.views import Sighting
from monitor.usecases.polls import Polls
from tests.core.properties import REPEATABLE
from tests.core.samples import BINDING, DOMAIN, START, TARGET

BARE = DomainState(DOMAIN, BINDING, START)
ZONE = DomainName("shop.example")
NS1, NS2 = Authority(ZONE, None, "127.0.0.11"), Authority(ZONE, None, "127.0.0.12")
OWN, HOP = RecordKey(DOMAIN), RecordKey(DomainName("edge.shop.example"))
POLICY = RoundPolicy(StatusPolicy({}))
FOLLOWERS = Followers(TrackingPolicy(), {})
SILENT_FOR_GOOD = TrackingPolicy().split_alert_after


def pointing(target: DomainName, ttl: int = 600) -> Answer:
    return Answer(Rcode.NOERROR, (Alias(DOMAIN, target, ttl),), is_authoritative=True)


def flat(ttl: int, *addresses: str) -> Answer:
    found = tuple(Address(DOMAIN, text, ttl) for text in addresses)
    return Answer(Rcode.NOERROR, addresses=found, is_authoritative=True)


OLD, NEW = pointing(DomainName("old.example")), pointing(TARGET.name)
SILENT = NoAnswer(NoAnswerReason.TIMEOUT, "> 2 s")
GONE = Answer(Rcode.NXDOMAIN, is_authoritative=True)
OF_TARGET = frozenset({"203.0.113.1", "203.0.113.2"})
OUTCOMES: dict[str, Outcome] = {
    "old": OLD,
    "new": NEW,
    "old, for longer": pointing(DomainName("old.example"), 1200),
    "gone": GONE,
    "nothing": Answer(Rcode.NOERROR, is_authoritative=True),
    "addresses": flat(300, "192.0.2.1", "192.0.2.2"),
    "the same, other way round": flat(280, "192.0.2.2", "192.0.2.1"),
    "one of them": flat(300, "192.0.2.2"),
    "flattened": flat(300, "203.0.113.1"),
    "flattened, later": flat(40, "203.0.113.2"),
    "silence": SILENT,
    "failure": Answer(Rcode.SERVFAIL),
    "lame": replace(OLD, is_authoritative=False),
}


@dataclass(frozen=True, slots=True)
class Poll:
    """What two authorities say after a while; `took` is how old the answers are when recorded."""

    said: tuple[str, str] = ("old", "old")
    after: float = 60.0
    took: float = 0.0
    serial: int | None = None
    is_consistent: bool | None = True
    servers: tuple[Authority, ...] = (NS1, NS2)
    hop: str | None = None  # what a later hop's authorities say, where it could be asked
    passes_hop: bool = False
    ends_changes: bool = False  # whatever is under way is given up before

    def looks(self, now: datetime) -> tuple[AuthorityLook, ...]:
        at = now - timedelta(seconds=self.took)
        found = Delegation(
            ZONE, frozenset(), frozenset() if self.is_consistent else None, self.servers
        )
        said = dict(zip((NS1, NS2), self.said, strict=True))
        own = AuthorityLook(
            OWN,
            found,
            tuple(sighting(server, said[server], OWN, at) for server in self.servers),
            {} if self.serial is None else dict.fromkeys((NS1.name, NS2.name), self.serial),
        )
        if self.hop is None:
            return (own,)
        hop = tuple(sighting(server, self.hop, HOP, at) for server in self.servers)
        return (own, AuthorityLook(HOP, found, hop))

    @property
    def wanted(self) -> tuple[RecordKey, ...]:
        return (OWN, HOP) if self.passes_hop else (OWN,)


def sighting(server: Authority, said: str, key: RecordKey, at: datetime) -> Sighting:
    outcome = OUTCOMES[said]
    if isinstance(outcome, Answer):
        outcome = replace(
            outcome,
            aliases=tuple(replace(a, name=key.owner) for a in outcome.aliases),
            addresses=tuple(replace(a, name=key.owner) for a in outcome.addresses),
        )
    reply = Reply(outcome, at, timedelta(milliseconds=9), Transport.UDP, said.encode())
    expected = Expectation(key.owner, TARGET, TargetPolicy())
    verdict = judge(outcome, expected, target_addresses=OF_TARGET, asked_authority=True)
    return Sighting(server.name, reply, verdict)


@dataclass(slots=True)
class Monitor:
    """Takes polls as the rounds do; one without `polls` records each of them."""

    polls: Polls | None
    state: DomainState = BARE
    events: list[Event] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)

    def take(self, poll: Poll, now: datetime) -> Step:
        looks = poll.looks(now)

        def decide(state: DomainState) -> Step:
            own = looks[0]
            return in_turn(
                state,
                lambda it: see_authorities(it, own.sightings, own.delegation, POLICY, now),
                lambda it: track_authorities(it, looks, FOLLOWERS, now, frozenset(poll.wanted)),
                lambda it: see_change(it, POLICY, now),
            )

        if self.polls is None:
            step = decide(self.state)
        else:
            step = self.polls.take(self.state, looks, poll.wanted, decide)
        self.steps.append(step)
        self.events += step.events
        (self.state,) = step.domains or (self.state,)
        return step

    def end_changes(self, now: datetime) -> None:
        self.take_step(unwatched(self.state, now))

    def take_step(self, step: Step) -> None:
        """Take what did not come of a poll."""
        (self.state,) = step.domains or (self.state,)


def normal(state: DomainState) -> DomainState:
    """Return the state without what a remembered poll need not keep: counts, and serials."""

    def of(history: ServerHistory) -> ServerHistory:
        return replace(history, polls=min(history.polls, 2), serial=None)

    def plain(record: TrackedRecord) -> TrackedRecord:
        histories = {name: of(history) for name, history in record.authorities.items()}
        ended = tuple(map(without_serial, record.ended))
        change = without_serial(record.change) if record.change else None
        return replace(record, authorities=histories, change=change, ended=ended)

    return replace(state, records={key: plain(r) for key, r in state.records.items()})


def without_serial(change: Change) -> Change:
    now = tuple(replace(server, serial=None) for server in change.authorities)
    return replace(change, authorities=now)


def is_same(quiet: Monitor, plain: Monitor) -> None:
    """Compare piece by piece, so that a difference shows where it is."""
    one, two = normal(quiet.state), normal(plain.state)
    assert one.records.keys() == two.records.keys()
    for key, record in one.records.items():
        for server, history in record.authorities.items():
            assert history == two.records[key].authorities[server], (key, server)
        assert record == two.records[key]
    assert one == two


def without_serials(event: Event) -> Event:
    def plain(value: object) -> object:
        if isinstance(value, Mapping):
            return {key: plain(part) for key, part in value.items() if key != "serial"}
        return tuple(map(plain, value)) if isinstance(value, tuple | list) else value

    data = plain(event.data)
    assert isinstance(data, dict)
    return replace(event, data=data)


def differences(polls: Sequence[Poll]) -> tuple[Monitor, Monitor]:
    """Let both monitors live through the polls; what one records must be what the other knows."""
    quiet, plain = Monitor(Polls()), Monitor(None)
    now = START
    for poll in polls:
        now += timedelta(seconds=poll.after)
        if poll.ends_changes:
            quiet.end_changes(now)
            plain.end_changes(now)
        plain.take(poll, now)
        step = quiet.take(poll, now)
        if step != Step():
            is_same(quiet, plain)
            told = list(map(without_serials, quiet.events))
            assert told == list(map(without_serials, plain.events))
    return quiet, plain


def flushed(polls: Sequence[Poll]) -> list[Poll]:
    """End with two answers that nobody has given yet, so that all that was held back shows."""
    OUTCOMES["end"] = pointing(DomainName("end.example"))
    return [*polls, Poll(("end", "end")), Poll(("end", "end"))]


SAID = st.sampled_from([name for name in OUTCOMES if name != "end"])
BOTH = SAID.map(lambda said: (said, said))
POLLS = st.builds(
    Poll,
    said=BOTH | BOTH | st.tuples(SAID, SAID),
    after=st.sampled_from([10.0, 60.0, 60.0, 600.0, 5000.0]),
    took=st.sampled_from([0.0, 0.0, 2.5]),
    serial=st.sampled_from([None, 1, 2]),
    is_consistent=st.sampled_from([True, True, True, None]),
    servers=st.sampled_from([(NS1, NS2), (NS1, NS2), (NS1, NS2), (NS1,)]),
    ends_changes=st.booleans(),
)
RUNS = st.lists(
    st.tuples(POLLS, st.integers(1, 5)).map(lambda run: [run[0]] * run[1]), min_size=1, max_size=5
).map(lambda runs: [poll for run in runs for poll in run])


@settings(REPEATABLE, max_examples=150)
@given(RUNS)
def test_what_is_recorded_in_the_end_is_what_each_poll_by_itself_would_have_left(
    polls: list[Poll],
) -> None:
    differences(flushed(polls))


@st.composite
def with_hops(draw: st.DrawFn) -> list[Poll]:
    """Draw polls of a chain with a later hop, whose authorities cannot always be asked."""
    hops = st.sampled_from([None, "old", "old", "old", "new", "silence"])
    return [
        replace(poll, hop=draw(hops) if passes else None, passes_hop=passes)
        for poll in draw(RUNS)
        for passes in (draw(st.sampled_from([True, True, True, False])),)
    ]


@settings(REPEATABLE, max_examples=100)
@given(with_hops())
def test_the_same_holds_for_a_chain_whose_later_hop_cannot_always_be_asked(
    polls: list[Poll],
) -> None:
    differences(flushed(polls))


STEADY = [Poll() for _ in range(6)]


def test_a_steady_poll_changes_nothing_at_all() -> None:
    quiet, _ = differences([Poll() for _ in range(50)])
    assert [step for step in quiet.steps[3:] if step != Step()] == []
    assert quiet.steps[0] != Step()


@pytest.mark.parametrize(
    "polls",
    [
        [Poll(serial=number) for number in range(12)],
        [Poll(("addresses", "addresses")) for _ in range(12)],
        [Poll(("gone", "gone")) for _ in range(12)],
    ],
    ids=["new serials", "addresses alone", "no such name"],
)
def test_whatever_goes_on_being_so_is_recorded_but_a_few_times(polls: list[Poll]) -> None:
    quiet, _ = differences(polls)
    assert [step for step in quiet.steps[8:] if step != Step()] == []


CHANGES = {
    "both serve another value": [Poll(("new", "new"))],
    "one of them does": [Poll(("new", "old"))],
    "the other one does": [Poll(("old", "new"))],
    "it is gone": [Poll(("gone", "gone"))],
    "another TTL": [Poll(("old, for longer", "old, for longer"))] * 2,
    "another TTL at one": [Poll(("old, for longer", "old"))],
    "addresses in its place": [Poll(("addresses", "addresses"))],
    "one is silent": [Poll(("old", "silence"))],
    "both are": [Poll(("silence", "silence"))],
    "one fails": [Poll(("failure", "old"))],
    "one is lame": [Poll(("lame", "old"))],
    "one is no authority any more": [Poll(servers=(NS1,))],
    "the delegation contradicts": [Poll(is_consistent=None)],
}


@pytest.mark.parametrize("changed", CHANGES.values(), ids=CHANGES)
def test_no_change_is_hidden_by_the_polls_before_it(changed: list[Poll]) -> None:
    quiet, plain = differences([*STEADY, *changed])
    assert quiet.steps[-1] != Step()
    is_same(quiet, plain)
    assert quiet.events == plain.events


@pytest.mark.parametrize("changed", CHANGES.values(), ids=CHANGES)
def test_what_was_there_before_is_no_less_of_a_change_when_it_comes_back(
    changed: list[Poll],
) -> None:
    differences(flushed([*STEADY, *changed * 6, *STEADY, *changed]))


def test_which_records_a_poll_was_about_is_known_until_something_happens() -> None:
    quiet, _ = differences([Poll(hop="old", passes_hop=True)] * 4)
    assert quiet.polls is not None
    assert quiet.polls.wanted(quiet.state) == (OWN, HOP)
    assert quiet.polls.wanted(replace(quiet.state)) == ()
    assert quiet.polls.wanted(DomainState(DomainName("other.example"), None, START)) == ()


def test_a_server_that_comes_back_shows_at_once() -> None:
    quiet, plain = differences([*STEADY, *[Poll(("old", "silence"))] * 6, Poll()])
    assert quiet.steps[-1] != Step()
    histories = quiet.state.records[OWN].authorities
    assert histories[NS2.name].silent_since is None
    is_same(quiet, plain)


def test_a_silent_server_is_not_said_to_have_answered() -> None:
    polls = [*STEADY, *[Poll(("old", "silence"))] * 9, Poll(("new", "silence"))]
    quiet, _ = differences(polls)
    history = quiet.state.records[OWN].authorities[NS2.name]
    newest = history.newest
    assert newest is not None
    assert newest.until == history.answered_at == START + timedelta(minutes=len(STEADY))


def test_a_server_that_is_silent_for_too_long_counts_no_more_from_then_on() -> None:
    minutes = int(SILENT_FOR_GOOD / timedelta(minutes=1))
    silence = [Poll(("old", "silence"))] * (minutes + 30)
    quiet, plain = differences(flushed([*STEADY, *silence]))
    for monitor in (quiet, plain):
        old = monitor.state.records[OWN].authorities[NS2.name].served[0]
        assert old.ended_at == START + timedelta(minutes=len(STEADY) + 1 + minutes)


def test_a_value_was_last_seen_when_the_answer_came_and_not_when_it_was_recorded() -> None:
    polls = [*[Poll(took=5.0)] * 6, Poll(("new", "new"), took=5.0)]
    quiet, plain = differences(polls)
    for monitor in (quiet, plain):
        change = monitor.state.records[OWN].change
        assert change is not None
        assert change.unseen_since == START + timedelta(seconds=6 * 60 - 5)


def test_a_hop_that_could_not_be_asked_is_not_said_to_have_been_seen() -> None:
    asked = Poll(hop="old", passes_hop=True)
    missed = replace(asked, hop=None)
    quiet, _ = differences([*[asked] * 6, *[missed] * 6, replace(missed, said=("new", "new"))])
    newest = quiet.state.records[HOP].authorities[NS1.name].newest
    assert newest is not None
    assert newest.until == START + timedelta(minutes=6)


def test_once_a_change_is_announced_every_poll_counts() -> None:
    quiet, plain = differences(STEADY)
    now = START + timedelta(minutes=len(STEADY))
    planned = Announced(alias(TARGET.name), now + timedelta(hours=1), "ops", "moving")
    for monitor in (quiet, plain):
        monitor.take_step(track_announcement(monitor.state, planned, FOLLOWERS, now))
    for minute in range(1, 5):
        for monitor in (quiet, plain):
            monitor.take(Poll(), now + timedelta(minutes=minute))
        assert quiet.steps[-1] != Step()
        is_same(quiet, plain)


def test_polls_of_before_the_clock_was_put_back_are_told_of_no_server() -> None:
    quiet = Monitor(Polls())
    for minute in range(10):
        quiet.take(Poll(), START + timedelta(minutes=minute))
    recorded = _last_answer(quiet.state)
    quiet.take(Poll(said=("new", "new")), START - timedelta(hours=1))
    assert _last_answer(quiet.state) == recorded < START + timedelta(minutes=9)


def _last_answer(state: DomainState) -> datetime:
    histories = state.records[OWN].authorities.values()
    return max(served.until for history in histories for served in history.served)


def test_what_was_remembered_of_a_domain_that_is_gone_is_forgotten() -> None:
    quiet = Monitor(polls := Polls())
    for minute in range(6):
        quiet.take(Poll(), START + timedelta(minutes=minute))
    polls.forget_all_but({DOMAIN})
    assert quiet.take(Poll(), START + timedelta(minutes=7)) == Step()
    polls.forget_all_but(set())
    bare = DomainState(DOMAIN, BINDING, START + timedelta(hours=1))
    quiet.state = bare
    plain = Monitor(None, bare)
    for monitor in (quiet, plain):
        monitor.take(Poll(("new", "new")), START + timedelta(hours=2))
    is_same(quiet, plain)


def test_a_domain_that_is_bound_anew_inherits_no_poll() -> None:
    quiet, bare = Monitor(Polls()), DomainState(DOMAIN, BINDING, START + timedelta(hours=1))
    for minute in range(6):
        quiet.take(Poll(), START + timedelta(minutes=minute))
    quiet.state, plain = bare, Monitor(None, bare)
    said = ["new", "new", "new", "old", "old"]
    for monitor in (quiet, plain):
        for minute, one in enumerate(said, start=70):
            monitor.take(Poll((one, one)), START + timedelta(minutes=minute))
    is_same(quiet, plain)
