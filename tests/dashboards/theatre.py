"""A daemon on the embedded world with a Prometheus before it, and the dashboards' questions."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from monitor.demo.landscape import MODIFIED
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
class Theatre:
    """What is played, and who watches."""

    shop: Shop
    prometheus: Prometheus

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


# Nobody is told of what is wrong at the edges, and nobody listens where the channel leads.
TOLD = """
[[alerting.channels]]
name = "nobody"
url = "webhook://127.0.0.1:9/"

[[maintenance]]
domains = ["*.shop.example"]
from = 2026-01-01T00:00:00Z
until = 2126-01-01T00:00:00Z
"""


@asynccontextmanager
async def open_theatre(folder: Path, change: Callable[[str], str] = str) -> AsyncIterator[Theatre]:
    """Run world, daemon and Prometheus until the block ends."""
    async with open_shop(folder, lambda text: change(text) + TOLD, pace=PACE) as shop:
        target = urlsplit(shop.url).netloc
        async with aside(scraping({JOB: [target]}, every="1s")) as prometheus:
            yield Theatre(shop, prometheus)


def _is_number(text: str) -> bool:
    return not math.isnan(float(text))
