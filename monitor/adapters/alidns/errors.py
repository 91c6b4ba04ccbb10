"""What went wrong in a call, from the exceptions of requests and the API's codes to reasons.

Source: the codes on the help pages of DescribeDomainRecords and DescribeSubDomainRecords, and
those that all calls of Alibaba Cloud have in common.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

import requests

from monitor.core.inventory import FailureReason
from monitor.core.provider import ProviderFailure, ProviderReason

ACTION = "DescribeDomainRecords"  # the one call, and what a key must be allowed


class LibraryMissing(Exception):
    """The extra [alidns] is not installed."""


@dataclass(eq=False)
class Refused(Exception):
    """A reply that is no page; the code is empty where none came."""

    status: int
    code: str = ""
    request: str = ""


@dataclass(frozen=True, slots=True)
class Setback:
    """A call that did not give what it should."""

    reason: FailureReason | ProviderReason
    detail: str

    @property
    def may_pass(self) -> bool:
        """True where the same call may work a moment later."""
        return self.reason in _PASSING

    def failure(self) -> ProviderFailure:
        return ProviderFailure(self.reason, self.detail)


# Keys that are no text and an endpoint that is no URL end in a ValueError.
EXPECTED = (LibraryMissing, Refused, requests.RequestException, ValueError)
_PASSING = frozenset(
    {FailureReason.THROTTLED, FailureReason.SERVER_ERROR, FailureReason.UNREACHABLE}
)

# By the first word of a code: `Throttling.User`, `InvalidSecurityToken.Expired`.
_BY_CODE: Mapping[str, FailureReason | ProviderReason] = {
    "InvalidAccessKeyId": FailureReason.CREDENTIALS,
    "InvalidSecurityToken": FailureReason.CREDENTIALS,
    "MissingSecurityToken": FailureReason.CREDENTIALS,
    "SignatureDoesNotMatch": FailureReason.SIGNATURE,
    "IncompleteSignature": FailureReason.SIGNATURE,
    "InvalidTimeStamp": FailureReason.CLOCK_SKEW,
    "Forbidden": FailureReason.DENIED,
    "NoPermission": FailureReason.DENIED,
    "Throttling": FailureReason.THROTTLED,
    "ServiceUnavailable": FailureReason.SERVER_ERROR,
    "InternalError": FailureReason.SERVER_ERROR,
    "InvalidDomainName": ProviderReason.UNKNOWN_DOMAIN,
    "IncorrectDomainUser": ProviderReason.UNKNOWN_DOMAIN,
}

_ADVICE: Mapping[FailureReason | ProviderReason, str] = {
    FailureReason.CREDENTIALS: "renew the access key or token of this account",
    FailureReason.SIGNATURE: "check the access key secret",
    FailureReason.CLOCK_SKEW: "set the clock of this machine",
    FailureReason.DENIED: f"grant alidns:{ACTION} to this key",
    FailureReason.MALFORMED: "this is no reply of the API",
}

# The first class that fits counts: the special ones stand before those they derive from.
_BY_TRANSPORT: tuple[tuple[type[requests.RequestException], str], ...] = (
    (requests.exceptions.ProxyError, "the proxy refused"),
    (requests.exceptions.SSLError, "TLS failed"),
    (requests.exceptions.ConnectTimeout, "no connection in time"),
    (requests.exceptions.ReadTimeout, "no answer in time"),
    (requests.exceptions.ConnectionError, "the connection failed"),
    (requests.exceptions.ChunkedEncodingError, "the answer broke off"),
)


def setback(error: Exception) -> Setback:
    """Return what an expected exception means; nothing secret is taken over from it."""
    match error:
        case LibraryMissing():
            text = "install the wheel with its extra [alidns]"
            return Setback(ProviderReason.LIBRARY_MISSING, text)
        case Refused():
            reason = _BY_CODE.get(error.code.partition(".")[0]) or _by_status(error)
            return Setback(reason, _described(error, _ADVICE.get(reason, "")))
        case _:
            return _unanswered(error)


def _by_status(error: Refused) -> FailureReason:
    if error.status == HTTPStatus.TOO_MANY_REQUESTS:
        return FailureReason.THROTTLED
    if error.status == HTTPStatus.FORBIDDEN:
        return FailureReason.DENIED
    if error.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return FailureReason.SERVER_ERROR
    return FailureReason.OTHER if error.code else FailureReason.MALFORMED


def _described(error: Refused, advice: str) -> str:
    """Return the code and the number that support asks for.

    The message stays out: a refused signature repeats in it what was signed, key and token too.
    """
    request = f", request {_plain(error.request)}" if error.request else ""
    text = f"{_plain(error.code)} (HTTP {error.status}{request})"
    return f"{text}: {advice}" if advice else text


def _plain(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z0-9.:_-]{1,100}", text) else "(no code)"


def _unanswered(error: Exception) -> Setback:
    # Only classes speak: the text of some exceptions shows the request.
    for kind, words in _BY_TRANSPORT:
        if isinstance(error, kind):
            return Setback(FailureReason.UNREACHABLE, f"{words} ({_cause(error)})")
    return Setback(FailureReason.OTHER, f"the request could not be made ({_cause(error)})")


def _cause(error: Exception) -> str:
    """Return the class that urllib3 raised, which requests wraps once or twice."""
    wrapped = error.args[0] if error.args else None
    reason = getattr(wrapped, "reason", None)
    causes = (it for it in (reason, wrapped, error) if isinstance(it, BaseException))
    return type(next(causes)).__name__
