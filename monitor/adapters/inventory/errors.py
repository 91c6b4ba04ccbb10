"""What went wrong in a call to OSS, from the library's exceptions to reasons of our own.

Source: alibabacloud.com/help/en/oss/support/error-codes; the EC numbers are shown, never
judged by, because OSS says that they may change.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit
from xml.etree.ElementTree import ParseError

import requests
from oss2.exceptions import ClientError, RequestError, ServerError

from monitor.adapters.inventory.credentials import CredentialsUnavailable
from monitor.adapters.inventory.replies import TooLong
from monitor.core.inventory import Failure, FailureReason, Scope

# RuntimeError and ParseError are how oss2 says that a reply is not the XML it expects;
# ValueError and OverflowError how its date parser does, LookupError how an encoding that nobody
# knows ends. Reading a body raises the exceptions of requests bare.
EXPECTED: tuple[type[Exception], ...] = (
    CredentialsUnavailable,
    ServerError,
    RequestError,
    ClientError,
    requests.RequestException,
    ParseError,
    RuntimeError,
    ValueError,
    LookupError,
    OverflowError,
)


@dataclass(frozen=True, slots=True)
class Setback:
    """A call that did not give what it should; `endpoint` is where OSS sends us instead."""

    reason: FailureReason
    detail: str
    endpoint: str = ""

    @property
    def may_pass(self) -> bool:
        """True where the same call may work a moment later."""
        return self.reason in _PASSING

    def failure(self, scope: Scope, bucket: str = "") -> Failure:
        return Failure(self.reason, scope, bucket, self.detail)


def setback(error: BaseException) -> Setback:
    """Return what an expected exception means; nothing secret is taken over from it."""
    match error:
        case CredentialsUnavailable():
            return Setback(FailureReason.CREDENTIALS, str(error))
        case ServerError():
            return _refused(error)
        case RequestError():
            return _unanswered(error.exception)
        case requests.RequestException():
            return _unanswered(error)
        case ClientError():
            return Setback(FailureReason.OTHER, str(error.body))
        case _:
            what = "longer than any" if isinstance(error, TooLong) else "not the XML"
            return Setback(FailureReason.MALFORMED, f"the reply is {what} of this call")


_PASSING = frozenset(
    {FailureReason.THROTTLED, FailureReason.SERVER_ERROR, FailureReason.UNREACHABLE}
)

_BY_CODE: Mapping[str, FailureReason] = {
    "InvalidAccessKeyId": FailureReason.CREDENTIALS,
    "InvalidSecurityToken": FailureReason.CREDENTIALS,
    "SecurityTokenExpired": FailureReason.CREDENTIALS,
    "SignatureDoesNotMatch": FailureReason.SIGNATURE,
    "RequestTimeTooSkewed": FailureReason.CLOCK_SKEW,
    "AccessDenied": FailureReason.DENIED,
    "PublicEndpointForbidden": FailureReason.ENDPOINT_FORBIDDEN,
    "UserDisable": FailureReason.SUSPENDED,
    "BucketDisable": FailureReason.SUSPENDED,
    "AbnormalBucketOwnerStatus": FailureReason.SUSPENDED,
    "NoSuchBucket": FailureReason.NO_SUCH_BUCKET,
    "MetaOperationQpsLimitExceeded": FailureReason.THROTTLED,
    "QpsLimitExceeded": FailureReason.THROTTLED,
    "SlowDown": FailureReason.THROTTLED,
}

_BY_STATUS: Mapping[int, FailureReason] = {
    403: FailureReason.DENIED,
    429: FailureReason.THROTTLED,
}

_ADVICE: Mapping[FailureReason, str] = {
    FailureReason.CREDENTIALS: "renew the access key or token of this account",
    FailureReason.SIGNATURE: "check the access key secret",
    FailureReason.DENIED: "grant oss:ListBuckets and oss:ListCname to this key",
    FailureReason.ENDPOINT_FORBIDDEN: "this account may not use the public endpoint",
    FailureReason.CLOCK_SKEW: "set the clock of this machine",
    FailureReason.SUSPENDED: "the account or the bucket is suspended",
}

# The first class that fits counts: the special ones stand before those they derive from.
_BY_TRANSPORT: tuple[tuple[type[Exception], FailureReason, str], ...] = (
    (requests.exceptions.ProxyError, FailureReason.UNREACHABLE, "the proxy refused"),
    (requests.exceptions.SSLError, FailureReason.UNREACHABLE, "TLS failed"),
    (requests.exceptions.ConnectTimeout, FailureReason.UNREACHABLE, "no connection in time"),
    (requests.exceptions.ReadTimeout, FailureReason.UNREACHABLE, "no answer in time"),
    (requests.exceptions.ConnectionError, FailureReason.UNREACHABLE, "the connection failed"),
    (requests.exceptions.ChunkedEncodingError, FailureReason.UNREACHABLE, "the answer broke off"),
    (
        requests.exceptions.TooManyRedirects,
        FailureReason.MALFORMED,
        "redirected elsewhere, as OSS never does: something else answers at this endpoint",
    ),
)


def _refused(error: ServerError) -> Setback:
    endpoint = error.details.get("Endpoint") or ""
    reason = _BY_CODE.get(error.code) or _BY_STATUS.get(error.status)
    if reason is FailureReason.DENIED and endpoint:
        reason = FailureReason.WRONG_ENDPOINT
    elif reason is None:
        reason = FailureReason.SERVER_ERROR if error.status >= 500 else FailureReason.OTHER
    advice = f"the bucket is at {_plain(endpoint)}" if endpoint else _ADVICE.get(reason, "")
    return Setback(reason, _described(error, advice), endpoint)


def _described(error: ServerError, advice: str) -> str:
    """Return the code and the numbers that support asks for.

    The message stays out: OSS repeats in it, and beside it, the key and what was signed.
    """
    numbers = [f"HTTP {error.status}"]
    if error.request_id:
        numbers.append(f"request {_plain(error.request_id)}")
    if error.ec:
        numbers.append(f"EC {_plain(error.ec)}")
    text = f"{_plain(error.code)} ({', '.join(numbers)})"
    return f"{text}: {advice}" if advice else text


def _plain(text: str | None) -> str:
    return text if text and re.fullmatch(r"[A-Za-z0-9.:_-]{1,100}", text) else "(no OSS code)"


def _unanswered(error: requests.RequestException) -> Setback:
    # Only classes speak: the text of an invalid header, say, would show the token in it.
    for kind, reason, words in _BY_TRANSPORT:
        if isinstance(error, kind):
            return Setback(reason, f"{words} ({_cause(error)})")
    return Setback(FailureReason.OTHER, f"the request could not be made ({_cause(error)})")


def _cause(error: requests.RequestException) -> str:
    name = type(_innermost(error)).__name__
    host = urlsplit(error.request.url).hostname if error.request and error.request.url else ""
    return f"{name} at {host}" if host else name


def _innermost(error: requests.RequestException) -> BaseException:
    """Return what urllib3 found, which requests wraps once or twice."""
    wrapped = error.args[0] if error.args else None
    reason = getattr(wrapped, "reason", None)
    return next((it for it in (reason, wrapped) if isinstance(it, BaseException)), error)
