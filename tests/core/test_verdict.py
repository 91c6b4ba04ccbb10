"""What holds for every verdict; tests/scenarios has the cases one by one."""

import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import pairwise
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.answers import (
    Address,
    Alias,
    Answer,
    ExtendedError,
    NoAnswer,
    NoAnswerReason,
    Rcode,
)
from monitor.core.bindings import NameTarget, Target
from monitor.core.chain import rebuild
from monitor.core.names import DomainName
from monitor.core.targets import TargetPolicy
from monitor.core.verdict import Expectation, Rule, Verdict, VerdictKind, judge
from tests.core.properties import REPEATABLE
from tests.core.samples import DOMAIN, TARGET

POLICY = TargetPolicy(accept=("*.oss.corp.example",), proxy_suffixes=("kunlun*.com",))
INTERNAL = DomainName("shop-img.oss-cn-shanghai-internal.aliyuncs.com")
PLACES = (
    DOMAIN,
    TARGET.name,
    INTERNAL,
    *map(
        DomainName,
        (
            "other.oss-cn-shanghai.aliyuncs.com",
            "shop-img.oss-cn-hangzhou.aliyuncs.com",
            "shop-img.oss-accelerate.aliyuncs.com",
            "shop-img.oss.aliyuncs.com",
            "oss-cn-shanghai.aliyuncs.com",
            "shop-img.oss.corp.example",
            "other.oss.corp.example",
            "img.shop.example.w.kunlunaq.com",
            "elsewhere.example",
        ),
    ),
)
MOSTLY = st.sampled_from([True, True, True, False])
Judging: TypeAlias = Callable[..., Verdict]

TARGETS: st.SearchStrategy[Target] = st.sampled_from(
    [TARGET, NameTarget(DomainName("proxy.shop.example"))]
)
OWN_ADDRESSES = st.sampled_from([None, frozenset[str](), frozenset({"203.0.113.1"})])


@st.composite
def answers(draw: st.DrawFn) -> Answer:
    """Draw an answer whose chain begins at the domain, with or without an end."""
    path = [DOMAIN, *draw(st.lists(st.sampled_from(PLACES), max_size=3, unique=draw(MOSTLY)))]
    aliases = [Alias(name, target, 60) for name, target in pairwise(path)]
    addresses = [Address(path[-1], "203.0.113.1", 60)] if draw(MOSTLY) else []
    return Answer(
        rcode=Rcode.NOERROR if draw(MOSTLY) else draw(st.sampled_from(Rcode)),
        aliases=tuple(aliases),
        addresses=tuple(addresses),
        is_authoritative=draw(st.booleans()),
        extended_errors=tuple(draw(st.lists(st.builds(ExtendedError, st.integers(30, 33))))),
    )


@st.composite
def questions(draw: st.DrawFn) -> Judging:
    """Draw how an answer is judged, all but the answer."""
    expected = Expectation(DOMAIN, draw(TARGETS), POLICY)
    own, asked_authority = draw(OWN_ADDRESSES), draw(st.booleans())
    return partial(judge, expected=expected, target_addresses=own, asked_authority=asked_authority)


@REPEATABLE
@given(answers(), questions(), st.randoms())
def test_every_answer_has_a_verdict_whatever_the_order_of_its_records(
    answer: Answer, judged: Judging, rng: random.Random
) -> None:
    shuffled = tuple(rng.sample(answer.aliases, len(answer.aliases)))
    assert judged(replace(answer, aliases=shuffled)) == judged(answer)


@REPEATABLE
@given(answers(), questions(), st.integers(0, 600))
def test_answers_of_other_ttls_get_the_same_verdict_each_on_its_own_chain(
    answer: Answer, judged: Judging, ttl: int
) -> None:
    later = replace(answer, aliases=tuple(replace(link, ttl=ttl) for link in answer.aliases))
    first, second = judged(answer), judged(later)
    assert second == replace(first, chain=rebuild(DOMAIN, later))


@REPEATABLE
@given(answers(), questions())
def test_a_chain_that_was_rebuilt_already_changes_nothing(answer: Answer, judged: Judging) -> None:
    assert judged(answer, chain=rebuild(DOMAIN, answer)) == judged(answer)


@REPEATABLE
@given(answers(), questions())
def test_only_what_is_no_answer_counts_neither_as_right_nor_as_wrong(
    answer: Answer, judged: Judging
) -> None:
    found = judged(answer)
    assert (found.is_in_effect is not None) is found.kind.is_answer


@REPEATABLE
@given(answers(), questions())
def test_an_internal_name_is_never_right(answer: Answer, judged: Judging) -> None:
    found = judged(answer)
    if INTERNAL in found.chain.targets:
        assert found.is_in_effect is not True


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        (NoAnswerReason.TIMEOUT, VerdictKind.TIMEOUT),
        (NoAnswerReason.NETWORK_ERROR, VerdictKind.NETWORK_ERROR),
        (NoAnswerReason.MALFORMED, VerdictKind.MALFORMED),
    ],
)
def test_what_kept_an_answer_away_is_told_and_never_held_against_the_domain(
    reason: NoAnswerReason, kind: VerdictKind
) -> None:
    found = judge(NoAnswer(reason, "after 3 attempts"), Expectation(DOMAIN, TARGET, POLICY))
    assert (found.kind, found.rule, found.is_in_effect) == (kind, Rule.NO_REPLY, None)
    assert found.seen == "after 3 attempts"
