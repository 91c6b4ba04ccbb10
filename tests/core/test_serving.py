from datetime import timedelta

import pytest

from monitor.core.serving import (
    BucketSign,
    CertificateSign,
    HttpAnswer,
    HttpOutcome,
    HttpSilence,
    Reading,
    ServedCertificate,
    SignRule,
    SilenceReason,
    certificate_faults_shown,
    faults_shown,
    read_sign,
)
from monitor.core.status import Fault
from tests.core.samples import START

WARNING = timedelta(days=21)


def oss(status: int, code: str = "") -> HttpAnswer:
    return HttpAnswer(status, "AliyunOSS", "5C3D9175B6FC201293AD4890", code)


MEANINGS: list[tuple[HttpOutcome, BucketSign, SignRule]] = [
    (oss(200), BucketSign.SERVES, SignRule.ANSWERS),
    (oss(302), BucketSign.SERVES, SignRule.ANSWERS),
    (oss(404, "NoSuchKey"), BucketSign.SERVES, SignRule.ANSWERS),
    (oss(400, "SomethingNew"), BucketSign.SERVES, SignRule.ANSWERS),
    (oss(403, "AccessDenied"), BucketSign.SERVES, SignRule.PRIVATE_BUCKET),
    (oss(403), BucketSign.SERVES, SignRule.PRIVATE_BUCKET),
    (oss(404, "NoSuchBucket"), BucketSign.BUCKET_MISSING, SignRule.NO_SUCH_BUCKET),
    (oss(400, "InvalidBucketName"), BucketSign.HOST_UNKNOWN, SignRule.HOST_NOT_MAPPED),
    (oss(403, "NonStandardHostForbidden"), BucketSign.HOST_UNKNOWN, SignRule.HOST_NOT_MAPPED),
    (oss(403, "SecondLevelDomainForbidden"), BucketSign.HOST_UNKNOWN, SignRule.HOST_NOT_MAPPED),
    (oss(404, "NoSuchCname"), BucketSign.HOST_UNKNOWN, SignRule.HOST_NOT_MAPPED),
    (oss(403, "UserDisable"), BucketSign.SUSPENDED, SignRule.SUSPENDED),
    (oss(403, "BucketDisable"), BucketSign.SUSPENDED, SignRule.SUSPENDED),
    (oss(403, "NoSuchCnameInRecord"), BucketSign.FORBIDDEN, SignRule.WAY_FORBIDDEN),
    (oss(400, "PublicEndpointForbidden"), BucketSign.FORBIDDEN, SignRule.WAY_FORBIDDEN),
    (oss(403, "TransferAccelerationDisabled"), BucketSign.FORBIDDEN, SignRule.WAY_FORBIDDEN),
    (oss(503, "SlowDown"), BucketSign.THROTTLED, SignRule.THROTTLED),
    (oss(429), BucketSign.THROTTLED, SignRule.THROTTLED),
    (oss(503, "NoSuchBucket"), BucketSign.THROTTLED, SignRule.THROTTLED),
    (oss(500, "InternalError"), BucketSign.FAILED, SignRule.SERVER_ERROR),
    (
        HttpAnswer(404, "Tengine", "5C3D9175", "NoSuchBucket"),  # through a CDN
        BucketSign.BUCKET_MISSING,
        SignRule.NO_SUCH_BUCKET,
    ),
    (HttpAnswer(404, "nginx", "", "NoSuchBucket"), BucketSign.NOT_OSS, SignRule.NOT_SIGNED),
    (HttpAnswer(200), BucketSign.NOT_OSS, SignRule.NOT_SIGNED),
    *((HttpSilence(reason), BucketSign.NO_ANSWER, SignRule.NO_ANSWER) for reason in SilenceReason),
]


@pytest.mark.parametrize(("outcome", "sign", "rule"), MEANINGS)
def test_an_outcome_has_one_meaning(
    outcome: HttpOutcome, sign: BucketSign, rule: SignRule
) -> None:
    assert read_sign(outcome) == Reading(sign, rule)


def test_every_sign_and_every_rule_is_shown_by_some_outcome() -> None:
    assert {sign for _, sign, _ in MEANINGS} == set(BucketSign)
    assert {rule for _, _, rule in MEANINGS} == set(SignRule)


@pytest.mark.parametrize("ec", ["0015-00000101", "0003-00000001", ""])
def test_the_ec_number_decides_nothing(ec: str) -> None:
    private = HttpAnswer(403, "AliyunOSS", "5C3D", "AccessDenied", ec)
    assert read_sign(private).sign is BucketSign.SERVES


def test_a_private_bucket_is_healthy() -> None:
    shown = faults_shown(oss(403, "AccessDenied"))
    assert shown == {Fault.BUCKET_MISSING: False, Fault.UNBOUND: False}


@pytest.mark.parametrize(
    "outcome",
    [
        *(HttpSilence(reason) for reason in SilenceReason),
        HttpAnswer(404, "nginx", "", "NoSuchBucket"),
        oss(503, "SlowDown"),
        oss(500, "InternalError"),
        oss(403, "NoSuchCnameInRecord"),
    ],
)
def test_what_shows_nothing_of_the_bucket_raises_and_clears_nothing(outcome: HttpOutcome) -> None:
    assert faults_shown(outcome) == {}


def test_a_bucket_that_is_gone_says_nothing_of_the_binding() -> None:
    assert faults_shown(oss(404, "NoSuchBucket")) == {Fault.BUCKET_MISSING: True}


def test_a_suspended_bucket_is_there() -> None:
    assert faults_shown(oss(403, "UserDisable")) == {Fault.BUCKET_MISSING: False}


@pytest.mark.parametrize(
    ("served", "missing", "expiring"),
    [
        (ServedCertificate(CertificateSign.VALID, START + timedelta(days=22)), False, False),
        (ServedCertificate(CertificateSign.VALID, START + timedelta(days=21)), False, True),
        (ServedCertificate(CertificateSign.VALID), False, False),
        (ServedCertificate(CertificateSign.EXPIRED), False, True),
        (ServedCertificate(CertificateSign.OTHER_NAME), True, None),
        (ServedCertificate(CertificateSign.UNTRUSTED), None, None),
        (ServedCertificate(CertificateSign.NO_ANSWER), None, None),
    ],
)
def test_a_served_certificate_shows_its_faults(
    served: ServedCertificate, missing: bool | None, expiring: bool | None
) -> None:
    shown = certificate_faults_shown(served, START, WARNING)
    assert shown.get(Fault.CERTIFICATE_MISSING) is missing
    assert shown.get(Fault.CERTIFICATE_EXPIRING) is expiring
