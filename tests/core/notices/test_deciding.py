from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from monitor.core.message import NoticeSeverity
from monitor.core.names import DomainName
from monitor.core.notices.deciding import (
    channels_forgotten,
    due_later,
    notices_about,
    told_moved,
    with_notices,
)
from monitor.core.notices.policy import NoticePolicy, Route
from monitor.core.state import DomainState, State, Step
from monitor.core.status import DomainStatus
from monitor.core.told import ConcernKind, Reason, ToldState
from tests.core.notices.samples import OTHER, change, domain, policy
from tests.core.samples import DOMAIN, MINUTE, RIGHT, START, WRONG

BROKEN = domain(DomainStatus.BROKEN, *(WRONG,) * 8)
FINE = domain(DomainStatus.IN_EFFECT, *(RIGHT,) * 8)
PARTIAL = domain(DomainStatus.PARTIAL, *(WRONG,) * 4, *(RIGHT,) * 4)
HOUR = timedelta(hours=1)


class Story:
    """Steps of domains, one after another, each kept before the next."""

    def __init__(self, rules: NoticePolicy | None = None) -> None:
        self.rules = rules or policy()
        self.state = State()
        self.told: list[tuple[int, str, str]] = []  # minute, channel, reason

    def see(self, *domains: DomainState, minute: int, forgotten: DomainName | None = None) -> Step:
        gone = frozenset({forgotten} if forgotten else ())
        now = START + minute * MINUTE
        return self._kept(with_notices(self.state, Step(domains, gone), self.rules, now), minute)

    def wait(self, minute: int) -> Step:
        now = START + minute * MINUTE
        due = due_later(self.state, now)
        return self._kept(notices_about(self.state, due, self.rules, now), minute)

    def take_up(self, rules: NoticePolicy, minute: int) -> Step:
        self.rules = rules
        now = START + minute * MINUTE
        self._kept(channels_forgotten(self.state, rules), minute)
        names = list(self.state.domains)
        return self._kept(notices_about(self.state, names, rules, now), minute)

    def _kept(self, step: Step, minute: int) -> Step:
        self.state = self.state.after(step)
        self.told += [(minute, n.channel, n.reason.value) for n in step.notices]
        return step


def test_a_domain_that_breaks_and_is_mended_is_two_notices() -> None:
    story = Story()
    for minute, state in enumerate((FINE, BROKEN, BROKEN, FINE, FINE)):
        story.see(state, minute=minute)
    assert story.told == [(1, "oncall", "first"), (3, "oncall", "over")]


def test_nothing_is_remembered_when_all_has_been_well_for_a_while() -> None:
    story = Story()
    story.see(BROKEN, minute=0)
    story.see(FINE, minute=5)
    assert len(story.state.told) == 1
    story.wait(minute=64)
    assert len(story.state.told) == 1
    story.wait(minute=65)
    assert story.state.told == {}


def test_a_notice_says_what_it_is_about() -> None:
    (notice,) = Story().see(BROKEN, minute=3).notices
    assert notice.concern.kind is ConcernKind.BROKEN
    assert (notice.domain, notice.at) == (DOMAIN, START + 3 * MINUTE)
    assert (notice.facts.answering, notice.facts.in_effect) == (8, 0)


def test_the_same_decision_has_the_same_key_and_another_one_another() -> None:
    first, again, later = (Story().see(BROKEN, minute=m).notices[0].key for m in (1, 1, 2))
    assert first == again != later


def test_a_channel_hears_only_of_what_is_grave_enough_for_it() -> None:
    story = Story(policy(Route("chat"), Route("pager", NoticeSeverity.CRITICAL)))
    story.see(PARTIAL, minute=0)
    story.see(BROKEN, minute=5)
    story.see(PARTIAL, minute=10)
    story.see(FINE, minute=15)
    assert story.told == [
        (0, "chat", "first"),
        (5, "chat", "worse"),
        (5, "pager", "first"),
        (10, "pager", "over"),
        (15, "chat", "over"),
    ]


def test_a_channel_hears_only_of_its_domains() -> None:
    story = Story(policy(Route("web", covers=lambda name: name == OTHER)))
    story.see(BROKEN, minute=0)
    story.see(replace(BROKEN, domain=OTHER), minute=0)
    assert list(story.state.told) == [("web", OTHER)]


def test_what_lasts_is_told_again_after_a_day_though_nothing_happens() -> None:
    story = Story()
    story.see(BROKEN, minute=0)
    for minute in (60, 24 * 60 - 1, 24 * 60, 24 * 60 + 1, 48 * 60):
        story.wait(minute)
    assert [turn for turn in story.told if turn[2] == "reminder"] == [
        (1440, "oncall", "reminder"),
        (2880, "oncall", "reminder"),
    ]


def test_what_is_still_wrong_when_maintenance_ends_is_told_then() -> None:
    end = START + 2 * HOUR

    def muted_until(_name: DomainName, now: datetime) -> datetime | None:
        return end if now < end else None

    story = Story(policy(muted_until=muted_until))
    story.see(BROKEN, replace(BROKEN, domain=OTHER), minute=10)
    story.see(replace(FINE, domain=OTHER), minute=20)
    story.wait(minute=119)
    assert story.told == []
    story.wait(minute=120)
    assert story.told == [(120, "oncall", "first")]


def test_a_domain_that_is_mended_in_maintenance_is_closed_after_it() -> None:
    begin, end = START + 1 * HOUR, START + 2 * HOUR

    def muted_until(_name: DomainName, now: datetime) -> datetime | None:
        return end if begin <= now < end else None

    story = Story(policy(muted_until=muted_until))
    story.see(BROKEN, minute=10)
    story.see(FINE, minute=70)
    story.wait(minute=120)
    assert story.told == [(10, "oncall", "first"), (120, "oncall", "over")]


