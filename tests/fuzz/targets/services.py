"""What services answer: it is read, or is a failure of a closed set, told in harmless words."""

import asyncio
import json
from collections.abc import Iterator, Mapping
from io import BytesIO
from random import Random

import h11
import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3 import HTTPResponse

from monitor.adapters.alidns.errors import Refused, setback
from monitor.adapters.alidns.replies import listing_of, page_of
from monitor.adapters.daemon_api import DaemonAt, DaemonRefused, _change
from monitor.adapters.inventory.credentials import StaticCredentials
from monitor.adapters.inventory.oss import OssAccount, OssInventory
from monitor.adapters.notifiers.dingtalk import DingTalk
from monitor.adapters.notifiers.feishu import Feishu
from monitor.adapters.notifiers.robot import Access, _refusal
from monitor.adapters.notifiers.wecom import WeCom
from monitor.adapters.stores.rows import account_row, text_of
from monitor.adapters.visitor.exchange import NotHttp, _answer, _events, _request
from monitor.core.inventory import AccountInventory, FailureReason
from monitor.core.names import DomainName
from monitor.core.provider import ProviderReason, told_change
from monitor.core.serving import HttpAnswer
from monitor.ports import DeliveryFailure
from tests.core.samples import START
from tests.fuzz.scratch import loop
from tests.fuzz.target import Target

OWNER = DomainName("img.shop.example")
KEYS = ("canary/key/id", "canary/key/secret", "canary/token")
ACCESS = Access("t0ken-canary", "s3cret-canary")
ROBOTS = (DingTalk(), WeCom(), Feishu())
_LONGEST = 1000  # characters of a detail


def judge_xml(data: bytes) -> None:
    """Whatever OSS says is a listing, of which all can be kept; a failure is one short line."""
    buckets, _, cnames = data.partition(b"\0")
    account = OssAccount("main", "oss-cn-hangzhou.aliyuncs.com", "cn-hangzhou", attempts=2)
    inventory = OssInventory(account, _CREDENTIALS, sleep=_at_once, transport=lambda: canned)
    canned = _Canned({"cname": cnames, "": buckets})
    listing = loop().run_until_complete(inventory.look())
    assert canned.asked < 3000
    for failure in listing.failures:
        assert isinstance(failure.reason, FailureReason)
        _assert_harmless(failure.detail, failure.bucket)
    for binding in listing.bindings:
        assert DomainName.parse(binding.domain.text) == binding.domain
        text_of(binding)
    _assert_harmless(*listing.buckets)
    account_row(AccountInventory("main", (), START, listing.failures, listing.buckets))


def judge_alidns(data: bytes) -> None:
    """So is what the DNS provider says."""
    status, content = _status(data)
    try:
        page = page_of(status, content)
    except Refused as refused:
        told = setback(refused)
        assert isinstance(told.reason, FailureReason | ProviderReason)
        _assert_harmless(told.detail)
        return
    listing = listing_of("main", OWNER, page.entries)
    if listing.failure is not None:
        _assert_harmless(listing.failure.detail)
    for record in listing.records:
        assert record.owner == OWNER
        assert record.updated_at is None or record.updated_at.tzinfo is not None
    for target in (DomainName("b.example"), None):
        told_change(listing.records, OWNER, target, START, START)


def judge_robot(data: bytes) -> None:
    """A delivery counts only where the service's own code is 0; what else it says is harmless."""
    response = _response(*_status(data))
    for robot in ROBOTS:
        refusal = _refusal(response, robot.codes, ACCESS)
        if refusal is None:
            assert _code_in(response.content, robot.codes.code) == 0
            continue
        assert isinstance(refusal.reason, DeliveryFailure)
        _assert_harmless(str(refusal))
        assert ACCESS.token not in str(refusal)
        assert ACCESS.secret not in str(refusal)


