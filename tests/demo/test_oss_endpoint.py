import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import oss2
import pytest
import requests
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter

from monitor.adapters.clock import SystemClock
from monitor.demo.oss import OssEndpoint
from monitor.demo.oss_state import DemoAccount, DemoBucket, DemoCname, OssState
from monitor.demo.serving import served
from monitor.demo.signature import AccessKey, Rejection

KEY = AccessKey("demo-key", "demo-secret")
TEMPORARY = AccessKey("demo-sts", "sts-secret", "sts-token")


def state() -> OssState:
    photos = DemoBucket.within("cn-hangzhou", "photos", DemoCname("img.example.com"))
    far = DemoBucket.within("cn-shanghai", "far")
    mine = DemoAccount("1000001", [KEY, TEMPORARY], [photos, far])
    theirs = DemoAccount("1000002", [], [DemoBucket.within("cn-hangzhou", "theirs")])
    return OssState([mine, theirs], SystemClock().now)


class Tampering(HTTPAdapter):
    """Changes a request behind its signature."""

    def __init__(self, change: Callable[[PreparedRequest], None]) -> None:
        super().__init__()
        self._change = change

    def send(  # type: ignore[override]  # everything but the request is handed on
        self, request: PreparedRequest, **how: object
    ) -> Response:
        self._change(request)
        return super().send(request, **how)  # type: ignore[arg-type]


def untouched(_: PreparedRequest) -> None:
    pass


def signed_by(key: AccessKey) -> Any:
    provider = oss2.StaticCredentialsProvider(key.id, key.secret, key.token)
    return oss2.ProviderAuthV4(provider)


async def outcome(
    endpoint: OssEndpoint,
    auth: Any,
    *,
    change: Callable[[PreparedRequest], None] = untouched,
    region: str = "cn-hangzhou",
    bucket: str = "photos",
) -> str:
    """Return the code with which a listing of domains is refused, or the domains."""

    def call() -> str:
        session = oss2.Session(adapter=Tampering(change))
        try:
            client = oss2.Bucket(auth, endpoint.url, bucket, session=session, region=region)
            return ",".join(cname.domain for cname in client.list_bucket_cname().cname)
        except oss2.exceptions.ServerError as error:
            return str(error.code)
        finally:
            session.session.close()

    return await asyncio.to_thread(call)


@pytest.mark.parametrize("key", [KEY, TEMPORARY])
async def test_a_call_that_is_rightly_signed_is_answered(key: AccessKey) -> None:
    async with OssEndpoint(state()) as endpoint:
        assert await outcome(endpoint, signed_by(key)) == "img.example.com"


def _other_date(request: PreparedRequest) -> None:
    request.headers["x-oss-date"] = request.headers["x-oss-date"][:-2] + "0Z"
    request.headers["x-oss-meta-more"] = "unsigned"


def _other_signature(request: PreparedRequest) -> None:
    written = request.headers["authorization"]
    request.headers["authorization"] = written[:-1] + ("0" if written[-1] != "0" else "1")


def _other_bucket(request: PreparedRequest) -> None:
    request.url = str(request.url).replace("/photos/", "/far/")


def _more_headers(request: PreparedRequest) -> None:
    request.headers["Content-Type"] = "text/plain"


def _more_query(request: PreparedRequest) -> None:
    request.url = f"{request.url}&prefix=a"


@pytest.mark.parametrize(
    "change", [_other_date, _other_signature, _other_bucket, _more_headers, _more_query]
)
async def test_whatever_is_signed_cannot_be_changed(
    change: Callable[[PreparedRequest], None],
) -> None:
    async with OssEndpoint(state()) as endpoint:
        found = await outcome(endpoint, signed_by(KEY), change=change)
    assert found == "SignatureDoesNotMatch"


@pytest.mark.parametrize(
    ("key", "code"),
    [
        (replace(KEY, secret="wrong"), "SignatureDoesNotMatch"),
        (replace(KEY, id="unknown"), "InvalidAccessKeyId"),
        (replace(KEY, token="not-mine"), "InvalidSecurityToken"),
        (replace(TEMPORARY, token=""), "InvalidSecurityToken"),
        (replace(TEMPORARY, token="old"), "InvalidSecurityToken"),
    ],
)
async def test_a_wrong_key_is_refused_with_its_own_code(key: AccessKey, code: str) -> None:
    async with OssEndpoint(state()) as endpoint:
        assert await outcome(endpoint, signed_by(key)) == code


