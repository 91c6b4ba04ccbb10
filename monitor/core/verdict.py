"""Judge what one server's answer means for one binding, by which rule, and on what evidence."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

from monitor.core.answers import (
    Answer,
    ExtendedError,
    NoAnswer,
    NoAnswerReason,
    Outcome,
    Rcode,
)
from monitor.core.bindings import BucketTarget, NameTarget, Target
from monitor.core.chain import Chain, ChainFault, rebuild
from monitor.core.names import DomainName
from monitor.core.targets import EndpointClass, OssName, TargetPolicy, classify, region_of


class VerdictKind(Enum):
    """What an answer means; a closed set that dashboards rely on."""

    IN_EFFECT = "in_effect"
    IN_EFFECT_FLATTENED = "in_effect_flattened"
    VIA_PROXY = "via_proxy"
    OTHER_BUCKET = "other_bucket"
    OTHER_ENDPOINT = "other_endpoint"
    INTERNAL_ENDPOINT = "internal_endpoint"
    NOT_OSS = "not_oss"
    NO_CNAME = "no_cname"
    NO_DATA = "no_data"
    NXDOMAIN = "nxdomain"
    CHAIN_LOOP = "chain_loop"
    CHAIN_TOO_LONG = "chain_too_long"
    SERVFAIL = "servfail"
    REFUSED = "refused"
    TIMEOUT = "timeout"
    NETWORK_ERROR = "network_error"
    MALFORMED = "malformed"
    RATE_LIMITED = "rate_limited"

    @property
    def is_answer(self) -> bool:
        """False where nothing usable came back: never counted as not propagated."""
        return self not in _UNKNOWN


_UNKNOWN = frozenset(
    {
        VerdictKind.SERVFAIL,
        VerdictKind.REFUSED,
        VerdictKind.TIMEOUT,
        VerdictKind.NETWORK_ERROR,
        VerdictKind.MALFORMED,
        VerdictKind.RATE_LIMITED,
    }
)


class Rule(Enum):
    """The rule that made a verdict; the value is shown to people and scripts."""

    NO_REPLY = "no-reply"
    UNUSABLE_REPLY = "unusable-reply"
    SERVER_FAILURE = "server-failure"
    SERVER_REFUSES = "server-refuses"
    RATE_LIMIT = "rate-limit"
    LAME_AUTHORITY = "lame-authority"
    SEVERAL_CNAMES = "several-cnames-at-one-name"
    CHAIN_LOOPS = "chain-loops"
    CHAIN_TOO_LONG = "chain-over-16-hops"
    INTERNAL_NAME = "internal-name-in-chain"
    NAME_ERROR = "name-does-not-exist"
    DANGLING_CHAIN = "dangling_chain"
    NO_RECORD = "no-such-record"
    CHAIN_WITHOUT_ADDRESS = "chain-ends-without-address"
    EXACT_TARGET = "exact-target"
    TARGET_OF_CLASS = "target-of-accepted-class"
    ACCEPTED_PATTERN = "accepted-pattern"
    PROXY_SUFFIX = "proxy-suffix"
    BUCKET_DIFFERS = "bucket-differs"
    BUCKET_MISSING_IN_NAME = "bucket-label-missing"
    REGION_DIFFERS = "region-differs"
    TARGET_DIFFERS = "target-differs"
    CLASS_NOT_ACCEPTED = "class-not-accepted"
    LEAVES_OSS = "chain-leaves-oss"
    ADDRESSES_OF_TARGET = "addresses-of-target"
    OTHER_ADDRESSES = "other-addresses"
    TARGET_NOT_RESOLVED = "target-not-resolved"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the answer means, the rule that said so, and what the rule looked at."""

    kind: VerdictKind
    rule: Rule
    chain: Chain
    is_in_effect: bool | None
    seen: str = ""


