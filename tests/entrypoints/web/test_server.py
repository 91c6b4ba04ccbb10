import asyncio
import signal
import socket

import pytest
import requests
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from monitor.entrypoints.web.app import create_app
from monitor.entrypoints.web.server import WebServer
from tests.entrypoints.web.worlds import site_of


async def get(url: str) -> requests.Response:
    return await asyncio.to_thread(requests.get, url, timeout=30)


async def test_pages_and_metrics_are_served_in_the_running_loop() -> None:
    server = WebServer(create_app(site_of()), "127.0.0.1", 0)
    host, port = await server.start()
    try:
        page = await get(f"http://{host}:{port}/")
        metrics = await get(f"http://{host}:{port}/metrics")
    finally:
        await server.stop()
    assert page.status_code == 200
    assert "img.shop.example" in page.text
    assert "server" not in page.headers
    assert "date" in page.headers
    assert metrics.headers["content-encoding"] == "gzip"
    assert "oss_cname_verdict" in metrics.text


async def test_ipv6_loopback_is_served_as_well() -> None:
    server = WebServer(create_app(site_of()), "::1", 0)
    host, port = await server.start()
    try:
        assert (await get(f"http://[{host}]:{port}/-/healthy")).status_code == 200
    finally:
        await server.stop()


async def test_a_taken_port_is_an_error_that_names_the_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        server = WebServer(create_app(site_of()), "127.0.0.1", port)
        with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{port}: .*in use"):
            await server.start()
        await server.stop()


async def test_the_signals_of_the_process_stay_with_the_daemon() -> None:
    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    server = WebServer(create_app(site_of()), "127.0.0.1", 0)
    host, port = await server.start()
    await get(f"http://{host}:{port}/-/healthy")
    assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
    await server.stop()


async def test_a_server_that_was_stopped_lets_nobody_in() -> None:
    server = WebServer(create_app(site_of()), "127.0.0.1", 0)
    address = await server.start()
    idle = socket.create_connection(address)
    await server.stop()
    await server.stop()
    with idle, pytest.raises(ConnectionRefusedError):
        socket.create_connection(address)


async def test_a_request_under_way_is_answered_before_the_server_stops() -> None:
    entered, release = asyncio.Event(), asyncio.Event()

    async def slow(_request: Request) -> Response:
        entered.set()
        await release.wait()
        return PlainTextResponse("done")

    server = WebServer(Starlette(routes=[Route("/", slow)]), "127.0.0.1", 0)
    host, port = await server.start()
    async with asyncio.TaskGroup() as group:
        asked = group.create_task(get(f"http://{host}:{port}/"))
        await entered.wait()
        stopping = group.create_task(server.stop())
        release.set()
        await stopping
    assert asked.result().text == "done"


async def test_a_request_that_never_ends_is_cut_off() -> None:
    entered = asyncio.Event()

    async def endless(_request: Request) -> Response:
        entered.set()
        await asyncio.Event().wait()
        raise AssertionError

    server = WebServer(Starlette(routes=[Route("/", endless)]), "127.0.0.1", 0)
    reader, writer = await asyncio.open_connection(*await server.start())
    writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await entered.wait()
    async with asyncio.timeout(30):
        await server.stop()
        rest = await reader.read()
    writer.close()
    assert b"200 OK" not in rest


async def test_a_body_that_ends_too_early_is_no_failure_of_ours(
    caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    server = WebServer(create_app(site_of()), "127.0.0.1", 0)
    host, port = await server.start()
    try:
        _, writer = await asyncio.open_connection(host, port)
        writer.write(
            b"POST /api/v1/changes HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n"
            b"Content-Type: application/json\r\n\r\n{"
        )
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        assert (await get(f"http://{host}:{port}/-/healthy")).status_code == 200
    finally:
        await server.stop()
    assert "request_failed" not in capsys.readouterr().out + caplog.text


@pytest.mark.parametrize("method", ["HEAD", "GET", "POST"])
async def test_what_is_no_http_behind_a_request_is_refused_and_not_logged(
    method: str, caplog: pytest.LogCaptureFixture
) -> None:
    server = WebServer(create_app(site_of()), "127.0.0.1", 0)
    host, port = await server.start()
    try:
        reader, writer = await asyncio.open_connection(host, port)
        head = f"{method} /api/v1/domains HTTP/1.1\r\nHost: {host}\r\n"
        writer.write(f"{head}Transfer-Encoding: chunked\r\n\r\nno number\r\n".encode())
        await reader.read()
        writer.close()
    finally:
        await server.stop()
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
