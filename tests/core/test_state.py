from dataclasses import replace

from monitor.core.answers import Answer, NoAnswer
from monitor.core.events import EventType
from monitor.core.names import DomainName
from monitor.core.servers import Authority, Delegation
from monitor.core.state import (
    DomainState,
    Doubt,
    RoundPolicy,
    State,
    Step,
    is_at_rest,
    joined,
    see_authorities,
    see_faults,
    see_resolvers,
    with_faults,
)
from monitor.core.status import DomainStatus, Fault, StatusPolicy
from monitor.core.views import View
from tests.core.samples import (
    BINDING,
    DOMAIN,
    MINUTE,
    RIGHT,
    SILENT,
    START,
    WRONG,
    pointing_to,
    sighting,
)

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
    event, fault = step.events
    assert (event.type, fault.type) == (EventType.STATUS, EventType.FAULT)
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
    assert [event.domain for event in step.events] == [DOMAIN] * 2 + [other.domain] * 2
    assert joined([]) == Step()


def test_a_domain_that_leads_elsewhere_for_good_is_not_pointing() -> None:
    good = only(round_of(FRESH, RIGHT, RIGHT))
    once = only(round_of(good, WRONG, WRONG, minute=5))
    assert once.faults == frozenset()
    twice = round_of(once, WRONG, WRONG, minute=10)
    assert only(twice).faults == {Fault.NOT_POINTING}
    told = twice.events[-1].data
    assert told == {"fault": "not_pointing", "state": "raised"}


def test_silence_neither_raises_nor_clears_that_a_domain_is_not_pointing() -> None:
    assert only(round_of(FRESH, SILENT, SILENT)).faults == frozenset()
    elsewhere = only(round_of(FRESH, WRONG, WRONG))
    for minute in (5, 10, 15):
        elsewhere = only(round_of(elsewhere, SILENT, SILENT, minute=minute))
    assert elsewhere.status.value is DomainStatus.UNKNOWN
    assert elsewhere.faults == {Fault.NOT_POINTING}


def test_a_domain_that_comes_back_points_again_once_that_is_believed() -> None:
    state = only(round_of(FRESH, WRONG, WRONG))
    state = only(round_of(state, RIGHT, RIGHT, minute=5))
    assert state.faults == {Fault.NOT_POINTING}
    step = round_of(state, RIGHT, RIGHT, minute=10)
    assert only(step).faults == frozenset()
    assert step.events[-1].data["state"] == "cleared"


def test_a_domain_at_another_bucket_is_wrong_in_another_way_than_not_pointing() -> None:
    other = pointing_to("other-bucket.oss-cn-shanghai.aliyuncs.com")
    state = only(round_of(FRESH, other, WRONG))
    assert state.status.value is DomainStatus.BROKEN
    assert state.faults == frozenset()


def test_a_round_in_which_nobody_is_asked_counts_and_changes_nothing_else() -> None:
    state = only(round_of(FRESH, RIGHT, RIGHT))
    assert see_resolvers(state, (), POLICY, START + MINUTE) == Step()
    state = only(round_of(state, WRONG, WRONG, minute=5))
    assert (state.status.value, state.status.contradicted) == (DomainStatus.IN_EFFECT, 1)
    state = only(see_resolvers(state, (), POLICY, START + 10 * MINUTE))
    assert state.status.value is DomainStatus.BROKEN
    assert see_resolvers(state, (), POLICY, START + 15 * MINUTE) == Step()


def test_a_domain_whose_status_was_settled_before_it_could_be_told_is_looked_at_again() -> None:
    state = only(round_of(FRESH, WRONG, WRONG))
    views = {name: _with_gist(view) for name, view in state.resolvers.items()}
    state = replace(state, resolvers=views)
    assert is_at_rest(state, POLICY, START)
    assert not is_at_rest(replace(state, faults=frozenset()), POLICY, START)


def _with_gist(view: View) -> View:
    return replace(view, sighting=replace(view.sighting, gist=b"gist"))


def test_a_ttl_above_the_limit_is_a_fault_until_it_is_lowered() -> None:
    def kept_for(seconds: int) -> Answer:
        (alias,) = RIGHT.aliases
        return replace(RIGHT, aliases=(replace(alias, ttl=seconds),))

    high = authorities_of(FRESH, RIGHT, kept_for(86401))
    assert only(high).faults == {Fault.TTL_HIGH}
    silent = only(authorities_of(only(high), SILENT, SILENT))
    assert silent.faults == {Fault.TTL_HIGH}, "nobody tells"
    lowered = authorities_of(silent, kept_for(86400), kept_for(86400))
    assert only(lowered).faults == frozenset()
    assert lowered.events[0].data == {"fault": "ttl_high", "state": "cleared"}


def test_a_fault_needs_several_looks_on_end_and_a_look_between_begins_anew() -> None:
    raised, cleared = {Fault.BUCKET_MISSING: True}, {Fault.BUCKET_MISSING: False}
    once = only(see_faults(FRESH, raised, POLICY, START))
    assert once.faults == frozenset()
    assert once.doubts == {Doubt(Fault.BUCKET_MISSING, 1)}
    back = only(see_faults(once, cleared, POLICY, START))
    assert back == FRESH
    again = only(see_faults(back, raised, POLICY, START))
    twice = see_faults(again, raised, POLICY, START, {"status": 404})
    assert only(twice).faults == {Fault.BUCKET_MISSING}
    assert only(twice).doubts == frozenset()
    (event,) = twice.events
    assert event.data["shown"] == {"status": 404}


def test_a_look_that_shows_what_is_believed_changes_nothing() -> None:
    assert see_faults(FRESH, {Fault.BUCKET_MISSING: False}, POLICY, START) == Step()
    assert see_faults(FRESH, {}, POLICY, START) == Step()


def test_doubts_of_one_fault_leave_those_of_another() -> None:
    once = only(see_faults(FRESH, {Fault.BUCKET_MISSING: True}, POLICY, START))
    both = only(see_faults(once, {Fault.UNBOUND: True}, POLICY, START))
    assert both.doubts == {Doubt(Fault.BUCKET_MISSING, 1), Doubt(Fault.UNBOUND, 1)}


def test_a_wildcard_is_never_asked_about() -> None:
    assert replace(FRESH, domain=DomainName("*.shop.example")).watched is None
    assert FRESH.watched == BINDING