@dataclass(frozen=True, slots=True)
class Expectation:
    """What a domain's chain should hold, and which names count as that."""

    domain: DomainName
    target: Target
    policy: TargetPolicy

    def __hash__(self) -> int:
        return hash(self.domain)  # a domain has one target and one policy at a time


def judge(
    outcome: Outcome,
    expected: Expectation,
    *,
    chain: Chain | None = None,
    target_addresses: frozenset[str] | None = None,
    asked_authority: bool = False,
) -> Verdict:
    """Return the verdict on one outcome; the first rule that applies decides.

    `chain` is the answer's, where it was rebuilt already. `target_addresses` are the target's own,
    asked at the same time: None where they could not be learnt. An authority does not follow a
    chain out of its zone, so it owes no addresses.
    """
    match outcome:
        case NoAnswer():
            chain = Chain(expected.domain)
            kind = _KIND_OF_SILENCE[outcome.reason]
            return Verdict(kind, Rule.NO_REPLY, chain, is_in_effect=None, seen=outcome.detail)
        case Answer():
            chain = chain or rebuild(expected.domain, outcome)
            facts = _facts_of(outcome, expected, chain, target_addresses, asked_authority)
            found = _found(facts)
            return Verdict(found.kind, found.rule, chain, found.is_in_effect, found.seen)


class _Facts(NamedTuple):
    """All that a verdict on an answer depends on; TTLs are none of it."""

    expected: Expectation
    rcode: Rcode
    errors: tuple[ExtendedError, ...]
    targets: tuple[DomainName, ...]  # of the chain
    fault: ChainFault | None
    is_dead_end: bool
    is_lame: bool
    addresses: tuple[str, ...]  # where there is no chain, those of the domain itself
    target_addresses: frozenset[str] | None


class _Found(NamedTuple):
    """A verdict without the chain that it was found on."""

    kind: VerdictKind
    rule: Rule
    is_in_effect: bool | None
    seen: str


def _facts_of(
    answer: Answer,
    expected: Expectation,
    chain: Chain,
    target_addresses: frozenset[str] | None,
    asked_authority: bool,  # noqa: FBT001
) -> _Facts:
    owes_addresses = not (asked_authority and chain.links) or _is_told(answer, chain)
    return _Facts(
        expected,
        answer.rcode,
        answer.extended_errors,
        chain.targets,
        chain.fault,
        is_dead_end=owes_addresses and not chain.addresses,
        is_lame=asked_authority and not answer.is_authoritative,
        addresses=() if chain.links else chain.addresses,
        target_addresses=target_addresses,
    )


def _is_told(answer: Answer, chain: Chain) -> bool:
    """True where an authority says of the chain's end, in a zone of its own: no address."""
    zone = answer.soa_owner
    return zone is not None and chain.end.is_within(zone)


# Most of a domain's resolvers say the same, most of the time within one round.
@lru_cache(maxsize=1024)
def _found(facts: _Facts) -> _Found:
    policy = facts.expected.policy
    names = tuple(name for target in facts.targets if (name := classify(target, policy)))
    case = _Case(facts, names)
    return next(found for rule in _RULES if (found := rule(case)))


@dataclass(frozen=True, slots=True)
class _Case:
    """The facts, and the names of OSS that are among the targets."""

    facts: _Facts
    oss_names: tuple[OssName, ...]

    @property
    def expected(self) -> Expectation:
        return self.facts.expected

    @property
    def targets(self) -> tuple[DomainName, ...]:
        return self.facts.targets

    @property
    def end(self) -> DomainName:
        """The chain's last name."""
        return self.targets[-1] if self.targets else self.expected.domain

    def unknown(self, kind: VerdictKind, rule: Rule, seen: str = "") -> _Found:
        return _Found(kind, rule, is_in_effect=None, seen=seen)

    def wrong(self, kind: VerdictKind, rule: Rule, seen: object = "") -> _Found:
        return _Found(kind, rule, is_in_effect=False, seen=str(seen))

    def right(self, kind: VerdictKind, rule: Rule, seen: object = "") -> _Found:
        return _Found(kind, rule, is_in_effect=True, seen=str(seen))


