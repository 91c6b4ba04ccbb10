"""What a bucket says over HTTP when a domain is the host that is asked for.

Source: the vendor's pages on error codes and on custom domains. Judged are the status and the
code; the EC numbers are shown only, because OSS says that they may change.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import TypeAlias

from monitor.core.status import Fault


class BucketSign(Enum):
    """What an answer, or its absence, shows of the bucket; the value is a metric label."""

    SERVES = "serves"
    BUCKET_MISSING = "bucket_missing"
    HOST_UNKNOWN = "host_unknown"
    SUSPENDED = "suspended"
    FORBIDDEN = "forbidden"
    THROTTLED = "throttled"
    FAILED = "failed"
    NOT_OSS = "not_oss"
    NO_ANSWER = "no_answer"


class SilenceReason(Enum):
    """Why there is no HTTP answer."""

    TIMEOUT = "timeout"
    NETWORK_ERROR = "network_error"
    MALFORMED = "malformed"
    NO_ADDRESS = "no_address"
    NOT_PUBLIC = "not_public"


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """The head of a response, and what its error document says; empty where it says nothing."""

    status: int
    server: str = ""
    request_id: str = ""
    code: str = ""
    ec: str = ""

    @property
    def is_of_oss(self) -> bool:
        """Tell whether OSS made it, perhaps behind a proxy that put its own name in."""
        return self.server.lower() == "aliyunoss" or bool(self.request_id)


@dataclass(frozen=True, slots=True)
class HttpSilence:
    """Nothing usable came back; `detail` is for people."""

    reason: SilenceReason
    detail: str = ""


HttpOutcome: TypeAlias = HttpAnswer | HttpSilence


class SignRule(Enum):
    """The rule that read a sign; the value is shown to people and scripts."""

    NO_ANSWER = "no-http-answer"
    NOT_SIGNED = "no-sign-of-oss"
    THROTTLED = "throttled"
    SERVER_ERROR = "server-error"
    NO_SUCH_BUCKET = "no-such-bucket"
    HOST_NOT_MAPPED = "host-not-mapped"
    SUSPENDED = "owner-or-bucket-suspended"
    WAY_FORBIDDEN = "way-forbidden"
    PRIVATE_BUCKET = "private-bucket"
    ANSWERS = "oss-answers"


@dataclass(frozen=True, slots=True)
class Reading:
    """What an outcome means, and the rule that said so."""

    sign: BucketSign
    rule: SignRule


def read_sign(outcome: HttpOutcome) -> Reading:
    """Return what an outcome shows of the bucket; the first rule that applies decides."""
    if isinstance(outcome, HttpSilence):
        return Reading(BucketSign.NO_ANSWER, SignRule.NO_ANSWER)
    return next(Reading(sign, rule) for applies, sign, rule in _RULES if applies(outcome))


_THROTTLES = frozenset({"SlowDown", "QpsLimitExceeded", "DownloadTrafficRateLimitExceeded"})
_UNMAPPED = frozenset(
    {
        "InvalidBucketName",
        "NonStandardHostForbidden",
        "SecondLevelDomainForbidden",
        "NoSuchCname",
    }
)
_SUSPENSIONS = frozenset({"UserDisable", "BucketDisable", "AbnormalBucketOwnerStatus"})
_WAYS = frozenset(
    {
        "NoSuchCnameInRecord",  # the domain has no ICP filing
        "PublicEndpointForbidden",
        "ApkDownloadForbidden",
        "TransferAccelerationDisabled",
    }
)

_Rule: TypeAlias = tuple[Callable[[HttpAnswer], bool], BucketSign, SignRule]
_RULES: tuple[_Rule, ...] = (
    # Somebody else's 404 says nothing of a bucket.
    (lambda it: not it.is_of_oss, BucketSign.NOT_OSS, SignRule.NOT_SIGNED),
    (
        lambda it: it.status in {429, 503} or it.code in _THROTTLES,
        BucketSign.THROTTLED,
        SignRule.THROTTLED,
    ),
    (lambda it: it.status >= 500, BucketSign.FAILED, SignRule.SERVER_ERROR),
    (
        lambda it: (it.status, it.code) == (404, "NoSuchBucket"),
        BucketSign.BUCKET_MISSING,
        SignRule.NO_SUCH_BUCKET,
    ),
    (lambda it: it.code in _UNMAPPED, BucketSign.HOST_UNKNOWN, SignRule.HOST_NOT_MAPPED),
    (lambda it: it.code in _SUSPENSIONS, BucketSign.SUSPENDED, SignRule.SUSPENDED),
    (lambda it: it.code in _WAYS, BucketSign.FORBIDDEN, SignRule.WAY_FORBIDDEN),
    # A private bucket refuses everybody who does not sign: that is how it should be.
    (lambda it: it.status == 403, BucketSign.SERVES, SignRule.PRIVATE_BUCKET),
    (lambda _: True, BucketSign.SERVES, SignRule.ANSWERS),
)


class CertificateSign(Enum):
    """What the certificate that is served for a domain shows."""

    VALID = "valid"
    EXPIRED = "expired"
    OTHER_NAME = "other_name"
    UNTRUSTED = "untrusted"
    NO_ANSWER = "no_answer"


@dataclass(frozen=True, slots=True)
class ServedCertificate:
    """The certificate as a client gets it; `expires_at` only of one that a client accepts."""

    sign: CertificateSign
    expires_at: datetime | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Visit:
    """One look over HTTP at one domain; `certificate` is None where it was not looked at."""

    at: datetime
    outcome: HttpOutcome
    address: str = ""
    certificate: ServedCertificate | None = None


def faults_shown(outcome: HttpOutcome) -> Mapping[Fault, bool]:
    """Return which faults an outcome shows, and which it rules out; of others it says nothing."""
    match read_sign(outcome).sign:
        case BucketSign.SERVES:
            return {Fault.BUCKET_MISSING: False, Fault.UNBOUND: False}
        case BucketSign.BUCKET_MISSING:
            return {Fault.BUCKET_MISSING: True}
        case BucketSign.HOST_UNKNOWN:
            return {Fault.UNBOUND: True}
        case BucketSign.SUSPENDED:
            return {Fault.BUCKET_MISSING: False}
        case (
            BucketSign.FORBIDDEN
            | BucketSign.THROTTLED
            | BucketSign.FAILED
            | BucketSign.NOT_OSS
            | BucketSign.NO_ANSWER
        ):
            return {}


def certificate_faults_shown(
    served: ServedCertificate, now: datetime, warning: timedelta
) -> Mapping[Fault, bool]:
    """Return which faults a served certificate shows and rules out."""
    match served.sign:
        case CertificateSign.VALID:
            is_near = expires_soon(served.expires_at, now, warning)
            return {Fault.CERTIFICATE_MISSING: False, Fault.CERTIFICATE_EXPIRING: is_near}
        case CertificateSign.EXPIRED:
            return {Fault.CERTIFICATE_MISSING: False, Fault.CERTIFICATE_EXPIRING: True}
        case CertificateSign.OTHER_NAME:
            # OSS shows its own certificate for a domain that has none.
            return {Fault.CERTIFICATE_MISSING: True}
        case CertificateSign.UNTRUSTED | CertificateSign.NO_ANSWER:
            return {}


def expires_soon(expires_at: datetime | None, now: datetime, warning: timedelta) -> bool:
    """Tell whether a certificate is over, or will be within the `warning`."""
    return expires_at is not None and expires_at - now <= warning
