from collections import Counter

import pytest

from monitor.core.names import DomainName
from monitor.core.targets import EndpointClass, classify
from monitor.core.verdict import Rule, VerdictKind
from tests.scenarios.reading import Scenario, scenarios

ALL = list(scenarios())


@pytest.mark.parametrize("scenario", ALL, ids=[scenario.name for scenario in ALL])
def test_scenario(scenario: Scenario) -> None:
    found = scenario.judged()
    assert (found.kind.value, found.is_in_effect) == (scenario.verdict, scenario.in_effect), found
    assert found.kind.is_answer is (scenario.in_effect is not None)
    if scenario.rule is not None:
        assert found.rule.value == scenario.rule
    if scenario.chain is not None:
        assert tuple(target.text for target in found.chain.targets) == scenario.chain
    if scenario.ttl is not None:
        assert found.chain.first_ttl == scenario.ttl


def test_the_corpus_leaves_out_no_verdict_no_rule_and_no_kind_of_name() -> None:
    verdicts = {scenario.verdict for scenario in ALL}
    of_silence = {VerdictKind.TIMEOUT}
    assert verdicts == {kind.value for kind in VerdictKind if kind not in of_silence}
    rules = {scenario.judged().rule for scenario in ALL}
    assert rules == set(Rule) - {Rule.NO_REPLY}
    names = (t for s in ALL for t in s.judged().chain.targets)
    policy = ALL[0].expectation.policy
    kinds = {known.endpoint_class for name in names if (known := classify(name, policy))}
    assert kinds == set(EndpointClass)


def test_the_corpus_is_large_and_its_names_are_unique() -> None:
    names = Counter(scenario.name for scenario in ALL)
    assert len(ALL) >= 110
    assert [name for name, times in names.items() if times > 1] == []


def test_an_answer_of_the_corpus_keeps_the_letters_in_which_it_was_written() -> None:
    lines = ("Img.SHOP.example. 60 CNAME b.Example.", "B.example. 60 A 203.0.113.1")
    answer = Scenario(name="letters", verdict="not_oss").received(lines).answer
    assert [rrset.name.to_text() for rrset in answer] == ["Img.SHOP.example.", "B.example."]


def test_the_expected_target_is_the_exact_name() -> None:
    target = ALL[0].expectation.target.name
    assert target == DomainName("shop-img.oss-cn-hangzhou.aliyuncs.com")
