"""OSS signature version 4, as the server checks it.

Source: alibabacloud.com/help/en/oss/developer-reference/recommend-to-use-signature-version-4
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum
from urllib.parse import quote

ALGORITHM = "OSS4-HMAC-SHA256"
SKEW = timedelta(minutes=15)

_TERMINATOR = "aliyun_v4_request"
_ALWAYS_SIGNED = frozenset({"content-type", "content-md5"})


@dataclass(frozen=True, slots=True)
class AccessKey:
    """A key pair, permanent, or temporary with its token."""

    id: str
    secret: str = field(repr=False)
    token: str = field(default="", repr=False)
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class SignedCall:
    """What of a request is signed; path and query decoded, header names in lower case."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    headers: Mapping[str, str]


class Rejection(Enum):
    """Why a call is not let in: HTTP status, code, message."""

    ANONYMOUS = (403, "AccessDenied", "Anonymous access is forbidden for this operation.")
    OLD_VERSION = (400, "InvalidArgument", "Only signature version 4 is accepted.")
    UNREADABLE = (400, "InvalidArgument", "The authorization header is not well formed.")
    WRONG_SCOPE = (400, "InvalidArgument", "The scope is not <date>/<region>/oss.")
    SKEWED = (403, "RequestTimeTooSkewed", "Request time and server time are too far apart.")
    UNKNOWN_KEY = (403, "InvalidAccessKeyId", "The access key id does not exist.")
    WRONG_TOKEN = (403, "InvalidSecurityToken", "The security token is invalid.")
    EXPIRED_TOKEN = (403, "SecurityTokenExpired", "The security token has expired.")
    MISMATCH = (403, "SignatureDoesNotMatch", "The signature is not the one we calculated.")


@dataclass(frozen=True, slots=True)
class Signer:
    """Whose key signed a call, and for which region."""

    key: AccessKey
    region: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A call that is not let in; of a mismatch, what the server hashed, as OSS tells it."""

    reason: Rejection
    string_to_sign: str = ""
    canonical_request: str = ""


def examine(call: SignedCall, keys: Mapping[str, AccessKey], now: datetime) -> Signer | Refused:
    """Return who signed the call, or why it is refused."""
    claim = _claim(call.headers)
    if isinstance(claim, Rejection):
        return Refused(claim)
    stamp = _stamp(call.headers)
    if stamp is None or claim.day != f"{stamp:%Y%m%d}":
        return Refused(Rejection.WRONG_SCOPE)
    if abs(now - stamp) > SKEW:
        return Refused(Rejection.SKEWED)
    key = _key(claim, call.headers, keys, now)
    return Refused(key) if isinstance(key, Rejection) else _compare(call, claim, key)


@dataclass(frozen=True, slots=True)
class _Claim:
    """What the authorization header says."""

    key_id: str
    day: str
    region: str
    signature: str
    additional: tuple[str, ...]

    @property
    def scope(self) -> str:
        return f"{self.day}/{self.region}/oss/{_TERMINATOR}"


def _claim(headers: Mapping[str, str]) -> _Claim | Rejection:
    written = headers.get("authorization", "")
    if not written:
        return Rejection.ANONYMOUS
    algorithm, _, rest = written.partition(" ")
    if algorithm != ALGORITHM:
        return Rejection.OLD_VERSION
    fields = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    credential = fields.get("Credential", "").split("/")
    if len(credential) != 5 or not fields.get("Signature"):
        return Rejection.UNREADABLE
    key_id, day, region, product, terminator = credential
    if (product, terminator) != ("oss", _TERMINATOR) or not region:
        return Rejection.WRONG_SCOPE
    additional = fields.get("AdditionalHeaders", "").lower()
    names = tuple(sorted(name for name in additional.split(";") if name))
    return _Claim(key_id, day, region, fields["Signature"], names)


def _stamp(headers: Mapping[str, str]) -> datetime | None:
    try:
        return datetime.strptime(headers.get("x-oss-date", ""), "%Y%m%dT%H%M%S%z")
    except ValueError:
        return None


def _key(
    claim: _Claim, headers: Mapping[str, str], keys: Mapping[str, AccessKey], now: datetime
) -> AccessKey | Rejection:
    key = keys.get(claim.key_id)
    if key is None:
        return Rejection.UNKNOWN_KEY
    if not _equal(key.token, headers.get("x-oss-security-token", "")):
        return Rejection.WRONG_TOKEN
    if key.expires_at is not None and key.expires_at <= now:
        return Rejection.EXPIRED_TOKEN
    return key


def _compare(call: SignedCall, claim: _Claim, key: AccessKey) -> Signer | Refused:
    canonical = _canonical_request(call, claim.additional)
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = "\n".join((ALGORITHM, call.headers["x-oss-date"], claim.scope, digest))
    if _equal(_signature(key.secret, claim, to_sign), claim.signature):
        return Signer(key, claim.region)
    return Refused(Rejection.MISMATCH, to_sign, canonical)


def _canonical_request(call: SignedCall, additional: tuple[str, ...]) -> str:
    signed = sorted(_signed(call.headers, additional))
    return "\n".join(
        (
            call.method,
            quote(call.path, safe="/~"),
            _canonical_query(call.query),
            "".join(f"{name}:{call.headers[name].strip()}\n" for name in signed),
            ";".join(additional),
            call.headers.get("x-oss-content-sha256", ""),
        )
    )


def _signed(headers: Mapping[str, str], additional: tuple[str, ...]) -> Iterable[str]:
    return (
        name
        for name in headers
        if name.startswith("x-oss-") or name in _ALWAYS_SIGNED or name in additional
    )


def _canonical_query(query: tuple[tuple[str, str], ...]) -> str:
    encoded = sorted((quote(name, safe="~"), quote(value, safe="~")) for name, value in query)
    return "&".join(f"{name}={value}" if value else name for name, value in encoded)


def _signature(secret: str, claim: _Claim, to_sign: str) -> str:
    step = f"aliyun_v4{secret}".encode()
    for part in (claim.day, claim.region, "oss", _TERMINATOR, to_sign):
        step = hmac.digest(step, part.encode(), "sha256")
    return step.hex()


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
