"""What a real Prometheus makes of the daemon's metrics, in both formats."""

import asyncio
import json
from asyncio.subprocess import DEVNULL
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import requests
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as openmetrics_families,
)
from prometheus_client.parser import text_string_to_metric_families as text_families
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from monitor.demo.ports import free_port
from monitor.entrypoints.web.server import WebServer
from tests.servers.installed import require
from tests.whole.shop import Shop, eventually, open_shop

HOST = "127.0.0.1"
OPENMETRICS = "application/openmetrics-text; version=1.0.0"
FORMATS: dict[str, Callable[[str], Iterable[Metric]]] = {
    OPENMETRICS: openmetrics_families,
    "text/plain; version=0.0.4": text_families,
}
# All but what Prometheus adds to each target by itself.
SERIES = 'count by (__name__) ({job="daemon",__name__!~"up|scrape_.+"})'


@pytest.mark.parametrize("accept", FORMATS)
async def test_prometheus_keeps_each_series_that_is_shown(accept: str, tmp_path: Path) -> None:
    async with (
        open_shop(tmp_path) as shop,
        in_format(shop, accept) as target,
        prometheus(target, tmp_path) as url,
    ):

        async def is_up() -> bool:
            return [value for _, value in await asked(url, "up")] == ["1"]

        async def are_all_kept() -> bool:
            text = (await shop.get("metrics", accept=accept)).text
            shown = Counter(
                sample.name for family in FORMATS[accept](text) for sample in family.samples
            )
            kept = {labels["__name__"]: int(count) for labels, count in await asked(url, SERIES)}
            assert shown["oss_cname_verdict"] > 0
            return kept == shown

        await eventually(is_up)
        await eventually(are_all_kept)


@asynccontextmanager
async def in_format(shop: Shop, accept: str) -> AsyncIterator[str]:
    """Serve the daemon's metrics in this format, which no setting of Prometheus 2.42 chooses."""

    async def metrics(_: Request) -> Response:
        shown = await shop.get("metrics", accept=accept)
        return Response(shown.content, headers={"content-type": shown.headers["content-type"]})

    server = WebServer(Starlette(routes=[Route("/metrics", metrics)]), HOST, 0)
    host, port = await server.start()
    try:
        yield f"{host}:{port}"
    finally:
        await server.stop()


@asynccontextmanager
async def prometheus(target: str, folder: Path) -> AsyncIterator[str]:
    """Have a Prometheus scrape the target until the block ends; give the address of its API."""
    job = {
        "job_name": "daemon",
        "scrape_interval": "1s",
        "scrape_timeout": "1s",
        "static_configs": [{"targets": [target]}],
    }
    config = folder / "prometheus.yml"
    config.write_text(json.dumps({"scrape_configs": [job]}))  # JSON is YAML
    address = f"{HOST}:{free_port([HOST])}"
    process = await asyncio.create_subprocess_exec(
        require("prometheus"),
        f"--config.file={config}",
        f"--storage.tsdb.path={folder / 'series'}",
        f"--web.listen-address={address}",
        stdout=DEVNULL,
        stderr=DEVNULL,
    )
    try:
        yield f"http://{address}/api/v1/query"
    finally:
        process.terminate()
        await process.wait()


async def asked(url: str, query: str) -> list[tuple[dict[str, str], str]]:
    """Return labels and value of each result; nothing before Prometheus is there."""
    try:
        reply = await asyncio.to_thread(requests.get, url, params={"query": query}, timeout=30)
    except requests.ConnectionError:
        return []
    if reply.status_code == requests.codes.service_unavailable:
        return []  # it still reads its files
    return [(one["metric"], one["value"][1]) for one in reply.json()["data"]["result"]]
