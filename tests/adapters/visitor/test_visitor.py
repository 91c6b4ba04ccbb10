import asyncio
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import pytest
import trustme

from monitor.adapters.clock import SystemClock
from monitor.adapters.visitor.exchange import LARGEST_HEAD
from monitor.adapters.visitor.visitor import HttpVisitor, VisitPolicy
from monitor.core.names import DomainName
from monitor.core.serving import (
    BucketSign,
    CertificateSign,
    HttpAnswer,
    HttpSilence,
    ServedCertificate,
    SilenceReason,
    Visit,
    read_sign,
)
from monitor.demo.oss import OssEndpoint
from monitor.demo.oss_state import DemoAccount, DemoBucket, DemoCname, Fault, FaultKind, OssState
from monitor.demo.ports import free_port
from tests.adapters.visitor.scripted import Say, dripping, endless, octets, saying, silent

DOMAIN = DomainName("img.example.com")
HERE = "127.0.0.1"
LONG = timedelta(seconds=30)
SHORT = timedelta(milliseconds=200)


def visitor(port: int, timeout: timedelta = LONG, *, allow_private: bool = True) -> HttpVisitor:
    policy = VisitPolicy(timeout, port, allow_private=allow_private)
    return HttpVisitor(policy, SystemClock())


@pytest.fixture
async def oss() -> AsyncIterator[OssEndpoint]:
    cnames = (DemoCname(DOMAIN.text), DemoCname("old.example.com", status="Disabled"))
    photos = DemoBucket.within("cn-hangzhou", "photos", *cnames)
    state = OssState([DemoAccount("1000001", [], [photos])], SystemClock().now)
    async with OssEndpoint(state) as endpoint:
        yield endpoint


async def visit_oss(
    oss: OssEndpoint, domain: DomainName = DOMAIN, timeout: timedelta = LONG
) -> Visit:
    return await visitor(urlsplit(oss.url).port or 0, timeout).visit(domain, [HERE])


def sign_of(visit: Visit) -> BucketSign:
    return read_sign(visit.outcome).sign


async def test_a_private_bucket_refuses_and_serves(oss: OssEndpoint) -> None:
    visit = await visit_oss(oss)
    assert isinstance(visit.outcome, HttpAnswer)
    assert (visit.outcome.status, visit.outcome.code) == (403, "AccessDenied")
    assert (visit.outcome.server, visit.outcome.ec) == ("AliyunOSS", "0003-00000001")
    assert len(visit.outcome.request_id) == 24
    assert (sign_of(visit), visit.address) == (BucketSign.SERVES, HERE)
    assert visit.certificate is None


async def test_a_public_bucket_serves(oss: OssEndpoint) -> None:
    oss.state.accounts[0].buckets[0].is_public = True
    visit = await visit_oss(oss)
    assert isinstance(visit.outcome, HttpAnswer)
    assert (visit.outcome.status, visit.outcome.code) == (200, "")
    assert sign_of(visit) is BucketSign.SERVES


async def test_a_deleted_bucket_is_missing(oss: OssEndpoint) -> None:
    oss.state.deleted["gone.example.com"] = "gone"
    visit = await visit_oss(oss, DomainName("gone.example.com"))
    assert isinstance(visit.outcome, HttpAnswer)
    assert visit.outcome.ec == "0015-00000101"
    assert sign_of(visit) is BucketSign.BUCKET_MISSING


@pytest.mark.parametrize("name", ["other.example.com", "old.example.com"])
async def test_a_host_that_is_not_bound_is_unknown(oss: OssEndpoint, name: str) -> None:
    assert sign_of(await visit_oss(oss, DomainName(name))) is BucketSign.HOST_UNKNOWN


@pytest.mark.parametrize(
    ("kind", "sign"),
    [
        (FaultKind.USER_DISABLED, BucketSign.SUSPENDED),
        (FaultKind.ENDPOINT_FORBIDDEN, BucketSign.FORBIDDEN),
        (FaultKind.THROTTLED, BucketSign.THROTTLED),
        (FaultKind.TOO_MANY_REQUESTS, BucketSign.THROTTLED),
        (FaultKind.SERVER_ERROR, BucketSign.FAILED),
        (FaultKind.NO_SUCH_BUCKET, BucketSign.BUCKET_MISSING),
        (FaultKind.NO_SUCH_CNAME, BucketSign.HOST_UNKNOWN),
        (FaultKind.MALFORMED, BucketSign.SERVES),
        (FaultKind.TRUNCATED, BucketSign.SERVES),
    ],
)
async def test_what_oss_refuses_is_read(
    oss: OssEndpoint, kind: FaultKind, sign: BucketSign
) -> None:
    oss.state.host_faults[DOMAIN.text] = Fault(kind)
    assert sign_of(await visit_oss(oss)) is sign


