from dataclasses import replace

from monitor.core.answers import Answer, NoAnswer
from monitor.core.events import EventType
from monitor.core.names import DomainName
from monitor.core.servers import Authority, Delegation
from monitor.core.state import (
    DomainState,
    RoundPolicy,
    State,
    Step,
    joined,
    see_authorities,
    see_resolvers,
    with_faults,
)
from monitor.core.status import DomainStatus, Fault, StatusPolicy
from tests.core.samples import BINDING, DOMAIN, MINUTE, RIGHT, SILENT, START, WRONG, sighting

POLICY = RoundPolicy(StatusPolicy({"a": 1.0, "b": 1.0}))
FRESH = DomainState(DOMAIN, BINDING, START)
ZONE = DomainName("shop.example")
NS1, NS2 = (Authority(ZONE, DomainName(f"ns{n}.shop.example"), f"127.0.0.{n}") for n in (1, 2))
NAMES = frozenset({DomainName("ns1.shop.example"), DomainName("ns2.shop.example")})
DELEGATION = Delegation(ZONE, NAMES, NAMES, (NS1, NS2))


def round_of(state: DomainState, *outcomes: Answer | NoAnswer, minute: int = 0) -> Step:
    now = START + minute * MINUTE
    sightings = [sighting(name, o, now) for name, o in zip("ab", outcomes, strict=True)]
    return see_resolvers(state, sightings, POLICY, now)


def authorities_of(state: DomainState, *outcomes: Answer | NoAnswer) -> Step:
    pairs = zip((NS1, NS2), outcomes, strict=True)
    sightings = [sighting(server.name, outcome) for server, outcome in pairs]
    return see_authorities(state, sightings, DELEGATION, POLICY, START)


def only(step: Step) -> DomainState:
    (state,) = step.domains
    return state


def test_the_first_round_is_believed_at_once_and_told() -> None:
    step = round_of(FRESH, WRONG, WRONG)
    assert only(step).status.value is DomainStatus.BROKEN
    (event,) = step.events
    assert event.type is EventType.STATUS
    assert (event.data["from"], event.data["to"]) == ("unknown", "broken")
    assert [e["resolver"] for e in event.evidence] == ["a", "b"]


def test_one_bad_round_changes_nothing_and_the_second_does() -> None:
    good = only(round_of(FRESH, RIGHT, RIGHT))
    once = round_of(good, WRONG, WRONG, minute=5)
    assert (only(once).status.value, once.events) == (DomainStatus.IN_EFFECT, ())
    twice = round_of(only(once), WRONG, WRONG, minute=10)
    assert only(twice).status.value is DomainStatus.BROKEN
    assert only(twice).since == START + 10 * MINUTE


def test_recovery_takes_as_many_rounds_as_configured() -> None:
    policy = replace(POLICY, recover_after=3)
    state = only(round_of(FRESH, WRONG, WRONG))
    for minute, expected in ((5, "broken"), (10, "broken"), (15, "in_effect")):
        now = START + minute * MINUTE
        step = see_resolvers(state, [sighting(n, RIGHT, now) for n in "ab"], policy, now)
        state = only(step)
        assert state.status.value.value == expected


def test_two_rounds_of_silence_are_unknown_not_broken() -> None:
    state = only(round_of(FRESH, RIGHT, RIGHT))
    for minute in (5, 10):
        state = only(round_of(state, SILENT, SILENT, minute=minute))
    assert state.status.value is DomainStatus.UNKNOWN


def test_a_resolver_that_is_not_configured_is_not_counted() -> None:
    step = see_resolvers(FRESH, [sighting("stranger", WRONG)], POLICY, START)
    assert only(step).resolvers == {}


def test_authorities_that_differ_in_two_rounds_are_split_and_agree_again() -> None:
    once = authorities_of(FRESH, RIGHT, WRONG)
    assert (only(once).faults, once.events) == (frozenset(), ())
    twice = authorities_of(only(once), RIGHT, WRONG)
    assert only(twice).faults == {Fault.AUTHORITY_SPLIT}
    (raised,) = twice.events
    assert raised.data == {"fault": "authority_split", "state": "raised"}
    assert len(raised.evidence) == 2
    state = only(twice)
    for expected in ({Fault.AUTHORITY_SPLIT}, set()):
        state = only(authorities_of(state, RIGHT, RIGHT))
        assert state.faults == expected


def test_another_delegation_at_the_parent_is_a_mismatch_at_once() -> None:
    differing = replace(DELEGATION, at_parent=frozenset({DomainName("ns9.old.example")}))
    step = see_authorities(FRESH, [], differing, POLICY, START)
    assert only(step).faults == {Fault.DELEGATION_MISMATCH}
    unknown = replace(DELEGATION, at_parent=None)
    assert only(see_authorities(only(step), [], unknown, POLICY, START)) == only(step)
    cleared = see_authorities(only(step), [], DELEGATION, POLICY, START)
    assert only(cleared).faults == frozenset()
    assert cleared.events[0].data["state"] == "cleared"


def test_a_search_that_found_nothing_at_the_zone_is_no_mismatch() -> None:
    unknown = replace(DELEGATION, at_child=None)
    assert see_authorities(FRESH, [], unknown, POLICY, START).events == ()


def test_silence_of_an_authority_is_not_agreement() -> None:
    state = FRESH
    for _ in range(2):
        state = only(authorities_of(state, RIGHT, WRONG))
    for _ in range(3):
        state = only(authorities_of(state, RIGHT, SILENT))
        assert state.faults == {Fault.AUTHORITY_SPLIT}


def test_a_round_of_silence_and_a_bad_one_are_not_two_bad_ones() -> None:
    state = only(round_of(FRESH, RIGHT, RIGHT))
    for minute, outcome in ((5, SILENT), (10, WRONG)):
        state = only(round_of(state, outcome, outcome, minute=minute))
        assert state.status.value is DomainStatus.IN_EFFECT
    assert only(round_of(state, WRONG, WRONG, minute=15)).status.value is DomainStatus.BROKEN


def test_faults_that_were_not_looked_at_stay() -> None:
    state = replace(FRESH, faults=frozenset({Fault.BINDING_DISABLED}))
    step = with_faults(state, {Fault.WILDCARD: True}, START)
    assert only(step).faults == {Fault.BINDING_DISABLED, Fault.WILDCARD}
    assert [event.data["fault"] for event in step.events] == ["wildcard"]


def test_a_step_replaces_what_it_names_and_forgets_what_it_says() -> None:
    other = DomainState(DomainName("b.example"), None, START)
    state = State().after(Step(domains=(FRESH, other)))
    later = replace(FRESH, since=START + MINUTE)
    after = state.after(Step(domains=(later,), forgotten=frozenset({other.domain})))
    assert after.domains == {DOMAIN: later}


def test_steps_about_several_domains_are_joined_in_order() -> None:
    other = replace(FRESH, domain=DomainName("b.example"))
    step = joined([round_of(FRESH, WRONG, WRONG), round_of(other, WRONG, WRONG)])
    assert [state.domain for state in step.domains] == [DOMAIN, other.domain]
    assert [event.domain for event in step.events] == [DOMAIN, other.domain]
    assert joined([]) == Step()


def test_a_wildcard_is_never_asked_about() -> None:
    assert replace(FRESH, domain=DomainName("*.shop.example")).watched is None
    assert FRESH.watched == BINDING