def judge_daemon(data: bytes) -> None:
    """What stands at a daemon's address gives a change, or words that act on no terminal."""
    status, content = _status(data)
    try:
        document = _change(DaemonAt("http://127.0.0.1:9953/"), _response(status, content))
    except DaemonRefused as refused:
        _assert_harmless(str(refused).replace("\n  hint: ", ""))
    else:
        assert status == 201
        assert isinstance(document["id"], str)
        _assert_harmless(document["id"])


def judge_bucket(data: bytes) -> None:
    """What comes from a bucket's address is a small harmless answer, or no HTTP."""
    try:
        answer = loop().run_until_complete(_visited(data))
    except (NotHttp, h11.RemoteProtocolError):
        return
    assert 100 <= answer.status <= 999
    for text in (answer.server, answer.request_id, answer.code, answer.ec):
        assert len(text) <= 100
        assert text.isascii()
        assert text.isprintable()


def _assert_harmless(*texts: str) -> None:
    for text in texts:
        assert text.isprintable(), text
        assert len(text) <= _LONGEST, text
        assert not any(key in text for key in KEYS), text


def _code_in(content: bytes, key: str) -> object:
    text = content.decode(json.detect_encoding(content), "replace")
    document = json.loads(text)
    return document[key] if isinstance(document, dict) else None


def _status(data: bytes) -> tuple[int, bytes]:
    """Return a status and a body: `!404` in the first line is a status."""
    first, _, rest = data.partition(b"\n")
    if first[:1] == b"!" and len(first) == 4 and first[1:].isdigit():
        return max(100, int(first[1:])), rest
    return 200, data


def _response(status: int, content: bytes) -> requests.Response:
    response = requests.Response()
    response.status_code = status
    response.raw = BytesIO(content)
    return response


class _Canned(BaseAdapter):
    """Answers each call with what was written for its kind."""

    def __init__(self, replies: Mapping[str, bytes]) -> None:
        super().__init__()
        self.asked = 0
        self._replies = replies

    def send(  # type: ignore[override]  # how to send does not matter
        self, request: requests.PreparedRequest, **_: object
    ) -> requests.Response:
        self.asked += 1
        query = str(request.url).partition("?")[2]
        status, body = _status(self._replies["cname" if "cname" in query else ""])
        headers = {"x-oss-request-id": "5F6B"}
        raw = HTTPResponse(BytesIO(body), headers, status, preload_content=False)
        return HTTPAdapter().build_response(request, raw)

    def close(self) -> None:
        """There is nothing to close."""


async def _at_once(_seconds: float) -> None:
    """Wait for nothing."""


async def _visited(data: bytes) -> HttpAnswer:
    connection, reader = h11.Connection(h11.CLIENT), asyncio.StreamReader()
    _request(connection, OWNER.text)
    reader.feed_data(data)
    reader.feed_eof()
    return await _answer(_events(connection, reader))


_CREDENTIALS = StaticCredentials(lambda: KEYS[0], lambda: KEYS[1], lambda: KEYS[2])


def _nested(data: bytes, random: Random) -> bytes:
    """Nest the document, or write a number without end."""
    at, many = random.randrange(len(data) + 1), random.choice((3, 60, 900))
    begin = random.choice((b"[", b'{"a":', b"9", b"<a>", b"&a;"))
    return data[:at] + begin * many + data[at:]


