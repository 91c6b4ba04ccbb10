"""What holds for every answer, not only for those of the corpus."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.answers import Address, Alias, Answer, ExtendedError, Rcode
from monitor.core.bindings import BucketTarget, NameTarget
from monitor.core.names import DomainName
from monitor.core.targets import EndpointClass, TargetPolicy
from monitor.core.verdict import Expectation, Verdict, VerdictKind, judge
from tests.scenarios.reading import Scenario, scenarios

ALL = list(scenarios())
POLICIES = [scenario.expectation.policy for scenario in ALL]
DOMAIN = DomainName("img.shop.example")
BOUND = BucketTarget("shop-img", DomainName("oss-cn-hangzhou.aliyuncs.com"))
REACHABLE = [kind.value for kind in EndpointClass if kind is not EndpointClass.INTERNAL]
OURS = [
    "shop-img.oss-cn-hangzhou.aliyuncs.com",
    "shop-img.cn-hangzhou.oss.aliyuncs.com",
    "shop-img.oss-accelerate.aliyuncs.com",
    "shop-img.oss-accelerate-overseas.aliyuncs.com",
    "shop-img.cn-hangzhou.taihangcda.cn",
    "shop-img.cn-hangzhou.thepacificxxs.com",
    "shop-img.oss.aliyuncs.com",
    "shop-img.img-cn-hangzhou.aliyuncs.com",
]

# Names as a hostile zone may hold them: any octets, but mostly those that mean something.
NAMES = st.one_of(
    st.sampled_from(sorted({t for s in ALL for t in s.judged().chain.targets} | {DOMAIN})),
    st.builds(DomainName.seen, st.text(max_size=40)),
    st.builds("{}.{}".format, st.text(max_size=20), st.sampled_from(OURS)).map(DomainName.seen),
)
TTLS = st.integers(0, 2**31 - 1)
ADDRESSES = st.builds(Address, NAMES, st.sampled_from(["203.0.113.1", "2001:db8::1"]), TTLS)
ANSWERS = st.builds(
    Answer,
    rcode=st.sampled_from(Rcode),
    aliases=st.lists(st.builds(Alias, NAMES, NAMES, TTLS), max_size=20).map(tuple),
    addresses=st.lists(ADDRESSES, max_size=4).map(tuple),
    soa_owner=st.none() | NAMES,
    is_authoritative=st.booleans(),
    extended_errors=st.lists(st.builds(ExtendedError, st.integers(0, 65535)), max_size=2).map(
        tuple
    ),
)
TARGETS = st.just(BOUND) | st.builds(NameTarget, NAMES)


@st.composite
def verdicts(draw: st.DrawFn) -> Verdict:
    """Draw an answer, a binding and a configuration, and judge."""
    policy: TargetPolicy = draw(st.sampled_from(POLICIES))
    own = draw(st.none() | st.frozensets(st.sampled_from(["203.0.113.1", "2001:db8::1"])))
    return judge(
        draw(ANSWERS),
        Expectation(draw(NAMES), draw(TARGETS), policy),
        target_addresses=own,
        asked_authority=draw(st.booleans()),
    )


@given(verdicts())
def test_every_answer_has_a_verdict(verdict: Verdict) -> None:
    assert isinstance(verdict.kind, VerdictKind)
    assert verdict.kind.is_answer is (verdict.is_in_effect is not None)
    if verdict.is_in_effect:
        assert verdict.chain.fault is None


@given(st.lists(st.sampled_from(sorted({line for s in ALL for line in s.records})), max_size=12))
def test_no_mixture_of_records_is_too_odd_to_be_judged(records: list[str]) -> None:
    found = Scenario(name="mixture", verdict="not_oss").judged(tuple(records))
    if found.is_in_effect:
        assert found.chain.fault is None
        assert found.chain.addresses


@st.composite
def look_alikes(draw: st.DrawFn) -> str:
    """Draw a name of ours to which one thing was done that makes it another name."""
    ours = draw(st.sampled_from(OURS))
    labels = ours.split(".")
    place = draw(st.integers(0, len(labels) - 1))
    glued = draw(st.sampled_from(["x", "evil", "www-1"]))
    return draw(
        st.sampled_from(
            [
                f"{ours}.evil.net",
                f"{ours}.cn",
                f"{ours}-evil.net",
                f"{glued}{ours}",
                f"{glued}-{ours}",
                ".".join([*labels[:place], glued, *labels[place:]]),
                "-".join([".".join(labels[: place + 1]), ".".join(labels[place + 1 :])]),
            ]
        ).filter(lambda name: name != f"{ours}-")
    )


@given(look_alikes(), st.sampled_from(["resolver", "authority"]))
def test_a_look_alike_is_never_in_effect(name: str, asked: str) -> None:
    scenario = Scenario(
        name="look-alike",
        records=(f"img.shop.example. 60 CNAME {name}.", f"{name}. 60 A 203.0.113.1"),
        asked=asked,
        is_authoritative=asked == "authority",
        policy={"accept_classes": REACHABLE},
        verdict="not_oss",
    )
    assert scenario.judged().is_in_effect is False


@pytest.mark.parametrize("scenario", [pytest.param(case, id=case.name) for case in ALL])
def test_the_order_of_records_decides_nothing(scenario: Scenario) -> None:
    rng = Random(scenario.name)
    for _ in range(5):
        shuffled = tuple(rng.sample(scenario.records, len(scenario.records)))
        assert scenario.judged(shuffled) == scenario.judged()


@given(st.sampled_from(ALL), st.randoms(use_true_random=False))
def test_the_case_of_letters_decides_nothing(scenario: Scenario, rng: Random) -> None:
    def mixed(line: str) -> str:
        return "".join(rng.choice((c.upper(), c.lower())) for c in line)

    records = tuple(mixed(line) for line in scenario.records)
    assert scenario.judged(records) == scenario.judged()


UNRELATED = st.builds(
    "{}.aside.example. {} {}".format,
    st.sampled_from(["a", "b", "*", "_dnsauth"]),
    st.integers(0, 86400),
    st.sampled_from(
        [
            "A 203.0.113.1",
            "AAAA 2001:db8::1",
            "CNAME a.aside.example.",
            "CNAME shop-img.oss-cn-hangzhou.aliyuncs.com.",
            "CNAME shop-img.oss-cn-hangzhou-internal.aliyuncs.com.",
            "CNAME img.shop.example.",
            "TXT token",
            "NS ns1.aside.example.",
        ]
    ),
)


@given(st.sampled_from(ALL), st.lists(UNRELATED, min_size=1, max_size=4), st.integers(0, 20))
def test_records_of_other_names_decide_nothing(
    scenario: Scenario, unrelated: list[str], place: int
) -> None:
    records = (*scenario.records[:place], *unrelated, *scenario.records[place:])
    assert scenario.judged(records) == scenario.judged()
