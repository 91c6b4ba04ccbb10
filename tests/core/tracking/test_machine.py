"""Whatever happens in whatever order: the promises of the tracker hold after every step."""

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from monitor.core.events import EventType
from monitor.core.servers import Resolver
from monitor.core.tracking.changes import CHANGE_MOVES, Change, ChangeState
from monitor.core.tracking.policy import Panelists, TrackingPolicy
from monitor.core.tracking.record import (
    Agenda,
    Announced,
    AuthoritiesAnswered,
    ClockStepped,
    Delegated,
    Explained,
    Happening,
    RecordKey,
    ResolverAnswered,
    Restarted,
    Stepped,
    TimePassed,
    TrackedRecord,
    Unwatched,
)
from monitor.core.tracking.steps import step
from monitor.core.tracking.tracks import TRACK_MOVES, Track, TrackState
from monitor.core.tracking.values import Sample, Value
from tests.core.tracking.scenes import DOMAIN, VALUES, at

SECOND = timedelta(seconds=1)
POLICY = TrackingPolicy(
    window=240 * SECOND,
    follow_for=600 * SECOND,
    census_min=2,
    census_max=5,
    watch_min=20 * SECOND,
    watch_max=60 * SECOND,
    merge_within=3 * SECOND,
    overstay_grace=10 * SECOND,
    overstay_retry=4 * SECOND,
    overstay_backoff=30 * SECOND,
    split_alert_after=40 * SECOND,
    split_heartbeat=25 * SECOND,
    hold_down=20 * SECOND,
    retry_max=20 * SECOND,
    unreachable_after=12 * SECOND,
    authority_interval=5 * SECOND,
    authority_fast_interval=1 * SECOND,
)
SERVERS = ("ns1", "ns2", "ns3")
RESOLVERS = ("alidns", "dnspod", "google")
SAID = st.sampled_from([VALUES[name] for name in ("old", "new", "third", "absent")])
HABITS = st.sampled_from(["new", "new", "new", "old", "pool", "silent"])
TTLS = st.sampled_from([0, 1, 5, 30, 60, 120])
MOMENTS = st.sampled_from([0.25, 1, 2, 3])
WATCHED = {ChangeState.AUTH_SPLIT, ChangeState.PROPAGATING, ChangeState.CONVERGED}


