from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.answers import Answer
from monitor.core.binding_faults import FaultPolicy, see_inventory, see_visit
from monitor.core.bindings import CONFIGURED, Binding, BucketTarget
from monitor.core.discovery import close_accounts, take_listing
from monitor.core.inventory import Failure, FailureReason, Listing, Scope
from monitor.core.serving import (
    CertificateSign,
    HttpAnswer,
    HttpOutcome,
    HttpSilence,
    ServedCertificate,
    SilenceReason,
    Visit,
)
from monitor.core.state import RoundPolicy, State, Step, see_resolvers
from monitor.core.status import Fault, StatusPolicy
from monitor.core.targets import TargetPolicy
from monitor.core.verdict import Expectation, judge
from monitor.core.views import Sighting
from tests.core.properties import REPEATABLE
from tests.core.samples import BINDING, DOMAIN, RIGHT, START, TARGET, pointing_to, sighting

ROUNDS = RoundPolicy(StatusPolicy({"r": 1.0}))
POLICY = FaultPolicy(ROUNDS)
BY_HTTP = replace(POLICY, is_http_checked=True)
LISTED = replace(BINDING, account="shop")
BUCKETS = frozenset({TARGET.bucket, "other"})
GONE = HttpAnswer(404, "AliyunOSS", "5C3D", "NoSuchBucket", "0015-00000101")
PRIVATE = HttpAnswer(403, "AliyunOSS", "5C3D", "AccessDenied")
UNKNOWN_HOST = HttpAnswer(400, "AliyunOSS", "5C3D", "InvalidBucketName")
TIMEOUT = HttpSilence(SilenceReason.TIMEOUT)
SAYS_NOTHING: list[HttpOutcome] = [
    TIMEOUT,
    HttpSilence(SilenceReason.NOT_PUBLIC),
    HttpAnswer(404, "nginx", "", "NoSuchBucket"),
    HttpAnswer(503, "AliyunOSS", "5C3D", "NoSuchBucket"),
]


class Known:
    """What is known, step by step."""

    def __init__(self, policy: FaultPolicy = POLICY) -> None:
        self.state = State()
        self.policy = policy
        self.steps: list[Step] = []

    def take(self, step: Step) -> Step:
        self.state = self.state.after(step)
        self.steps.append(step)
        return step

    def look(
        self,
        account: str,
        *bindings: Binding,
        failures: tuple[Failure, ...] = (),
        buckets: frozenset[str] = BUCKETS,
        now: datetime = START,
    ) -> Step:
        has_buckets = account != CONFIGURED
        listing = Listing(account, bindings, failures, buckets if has_buckets else frozenset())
        self.take(take_listing(self.state, listing, now))
        return self.take(see_inventory(self.state, account, self.policy, now))

    def visit(self, outcome: HttpOutcome, certificate: ServedCertificate | None = None) -> Step:
        visit = Visit(START, outcome, "203.0.113.1", certificate)
        return self.take(see_visit(self.state, BINDING, visit, self.policy, START))

    def answer(self, answer: Answer) -> None:
        reply = sighting("r", answer).reply
        expected = Expectation(DOMAIN, TARGET, TargetPolicy(proxy_suffixes=("proxy.example",)))
        seen = Sighting("r", reply, judge(answer, expected))
        self.take(see_resolvers(self.state.domains[DOMAIN], [seen], ROUNDS, START))

    @property
    def faults(self) -> frozenset[Fault]:
        return self.state.domains[DOMAIN].faults


def test_a_domain_bound_by_hand_that_its_buckets_account_does_not_list_is_unbound() -> None:
    known = Known()
    known.look(CONFIGURED, BINDING)
    known.look("shop")
    assert known.faults == frozenset()
    step = known.look("shop")
    assert known.faults == {Fault.UNBOUND}
    (event,) = step.events
    assert event.data == {"fault": "unbound", "state": "raised", "shown": {"account": "shop"}}


def test_a_domain_that_is_bound_at_last_is_no_longer_unbound() -> None:
    known = Known()
    known.look(CONFIGURED, BINDING)
    known.look("shop")
    known.look("shop")
    known.look("shop", LISTED)
    assert known.faults == frozenset()


def test_a_bucket_that_no_account_has_may_be_bound_at_somebody_elses() -> None:
    known = Known()
    known.look(CONFIGURED, BINDING)
    for _ in range(3):
        known.look("shop", buckets=frozenset({"other"}))
    assert known.faults == frozenset()


