"""What every line does and leaves, whichever channel uses it."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
import trustme

from monitor.adapters.notifiers.line import MOST_READ, Line, Terms
from monitor.adapters.notifiers.refusals import refusal_of
from monitor.adapters.notifiers.workers import Workers
from monitor.ports import DeliveryFailure, NotDelivered
from tests.adapters.notifiers.lines import as_written
from tests.servers.endpoints import free_endpoint
from tests.servers.http_service import Hangs, HttpService, Says, http_service


@pytest.fixture
def service() -> Iterator[HttpService]:
    with http_service(lambda _: Says(200, "taken")) as running:
        yield running


def open_line() -> closing[Line]:
    return closing(Line(lambda host, port: [(host, port)], Terms()))


def url_of(service: HttpService) -> str:
    return f"http://{service.at}/in?token=CANARY"


def test_proxies_and_passwords_of_the_environment_are_not_used(
    service: HttpService, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text(f"machine {service.at.address} login me password mine\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://{free_endpoint()}")

    with open_line() as line:
        line.post(url_of(service), b"x", {})

    (seen,) = service.seen
    assert "Authorization" not in seen.headers


def test_a_redirect_is_not_followed_but_told(service: HttpService) -> None:
    with http_service(lambda _: Says(200)) as elsewhere:
        service.script = lambda _: Says(302, headers={"Location": f"http://{elsewhere.at}/"})
        with open_line() as line, pytest.raises(NotDelivered, match="status 302") as raised:
            line.post(url_of(service), b"x", {})

        assert raised.value.is_permanent
        assert not elsewhere.seen


def test_no_more_of_an_answer_is_read_than_is_sensible(service: HttpService) -> None:
    service.script = lambda _: Says(200, "x" * (3 * MOST_READ))
    with open_line() as line:
        assert len(line.post(url_of(service), b"x", {}).content) == MOST_READ


def test_the_next_place_is_tried_when_the_first_cannot_be_reached(service: HttpService) -> None:
    away = free_endpoint()
    places = [(away.address, away.port), (service.at.address, service.at.port)]
    with closing(Line(lambda *_: places, Terms())) as line:
        line.post("http://hook.test/", b"x", {})

    assert service.seen[0].headers["Host"] == "hook.test"


def test_a_known_address_does_not_stand_in_for_the_right_certificate(tmp_path: Path) -> None:
    authority, asked = trustme.CA(), list[str | None]()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("hook.test").configure_cert(context)
    context.sni_callback = lambda _, name, __: asked.append(name)

    with http_service(lambda _: Says(200), context) as service:
        here = [(service.at.address, service.at.port)]
        with closing(Line(lambda *_: here, Terms(str(tmp_path / "ca.pem")))) as line:
            line.post("https://hook.test/in", b"x", {})
            with pytest.raises(NotDelivered, match=r"no TLS with other\.test") as raised:
                line.post("https://other.test/in", b"x", {})

        assert raised.value.reason is DeliveryFailure.UNREACHABLE
        assert [seen.headers["Host"] for seen in service.seen] == ["hook.test"]
    assert asked == ["hook.test", "other.test"]


@pytest.mark.parametrize(
    ("status", "reason", "is_permanent"),
    [
        (301, DeliveryFailure.REFUSED, True),
        (400, DeliveryFailure.REFUSED, True),
        (401, DeliveryFailure.CREDENTIALS, True),
        (403, DeliveryFailure.CREDENTIALS, True),
        (404, DeliveryFailure.REFUSED, True),
        (408, DeliveryFailure.TIMEOUT, False),
        (429, DeliveryFailure.RATE_LIMITED, False),
        (500, DeliveryFailure.REFUSED, False),
        (599, DeliveryFailure.REFUSED, False),
    ],
)
def test_a_status_means_a_reason(status: int, reason: DeliveryFailure, is_permanent: bool) -> None:
    refusal = refusal_of(status)
    assert refusal
    assert (refusal.reason, refusal.is_permanent) == (reason, is_permanent)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_status_of_success_is_no_refusal(status: int) -> None:
    assert refusal_of(status) is None


def test_how_long_a_service_wants_to_be_left_alone_is_told_when_it_says_so_in_seconds() -> None:
    assert "asks for 30 s" in str(refusal_of(429, "30"))
    for odd in ("", "Fri, 31 Dec 1999 23:59:59 GMT", "9" * 50, "<b>"):
        assert str(refusal_of(429, odd)) == "the service answered with status 429"


async def test_services_that_hang_do_not_use_up_the_threads(service: HttpService) -> None:
    workers = Workers(as_written, Terms(patience=60.0), threads=2, deadline=2.0)
    service.script = lambda _: Hangs()

    async def post() -> str:
        try:
            await workers.run(lambda line: line.post(url_of(service), b"x", {}))
        except NotDelivered as failure:
            return failure.reason.value
        return "delivered"

    assert set(await asyncio.gather(*(post() for _ in range(6)))) == {"timeout"}
    service.script = lambda _: Says(200)
    # The threads were freed by cutting their lines, long before their own patience was over.
    assert await post() == "delivered"


async def test_a_delivery_that_nobody_waits_for_any_more_is_cut() -> None:
    ended = threading.Event()
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        host, port = silent.getsockname()

        def work(line: Line) -> None:
            try:
                line.post(f"http://{host}:{port}/", b"x", {})
            finally:
                ended.set()

        workers = Workers(as_written, Terms(patience=60.0), deadline=60.0)
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(workers.run(work))
            accepted, _ = await asyncio.to_thread(silent.accept)
            waiting.cancel()
        with accepted:
            assert await asyncio.to_thread(ended.wait, 20)


def test_a_delivery_that_outlives_its_loop_ends_quietly() -> None:
    going, ended = threading.Event(), threading.Event()
    failures = list[BaseException]()

    def work(line: Line) -> None:
        going.wait(20)
        try:
            line.connect("hook.test", 80, 1.0)
        except OSError as failure:
            failures.append(failure)
        ended.set()

    async def give_up() -> None:
        with pytest.raises(NotDelivered, match="within"):
            await Workers(as_written, Terms(), deadline=0.05).run(work)

    asyncio.run(give_up())
    going.set()
    assert ended.wait(20)
    assert len(failures) == 1
