"""The replies of OSS: listings, errors, and broken ones, as bytes.

Source: the API pages ListBuckets, ListCname and "Error responses" of OSS.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from xml.sax.saxutils import escape

from monitor.demo.oss_state import (
    DemoBucket,
    DemoCertificate,
    DemoCname,
    DemoToken,
    Fault,
    FaultKind,
)


class Pace(Enum):
    """How much of a reply is sent before the endpoint falls silent."""

    WHOLE = auto()
    HALF = auto()
    NOTHING = auto()


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes
    media_type: str = "application/xml"
    headers: Mapping[str, str] = field(default_factory=dict)
    pace: Pace = Pace.WHOLE


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a listing of buckets; `is_whole` when it is the first and the last."""

    buckets: tuple[DemoBucket, ...]
    next_marker: str = ""
    is_whole: bool = True


def bucket_listing(owner: str, page: Page) -> Reply:
    """Return a page of buckets; the elements of paging are left out when all fit in."""
    paging = "" if page.is_whole else _paging(page.next_marker)
    buckets = "".join(_bucket(bucket) for bucket in page.buckets)
    about = _element("Owner", _text("ID", owner) + _text("DisplayName", owner))
    return _ok("ListAllMyBucketsResult", paging + about + _element("Buckets", buckets))


def cname_listing(owner: str, bucket: str, cnames: Iterable[DemoCname]) -> Reply:
    head = _text("Bucket", bucket) + _text("Owner", owner)
    return _ok("ListCnameResult", head + "".join(_cname(cname) for cname in cnames))


def cname_token(bucket: str, domain: str, token: DemoToken) -> Reply:
    about = _text("Bucket", bucket) + _text("Cname", domain)
    proof = _text("Token", token.value) + _text("ExpireTime", token.expires)
    return _ok("CnameToken", about + proof)


def no_such_token(domain: str) -> Reply:
    # Which code it has is not documented; that it is a 404 is how the API tells of what is not.
    return error(404, "NoSuchCnameToken", "The domain has no token.", Cname=domain)


def error(status: int, code: str, message: str, **more: str) -> Reply:
    """Return an error document; `more` are its further elements."""
    elements = {"Code": code, "Message": message, "HostId": "127.0.0.1", **more}
    body = "".join(_text(name, value) for name, value in elements.items() if value)
    return Reply(status, _document(_element("Error", body)))


def no_such_bucket(name: str) -> Reply:
    message = "The specified bucket does not exist."
    return error(404, "NoSuchBucket", message, BucketName=name, EC="0015-00000101")


def foreign_bucket(name: str) -> Reply:
    message = "The bucket you access does not belong to you."
    return error(403, "AccessDenied", message, BucketName=name, EC="0003-00000001")


def anonymous(*, is_allowed: bool) -> Reply:
    """Return what somebody gets who asks for the start of a bucket and signs nothing."""
    if is_allowed:
        return Reply(200, b"<html><body>index</body></html>", "text/html")
    message = "You have no right to access this object because of bucket acl."
    return error(403, "AccessDenied", message, EC="0003-00000001")


def host_not_mapped(host: str) -> Reply:
    # Which code an unbound host gets is not documented; this one is for hosts without a bucket.
    message = "The specified bucket is not valid."
    return error(400, "InvalidBucketName", message, BucketName=host, EC="0015-00000001")


def faulty(fault: Fault, place: str, usual: Reply) -> Reply:
    """Return what a call meets instead of the usual reply."""
    if fault.kind in _ERRORS:
        status, code, message, ec = _ERRORS[fault.kind]
        return error(status, code, message, EC=ec)
    match fault.kind:
        case FaultKind.NO_SUCH_BUCKET:
            return no_such_bucket(place)
        case FaultKind.WRONG_ENDPOINT:
            return _wrong_endpoint(place, fault.endpoint)
        case FaultKind.REDIRECTED:
            return Reply(302, b"", headers={"location": fault.endpoint})
        case spoils:
            return _spoilt(spoils, usual)