@pytest.mark.parametrize(
    "failure",
    [
        Failure(FailureReason.UNREACHABLE, Scope.ACCOUNT),
        Failure(FailureReason.DENIED, Scope.BUCKET, TARGET.bucket),
        Failure(FailureReason.MALFORMED, Scope.ENTRY, TARGET.bucket),
    ],
)
def test_what_could_not_be_read_makes_nothing_unbound_and_keeps_what_is(failure: Failure) -> None:
    known = Known()
    known.look(CONFIGURED, BINDING)
    known.look("shop", buckets=BUCKETS)
    for _ in range(3):
        known.look("shop", failures=(failure,))
    assert known.faults == frozenset()
    known.look("shop")
    assert known.faults == {Fault.UNBOUND}
    for _ in range(3):
        known.look("shop", failures=(failure,))
    assert known.faults == {Fault.UNBOUND}


def test_a_failure_at_another_bucket_hides_nothing_of_this_one() -> None:
    known = Known()
    known.look(CONFIGURED, BINDING)
    elsewhere = Failure(FailureReason.DENIED, Scope.BUCKET, "other")
    known.look("shop", failures=(elsewhere,))
    known.look("shop", failures=(elsewhere,))
    assert known.faults == {Fault.UNBOUND}


def test_when_the_account_is_no_longer_configured_nobody_says_that_a_domain_is_unbound() -> None:
    known = Known()
    known.look(CONFIGURED, BINDING)
    known.look("shop")
    known.look("shop")
    known.take(close_accounts(known.state, {CONFIGURED}, START))
    known.look(CONFIGURED, BINDING)
    assert known.faults == frozenset()


def test_rivals_are_bound_twice_and_not_unbound() -> None:
    known = Known()
    known.look(CONFIGURED, BINDING)
    rival = replace(LISTED, target=BucketTarget("other", TARGET.endpoint))
    known.look("shop", rival)
    known.look("shop", rival)
    assert known.faults == {Fault.BOUND_TWICE}


def test_a_certificate_that_ends_soon_is_a_fault_until_it_is_renewed() -> None:
    known = Known()
    soon = replace(LISTED, certificate_expires_at=START + timedelta(days=30))
    known.look("shop", soon)
    assert known.faults == frozenset()
    step = known.look("shop", soon, now=START + timedelta(days=9))
    assert known.faults == {Fault.CERTIFICATE_EXPIRING}
    shown = step.events[0].data["shown"]
    assert shown == {"account": "shop", "certificate_expires_at": "2026-01-31T00:00:00+00:00"}
    known.look("shop", replace(soon, certificate_expires_at=START + timedelta(days=365)))
    assert known.faults == frozenset()


def test_time_alone_makes_a_certificate_a_fault_even_while_the_account_fails() -> None:
    known = Known()
    known.look("shop", replace(LISTED, certificate_expires_at=START + timedelta(days=30)))
    failure = Failure(FailureReason.UNREACHABLE, Scope.ACCOUNT)
    known.look("shop", failures=(failure,), now=START + timedelta(days=40))
    assert known.faults == {Fault.CERTIFICATE_EXPIRING}


def test_a_domain_without_a_certificate_has_a_fault_only_where_https_is_expected() -> None:
    known = Known()
    known.look("shop", LISTED)
    known.answer(RIGHT)
    known.look("shop", LISTED)
    assert known.faults == frozenset()
    known.policy = replace(POLICY, is_https_expected=True)
    known.look("shop", LISTED)
    assert known.faults == {Fault.CERTIFICATE_MISSING}
    with_one = replace(LISTED, certificate_expires_at=START + timedelta(days=99))
    known.look("shop", with_one)
    assert known.faults == frozenset()


@pytest.mark.parametrize(
    "binding", [replace(LISTED, is_enabled=False), replace(BINDING, account=CONFIGURED)]
)
def test_of_a_binding_that_is_disabled_or_not_listed_nobody_expects_a_certificate(
    binding: Binding,
) -> None:
    known = Known(replace(POLICY, is_https_expected=True))
    known.look(binding.account, binding)
    known.answer(RIGHT)
    known.look(binding.account, binding)
    assert Fault.CERTIFICATE_MISSING not in known.faults


def test_behind_a_proxy_the_certificate_is_the_proxys() -> None:
    known = Known(replace(POLICY, is_https_expected=True))
    known.look("shop", LISTED)
    known.look("shop", LISTED)
    assert known.faults == frozenset(), "where it leads is not known yet"
    known.answer(pointing_to("img.w.proxy.example"))
    known.look("shop", LISTED)
    assert known.faults == frozenset()


def test_a_bucket_that_is_gone_is_a_fault_after_two_looks_and_told_with_the_answer() -> None:
    known = Known(BY_HTTP)
    known.look("shop", LISTED)
    assert known.visit(GONE).events == ()
    step = known.visit(GONE)
    assert known.faults == {Fault.BUCKET_MISSING}
    shown = step.events[0].data["shown"]
    assert shown == {
        "sign": "bucket_missing",
        "rule": "no-such-bucket",
        "status": 404,
        "server": "AliyunOSS",
        "code": "NoSuchBucket",
        "ec": "0015-00000101",
        "request_id": "5C3D",
        "address": "203.0.113.1",
    }


