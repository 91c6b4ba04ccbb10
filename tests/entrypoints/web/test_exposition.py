"""A scrape over HTTP: bit by bit, in turns with the rest of the loop, whole or broken off."""

import asyncio
import collections
import gzip
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
import requests
from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.exposition import choose_encoder
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.requests import Request
from starlette.responses import StreamingResponse
from structlog.testing import capture_logs

from monitor.entrypoints.metrics import StateMetrics
from monitor.entrypoints.series.writing import Encoder
from monitor.entrypoints.web.app import Site, create_app
from monitor.entrypoints.web.exposition import exposed
from monitor.entrypoints.web.server import WebServer
from tests.entrypoints.fleet import fleet
from tests.entrypoints.web.worlds import site_of

FLEET = fleet(2000, 2)
METRICS = StateMetrics(lambda: FLEET, 10_000)
OPENMETRICS = "application/openmetrics-text; version=1.0.0"


@asynccontextmanager
async def served(site: Site) -> AsyncIterator[str]:
    server = WebServer(create_app(site), "127.0.0.1", 0)
    host, port = await server.start()
    try:
        yield f"http://{host}:{port}/metrics"
    finally:
        await server.stop()


async def get(url: str, **headers: str) -> requests.Response:
    return await asyncio.to_thread(requests.get, url, headers=headers, timeout=30)


def own() -> CollectorRegistry:
    registry = CollectorRegistry()
    Counter("oss_cname_questions", "Asked.", registry=registry).inc(3)
    return registry


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
@pytest.mark.parametrize("accept", ["text/plain", OPENMETRICS])
async def test_a_large_fleet_comes_whole_in_either_format(accept: str, encoding: str) -> None:
    registry = own()
    site = replace(site_of(FLEET), registry=registry)
    async with served(site) as url:
        reply = await get(url, accept=accept, **{"accept-encoding": encoding})
    encode, content_type = choose_encoder(accept)
    of_the_monitor = encode(registry).decode()
    end = "# EOF\n" if accept == OPENMETRICS else ""
    expected = of_the_monitor.removesuffix(end) + "".join(METRICS.pieces(encode)) + end
    assert reply.text == expected
    assert reply.headers["content-type"] == content_type
    assert reply.headers["transfer-encoding"] == "chunked"
    assert reply.headers.get("content-encoding", "identity") == encoding


class SetLoop(asyncio.SelectorEventLoop):
    """A loop whose time goes on when somebody says so."""

    now = 0.0

    def time(self) -> float:
        return self.now


def pieces_in_turns(piece_takes: float, turn_takes: float) -> list[int]:
    """Return how many pieces were written in each of the loop's turns; both take so long."""
    at = list[int]()

    async def scraped(loop: SetLoop) -> bytes:
        turns = 0

        def counted(encode: Encoder) -> Iterator[str]:
            for piece in METRICS.pieces(encode):
                at.append(turns)
                loop.now += piece_takes
                yield piece

        async def other_work() -> None:
            nonlocal turns
            while True:
                turns += 1
                loop.now += turn_takes
                await asyncio.sleep(0)

        async with asyncio.TaskGroup() as group:
            work = group.create_task(other_work())
            body = await body_of(counted)
            work.cancel()
        return body

    loop = SetLoop()
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        body = runner.run(scraped(loop))
    own, state = generate_latest(CollectorRegistry()), METRICS.pieces(generate_latest)
    assert body == own + "".join(state).encode()
    return [*collections.Counter(at).values()]


def test_the_loop_has_a_turn_after_each_piece() -> None:
    pieces = pieces_in_turns(piece_takes=0.002, turn_takes=0.001)
    assert len(pieces) > 20
    assert set(pieces) == {1}, "no two pieces are written in one turn"


def test_where_the_loops_turns_are_long_a_scrape_has_its_share_of_the_time() -> None:
    first, *others, _ = pieces_in_turns(piece_takes=0.004, turn_takes=0.039)
    assert (first, set(others)) == (1, {5})
    first, *others, _ = pieces_in_turns(piece_takes=0.004, turn_takes=10.0)
    assert set(others) == {7}, "no turn of its own is long"


async def test_what_the_loop_counts_is_read_in_the_loop() -> None:
    class Counted(Collector):
        def collect(self) -> list[Metric]:
            asyncio.get_running_loop()
            return [GaugeMetricFamily("oss_cname_questions", "Asked.", value=3)]

    registry = CollectorRegistry()
    registry.register(Counted())
    reply = await exposed(registry, METRICS.pieces, request(b"identity"))
    assert isinstance(reply, StreamingResponse)
    async for block in reply.body_iterator:
        assert isinstance(block, bytes) and block.endswith(b"oss_cname_questions 3.0\n")
        break


async def test_what_is_zipped_is_sent_before_all_is_written() -> None:
    written, pieces = 0, sum(1 for _ in METRICS.pieces(generate_latest))

    def counted(encode: Encoder) -> Iterator[str]:
        nonlocal written
        for piece in METRICS.pieces(encode):
            written += 1
            yield piece

    reply = await exposed(CollectorRegistry(), counted, request(b"gzip"))
    assert isinstance(reply, StreamingResponse)
    sent = [(written, block) async for block in reply.body_iterator]
    assert sent[1][0] < pieces
    whole = b"".join(bytes(block) for _, block in sent if isinstance(block, bytes))
    assert gzip.decompress(whole).decode() == "".join(METRICS.pieces(generate_latest))


async def test_a_bug_breaks_the_reply_off_and_is_logged() -> None:
    def broken(encode: Encoder) -> Iterator[str]:
        yield "oss_cname_pairs 1\n"
        raise ZeroDivisionError

    with capture_logs() as logs:
        async with served(replace(site_of(), state_metrics=broken)) as url:
            with pytest.raises(requests.exceptions.ChunkedEncodingError):
                await get(url)
    assert [log["event"] for log in logs] == ["web.request_failed"]


async def test_a_scraper_that_goes_away_ends_the_work() -> None:
    ended = asyncio.Event()

    def endless(encode: Encoder) -> Iterator[str]:
        try:
            while True:
                yield "oss_cname_pairs 1\n" * 1000
        finally:
            ended.set()

    async with served(replace(site_of(), state_metrics=endless)) as url:
        host, _, port = url.removeprefix("http://").removesuffix("/metrics").partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await reader.readuntil(b"oss_cname_pairs")
        writer.close()
        async with asyncio.timeout(30):
            await ended.wait()


async def body_of(state: Callable[[Encoder], Iterator[str]]) -> bytes:
    reply = await exposed(CollectorRegistry(), state, request(b"identity"))
    assert isinstance(reply, StreamingResponse)
    return b"".join([bytes(b) async for b in reply.body_iterator if isinstance(b, bytes)])


def request(accepted: bytes) -> Request:
    headers = [(b"accept-encoding", accepted)]
    return Request({"type": "http", "method": "GET", "path": "/metrics", "headers": headers})