class Tracking(RuleBasedStateMachine):
    """A record among servers that say anything, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.now = at(0)
        self.record = TrackedRecord(DOMAIN, RecordKey(DOMAIN))
        self.panelists = Panelists(POLICY)
        self.agenda = Agenda()
        self.servers: tuple[str, ...] = SERVERS
        self.deadlines: dict[str, datetime] = {}
        self.final: dict[str, Change] = {}
        self.expired: list[str] = []
        self.plans = 0
        self.listed_changes: dict[str, Change] = {}
        self.detected: list[str] = []
        self.clock_steps = 0
        self.turn = False
        self.quiet_since: dict[str, datetime] = {}

    @initialize(servers=st.integers(1, 3), resolvers=st.integers(1, 3), value=SAID, ttl=TTLS)
    def begin(self, servers: int, resolvers: int, value: Value, ttl: int) -> None:
        self.servers = SERVERS[:servers]
        for name in RESOLVERS[:resolvers]:
            self.listed(name)
        for _ in range(2):
            self.all_authorities_say(value, ttl)

    # What can happen.

    @rule(ttl=TTLS, times=st.integers(1, 3))
    def the_authorities_hold(self, ttl: int, times: int) -> None:
        for _ in range(times):
            self.all_authorities_say(self.intended, ttl)

    @rule(value=SAID, ttl=TTLS)
    def a_change_is_made_everywhere(self, value: Value, ttl: int) -> None:
        for _ in range(2):
            self.all_authorities_say(value, ttl)

    @rule(data=st.data(), later=MOMENTS)
    def authorities_say_anything(self, data: st.DataObject, later: float) -> None:
        self.later(later)
        asked = data.draw(st.lists(st.sampled_from(self.servers), min_size=1, unique=True))
        said = {
            name: Sample(self.now, data.draw(st.none() | SAID), data.draw(TTLS)) for name in asked
        }
        serials = data.draw(st.dictionaries(st.sampled_from(asked), st.integers(1, 3)))
        self.take(AuthoritiesAnswered(said, serials))

    @rule(data=st.data(), value=SAID, ttl=TTLS, later=MOMENTS)
    def a_resolver_answers(
        self, data: st.DataObject, value: Value, ttl: int, later: float
    ) -> None:
        self.later(later)
        nsid = data.draw(st.sampled_from([None, None, "a", "b"]))
        errors = data.draw(st.sampled_from([(), (), (3,), (22,)]))
        self.answered(data.draw(st.sampled_from(RESOLVERS)), value, ttl, errors, nsid)

    @rule(name=st.sampled_from(RESOLVERS), times=st.integers(1, 6), is_failure=st.booleans())
    def a_resolver_does_not_answer(self, name: str, times: int, *, is_failure: bool) -> None:
        for _ in range(times):
            self.later(3)
            sample = Sample(self.now, None, is_failure=is_failure)
            self.take(ResolverAnswered(name, sample))

    @rule(
        times=st.sampled_from([3, 20, 60]),
        habits=st.tuples(HABITS, HABITS, HABITS),
        ttl=st.sampled_from([5, 30, 60]),
    )
    def the_agenda_is_kept(self, times: int, habits: tuple[str, str, str], ttl: int) -> None:
        self.keep_agenda(times, habits, ttl)

    @rule(value=SAID, ttl=st.sampled_from([5, 30, 60]))
    def a_change_runs_its_course(self, value: Value, ttl: int) -> None:
        self.a_change_is_made_everywhere(value, ttl)
        self.keep_agenda(60, ("new", "new", "new"), ttl)

    @rule(seconds=st.sampled_from([1, 6, 30, 130, 250, 700]))
    def time_passes(self, seconds: int) -> None:
        self.later(seconds)
        self.take(TimePassed())

    @rule()
    def the_process_restarts(self) -> None:
        before = self.record
        self.later(1)
        self.take(Restarted())
        if before.change is not None and self.record.change is not None:
            assert before.change.deadline_at == self.record.change.deadline_at

    @rule(seconds=st.sampled_from([-3600, -30, 3, 3600]))
    def the_clock_is_set(self, seconds: int) -> None:
        self.clock_steps += 1  # else two changes may begin at the very same microsecond
        by = seconds * SECOND + self.clock_steps * timedelta(microseconds=1)
        self.now += by
        for instants in (self.deadlines, self.quiet_since):
            instants.update({name: instant + by for name, instant in instants.items()})
        self.final.clear()
        self.take(ClockStepped(by))

    @rule(value=SAID, seconds=st.sampled_from([-60, 0, 10, 60]))
    def a_change_is_announced(self, value: Value, seconds: int) -> None:
        self.plans += 1
        self.later(1)
        self.take(Announced(value, self.now + seconds * SECOND, by="ops"))
        self.take(TimePassed())

    @precondition(lambda self: self.record.change is not None)
    @rule(seconds=st.sampled_from([-30, -1]))
    def the_provider_says_when_it_was_edited(self, seconds: int) -> None:
        change = self.record.change
        assert change is not None
        if not change.state.is_final:
            self.take(Explained(change.id, self.now + seconds * SECOND, ("default",)))

    @rule(
        servers=st.sets(st.sampled_from(SERVERS), min_size=1),
        is_consistent=st.sampled_from([None, True, False]),
        kept_for=st.sampled_from([0, 60]),
    )
    def the_delegation_changes(
        self, *, servers: set[str], is_consistent: bool | None, kept_for: int
    ) -> None:
        self.servers = tuple(sorted(servers))
        self.take(Delegated(frozenset(servers), is_consistent, kept_for * SECOND))

    @rule(name=st.sampled_from(RESOLVERS))
    def a_resolver_is_listed_or_removed(self, name: str) -> None:
        if name in self.panelists.resolvers:
            kept = {n: r for n, r in self.panelists.resolvers.items() if n != name}
            self.panelists = replace(self.panelists, resolvers=kept)
        else:
            self.listed(name)
        self.take(TimePassed())

    @precondition(lambda self: self.record.change is not None)
    @rule(is_sure=st.sampled_from([True, False, False, False]))
    def the_domain_is_unwatched(self, *, is_sure: bool) -> None:
        if not is_sure:
            return
        self.take(Unwatched())
        assert self.record.under_way is None
        assert self.record.planned is None
        if self.record.change is not None and self.record.change.state.is_final:
            assert self.agenda.next_at is None
        self.record, self.agenda = TrackedRecord(DOMAIN, RecordKey(DOMAIN)), Agenda()
        self.later(1)

    # What follows.

    def keep_agenda(self, times: int, habits: tuple[str, str, str], ttl: int) -> None:
        """Do what the daemon does, every resolver keeping to its habit."""
        for _ in range(times):
            due = self.agenda.next_at
            if due is None:
                return
            self.now = max(self.now, due)
            left = ttl - int((self.now - at(0)).total_seconds()) % ttl
            for name, habit in zip(RESOLVERS, habits, strict=True):
                if self.agenda.resolvers.get(name, at(1e9)) <= self.now:
                    self.answered(name, self.by_habit(habit), left)
            polled_at = self.agenda.authorities_at
            if polled_at is not None and polled_at <= self.now:
                self.all_authorities_say(self.intended, ttl, later=0)
            self.take(TimePassed())
            assert self.agenda.next_at is None or self.agenda.next_at > self.now, "a busy loop"

    @property
    def intended(self) -> Value:
        change = self.record.change
        return change.new if change else self.record.agreed or VALUES["old"]

    def by_habit(self, habit: str) -> Value | None:
        change = self.record.change
        match habit:
            case "old":
                return change.old if change else VALUES["old"]
            case "pool":
                self.turn = not self.turn
                return self.by_habit("old" if self.turn else "new")
            case "silent":
                return None
            case _:
                return self.intended

    def all_authorities_say(self, value: Value, ttl: int, later: float = 1) -> None:
        self.later(later)
        self.take(AuthoritiesAnswered({n: Sample(self.now, value, ttl) for n in self.servers}))

    def later(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def listed(self, name: str) -> None:
        resolvers = {**self.panelists.resolvers, name: Resolver(name, "192.0.2.1")}
        self.panelists = replace(self.panelists, resolvers=resolvers)

    def answered(
        self,
        name: str,
        value: Value | None,
        ttl: int,
        errors: tuple[int, ...] = (),
        nsid: str | None = None,
    ) -> None:
        self.take(ResolverAnswered(name, Sample(self.now, value, ttl, errors, nsid)))

    def take(self, happening: Happening) -> None:
        before, now = self.record, self.now
        if isinstance(happening, ClockStepped):
            before = step(before, happening, replace(self.panelists, resolvers={}), now).record
        stepped = step(self.record, happening, self.panelists, now)
        self.record, self.agenda = stepped.record, stepped.agenda
        is_judged = isinstance(happening, AuthoritiesAnswered | Delegated | TimePassed)
        if is_judged:
            again = step(self.record, TimePassed(), self.panelists, now)
            assert again.record == self.record, "a second look at one moment is one too many"
            assert not again.events
        self.listed_changes |= {change.id: change for change in stepped.changes}
        self.check_moves(before, stepped)
        self.check_identity(stepped)
        self.check_events(before, stepped)
        self.check_quiet_while_split(before, happening)
        if isinstance(happening, ResolverAnswered) and happening.sample.at == now:
            asked = self.agenda.resolvers.get(happening.resolver)
            assert asked is None or asked > now, "asked, and to be asked at once"

    def check_moves(self, before: TrackedRecord, stepped: Stepped) -> None:
        known = {c.id: c for c in (*before.ended, before.change, before.planned) if c}
        for change in _changes(stepped.record):
            was = known.get(change.id)
            if was is None:
                continue
            assert is_legal(was.state, change.state), (was.state, change.state)
            for name, track in change.tracks.items():
                if name in was.tracks:
                    self.check_track(was.tracks[name], track, change)
            if change.state is not was.state and change.state is ChangeState.CONVERGED:
                assert change.all_authorities_at is not None
                assert change.all_authorities_at <= self.now
                for track in change.tracks.values():
                    assert newest_is_new(track, change), "converged on an old answer"

    def check_track(self, was: Track, track: Track, change: Change) -> None:
        assert is_legal_of_track(was, track), (was.state, track.state)
        if track.state is was.state:
            return
        if track.state is TrackState.SETTLED:
            assert change.bound_at is not None
            assert self.now >= change.bound_at
        if track.state.has_converged and was.state is not TrackState.UNREACHABLE:
            assert newest_is_new(track, change)

    def check_identity(self, stepped: Stepped) -> None:
        for change in _changes(stepped.record):
            if change.state is ChangeState.ANNOUNCED:
                continue  # its window begins with it
            known = self.deadlines.setdefault(change.id, change.deadline_at)
            assert change.deadline_at == known, "a deadline moved"
            if change.state.is_final:
                assert self.final.setdefault(change.id, change) == change, "the past was rewritten"

    def check_events(self, before: TrackedRecord, stepped: Stepped) -> None:
        if stepped.events:
            assert stepped.record != before, stepped.events
        for event in stepped.events:
            assert event.at == self.now
            assert event.change is not None
            if event.type is EventType.WINDOW_EXPIRED:
                assert event.change not in self.expired, "the window was over before"
                self.expired.append(event.change)
                change = stepped.record.change
                assert change is not None
                out = {n for n, t in change.tracks.items() if t.state is TrackState.UNREACHABLE}
                late = event.data["late"]
                assert isinstance(late, dict)
                assert not out & late.keys()
            if event.type is EventType.CHANGE_DETECTED:
                assert event.change not in self.detected
                self.detected.append(event.change)

    def check_quiet_while_split(self, before: TrackedRecord, happening: Happening) -> None:
        change = self.record.change
        is_split = change is not None and change.state.is_open and not change.all_authorities_at
        if change is None or not is_split:
            self.quiet_since.clear()
            return
        for name in self.panelists.resolvers:
            self.quiet_since.setdefault(name, self.now)
        if before.change is None or before.change.id != change.id:
            self.quiet_since = dict.fromkeys(self.panelists.resolvers, self.now)
        if isinstance(happening, ResolverAnswered) and happening.resolver in self.quiet_since:
            self.quiet_since[happening.resolver] = self.now
        for name, asked in self.agenda.resolvers.items():
            # A restart may bring forward what is due in a moment.
            assert asked >= self.quiet_since[name] + POLICY.split_heartbeat

    @invariant()
    def what_is_due_lies_ahead(self) -> None:
        deadline = self.agenda.deadline_at
        assert deadline is None or deadline > self.now

    @invariant()
    def what_the_list_shows_as_under_way_is_followed(self) -> None:
        if self.plans:
            return  # the end of a plan may hide that of a change in the same step
        followed = {change.id for change in _changes(self.record)}
        for change in self.listed_changes.values():
            if change.state.is_open:
                assert change.id in followed

    @invariant()
    def the_parts_of_a_change_agree(self) -> None:
        for change in _changes(self.record):
            if change.state in {ChangeState.PROPAGATING, ChangeState.CONVERGED}:
                assert change.all_authorities_at is not None
                assert change.bound_at is not None
            if change.all_authorities_at is not None:
                assert change.bound_at is not None
                assert change.bound_at >= change.all_authorities_at
            assert 0.0 <= change.progress(self.now, {}) <= 1.0
            assert 0.0 <= change.coverage({}) <= 1.0
            if change.state in WATCHED:
                assert change.deadline_at == change.detected_at + POLICY.window

    @invariant()
    def nothing_is_asked_when_all_is_over(self) -> None:
        change = self.record.change
        if change is None or self.record.planned is not None:
            return
        is_past = self.now >= change.detected_at + POLICY.follow_for
        if change.state.is_final or is_past:
            assert not self.agenda.resolvers
            assert self.agenda.authorities_at is None


def _changes(record: TrackedRecord) -> tuple[Change, ...]:
    return tuple(c for c in (*record.ended, record.change, record.planned) if c is not None)


def is_legal(was: ChangeState, state: ChangeState) -> bool:
    """One move, or two where what has settled had converged."""
    steps = CHANGE_MOVES[was]
    if was is state or state in steps:
        return True
    return any(state in CHANGE_MOVES[via] for via in steps & {ChangeState.CONVERGED})


def is_legal_of_track(was: Track, track: Track) -> bool:
    """One move, or several where an answer ends a silence and the census with it."""
    return track.state in reachable(was.state, {TrackState.UNREACHABLE, TrackState.CENSUS})


def reachable(state: TrackState, through: set[TrackState]) -> set[TrackState]:
    found, ahead = {state}, set(TRACK_MOVES[state])
    if state in through:
        for via in through & ahead:
            ahead |= TRACK_MOVES[via]
    if state is TrackState.UNREACHABLE:
        for via in TRACK_MOVES[state]:
            ahead |= TRACK_MOVES[via]
    return found | ahead


def newest_is_new(track: Track, change: Change) -> bool:
    """True where the newest answer of a track that counts as converged has the new value."""
    if not track.state.has_converged:
        return True
    usable = [sample.value for sample in track.recent if sample.value is not None]
    return not usable or usable[-1].is_same(change.new)


TestTracking = Tracking.TestCase
TestTracking.settings = settings(
    derandomize=True, deadline=None, max_examples=150, stateful_step_count=40
)