_ERRORS: Mapping[FaultKind, tuple[int, str, str, str]] = {
    FaultKind.NO_SUCH_CNAME: (404, "NoSuchCname", "The bucket has no domain.", ""),
    FaultKind.DENIED: (403, "AccessDenied", "You have no right to do this.", "0003-00000001"),
    FaultKind.THROTTLED: (503, "MetaOperationQpsLimitExceeded", "Too many calls.", ""),
    FaultKind.TOO_MANY_REQUESTS: (429, "QpsLimitExceeded", "Too many calls.", ""),
    FaultKind.SERVER_ERROR: (500, "InternalError", "Please contact the server side.", ""),
    FaultKind.ENDPOINT_FORBIDDEN: (
        400,
        "PublicEndpointForbidden",
        "The public endpoint is not for this account.",
        "0048-00000401",
    ),
    FaultKind.USER_DISABLED: (403, "UserDisable", "UserDisable", "0003-00000801"),
}


def _wrong_endpoint(bucket: str, endpoint: str) -> Reply:
    message = (
        "The bucket you are attempting to access must be addressed using the specified "
        "endpoint. Please send all future requests to this endpoint."
    )
    more = {"BucketName": bucket, "Endpoint": endpoint, "EC": "0003-00001403"}
    return error(403, "AccessDenied", message, **more)


def _spoilt(kind: FaultKind, usual: Reply) -> Reply:
    match kind:
        case FaultKind.SILENT:
            return replace(usual, pace=Pace.NOTHING)
        case FaultKind.STALLED:
            return replace(usual, pace=Pace.HALF)
        case FaultKind.MALFORMED:
            return replace(usual, body=b'<?xml version="1.0"?><Surprise><Moon/></Surprise>')
        case FaultKind.TRUNCATED:
            return replace(usual, body=usual.body[: len(usual.body) // 2])
        case FaultKind.HTML:
            page = b"<html><body><p>Please sign in to this network</p></body></html>"
            return replace(usual, body=page, media_type="text/html")
        case _:  # EMPTY: the usual reply has been made with nothing in it
            return usual


def _bucket(bucket: DemoBucket) -> str:
    return _element(
        "Bucket",
        _text("CreationDate", "2021-09-15T02:35:07.000Z")
        + _text("ExtranetEndpoint", bucket.extranet_endpoint)
        + _text("IntranetEndpoint", f"{bucket.location}-internal.aliyuncs.com")
        + _text("Location", bucket.location)
        + _text("Name", bucket.name)
        + (_text("Region", bucket.region) if bucket.region is not None else "")
        + _text("StorageClass", "Standard"),
    )


def _paging(next_marker: str) -> str:
    if not next_marker:
        return _text("IsTruncated", "false")
    return _text("IsTruncated", "true") + _text("NextMarker", next_marker)


def _cname(cname: DemoCname) -> str:
    wildcard = cname.is_wildcard
    return _element(
        "Cname",
        _text("Domain", cname.domain)
        + _text("LastModified", cname.last_modified)
        + _text("Status", cname.status)
        + (_text("IsWildCard", str(wildcard).lower()) if wildcard is not None else "")
        + (_certificate(cname.certificate) if cname.certificate is not None else ""),
    )


def _certificate(certificate: DemoCertificate) -> str:
    return _element(
        "Certificate",
        _text("Type", "CAS")
        + _text("CertId", certificate.id)
        + _text("Status", "Enabled")
        + _text("CreationDate", certificate.valid_from)
        + _text("Fingerprint", "DE:01:CF:EC:7C:A7:98:CB")
        + _text("ValidStartDate", certificate.valid_from)
        + _text("ValidEndDate", certificate.valid_until),
    )


def _ok(root: str, content: str) -> Reply:
    return Reply(200, _document(_element(root, content)))


def _text(name: str, value: str) -> str:
    return _element(name, escape(value))


def _element(name: str, content: str) -> str:
    return f"<{name}>{content}</{name}>"


def _document(content: str) -> bytes:
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{content}'.encode()