async def test_no_redirect_is_followed(oss: OssEndpoint) -> None:
    async with saying(octets(b"HTTP/1.1 200 OK\r\n\r\n")) as elsewhere:
        there = f"http://127.0.0.1:{elsewhere.port}/"
        oss.state.host_faults[DOMAIN.text] = Fault(FaultKind.REDIRECTED, endpoint=there)
        visit = await visit_oss(oss)
    assert isinstance(visit.outcome, HttpAnswer)
    assert visit.outcome.status == 302
    assert elsewhere.requests == []


@pytest.mark.parametrize("kind", [FaultKind.SILENT, FaultKind.STALLED])
async def test_a_server_that_falls_silent_is_waited_for_no_longer_than_agreed(
    oss: OssEndpoint, kind: FaultKind
) -> None:
    oss.state.host_faults[DOMAIN.text] = Fault(kind)
    visit = await visit_oss(oss, timeout=SHORT)
    assert isinstance(visit.outcome, HttpSilence)
    assert visit.outcome.reason is SilenceReason.TIMEOUT


@pytest.mark.parametrize("say", [dripping, silent])
async def test_the_time_is_for_the_whole_response(say: Say) -> None:
    async with saying(say) as server:
        visit = await visitor(server.port, SHORT).visit(DOMAIN, [HERE])
    assert isinstance(visit.outcome, HttpSilence)
    assert visit.outcome.reason is SilenceReason.TIMEOUT


async def test_of_an_endless_document_the_beginning_is_read() -> None:
    async with saying(endless) as server:
        visit = await visitor(server.port).visit(DOMAIN, [HERE])
    assert sign_of(visit) is BucketSign.BUCKET_MISSING


async def test_the_body_of_a_success_is_not_waited_for() -> None:
    head = octets(b"HTTP/1.1 200 OK\r\nServer: AliyunOSS\r\nContent-Length: 99999999\r\n\r\n")

    async def say(writer: asyncio.StreamWriter) -> None:
        await head(writer)
        await silent(writer)

    async with saying(say) as server:
        visit = await visitor(server.port).visit(DOMAIN, [HERE])
    assert sign_of(visit) is BucketSign.SERVES


@pytest.mark.parametrize(
    "junk",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"\x16\x03\x01\x00\x05hello",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * (2 * LARGEST_HEAD),
        b"HTTP/1.1 100 Continue\r\n\r\n" * 4000,
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 100\r\n\r\n<Error><Code>NoSuchBucket</Code>",
        b"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
)
async def test_what_is_no_whole_http_response_is_malformed(junk: bytes) -> None:
    async with saying(octets(junk)) as server:
        visit = await visitor(server.port).visit(DOMAIN, [HERE])
    assert isinstance(visit.outcome, HttpSilence)
    assert visit.outcome.reason is SilenceReason.MALFORMED


async def test_texts_that_are_no_plain_word_are_left_out() -> None:
    answer = (
        b"HTTP/1.1 404 Not Found\r\nServer: \x1b[31mAliyunOSS\r\nx-oss-request-id: a b\r\n"
        b"x-oss-ec: " + b"9" * 200 + b"\r\nContent-Length: 24\r\n\r\n<Code>\x1b[31mBucket</Code>"
    )
    async with saying(octets(answer)) as server:
        visit = await visitor(server.port).visit(DOMAIN, [HERE])
    assert visit.outcome == HttpAnswer(404)


async def test_the_request_names_the_domain_and_asks_for_nothing_packed() -> None:
    async with saying(octets(b"HTTP/1.1 204 No Content\r\n\r\n")) as server:
        await visitor(server.port).visit(DOMAIN, [HERE])
    (request,) = server.requests
    assert request.startswith(b"GET / HTTP/1.1\r\nHost: img.example.com\r\n")
    assert b"Accept-Encoding: identity\r\n" in request