def test_silence_between_two_looks_neither_raises_nor_clears() -> None:
    known = Known(BY_HTTP)
    known.look("shop", LISTED)
    for outcome in (TIMEOUT, TIMEOUT, GONE, TIMEOUT):
        known.visit(outcome)
    assert known.faults == frozenset()
    known.visit(GONE)
    assert known.faults == {Fault.BUCKET_MISSING}
    for _ in range(3):
        assert known.visit(TIMEOUT) == Step()
    assert known.faults == {Fault.BUCKET_MISSING}
    known.visit(PRIVATE)
    known.visit(PRIVATE)
    assert known.faults == frozenset()


@REPEATABLE
@given(st.lists(st.sampled_from([GONE, PRIVATE, UNKNOWN_HOST, *SAYS_NOTHING]), max_size=12))
def test_looks_that_show_nothing_change_nothing(outcomes: list[HttpOutcome]) -> None:
    with_all, without = Known(BY_HTTP), Known(BY_HTTP)
    for known in (with_all, without):
        known.look(CONFIGURED, BINDING)
    for outcome in outcomes:
        with_all.visit(outcome)
        if outcome not in SAYS_NOTHING:
            without.visit(outcome)
    assert with_all.state == without.state


def test_of_a_domain_that_an_account_lists_an_unknown_host_makes_nothing_unbound() -> None:
    known = Known(BY_HTTP)
    known.look("shop", LISTED)
    known.visit(UNKNOWN_HOST)
    known.visit(UNKNOWN_HOST)
    assert known.faults == frozenset()


def test_where_no_account_tells_an_unknown_host_is_an_unbound_domain() -> None:
    known = Known(BY_HTTP)
    known.look(CONFIGURED, BINDING)
    known.visit(UNKNOWN_HOST)
    known.visit(UNKNOWN_HOST)
    assert known.faults == {Fault.UNBOUND}
    known.look(CONFIGURED, BINDING)
    assert known.faults == {Fault.UNBOUND}, "the configuration says nothing of that"
    known.visit(PRIVATE)
    known.visit(PRIVATE)
    assert known.faults == frozenset()


def test_what_was_seen_over_http_ends_when_nobody_looks_any_more() -> None:
    known = Known(BY_HTTP)
    known.look(CONFIGURED, BINDING)
    for outcome in (GONE, GONE, UNKNOWN_HOST, UNKNOWN_HOST):
        known.visit(outcome)
    assert known.faults == {Fault.BUCKET_MISSING, Fault.UNBOUND}
    known.policy = POLICY
    known.look(CONFIGURED, BINDING)
    assert known.faults == frozenset()


def test_a_look_at_another_bucket_than_is_bound_by_now_changes_nothing() -> None:
    known = Known(BY_HTTP)
    known.look("shop", replace(LISTED, target=BucketTarget("other", TARGET.endpoint)))
    assert known.visit(GONE) == Step()
    known.look("shop")
    assert known.visit(GONE) == Step()


def test_the_listed_end_of_a_certificate_counts_before_the_served_one() -> None:
    policy = replace(BY_HTTP, is_https_expected=True)
    served = ServedCertificate(CertificateSign.VALID, START + timedelta(days=1))
    known = Known(policy)
    known.look("shop", replace(LISTED, certificate_expires_at=START + timedelta(days=99)))
    known.visit(PRIVATE, served)
    known.visit(PRIVATE, served)
    assert known.faults == frozenset()
    known.look("shop", LISTED)
    known.visit(PRIVATE, served)
    step = known.visit(PRIVATE, served)
    assert known.faults == {Fault.CERTIFICATE_EXPIRING}
    shown = step.events[0].data["shown"]
    assert isinstance(shown, dict)
    assert shown["certificate_expires_at"] == "2026-01-02T00:00:00+00:00"
    known.look("shop", LISTED)
    assert known.faults == {Fault.CERTIFICATE_EXPIRING}, "the listing says nothing of that"


def test_a_certificate_of_another_name_is_a_missing_one() -> None:
    known = Known(replace(BY_HTTP, is_https_expected=True))
    known.look("shop", LISTED)
    for _ in range(2):
        known.visit(PRIVATE, ServedCertificate(CertificateSign.OTHER_NAME))
    assert known.faults == {Fault.CERTIFICATE_MISSING}


def test_a_move_to_another_bucket_ends_what_was_seen_of_the_old_one() -> None:
    known = Known(BY_HTTP)
    known.look("shop", LISTED)
    known.visit(GONE)
    known.visit(GONE)
    known.look("shop", replace(LISTED, target=BucketTarget("other", TARGET.endpoint)))
    domain = known.state.domains[DOMAIN]
    assert (domain.faults, domain.doubts) == (frozenset(), frozenset())