_KIND_OF_SILENCE = {
    NoAnswerReason.TIMEOUT: VerdictKind.TIMEOUT,
    NoAnswerReason.NETWORK_ERROR: VerdictKind.NETWORK_ERROR,
    NoAnswerReason.MALFORMED: VerdictKind.MALFORMED,
    NoAnswerReason.NO_VANTAGE: VerdictKind.NETWORK_ERROR,
}
_RATE_LIMIT_ERRORS = frozenset({31, 32})  # extended DNS errors: rate limited, over quota


def _failed(case: _Case) -> _Found | None:
    errors = ", ".join(f"EDE {e.code} {e.text}".rstrip() for e in case.facts.errors)
    limited = any(e.code in _RATE_LIMIT_ERRORS for e in case.facts.errors)
    match case.facts.rcode:
        case Rcode.NOERROR | Rcode.NXDOMAIN:
            return None
        case Rcode.SERVFAIL | Rcode.REFUSED if limited:
            return case.unknown(VerdictKind.RATE_LIMITED, Rule.RATE_LIMIT, errors)
        case Rcode.SERVFAIL:
            return case.unknown(VerdictKind.SERVFAIL, Rule.SERVER_FAILURE, errors)
        case Rcode.REFUSED:
            return case.unknown(VerdictKind.REFUSED, Rule.SERVER_REFUSES, errors)
        case Rcode.FORMERR | Rcode.NOTIMP | Rcode.OTHER:
            return case.unknown(VerdictKind.MALFORMED, Rule.UNUSABLE_REPLY, case.facts.rcode.name)


def _lame(case: _Case) -> _Found | None:
    if case.facts.is_lame:
        return case.unknown(VerdictKind.REFUSED, Rule.LAME_AUTHORITY)
    return None


def _chain_broken(case: _Case) -> _Found | None:
    match case.facts.fault:
        case None:
            return None
        case ChainFault.LOOP:
            return case.wrong(VerdictKind.CHAIN_LOOP, Rule.CHAIN_LOOPS, case.end)
        case ChainFault.TOO_LONG:
            return case.wrong(VerdictKind.CHAIN_TOO_LONG, Rule.CHAIN_TOO_LONG, case.end)
        case ChainFault.AMBIGUOUS:
            return case.unknown(VerdictKind.MALFORMED, Rule.SEVERAL_CNAMES, str(case.end))


def _internal(case: _Case) -> _Found | None:
    # Stands before the dead ends: an internal name is the cause even where it has no address.
    for name in case.oss_names:
        if name.endpoint_class is EndpointClass.INTERNAL:
            return case.wrong(VerdictKind.INTERNAL_ENDPOINT, Rule.INTERNAL_NAME, name.name)
    return None


def _dead_end(case: _Case) -> _Found | None:
    if case.facts.rcode is Rcode.NXDOMAIN:
        rule = Rule.DANGLING_CHAIN if case.targets else Rule.NAME_ERROR
        return case.wrong(VerdictKind.NXDOMAIN, rule, case.end)
    if not case.facts.is_dead_end:
        return None
    rule = Rule.CHAIN_WITHOUT_ADDRESS if case.targets else Rule.NO_RECORD
    return case.wrong(VerdictKind.NO_DATA, rule, case.end)


def _at_target(case: _Case) -> _Found | None:
    expected = case.expected
    if expected.target.name in case.targets:
        return case.right(VerdictKind.IN_EFFECT, Rule.EXACT_TARGET, expected.target.name)
    match expected.target:
        case NameTarget():
            return None
        case BucketTarget():
            return _same_bucket(case, expected.target) or _by_pattern(case, expected.target)


