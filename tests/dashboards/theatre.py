"""A daemon on the embedded world, and before it all that is shipped for Prometheus.

A Prometheus scrapes the daemon, evaluates the rules and tells an Alertmanager, which tells a sink;
the dashboards' questions are asked of that Prometheus. The rules run on a faster clock.
"""

import asyncio
import json
import math
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from monitor.demo.landscape import MODIFIED
from monitor.demo.world import Pace
from tests.dashboards import faster
from tests.servers.alertmanager import Alertmanager, alertmanager
from tests.servers.http_service import HttpService, Says, Seen, http_service
from tests.servers.process import aside
from tests.servers.prometheus import Prometheus, Series, scraping
from tests.whole.shop import PACE as SHOP_PACE
from tests.whole.shop import Shop, open_shop
from tools.dashboards.asking import Question, intervals, questions
from tools.dashboards.shipped import files, loaded

JOB = "oss-cname-monitor"
STEP, SHOWN = 1.0, 90.0  # seconds
ACT_LIMIT = 60.0  # until all that an act should show has been seen

# Old copies live long enough to be seen waiting for their end, and nobody waits long for that.
PACE = replace(SHOP_PACE, ttl=20, floor=24)

# The dashboard, the panel's title, and the letter of the question there.
Asked = tuple[str, str, str]


def dashboards() -> Mapping[str, dict[str, Any]]:
    """Return all that is shipped, by the name of its file."""
    return {name: loaded(name) for name in files()}


def all_questions(domain: str) -> Mapping[Asked, Question]:
    """Return what the dashboards ask when all is chosen of one domain."""
    chosen = {"job": JOB, "account": ".*", "bucket": ".*", "resolver": ".*", "domain": domain}
    values = chosen | dict(intervals(STEP, SHOWN))
    return {
        (name.removesuffix(".json"), question.panel, question.ref): question
        for name, document in dashboards().items()
        for question in questions(document, values)
    }


@dataclass(frozen=True, slots=True)
class Message:
    """What Alertmanager told a receiver of one group: the name of each alert, and their text."""

    receiver: str
    domain: str  # empty where the group is of no domain
    firing: tuple[str, ...]
    resolved: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class Theatre:
    """What is played, and who watches."""

    shop: Shop
    prometheus: Prometheus
    alertmanager: Alertmanager
    sink: HttpService

    @property
    def told(self) -> tuple[Message, ...]:
        """Return all that receivers were told until now, in its order."""
        return tuple(_message(seen) for seen in tuple(self.sink.seen))

    async def is_watched(self) -> bool:
        """Tell whether Prometheus has seen the monitor, and knows whom to tell.

        It waits five seconds for either: on this clock long enough to miss the monitor.
        """
        missed = 'ALERTS{alertname="OssCnameMonitorDown"} or absent(oss_cname_build_info)'
        known = await asyncio.to_thread(self.prometheus.alertmanagers)
        return bool(known) and not await self.found(missed)

    async def found(self, expr: str) -> list[Series]:
        return await asyncio.to_thread(self.prometheus.ask, expr)

    async def unanswered(self, asked: Iterable[Asked], domain: str = MODIFIED) -> set[Asked]:
        """Ask again and again, and return what had no data until the act's end."""
        every = all_questions(domain)
        left, end = set(asked), time.monotonic() + ACT_LIMIT
        while left and time.monotonic() < end:
            left = {one for one in left if not await self.has_data(every[one])}
            await asyncio.sleep(STEP / 4)
        return left

    async def without_data(self, domain: str) -> set[Asked]:
        """Return what has no data just now."""
        every = all_questions(domain)
        return {one for one, question in every.items() if not await self.has_data(question)}

    async def has_data(self, question: Question) -> bool:
        return bool(await asyncio.to_thread(self._answers, question))

    def _answers(self, question: Question) -> list[Series]:
        if question.is_instant:
            found = self.prometheus.ask(question.expr)
            return [series for series in found if _is_number(series["value"][1])]
        now = time.time()
        found = self.prometheus.ask_range(question.expr, now - SHOWN, now, STEP)
        return [s for s in found if any(_is_number(value) for _, value in s["values"])]


# So that there are notices; nobody listens there.
CHANNEL = """
[[alerting.channels]]
name = "nobody"
url = "webhook://127.0.0.1:9/"
"""


def planned(*domains: str) -> str:
    """Return the configuration of a window of planned work that does not end."""
    return f"""
[[maintenance]]
domains = {json.dumps(domains)}
from = 2026-01-01T00:00:00Z
until = 2126-01-01T00:00:00Z
"""


@asynccontextmanager
async def open_theatre(
    folder: Path, change: Callable[[str], str] = str, pace: Pace = PACE, every: str = "1s"
) -> AsyncIterator[Theatre]:
    """Run everything until the block ends; `change` may alter the configuration first.

    Scrapes, and evaluations of the rules, come `every` so often.
    """
    async with open_shop(folder, change, pace=pace) as shop:
        target, rules = urlsplit(shop.url).netloc, faster.rules(folder)
        with http_service(lambda _: Says(200)) as sink:
            async with aside(alertmanager(faster.alertmanager_config(sink.at))) as manager:
                server = scraping({JOB: [target]}, every, rules, [str(manager.at)])
                async with aside(server) as prometheus:
                    yield Theatre(shop, prometheus, manager, sink)


def _message(seen: Seen) -> Message:
    document = seen.document
    by_status = {
        status: tuple(
            alert["labels"]["alertname"].removeprefix("OssCname")
            for alert in document["alerts"]
            if alert["status"] == status
        )
        for status in ("firing", "resolved")
    }
    texts = [alert["annotations"]["description"] for alert in document["alerts"]]
    domain = document["groupLabels"].get("domain", "")
    return Message(seen.path.strip("/"), domain, **by_status, text="\n".join(texts))


def _is_number(text: str) -> bool:
    return not math.isnan(float(text))