async def test_a_token_ends_at_its_time() -> None:
    world = state()
    world.accounts[0].keys = [replace(TEMPORARY, expires_at=SystemClock().now())]
    async with OssEndpoint(world) as endpoint:
        assert await outcome(endpoint, signed_by(TEMPORARY)) == "SecurityTokenExpired"


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        (-16, "RequestTimeTooSkewed"),
        (-14, "img.example.com"),
        (14, "img.example.com"),
        (16, "RequestTimeTooSkewed"),
    ],
)
async def test_clocks_may_differ_by_a_quarter_of_an_hour(minutes: int, expected: str) -> None:
    world = state()
    world.now = lambda: SystemClock().now() + timedelta(minutes=minutes)
    async with OssEndpoint(world) as endpoint:
        assert await outcome(endpoint, signed_by(KEY)) == expected


async def test_old_signatures_are_refused() -> None:
    async with OssEndpoint(state()) as endpoint:
        for auth in (oss2.Auth(KEY.id, KEY.secret), oss2.AuthV2(KEY.id, KEY.secret)):
            assert await outcome(endpoint, auth) == "InvalidArgument"


async def test_a_region_other_than_the_buckets_is_refused() -> None:
    async with OssEndpoint(state()) as endpoint:
        auth = signed_by(KEY)
        assert await outcome(endpoint, auth, region="cn-beijing") == "InvalidArgument"
        assert await outcome(endpoint, auth, bucket="far") == "InvalidArgument"
        assert await outcome(endpoint, auth, bucket="far", region="cn-shanghai") == ""


async def test_buckets_of_others_and_of_nobody_are_told_apart() -> None:
    async with OssEndpoint(state()) as endpoint:
        assert await outcome(endpoint, signed_by(KEY), bucket="theirs") == "AccessDenied"
        assert await outcome(endpoint, signed_by(KEY), bucket="nobodys") == "NoSuchBucket"


async def plain(url: str, **headers: str) -> Response:
    return await asyncio.to_thread(requests.get, url, headers=headers, timeout=30)


@pytest.mark.parametrize(
    ("authorization", "rejection"),
    [
        ("", Rejection.ANONYMOUS),
        ("OSS4-HMAC-SHA256 nonsense", Rejection.UNREADABLE),
        ("OSS4-HMAC-SHA256 Credential=a/b, Signature=c", Rejection.UNREADABLE),
        (
            "OSS4-HMAC-SHA256 Credential=a/20260101/r/ecs/aliyun_v4_request, Signature=c",
            Rejection.WRONG_SCOPE,
        ),
        (
            "OSS4-HMAC-SHA256 Credential=a/20260101/r/oss/aliyun_v4_request, Signature=c",
            Rejection.WRONG_SCOPE,  # without x-oss-date
        ),
    ],
)
async def test_headers_that_are_no_signature_are_refused(
    authorization: str, rejection: Rejection
) -> None:
    async with OssEndpoint(state()) as endpoint:
        reply = await plain(f"{endpoint.url}/", authorization=authorization)
    status, code, message = rejection.value
    assert reply.status_code == status
    assert f"<Code>{code}</Code><Message>{message.replace('<', '&lt;')[:20]}" in reply.text
    assert len(reply.headers["x-oss-request-id"]) == 24


async def test_a_signature_may_cover_further_headers() -> None:
    class WithMore:
        """A signer that covers the user agent too."""

        def _sign_request(self, request: Any, bucket: str, key: str) -> None:
            signed_by(KEY)._sign_request(request, bucket, key, {"user-agent"})

    def another_agent(request: PreparedRequest) -> None:
        request.headers["User-Agent"] = "another"

    async with OssEndpoint(state()) as endpoint:
        assert await outcome(endpoint, WithMore()) == "img.example.com"
        tampered = await outcome(endpoint, WithMore(), change=another_agent)
    assert tampered == "SignatureDoesNotMatch"


def _signed_for(region: str, service: Any) -> Any:
    service.region = region
    return service


@pytest.mark.parametrize(
    "call",
    [
        lambda service, _: service.describe_regions(),
        lambda service, _: service.list_buckets(max_keys=0),
        lambda service, _: _signed_for("cn-beijing", service).list_buckets(),
        lambda service, _: service.list_buckets(max_keys=1001),
        lambda _, bucket: bucket.get_object("a/b"),
        lambda _, bucket: bucket.get_bucket_info(),
        lambda _, bucket: bucket.delete_bucket_cname("img.example.com"),
    ],
)
async def test_other_calls_are_refused(call: Callable[[Any, Any], object]) -> None:
    def refused(url: str) -> tuple[int, str]:
        session, auth = oss2.Session(), signed_by(KEY)
        service = oss2.Service(auth, url, session=session, region="cn-hangzhou")
        bucket = oss2.Bucket(auth, url, "photos", session=session, region="cn-hangzhou")
        try:
            call(service, bucket)
        except oss2.exceptions.ServerError as error:
            return error.status, error.code
        finally:
            session.session.close()
        raise AssertionError("the call was answered")

    async with OssEndpoint(state()) as endpoint:
        assert await asyncio.to_thread(refused, endpoint.url) == (400, "InvalidArgument")


