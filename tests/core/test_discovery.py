from dataclasses import replace

from monitor.core.bindings import Binding
from monitor.core.discovery import close_accounts, take_listing
from monitor.core.events import EventType
from monitor.core.inventory import Failure, FailureReason, Listing, Scope
from monitor.core.names import DomainName
from monitor.core.state import RoundPolicy, State, Step, see_resolvers
from monitor.core.status import DomainStatus, Fault, StatusPolicy
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
