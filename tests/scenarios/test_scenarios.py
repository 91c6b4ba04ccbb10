import random
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.names import DomainName
from monitor.core.targets import EndpointClass, classify
from monitor.core.verdict import Rule, VerdictKind
from tests.scenarios.reading import Scenario, scenarios

ALL = list(scenarios())
ANSWERED = [scenario for scenario in ALL if scenario.records]


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
    assert len(ALL) >= 60
    assert [name for name, times in names.items() if times > 1] == []


@pytest.mark.parametrize("scenario", ANSWERED, ids=[scenario.name for scenario in ANSWERED])
def test_the_order_of_records_decides_nothing(scenario: Scenario) -> None:
    rng = random.Random(scenario.name)
    for _ in range(5):
        shuffled = tuple(rng.sample(scenario.records, len(scenario.records)))
        assert scenario.judged(shuffled) == scenario.judged()


@given(st.sampled_from(ANSWERED), st.randoms(use_true_random=False))
def test_the_case_of_letters_decides_nothing(scenario: Scenario, rng: random.Random) -> None:
    def mixed(line: str) -> str:
        return "".join(rng.choice((c.upper(), c.lower())) for c in line)

    records = tuple(mixed(line) for line in scenario.records)
    assert scenario.judged(records) == scenario.judged()


@given(st.sampled_from(ANSWERED), st.integers(0, 255))
def test_records_of_other_names_decide_nothing(scenario: Scenario, octet: int) -> None:
    unrelated = (
        f"aside.example. 60 A 192.0.2.{octet}",
        f"beside.example. 60 CNAME shop-{octet}.oss-cn-hangzhou.aliyuncs.com.",
    )
    assert scenario.judged((*scenario.records, *unrelated)) == scenario.judged()


@given(
    st.sampled_from(["{}.evil.net", "{}-evil.net", "x{}.evil.net", "{}.cn", "{}x"]),
    st.sampled_from([True, False]),
)
def test_a_look_alike_is_never_in_effect(pattern: str, has_address: object) -> None:
    target = pattern.format("shop-img.oss-cn-hangzhou.aliyuncs.com")
    records = [f"img.shop.example. 60 CNAME {target}."]
    records += [f"{target}. 60 A 203.0.113.1"] if has_address else []
    scenario = Scenario(name="look-alike", records=tuple(records), verdict="not_oss")
    assert scenario.judged().is_in_effect is False


@given(st.lists(st.sampled_from(sorted({line for s in ALL for line in s.records})), max_size=12))
def test_no_mixture_of_records_is_too_odd_to_be_judged(records: list[str]) -> None:
    base = Scenario(name="mixture", verdict="not_oss")
    found = base.judged(tuple(records))
    assert isinstance(found.kind, VerdictKind)
    if found.is_in_effect:
        assert found.chain.fault is None
        assert found.chain.addresses


def test_the_expected_target_is_the_exact_name() -> None:
    target = ALL[0].expectation.target.name
    assert target == DomainName("shop-img.oss-cn-hangzhou.aliyuncs.com")
