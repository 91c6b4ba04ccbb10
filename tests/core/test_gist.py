"""Equal gists must mean equal verdicts, in this process and in the next one."""

import itertools
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitor.core.answers import (
    Address,
    Alias,
    Answer,
    ExtendedError,
    NoAnswer,
    NoAnswerReason,
    Outcome,
    Rcode,
)
from monitor.core.bindings import BucketTarget, NameTarget, Target
from monitor.core.gist import gist_of
from monitor.core.names import DomainName
from monitor.core.targets import DEFAULT_CLASSES, EndpointClass, TargetPolicy
from monitor.core.verdict import Expectation, judge
from tests.core.properties import REPEATABLE
from tests.core.samples import DOMAIN, RIGHT, TARGET

SHANGHAI = DomainName("oss-cn-shanghai.aliyuncs.com")
EXPECTED = Expectation(DOMAIN, TARGET, TargetPolicy())
NAMES = tuple(
    map(
        DomainName,
        (
            TARGET.name.text,
            f"edge>{TARGET.name}",  # any octet may stand in a name that the network shows
            "edge",
            "edge.shop.example",
            "other.oss-cn-shanghai.aliyuncs.com",
            "shop-img.oss-cn-hangzhou.aliyuncs.com",
            "shop-img.oss-cn-shanghai-internal.aliyuncs.com",
            "shop-img.oss-accelerate.aliyuncs.com",
            "img.w.kunlunaq.com",
            "elsewhere.example",
        ),
    )
)
OWNERS = st.sampled_from([DOMAIN, DOMAIN, *NAMES])
TTLS = st.sampled_from([0, 60, 600])
ADDRESSES = st.builds(Address, OWNERS, st.sampled_from(["192.0.2.1", "2001:db8::1"]), TTLS)
ERRORS = st.builds(ExtendedError, st.sampled_from([3, 22, 31, 32]), st.sampled_from(["", "why"]))


@st.composite
def paths(draw: st.DrawFn) -> Answer:
    """Draw the answer of a chain that perhaps goes astray, or in a circle."""
    path = [DOMAIN, *draw(st.lists(st.sampled_from(NAMES), max_size=3))]
    links = [Alias(one, two, draw(TTLS)) for one, two in itertools.pairwise(path) if one != two]
    more = draw(st.lists(st.builds(Alias, OWNERS, st.sampled_from(NAMES), TTLS), max_size=1))
    ends = [Address(path[-1], "203.0.113.1", 60)] * draw(st.integers(0, 1))
    return Answer(
        draw(st.sampled_from([Rcode.NOERROR, Rcode.NOERROR, *Rcode])),
        tuple(draw(st.permutations([*links, *more]))),
        (*ends, *draw(st.lists(ADDRESSES, max_size=1))),
        extended_errors=tuple(draw(st.lists(ERRORS, max_size=2))),
        nsid=draw(st.sampled_from([None, "fra1"])),
    )


SILENCES = st.builds(NoAnswer, st.sampled_from(NoAnswerReason), st.sampled_from(["", "> 2 s"]))
OUTCOMES: st.SearchStrategy[Outcome] = paths() | SILENCES
TARGETS: st.SearchStrategy[Target] = st.sampled_from(
    [
        TARGET,
        NameTarget(TARGET.name),
        BucketTarget("shop-img", DomainName("oss-cn-hangzhou.aliyuncs.com")),
        BucketTarget("other", SHANGHAI),
        NameTarget(DomainName("edge.shop.example")),
    ]
)
GLOBS = st.lists(
    st.sampled_from(["*.oss-cn-*.aliyuncs.com", "edge.*.example", "*.kunlunaq.com", "edge"]),
    max_size=2,
).map(tuple)
POLICIES = st.builds(
    TargetPolicy,
    st.frozensets(st.sampled_from(EndpointClass)) | st.just(DEFAULT_CLASSES),
    GLOBS,
    st.sampled_from([(), ("shop.example",), ("kunlunaq.com",)]),
    GLOBS,
    st.booleans(),
)
EXPECTATIONS = st.builds(
    Expectation, st.sampled_from([DOMAIN, DomainName("www.shop.example")]), TARGETS, POLICIES
)


def decided(outcome: Outcome, expected: Expectation) -> tuple[object, ...]:
    verdict = judge(outcome, expected)
    return verdict.kind, verdict.rule, verdict.is_in_effect


@settings(REPEATABLE, max_examples=200)
@given(OUTCOMES, OUTCOMES, EXPECTATIONS, EXPECTATIONS)
def test_equal_gists_mean_equal_verdicts(
    one: Outcome, two: Outcome, here: Expectation, there: Expectation
) -> None:
    for outcomes in ((one, two), (one, one)):
        for expectations in ((here, there), (here, here)):
            pairs = list(zip(outcomes, expectations, strict=True))
            gists = {gist_of(outcome, expected) for outcome, expected in pairs}
            if len(gists) == 1 and None not in gists:
                assert len({decided(outcome, expected) for outcome, expected in pairs}) == 1


@settings(REPEATABLE, max_examples=100)
@given(st.lists(OUTCOMES, min_size=2, max_size=30), EXPECTATIONS)
def test_among_many_answers_those_of_one_gist_get_one_verdict(
    outcomes: list[Outcome], expected: Expectation
) -> None:
    verdicts: dict[bytes, tuple[object, ...]] = {}
    for outcome in outcomes:
        gist, verdict = gist_of(outcome, expected), decided(outcome, expected)
        if gist is not None:
            assert verdicts.setdefault(gist, verdict) == verdict