async def test_buckets_are_listed_in_pages_by_prefix_and_marker() -> None:
    world = state()
    world.accounts[0].buckets = [
        DemoBucket.within("cn-hangzhou", name) for name in ("b2", "a1", "b1", "b3")
    ]
    world.page_size = 2

    def pages(url: str) -> list[tuple[list[str], bool, str]]:
        session = oss2.Session()
        service = oss2.Service(signed_by(KEY), url, session=session, region="cn-hangzhou")
        results = [service.list_buckets(**query) for query in queries]
        session.session.close()
        return [([b.name for b in r.buckets], r.is_truncated, r.next_marker) for r in results]

    queries: tuple[dict[str, Any], ...] = (
        {},
        {"marker": "b1"},
        {"prefix": "b"},
        {"prefix": "b", "marker": "b2"},
        {"max_keys": 1},
        {"prefix": "c"},
    )
    async with OssEndpoint(world) as endpoint:
        assert await asyncio.to_thread(pages, endpoint.url) == [
            (["a1", "b1"], True, "b1"),
            (["b2", "b3"], False, ""),
            (["b1", "b2"], True, "b2"),
            (["b3"], False, ""),
            (["a1"], True, "a1"),
            ([], False, ""),
        ]


async def test_a_domain_bound_while_it_runs_is_listed_at_once() -> None:
    world = state()
    async with OssEndpoint(world) as endpoint:
        world.accounts[0].buckets[0].cnames.append(DemoCname("<new>.example.com"))
        assert await outcome(endpoint, signed_by(KEY)) == "img.example.com,<new>.example.com"


async def test_it_stops_also_while_a_caller_still_waits() -> None:
    arrived = asyncio.Event()

    async def silent(_scope: object, _receive: object, _send: object) -> None:
        arrived.set()
        await asyncio.Event().wait()

    async with served(silent) as url:
        host = urlsplit(url)
        reader, writer = await asyncio.open_connection(host.hostname, host.port)
        writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        await arrived.wait()
    await reader.read()
    assert reader.at_eof()
    writer.close()
    await writer.wait_closed()


async def visited(endpoint: OssEndpoint, host: str) -> tuple[int, str, str]:
    """Return what somebody gets who signs nothing: status, server and body."""

    def visit() -> Response:
        return requests.get(
            endpoint.url, headers={"Host": host}, timeout=30, allow_redirects=False
        )

    response = await asyncio.to_thread(visit)
    return response.status_code, response.headers["server"], response.text


async def test_under_a_bound_name_or_its_own_a_bucket_is_served_as_to_a_stranger() -> None:
    known = state()
    async with OssEndpoint(known) as endpoint:
        for host in ("img.example.com", "photos.oss-cn-hangzhou.aliyuncs.com"):
            status, server, body = await visited(endpoint, host)
            assert (status, server) == (403, "AliyunOSS")
            assert "<Code>AccessDenied</Code>" in body
        known.accounts[0].buckets[0].is_public = True
        assert (await visited(endpoint, "img.example.com"))[0] == 200
        assert list(known.visits)[-1] == "img.example.com"


async def test_under_other_names_there_is_no_bucket_and_under_a_deleted_ones_none_any_more() -> (
    None
):
    known = state()
    known.deleted["old.example.com"] = "old-photos"
    async with OssEndpoint(known) as endpoint:
        status, _, body = await visited(endpoint, "other.example.com")
        assert (status, "<Code>InvalidBucketName</Code>" in body) == (400, True)
        status, _, body = await visited(endpoint, "old.example.com")
        assert (status, "<Code>NoSuchBucket</Code>" in body) == (404, True)
        assert "<BucketName>old-photos</BucketName>" in body


async def test_a_token_is_made_once_and_given_until_it_is_over() -> None:
    known = state()
    async with OssEndpoint(known) as endpoint:

        def tokens() -> tuple[str, str, str]:
            session = oss2.Session()
            bucket = oss2.Bucket(
                signed_by(KEY), endpoint.url, "photos", session=session, region="cn-hangzhou"
            )
            with pytest.raises(oss2.exceptions.ServerError) as refused:
                bucket.get_bucket_cname_token("new.example.com")
            made = bucket.create_bucket_cname_token("new.example.com")
            found = bucket.get_bucket_cname_token("new.example.com")
            session.session.close()
            return str(refused.value.code), made.token, found.token

        code, made, found = await asyncio.to_thread(tokens)
    assert (code, made) == ("NoSuchCnameToken", found)
