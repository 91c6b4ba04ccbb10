"""What is exported of a log is read by the runner of the scenarios, and judged the same."""

import tomllib
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace

import dns.flags
import pytest
from pydantic import TypeAdapter

from monitor.adapters.resolvers.hearing import heard
from monitor.core.bindings import BucketTarget
from monitor.core.events import Event, EventType, Json
from monitor.core.names import DomainName
from monitor.core.replay import Rejudged, Replay
from monitor.entrypoints.scenario_toml import scenario_toml
from tests.core.samples import START
from tests.core.sealed import sealed
from tests.scenarios.reading import Scenario, scenarios

ALL = list(scenarios())
SCENARIO = TypeAdapter(Scenario)


def stored(scenario: Scenario, server: str = "alidns") -> tuple[Event, ...]:
    """Return the events of a log that holds the scenario's answer."""
    expected, verdict = scenario.expectation, scenario.judged()
    domain, target = expected.domain, expected.target
    data: dict[str, Json] = {"target": target.name.text, "bucket": None, "endpoint": None}
    if isinstance(target, BucketTarget):
        data |= {"bucket": target.bucket, "endpoint": target.endpoint.text}
    message = scenario.received()
    if scenario.asked == "authority":
        message.flags &= ~dns.flags.RD
    evidence: Mapping[str, Json] = {
        "resolver": server,
        "at": START.isoformat(),
        "verdict": verdict.kind.value,
        "rule": verdict.rule.value,
        "wire": b64encode(message.to_wire()).decode(),
    }
    return (
        Event(EventType.BINDING_ADDED, START, domain, data=data),
        Event(EventType.STATUS, START, domain, evidence=(evidence,)),
    )


def rejudged(scenario: Scenario, *events: Event) -> list[Rejudged]:
    replay, found = Replay(scenario.expectation.policy, heard), list[Rejudged]()
    for record in sealed(events):
        replay.learn(record)
        found += (one for one in replay.judged(record) if isinstance(one, Rejudged))
    return found


def exported(scenario: Scenario, *events: Event) -> list[Scenario]:
    text = scenario_toml(rejudged(scenario, *events), "A test.", scenario.policy)
    return [SCENARIO.validate_python(case) for case in tomllib.loads(text)["case"]]


@pytest.mark.parametrize("scenario", ALL, ids=[scenario.name for scenario in ALL])
def test_every_stored_answer_of_the_corpus_is_judged_again_as_it_was(scenario: Scenario) -> None:
    (found,) = rejudged(scenario, *stored(scenario))
    assert not found.differs


@pytest.mark.parametrize("scenario", ALL, ids=[scenario.name for scenario in ALL])
def test_every_stored_answer_of_the_corpus_becomes_a_case_of_it(scenario: Scenario) -> None:
    (case,) = exported(scenario, *stored(scenario))
    found, wanted = case.judged(), scenario.judged()
    assert (found.kind, found.rule, found.is_in_effect) == (
        wanted.kind,
        wanted.rule,
        wanted.is_in_effect,
    )
    assert (case.verdict, case.rule, case.in_effect) == (
        wanted.kind.value,
        wanted.rule.value,
        wanted.is_in_effect,
    )


def answered(*records: str) -> Scenario:
    return Scenario(name="x", records=records, verdict="in_effect")


RIGHT = answered(
    "img.shop.example. 60 CNAME shop-img.oss-cn-hangzhou.aliyuncs.com.",
    "shop-img.oss-cn-hangzhou.aliyuncs.com. 60 A 203.0.113.1",
)


def test_answers_that_differ_by_their_ttl_alone_are_one_case() -> None:
    older = answered(*(line.replace(" 60 ", " 7 ") for line in RIGHT.records))
    other = answered(*(line.replace("203.0.113.1", "203.0.113.2") for line in RIGHT.records))
    events = (*stored(RIGHT), *stored(older, "unicom")[1:], *stored(other, "telecom")[1:])
    assert [case.name.split()[1] for case in exported(RIGHT, *events)] == ["alidns", "telecom"]


def test_a_case_that_is_judged_otherwise_now_expects_what_was_judged_then() -> None:
    bound, status = stored(RIGHT)
    before = {**status.evidence[0], "verdict": "not_oss", "rule": "chain-leaves-oss"}
    wrong = replace(status, evidence=(before,))
    text = scenario_toml(rejudged(RIGHT, bound, wrong), "A test.", {})
    assert "# judged now: in_effect, by exact-target" in text.split("\n")
    (case,) = exported(RIGHT, bound, wrong)
    assert (case.verdict, case.in_effect, case.rule) == ("not_oss", False, "chain-leaves-oss")
    unusable = replace(status, evidence=({**before, "verdict": "servfail", "rule": ""},))
    (case,) = exported(RIGHT, bound, unusable)
    assert (case.verdict, case.in_effect, case.rule) == ("servfail", None, None)


def test_text_from_the_network_stays_text() -> None:
    hostile = answered(
        'img.shop.example. 60 TXT "\\"]\\010\\127\\092"', 'a\\"\\.b\\200.example. 60 A 192.0.2.1'
    )
    bound, status = stored(hostile, 'x"\n[[case]]\nname = "')
    title = "A title\n[[case]]"
    text = scenario_toml(rejudged(hostile, bound, status), title, {})
    (case,) = tomllib.loads(text)["case"]
    assert case["name"].startswith('img.shop.example: x"\n[[case]]')
    assert len(case["records"]) == 2


def test_a_domain_that_is_bound_to_a_name_by_hand_is_a_case_too() -> None:
    by_hand = replace(RIGHT, target="shop-img.oss-cn-hangzhou.aliyuncs.com")
    (case,) = exported(by_hand, *stored(by_hand))
    assert case.target == by_hand.target
    assert case.judged().kind.value == "in_effect"
    assert case.expectation.domain == DomainName("img.shop.example")
