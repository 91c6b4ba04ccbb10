from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest

from monitor.core.answers import Answer
from monitor.core.bindings import BucketTarget, NameTarget, Target
from monitor.core.events import Event, EventType, Json
from monitor.core.names import DomainName
from monitor.core.replay import Heard, Rejudged, Replay, Unjudged
from monitor.core.targets import EndpointClass, TargetPolicy
from monitor.core.verdict import VerdictKind
from tests.core.samples import DOMAIN, ENDPOINT, RIGHT, START, TARGET, WRONG, pointing_to
from tests.core.sealed import sealed

POLICY = TargetPolicy()
OTHER = BucketTarget("shop-doc", ENDPOINT)
ANSWERS = {
    b"right": RIGHT,
    b"wrong": WRONG,
    b"other": pointing_to(OTHER.name),
    b"flat": replace(
        RIGHT, aliases=(), addresses=tuple(replace(a, name=DOMAIN) for a in RIGHT.addresses)
    ),
    b"authority": replace(RIGHT, addresses=()),
}


def decode(wire: bytes) -> Heard | None:
    answer: Answer | None = ANSWERS.get(wire)
    if answer is None:
        return None
    is_of_resolver = wire != b"authority"
    return Heard(DOMAIN, is_of_resolver, "NOERROR", (), (), answer)


def shown(wire: bytes, kind: str, rule: str = "", server: str = "alidns") -> Mapping[str, Json]:
    found: dict[str, Json] = {"resolver": server, "at": "2026", "verdict": kind}
    found |= {"rule": rule} if rule else {}
    return found | {"wire": b64encode(wire).decode()}


def bound(target: Target = TARGET, domain: DomainName = DOMAIN) -> Event:
    data: dict[str, Json] = {"target": target.name.text, "bucket": None, "endpoint": None}
    if isinstance(target, BucketTarget):
        data |= {"bucket": target.bucket, "endpoint": target.endpoint.text}
    return Event(EventType.BINDING_ADDED, START, domain, data=data)


def status(*evidence: Mapping[str, Json], domain: DomainName | None = DOMAIN) -> Event:
    return Event(EventType.STATUS, START, domain, evidence=evidence)


def judged(events: Iterable[Event], policy: TargetPolicy = POLICY) -> list[Rejudged | Unjudged]:
    replay, found = Replay(policy, decode), list[Rejudged | Unjudged]()
    for record in sealed(events):
        replay.learn(record)
        found += replay.judged(record)
    return found


def one(events: Iterable[Event], policy: TargetPolicy = POLICY) -> Rejudged:
    (found,) = judged(events, policy)
    assert isinstance(found, Rejudged)
    return found


def test_an_answer_that_is_judged_as_it_was_does_not_differ() -> None:
    found = one([bound(), status(shown(b"right", "in_effect", "exact-target"))])
    assert not found.differs
    assert (found.seq, found.server, found.target) == (2, "alidns", TARGET)


@pytest.mark.parametrize(
    ("kind", "rule", "differs"),
    [
        ("in_effect", "", False),
        ("in_effect", "accepted-pattern", True),
        ("not_oss", "", True),
        ("a_word_of_later_releases", "", True),
    ],
)
def test_an_answer_differs_by_its_verdict_and_by_its_rule_where_that_was_kept(
    kind: str, rule: str, differs: bool
) -> None:
    assert one([bound(), status(shown(b"right", kind, rule))]).differs is differs


def test_the_policy_of_now_decides() -> None:
    strict = TargetPolicy(classes=frozenset({EndpointClass.ACCELERATE}), accept=())
    events = [bound(OTHER), status(shown(b"right", "other_bucket", "bucket-differs"))]
    assert not one(events, strict).differs
    accepting = TargetPolicy(proxy_suffixes=("elsewhere.example",))
    found = one([bound(), status(shown(b"wrong", "not_oss"))], accepting)
    assert found.differs
    assert found.verdict.kind is VerdictKind.VIA_PROXY


def test_an_answer_is_judged_by_what_the_domain_was_bound_to_then() -> None:
    moved = Event(EventType.BINDING_MOVED, START, DOMAIN, data={"to": bound(OTHER).data})
    right, other = shown(b"right", "in_effect"), shown(b"other", "in_effect")
    found = judged([bound(), status(right), moved, status(other)])
    assert [isinstance(one, Rejudged) and one.differs for one in found] == [False, False]


@pytest.mark.parametrize(
    ("name", "target"),
    [
        (TARGET.name.text, TARGET),
        ("proxy.example", NameTarget(DomainName("proxy.example"))),
        (ENDPOINT.text, NameTarget(ENDPOINT)),
    ],
)
def test_earlier_logs_tell_the_name_alone(name: str, target: Target) -> None:
    added = Event(EventType.BINDING_ADDED, START, DOMAIN, data={"target": name})
    assert one([added, status(shown(b"right", "in_effect"))]).target == target


def test_a_name_that_was_given_by_hand_stays_a_name() -> None:
    by_hand = NameTarget(TARGET.name)
    assert one([bound(by_hand), status(shown(b"right", "in_effect"))]).target == by_hand


def test_an_authority_owes_no_addresses() -> None:
    found = one([bound(), status(shown(b"authority", "in_effect"))])
    assert not found.differs


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        ("in_effect_flattened", "addresses-of-target"),
        ("in_effect_flattened", ""),
        ("no_cname", "other-addresses"),
        ("no_cname", ""),
        ("network_error", "target-not-resolved"),
    ],
)
def test_how_addresses_compared_with_the_targets_then_is_taken_as_found(
    kind: str, rule: str
) -> None:
    assert not one([bound(), status(shown(b"flat", kind, rule))]).differs


def test_what_cannot_be_judged_says_why() -> None:
    gone = status(shown(b"", "timeout"), shown(b"???", "malformed"), {"wire": "no base64"})
    assert judged([bound(), gone]) == [
        Unjudged.NO_MESSAGE,
        Unjudged.UNREADABLE,
        Unjudged.NO_MESSAGE,
    ]
    unknown = [status(shown(b"right", "in_effect"))]
    assert judged(unknown) == [Unjudged.UNBOUND]
    nowhere = Event(EventType.BINDING_ADDED, START, DOMAIN)
    moved = Event(EventType.BINDING_MOVED, START, DOMAIN, data={"to": "x"})
    assert judged([nowhere, moved, *unknown]) == [Unjudged.UNBOUND]


def test_an_answer_that_several_records_rest_on_is_judged_once() -> None:
    answer = shown(b"right", "in_effect")
    assert len(judged([bound(), status(answer), status(answer, shown(b"right", "x"))])) == 1
    other = shown(b"right", "in_effect", server="unicom")
    assert len(judged([bound(), status(answer), status(other)])) == 2


def test_records_of_no_domain_have_nothing_to_judge() -> None:
    start = Event(EventType.START, START, evidence=(shown(b"right", "in_effect"),))
    assert judged([bound(), start]) == []
