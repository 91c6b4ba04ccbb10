"""What a real Prometheus makes of the daemon's metrics, in both formats."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as openmetrics_families,
)
from prometheus_client.parser import text_string_to_metric_families as text_families
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from monitor.entrypoints.web.server import WebServer
from tests.servers.process import aside
from tests.servers.prometheus import Series, scraping
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
        aside(scraping({"daemon": [target]}, every="1s")) as prometheus,
    ):

        async def asked(query: str) -> list[Series]:
            return await asyncio.to_thread(prometheus.ask, query)

        async def is_up() -> bool:
            return [series["value"][1] for series in await asked("up")] == ["1"]

        async def are_all_kept() -> bool:
            text = (await shop.get("metrics", accept=accept)).text
            shown = Counter(
                sample.name for family in FORMATS[accept](text) for sample in family.samples
            )
            kept = {
                series["metric"]["__name__"]: int(series["value"][1])
                for series in await asked(SERIES)
            }
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