_BUCKETS = """<?xml version="1.0" encoding="UTF-8"?>
<ListAllMyBucketsResult><Owner><ID>1</ID><DisplayName>1</DisplayName></Owner>{more}<Buckets>
<Bucket><Name>photos</Name><Location>oss-cn-hangzhou</Location><Region>cn-hangzhou</Region>
<CreationDate>2020-01-01T00:00:00.000Z</CreationDate><StorageClass>Standard</StorageClass>
<ExtranetEndpoint>oss-cn-hangzhou.aliyuncs.com</ExtranetEndpoint>
<IntranetEndpoint>oss-cn-hangzhou-internal.aliyuncs.com</IntranetEndpoint></Bucket>
</Buckets></ListAllMyBucketsResult>"""
_CNAMES = """<ListCnameResult><Bucket>photos</Bucket><Owner>1</Owner><Cname>
<Domain>img.shop.example</Domain><LastModified>2021-09-15T02:35:07.000Z</LastModified>
<Status>Enabled</Status><IsPurgeCdnCache>false</IsPurgeCdnCache><Certificate><Type>CAS</Type>
<CertId>1-cn-hangzhou</CertId><Status>Enabled</Status><CreationDate>x</CreationDate>
<Fingerprint>aa</Fingerprint><ValidStartDate>Wed, 12 Apr 2023 10:14:51 GMT</ValidStartDate>
<ValidEndDate>Mon, 4 May 2048 10:14:51 GMT</ValidEndDate></Certificate></Cname>
</ListCnameResult>"""
_ERROR = """!{status}
<Error><Code>{code}</Code><Message>canary/key/secret</Message><RequestId>5F6B</RequestId>
<HostId>h</HostId><EC>0003-00000001</EC><Endpoint>{endpoint}</Endpoint></Error>"""
_LAUGHS = '<!DOCTYPE a [<!ENTITY a "lol">{}]><Bucket>&b9;</Bucket>'.format(
    "".join(f'<!ENTITY b{n} "{f"&b{n - 1};" * 10 if n else "&a;" * 10}">' for n in range(10))
)


def _xml() -> Iterator[bytes]:
    buckets, page = (
        _BUCKETS.format(more=""),
        _BUCKETS.format(more="<IsTruncated>true</IsTruncated><NextMarker>b</NextMarker>"),
    )
    yield f"{buckets}\0{_CNAMES}".encode()
    yield f"{page}\0{_CNAMES}".encode()
    for status, code, endpoint in (
        (403, "AccessDenied", "oss-cn-shanghai.aliyuncs.com"),
        (404, "NoSuchCname", ""),
        (503, "SlowDown", ""),
        (403, "SignatureDoesNotMatch", "\x80<![CDATA[x]]>"),
    ):
        error = _ERROR.format(status=status, code=code, endpoint=endpoint)
        yield f"{buckets}\0{error}".encode()
        yield error.encode()
    yield f"{_LAUGHS}\0".encode()
    yield f"{buckets}\0{_LAUGHS}".encode()
    yield b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><ListAllMyBucketsResult>&x;'
    yield b'<?xml version="1.0" encoding="utf-7"?><a/>\0<?xml version="1.0" encoding="x"?><a/>'
    yield b"<a>" * 1200 + b"\0" + b"<a>" * 1200 + b"</a>" * 1200
    yield buckets.replace("photos", "a\u202eb\tc").encode() + b"\0!404\n" + b"<Error/>"


def _record(**more: object) -> Mapping[str, object]:
    known = {"DomainName": "shop.example", "RR": "img", "Type": "CNAME", "Value": "b.example"}
    return {**known, "TTL": 600, "Line": "default", "Status": "ENABLE", **more}


def _alidns() -> Iterator[bytes]:
    for records in (
        [_record(UpdateTimestamp=1700000000000)],
        [_record(RR="@", DomainName=OWNER.text), _record(RR="*"), _record(Line="telecom")],
        [_record(UpdateTimestamp="x"), _record(TTL="x"), 1, None, {}],
        [_record(UpdateTimestamp=10**30, CreateTimestamp=1), _record(UpdateTimestamp=True)],
        [_record(Value="\ud800", Line="\x1b[31m", UpdateTimestamp="\u202e")],
    ):
        page = {"TotalCount": len(records), "DomainRecords": {"Record": records}}
        yield json.dumps(page).encode()
    yield b'!404\n{"Code": "InvalidDomainName", "RequestId": "A", "Message": "canary/token"}'
    yield b'!400\n{"Code": "\\u001b[31m", "RequestId": {"a": 1}}'
    yield b'{"TotalCount": 1' + b"0" * 4400 + b"}"
    yield b'{"a":' * 700


