from dataclasses import replace
from typing import TypeAlias

from hypothesis import given
from hypothesis import strategies as st

from monitor.core.bindings import Binding
from monitor.core.discovery import close_accounts, take_listing
from monitor.core.events import Event, EventType
from monitor.core.inventory import Failure, FailureReason, Listing, Scope
from monitor.core.names import DomainName
from monitor.core.state import RoundPolicy, State, Step, see_resolvers
from monitor.core.status import DomainStatus, Fault, StatusPolicy
from tests.core.properties import REPEATABLE
from tests.core.samples import BINDING, DOMAIN, MINUTE, RIGHT, START, binding, sighting

POLICY = RoundPolicy(StatusPolicy({"r": 1.0}))


def look(state: State, *bindings: Binding, account: str = "shop") -> tuple[State, Step]:
    step = take_listing(state, Listing(account, bindings), START + MINUTE)
    return state.after(step), step


def told(step: Step) -> list[EventType]:
    return [event.type for event in step.events]


def watched_in_effect() -> State:
    state, _ = look(State(), replace(BINDING, account="shop"))
    step = see_resolvers(state.domains[DOMAIN], [sighting("r", RIGHT)], POLICY, START)
    return state.after(step)


def test_a_new_binding_is_watched_and_told() -> None:
    state, step = look(State(), BINDING)
    assert told(step) == [EventType.BINDING_ADDED]
    assert state.domains[DOMAIN].watched == BINDING
    assert state.domains[DOMAIN].status.value is DomainStatus.UNKNOWN


def test_the_same_listing_again_says_and_changes_nothing_of_domains() -> None:
    state, _ = look(State(), BINDING)
    _, step = look(state, BINDING)
    assert (step.domains, step.events, step.forgotten) == ((), (), frozenset())


def test_an_unbound_domain_is_forgotten_and_told() -> None:
    state, step = look(watched_in_effect())
    assert told(step) == [EventType.BINDING_REMOVED]
    assert state.domains == {}


def test_when_the_account_fails_nothing_is_forgotten() -> None:
    before = watched_in_effect()
    failure = Failure(FailureReason.UNREACHABLE, Scope.ACCOUNT)
    step = take_listing(before, Listing("shop", (), (failure,)), START)
    assert told(step) == []
    assert before.after(step).domains == before.domains


def test_a_move_forgets_the_old_verdicts_since_they_were_about_another_bucket() -> None:
    moved = binding(DOMAIN.text, "other")
    state, step = look(watched_in_effect(), moved)
    assert told(step) == [EventType.BINDING_MOVED]
    domain = state.domains[DOMAIN]
    assert (domain.resolvers, domain.status.value) == ({}, DomainStatus.UNKNOWN)


def test_new_labels_keep_the_verdicts() -> None:
    before = watched_in_effect()
    state, step = look(before, replace(BINDING, account="shop", labels=(("a", "b"),)))
    assert told(step) == []
    assert state.domains[DOMAIN].resolvers == before.domains[DOMAIN].resolvers


def test_a_disputed_domain_goes_on_by_its_last_undisputed_binding() -> None:
    before = watched_in_effect()
    rival = binding(DOMAIN.text, "other", "second")
    state, step = look(before, rival, account="second")
    domain = state.domains[DOMAIN]
    assert domain.faults == {Fault.BOUND_TWICE}
    assert domain.watched == before.domains[DOMAIN].watched
    assert domain.resolvers
    assert told(step) == [EventType.FAULT]
    settled, _ = look(state, account="shop")
    assert settled.domains[DOMAIN].watched == rival
    assert settled.domains[DOMAIN].faults == frozenset()


def test_a_domain_disputed_from_the_start_is_paused_until_it_is_settled() -> None:
    first, rival = binding("x.example"), binding("x.example", "other")
    state, step = look(State(), first, rival)
    domain = state.domains[DomainName("x.example")]
    assert (domain.watched, domain.status.value) == (None, DomainStatus.PAUSED)
    assert told(step) == [EventType.FAULT]
    settled, step = look(state, rival)
    assert told(step) == [EventType.BINDING_ADDED, EventType.FAULT]
    assert settled.domains[DomainName("x.example")].status.value is DomainStatus.UNKNOWN


def test_a_disputed_domain_that_nobody_claims_any_more_does_not_leave_in_silence() -> None:
    state, _ = look(State(), binding("x.example"), binding("x.example", "other"))
    gone, step = look(state)
    assert gone.domains == {}
    assert [event.domain for event in step.events] == [DomainName("x.example")]