def _same_bucket(case: _Case, target: BucketTarget) -> _Found | None:
    policy = case.expected.policy
    region = region_of(target.endpoint, policy)
    for name in case.oss_names:
        if name.region not in {region, None}:
            continue
        is_class_accepted = name.endpoint_class in policy.classes
        if name.endpoint_class is EndpointClass.ACCESS_POINT and is_class_accepted:
            return case.right(VerdictKind.IN_EFFECT, Rule.TARGET_OF_CLASS, name.name)
        if name.bucket == target.bucket and is_class_accepted:
            return case.right(VerdictKind.IN_EFFECT, Rule.TARGET_OF_CLASS, name.name)
        if name.bucket == target.bucket and policy.is_accepted_pattern(name.name):
            return case.right(VerdictKind.IN_EFFECT, Rule.ACCEPTED_PATTERN, name.name)
    return None


def _by_pattern(case: _Case, target: BucketTarget) -> _Found | None:
    known = {name.name for name in case.oss_names}
    accepts = case.expected.policy.is_accepted_pattern
    names = [name for name in case.targets if name not in known and accepts(name)]
    for name in names:
        if name.text.partition(".")[0] == target.bucket:
            return case.right(VerdictKind.IN_EFFECT, Rule.ACCEPTED_PATTERN, name)
    return case.wrong(VerdictKind.OTHER_BUCKET, Rule.BUCKET_DIFFERS, names[0]) if names else None


def _elsewhere_at_oss(case: _Case) -> _Found | None:
    if not case.oss_names:
        return None
    found, target = case.oss_names[0], case.expected.target
    if isinstance(target, NameTarget):
        return case.wrong(VerdictKind.OTHER_ENDPOINT, Rule.TARGET_DIFFERS, found.name)
    if not found.bucket:
        return case.wrong(VerdictKind.OTHER_ENDPOINT, Rule.BUCKET_MISSING_IN_NAME, found.name)
    if found.bucket != target.bucket:
        return case.wrong(VerdictKind.OTHER_BUCKET, Rule.BUCKET_DIFFERS, found.name)
    if found.region in {region_of(target.endpoint, case.expected.policy), None}:
        return case.wrong(VerdictKind.OTHER_ENDPOINT, Rule.CLASS_NOT_ACCEPTED, found.name)
    return case.wrong(VerdictKind.OTHER_ENDPOINT, Rule.REGION_DIFFERS, found.name)


def _behind_proxy(case: _Case) -> _Found | None:
    policy = case.expected.policy
    proxy = next((name for name in case.targets if policy.is_proxy(name)), None)
    if proxy is None:
        return None
    say = case.right if policy.is_proxy_in_effect else case.wrong
    return say(VerdictKind.VIA_PROXY, Rule.PROXY_SUFFIX, proxy)


def _outside_oss(case: _Case) -> _Found | None:
    if case.targets:
        return case.wrong(VerdictKind.NOT_OSS, Rule.LEAVES_OSS, case.end)
    return None


def _addresses_alone(case: _Case) -> _Found:
    facts = case.facts
    found = ", ".join(facts.addresses)
    if facts.target_addresses is None:
        return case.unknown(VerdictKind.NETWORK_ERROR, Rule.TARGET_NOT_RESOLVED, found)
    # OSS addresses are shared between buckets: equal addresses are an inference, not a proof.
    if set(facts.addresses) <= facts.target_addresses:
        return case.right(VerdictKind.IN_EFFECT_FLATTENED, Rule.ADDRESSES_OF_TARGET, found)
    return case.wrong(VerdictKind.NO_CNAME, Rule.OTHER_ADDRESSES, found)


_RULES: tuple[Callable[[_Case], _Found | None], ...] = (
    _failed,
    _lame,
    _chain_broken,
    _internal,
    _dead_end,
    _at_target,
    _elsewhere_at_oss,
    _behind_proxy,
    _outside_oss,
    _addresses_alone,
)