@given(OUTCOMES, EXPECTATIONS)
def test_where_there_is_a_gist_the_targets_own_addresses_change_no_verdict(
    outcome: Outcome, expected: Expectation
) -> None:
    verdicts = {
        judge(outcome, expected, target_addresses=addresses).rule
        for addresses in (None, frozenset[str](), frozenset({"192.0.2.1", "203.0.113.1"}))
    }
    assert len(verdicts) == 1 or gist_of(outcome, expected) is None


@given(paths(), EXPECTATIONS, st.randoms(use_true_random=False), TTLS)
def test_what_changes_no_verdict_changes_no_gist(
    answer: Answer, expected: Expectation, random: object, ttl: int
) -> None:
    other = replace(
        answer,
        aliases=tuple(replace(link, ttl=ttl) for link in reversed(answer.aliases)),
        addresses=tuple(
            replace(found, ttl=ttl, address="198.51.100.9") for found in reversed(answer.addresses)
        ),
        extended_errors=tuple(replace(error, text="else") for error in answer.extended_errors),
        glue=(Address(DOMAIN, "192.0.2.9", 1),),
        soa_owner=DomainName("shop.example"),
        negative_ttl=ttl,
        serial=7,
        nsid="another",
        subnet_scope=24,
        is_authoritative=not answer.is_authoritative,
    )
    assert gist_of(other, expected) == gist_of(answer, expected)


def _with_rcode(answer: Answer) -> Answer:
    return replace(answer, rcode=Rcode.SERVFAIL)


def _with_error(answer: Answer) -> Answer:
    return replace(answer, extended_errors=(ExtendedError(31),))


def _without_address(answer: Answer) -> Answer:
    return replace(answer, addresses=())


def _by_another_way(answer: Answer) -> Answer:
    edge = DomainName("edge.shop.example")
    links = (Alias(DOMAIN, edge, 60), Alias(edge, TARGET.name, 60))
    return replace(answer, aliases=links)


def _with_two_targets(answer: Answer) -> Answer:
    return replace(answer, aliases=(*answer.aliases, Alias(DOMAIN, DomainName("b.example"), 60)))


@pytest.mark.parametrize(
    "changed",
    [_with_rcode, _with_error, _without_address, _by_another_way, _with_two_targets],
    ids=lambda changed: str(changed.__name__),
)
def test_what_somebody_may_want_to_know_changes_the_gist(
    changed: Callable[[Answer], Answer],
) -> None:
    assert gist_of(changed(RIGHT), EXPECTED) != gist_of(RIGHT, EXPECTED)


def test_the_binding_and_the_policy_are_part_of_it() -> None:
    gists = {
        gist_of(RIGHT, EXPECTED),
        gist_of(RIGHT, replace(EXPECTED, domain=DomainName("www.shop.example"))),
        gist_of(RIGHT, replace(EXPECTED, target=BucketTarget("other", SHANGHAI))),
        gist_of(RIGHT, replace(EXPECTED, target=NameTarget(TARGET.name))),
        gist_of(RIGHT, replace(EXPECTED, policy=TargetPolicy(is_proxy_in_effect=False))),
        gist_of(RIGHT, replace(EXPECTED, policy=TargetPolicy(accept=()))),
        gist_of(RIGHT, replace(EXPECTED, policy=TargetPolicy(classes=frozenset()))),
    }
    assert len(gists) == 7


def test_a_name_that_looks_like_a_chain_is_none() -> None:
    """Whoever answers for a name could else make a wrong chain pass for the right one."""
    edge, target = DomainName("edge"), TARGET.name
    two = replace(RIGHT, aliases=(Alias(DOMAIN, edge, 60), Alias(edge, target, 60)))
    joined = DomainName.seen(f"{edge}>{target}.")
    one = Answer(
        Rcode.NOERROR, (Alias(DOMAIN, joined, 60),), (Address(joined, "203.0.113.1", 60),)
    )
    assert gist_of(one, EXPECTED) != gist_of(two, EXPECTED)


@given(POLICIES, POLICIES)
def test_only_equal_policies_have_equal_digests(one: TargetPolicy, two: TargetPolicy) -> None:
    assert (one.digest == two.digest) is (one == two)


def test_addresses_without_a_chain_have_none_and_silence_has() -> None:
    flat = Answer(Rcode.NOERROR, addresses=(Address(DOMAIN, "203.0.113.1", 60),))
    assert gist_of(flat, EXPECTED) is None
    silences = {gist_of(NoAnswer(reason), EXPECTED) for reason in NoAnswerReason}
    assert len(silences) == len(NoAnswerReason)
    assert None not in silences


@given(OUTCOMES, EXPECTATIONS)
def test_a_gist_is_eight_octets(outcome: Outcome, expected: Expectation) -> None:
    gist = gist_of(outcome, expected)
    assert gist is None or len(gist) == 8


def test_a_gist_that_was_stored_is_still_the_same_after_an_upgrade() -> None:
    assert gist_of(RIGHT, EXPECTED) == bytes.fromhex("7fafd10a14211bdd")


_ELSEWHERE = """
from monitor.core.gist import gist_of
from tests.core.samples import RIGHT, SILENT
from tests.core.test_gist import EXPECTED
print(*(gist_of(outcome, EXPECTED).hex() for outcome in (RIGHT, SILENT)))
"""


@pytest.mark.parametrize("seed", ["1", "2"])
def test_another_process_finds_the_same_gist(seed: str) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": seed}
    told = subprocess.run(
        [sys.executable, "-c", _ELSEWHERE], capture_output=True, check=True, env=environment
    )
    here = [gist_of(outcome, EXPECTED) for outcome in (RIGHT, NoAnswer(NoAnswerReason.TIMEOUT))]
    assert told.stdout.decode().split() == [gist.hex() for gist in here if gist]