def test_a_wildcard_is_flagged_and_paused() -> None:
    state, _ = look(State(), binding("*.shop.example"))
    (domain,) = state.domains.values()
    assert domain.faults == {Fault.WILDCARD}
    assert domain.status.value is DomainStatus.PAUSED


def test_a_disabled_binding_is_a_fault_until_it_is_enabled() -> None:
    state, _ = look(State(), replace(BINDING, is_enabled=False))
    assert state.domains[DOMAIN].faults == {Fault.BINDING_DISABLED}
    state, step = look(state, BINDING)
    assert state.domains[DOMAIN].faults == frozenset()
    assert step.events[-1].data["state"] == "cleared"


def test_an_account_that_is_no_longer_configured_takes_its_bindings_along() -> None:
    step = close_accounts(watched_in_effect(), {"config"}, START)
    assert told(step) == [EventType.BINDING_REMOVED]
    assert step.closed == {"shop"}
    assert close_accounts(State(), {"config"}, START) == Step()


LOOKS = st.lists(
    st.tuples(
        st.sampled_from(["shop", "second"]),
        st.lists(
            st.builds(
                binding,
                st.sampled_from(["a.example", "b.example", "*.c.example"]),
                st.sampled_from(["one", "two"]),
            ),
            max_size=3,
        ),
        st.sampled_from([None, None, Scope.ACCOUNT, Scope.BUCKET]),
    ),
    max_size=8,
)
Looks: TypeAlias = list[tuple[str, list[Binding], Scope | None]]


def listing_of(account: str, found: list[Binding], failed: Scope | None) -> Listing:
    bindings = tuple(replace(b, account=account) for b in found)
    if failed is None:
        return Listing(account, bindings)
    read = tuple(b for b in bindings if failed is Scope.BUCKET and b.bucket != "one")
    return Listing(account, read, (Failure(FailureReason.DENIED, failed, "one"),))


def after_looks(looks: Looks) -> tuple[State, list[Event]]:
    state, events = State(), list[Event]()
    for look in looks:
        step = take_listing(state, listing_of(*look), START)
        state = state.after(step)
        events.extend(step.events)
    return state, events


@REPEATABLE
@given(LOOKS)
def test_the_log_alone_tells_what_is_bound_to_what_and_which_faults_there_are(
    looks: Looks,
) -> None:
    state, events = after_looks(looks)
    bound, faults = dict[DomainName, object](), set[tuple[DomainName, object]]()
    for event in events:
        assert event.domain is not None
        match event.type:
            case EventType.BINDING_ADDED:
                assert event.domain not in bound
                bound[event.domain] = event.data
            case EventType.BINDING_MOVED:
                assert bound[event.domain] == event.data["from"]
                bound[event.domain] = event.data["to"]
            case EventType.BINDING_REMOVED:
                assert bound.pop(event.domain) == event.data
                faults = {(d, fault) for d, fault in faults if d != event.domain}
            case _ if event.data["state"] == "raised":
                faults.add((event.domain, event.data["fault"]))
            case _:
                faults.remove((event.domain, event.data["fault"]))
    kept = {d: s.binding for d, s in state.domains.items() if s.binding is not None}
    assert bound == {
        d: {
            "account": b.account,
            "target": b.target.name.text,
            "bucket": b.bucket,
            "endpoint": b.endpoint,
        }
        for d, b in kept.items()
    }
    known = {(d, fault.value) for d, s in state.domains.items() for fault in s.faults}
    assert known == faults


@REPEATABLE
@given(LOOKS)
def test_no_failure_takes_a_domain_away_and_none_is_decided_silently(looks: Looks) -> None:
    state, _ = after_looks(looks)
    claims = [b for account in state.accounts.values() for b in account.bindings]
    assert state.domains.keys() == {b.domain for b in claims}
    for name, domain in state.domains.items():
        targets = {b.target for b in claims if b.domain == name}
        assert (Fault.BOUND_TWICE in domain.faults) is (len(targets) > 1)
        assert (domain.status.value is DomainStatus.PAUSED) is (domain.watched is None)
    for account in ("shop", "second"):
        failed = take_listing(state, listing_of(account, [], Scope.ACCOUNT), START)
        assert (failed.domains, failed.forgotten, failed.events) == ((), frozenset(), ())