def test_a_domain_that_is_no_longer_bound_closes_what_was_open() -> None:
    story = Story()
    story.see(BROKEN, minute=0)
    (notice,) = story.see(minute=5, forgotten=DOMAIN).notices
    assert (notice.reason, notice.facts.is_watched) == (Reason.OVER, False)
    assert story.state.told == {}


def test_a_domain_that_is_unbound_in_maintenance_is_closed_after_it() -> None:
    begin, end = START + 1 * HOUR, START + 2 * HOUR

    def muted_until(_name: DomainName, now: datetime) -> datetime | None:
        return end if begin <= now < end else None

    story = Story(policy(muted_until=muted_until))
    story.see(BROKEN, minute=0)
    story.see(minute=70, forgotten=DOMAIN)
    story.wait(minute=120)
    assert story.told == [(0, "oncall", "first"), (120, "oncall", "over")]
    assert story.state.told == {}


def test_a_step_looks_at_none_but_its_own_domains() -> None:
    class Unread(dict[DomainName, DomainState]):
        """Domains of a fleet that nobody may look at."""

        def __getitem__(self, name: DomainName) -> DomainState:
            raise AssertionError(name)

        def __iter__(self) -> Iterator[DomainName]:
            raise AssertionError

        values = items = __iter__  # type: ignore[assignment]

    fleet = State(domains=Unread({OTHER: BROKEN}))
    assert len(with_notices(fleet, Step((BROKEN,)), policy(), START).notices) == 1
    assert due_later(fleet, START) == ()


def test_of_a_domain_that_was_not_looked_at_since_the_start_nobody_is_reminded() -> None:
    story = Story()
    story.see(BROKEN, minute=0)
    a_day_later = START + timedelta(hours=25)
    due = due_later(story.state, a_day_later)
    early = notices_about(story.state, due, story.rules, a_day_later, lambda name: name != DOMAIN)
    (reminder,) = notices_about(story.state, due, story.rules, a_day_later).notices
    assert (early, reminder.reason) == (Step(), Reason.REMINDER)


def test_of_a_domain_that_was_not_looked_at_yet_no_new_channel_hears() -> None:
    state = State(domains={DOMAIN: BROKEN, OTHER: replace(BROKEN, domain=OTHER)})
    by = notices_about(state, [DOMAIN, OTHER], policy(), START, lambda n: n == OTHER)
    assert [notice.domain for notice in by.notices] == [OTHER]


def test_of_a_domain_that_was_not_looked_at_only_what_a_step_brings_is_told() -> None:
    def told(state: State, after: DomainState, when: datetime) -> list[Reason]:
        step = with_notices(state, Step((after,)), policy(), when, lambda _: False)
        return [notice.reason for notice in step.notices]

    story = Story()
    story.see(BROKEN, minute=0)
    later = START + timedelta(hours=25)
    asked_again = replace(BROKEN, authorities={})
    (reminder,) = with_notices(story.state, Step((asked_again,)), policy(), later).notices
    assert reminder.reason is Reason.REMINDER
    assert told(story.state, asked_again, later) == [], "it may be mended long since"
    assert told(story.state, FINE, later) == [Reason.OVER]
    assert told(State(domains={DOMAIN: FINE}), BROKEN, later) == [Reason.FIRST]
    assert told(State(domains={DOMAIN: BROKEN}), BROKEN, later) == [], "a new channel waits"
    assert told(State(), BROKEN, later) == [Reason.FIRST]


def test_of_a_domain_that_nobody_asks_about_a_channel_hears_at_once() -> None:
    paused = replace(BROKEN, binding=None)
    state = State(domains={DOMAIN: paused})
    asked = notices_about(state, [DOMAIN], policy(), START)
    assert notices_about(state, [DOMAIN], policy(), START, lambda _: False) == asked


def test_a_new_channel_hears_of_what_is_open_and_a_removed_one_is_forgotten() -> None:
    story = Story()
    story.see(BROKEN, minute=0)
    story.take_up(policy(Route("chat")), minute=1)
    assert story.told == [(0, "oncall", "first"), (1, "chat", "first")]
    assert [key[0] for key in story.state.told] == ["chat"]


def test_a_channel_that_wants_less_now_hears_the_end_of_what_it_was_told() -> None:
    story = Story()
    story.see(PARTIAL, minute=0)
    story.take_up(policy(Route("oncall", NoticeSeverity.CRITICAL)), minute=1)
    assert story.told[-1] == (1, "oncall", "over")


def test_without_channels_a_step_stays_as_it_is() -> None:
    rules = replace(policy(), routes=())
    step = Step((BROKEN,))
    assert with_notices(State(), step, rules, START) is step


def test_a_change_is_opened_as_it_begins_and_closed_as_it_has_converged() -> None:
    story = Story()
    begun = change()
    story.see(domain(changes=(begun,)), minute=1)
    (over,) = story.see(FINE, minute=30).notices
    assert [turn[2] for turn in story.told] == ["first", "over"]
    assert over.concern.change == begun.id


def test_another_change_after_the_first_is_told_in_the_same_row() -> None:
    story = Story()
    story.see(domain(changes=(change(),)), minute=1)
    story.see(domain(changes=(change(at=START + HOUR),)), minute=61)
    story.see(FINE, minute=90)
    assert [turn[2] for turn in story.told] == ["first", "other", "over"]


def test_what_is_remembered_goes_with_the_clock_on_the_wall() -> None:
    story = Story()
    story.see(BROKEN, minute=0)
    (told,) = told_moved(story.state, HOUR)
    assert (told.since, told.told_at) == (START + HOUR, START + HOUR)
    assert (told.look_at, told.state) == (START + 25 * HOUR, ToldState.OPEN)