def _robot() -> Iterator[bytes]:
    for document in (
        {"errcode": 0, "errmsg": "ok", "code": 0, "msg": "success"},
        {"errcode": 310000, "errmsg": f"sign not match {ACCESS.token} {ACCESS.secret}"},
        {"errcode": 1, "errmsg": "\x1b[31m\ud800\u202e" + "x" * 400, "code": 9, "msg": ["\x07"]},
        {"errcode": False, "code": True},
        {"errcode": 0.0, "code": "0"},
    ):
        yield json.dumps(document).encode()
    yield '{"errcode": 0}'.encode("utf-16")
    yield b'\xef\xbb\xbf{"code": 0}'
    yield b'{"errcode": 1' + b"0" * 3900 + b', "code": 1' + b"0" * 4400 + b"}"
    yield b"[" * 1100


def _daemon() -> Iterator[bytes]:
    yield b'!201\n{"id": "01ARZ3NDEKTSV4RRFFQ69G5FAV", "state": "open"}'
    yield b'!201\n{"state": "open"}'
    yield b'!409\n{"detail": "img.shop.example is not watched", "status": 409}'
    yield b'!401\n{"detail": "\\u001b[31m\\ud800"}'
    yield b"!502\n<html>"
    yield b"[" * 1100


def _bucket() -> Iterator[bytes]:
    error = b"<Error><Code>NoSuchBucket</Code><EC>0015-00000101</EC></Error>"
    head = b"HTTP/1.1 404 Not Found\r\nServer: AliyunOSS\r\nx-oss-request-id: 5F6B\r\n"
    yield head + b"Content-Length: %d\r\n\r\n" % len(error) + error
    yield head + b"Transfer-Encoding: chunked\r\n\r\n3e\r\n" + error + b"\r\n0\r\n\r\n"
    yield b"HTTP/1.0 403 x\r\nServer: \x1b[31m\xff\r\nx-oss-ec: 0003\r\n\r\n" + error * 200
    yield b"HTTP/1.1 100 Continue\r\n\r\n" * 4 + b"HTTP/1.1 200 OK\r\n\r\n"
    yield b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"
    yield b"HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1/\r\n\r\n"
    yield b"SSH-2.0-x\r\n"


_XML_WORDS = (
    *(
        f"<{n}>".encode()
        for n in ("Bucket", "Name", "Cname", "Domain", "Status", "Code", "Endpoint")
    ),
    *(
        b"<!ENTITY ",
        b"&a;",
        b"<!DOCTYPE ",
        b"<![CDATA[",
        b"]]>",
        b"&#x9;",
        b"&#10;",
        b"\0",
        b"!403\n",
    ),
    *(b"<IsTruncated>true</IsTruncated>", b"<NextMarker>", b"<!--", b'encoding="utf-16"'),
)
_JSON_WORDS = (
    *(
        b"null",
        b"true",
        b"1e999",
        b"NaN",
        b"-0",
        b'"\\ud800"',
        b'"\\u001b"',
        b"{}",
        b"[]",
        b"!500\n",
    ),
    *(
        f'"{key}":'.encode()
        for key in ("Code", "TotalCount", "errcode", "code", "msg", "detail", "id")
    ),
)
_HTTP_WORDS = (
    *(b"HTTP/1.1 ", b"\r\n", b"Content-Length: ", b"Transfer-Encoding: chunked\r\n", b"Server: "),
    *(b"<Code>", b"</Code>", b"<EC>", b"x-oss-ec: ", b"0\r\n\r\n", b"Connection: close\r\n"),
)

TARGETS = (
    Target("oss_xml", judge_xml, _xml, _XML_WORDS, _nested, 8192),
    Target("alidns_json", judge_alidns, _alidns, _JSON_WORDS, _nested, 8192),
    Target("robot_json", judge_robot, _robot, _JSON_WORDS, _nested, 8192),
    Target("daemon_json", judge_daemon, _daemon, _JSON_WORDS, _nested, 4096),
    Target("bucket_http", judge_bucket, _bucket, _HTTP_WORDS, None, 16384),
)