async def test_an_address_that_is_not_public_is_never_connected_to() -> None:
    async with saying(octets(b"HTTP/1.1 200 OK\r\n\r\n")) as server:
        strict = visitor(server.port, allow_private=False)
        visit = await strict.visit(DOMAIN, [HERE, "::ffff:127.0.0.1", "localhost", "10.0.0.1"])
    assert isinstance(visit.outcome, HttpSilence)
    assert visit.outcome.reason is SilenceReason.NOT_PUBLIC
    assert server.requests == []


async def test_a_proxy_of_the_environment_is_not_used(
    oss: OssEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with saying(octets(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")) as proxy:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.port}")
        assert sign_of(await visit_oss(oss)) is BucketSign.SERVES
    assert proxy.requests == []


async def test_a_second_address_is_asked_where_the_first_does_not_answer() -> None:
    async with saying(octets(b"HTTP/1.1 200 OK\r\nServer: AliyunOSS\r\n\r\n")) as server:
        visit = await visitor(server.port).visit(DOMAIN, ["127.0.0.2", HERE])
        assert (sign_of(visit), visit.address) == (BucketSign.SERVES, HERE)
        visit = await visitor(server.port).visit(DOMAIN, ["127.0.0.2", "127.0.0.3", HERE])
    assert isinstance(visit.outcome, HttpSilence)
    assert visit.outcome.reason is SilenceReason.NETWORK_ERROR


async def test_without_an_address_nobody_is_asked() -> None:
    visit = await visitor(free_port([HERE])).visit(DOMAIN, [])
    assert visit.outcome == HttpSilence(SilenceReason.NO_ADDRESS)


class Tls:
    """Certificates of an authority of the tests' own, and who trusts it."""

    def __init__(self) -> None:
        self._authority = trustme.CA()
        self.trusting = ssl.create_default_context()
        self._authority.configure_trust(self.trusting)

    def serving(self, name: str, ends: datetime | None = None) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        starts = None if ends is None else ends - timedelta(days=1)
        leaf = self._authority.issue_cert(name, not_before=starts, not_after=ends)
        leaf.configure_cert(context)
        return context


async def certificate_of(
    serving: ssl.SSLContext, trusting: ssl.SSLContext | None
) -> ServedCertificate | None:
    async with (
        saying(octets(b"HTTP/1.1 200 OK\r\n\r\n")) as plain,
        saying(octets(b""), serving) as tls,
    ):
        policy = VisitPolicy(LONG, plain.port, tls.port, looks_at_certificate=True)
        policy = replace(policy, allow_private=True)
        looking = HttpVisitor(policy, SystemClock(), trusting)
        return (await looking.visit(DOMAIN, [HERE])).certificate


async def test_a_good_certificate_is_seen_with_its_end() -> None:
    tls = Tls()
    ends = SystemClock().now().replace(microsecond=0) + timedelta(hours=5)
    found = await certificate_of(tls.serving(DOMAIN.text, ends), tls.trusting)
    assert found == ServedCertificate(CertificateSign.VALID, ends)


async def test_the_certificate_of_another_name_is_seen_as_that() -> None:
    tls = Tls()
    found = await certificate_of(tls.serving("oss-cn-hangzhou.example"), tls.trusting)
    assert found is not None
    assert found.sign is CertificateSign.OTHER_NAME


async def test_a_certificate_that_is_over_is_seen_as_that() -> None:
    tls = Tls()
    over = SystemClock().now() - timedelta(hours=1)
    found = await certificate_of(tls.serving(DOMAIN.text, over), tls.trusting)
    assert found is not None
    assert found.sign is CertificateSign.EXPIRED


async def test_a_certificate_of_an_authority_that_nobody_knows_is_not_trusted() -> None:
    found = await certificate_of(Tls().serving(DOMAIN.text), None)
    assert found is not None
    assert found.sign is CertificateSign.UNTRUSTED


async def test_where_no_tls_is_spoken_nothing_is_known_of_a_certificate() -> None:
    async with saying(octets(b"HTTP/1.1 200 OK\r\n\r\n")) as plain:
        policy = VisitPolicy(LONG, plain.port, free_port([HERE]), looks_at_certificate=True)
        looking = HttpVisitor(replace(policy, allow_private=True), SystemClock())
        visit = await looking.visit(DOMAIN, [HERE])
        spoken = replace(policy, allow_private=True, tls_port=plain.port, timeout=SHORT)
        answered = await HttpVisitor(spoken, SystemClock()).visit(DOMAIN, [HERE])
    for found in (visit.certificate, answered.certificate):
        assert found is not None
        assert found.sign is CertificateSign.NO_ANSWER
