"""The daemon that asks buckets over HTTP too: what it finds, and what it is kept from."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

from monitor.adapters.clock import SystemClock
from monitor.demo.landscape import HANGZHOU, OLD_TARGET
from monitor.demo.oss_state import Fault, FaultKind
from monitor.demo.world import World
from monitor.demo.zones import RRset, with_record
from tests.whole.shop import PACE, Shop, eventually, running

_CHECKED = """
[http_check]
enabled = true
interval = "300ms"
timeout = "200ms"
port = {port}
allow_private = {allow_private}
"""


@asynccontextmanager
async def checked_shop(folder: Path, *, allow_private: str) -> AsyncIterator[Shop]:
    """Run a daemon in whose world the buckets' names lead to the loopback OSS."""
    async with World(PACE, SystemClock().now) as world:
        _serve_on_loopback(world)
        text = world.config_text("127.0.0.1:0", str(folder / "shop.db"))
        port = urlsplit(world.oss.url).port
        text += _CHECKED.format(port=port, allow_private=allow_private)
        async with running(Shop(world, text)) as shop:
            yield shop


def _serve_on_loopback(world: World) -> None:
    authority = world.authorities[0]
    for name in (f"shop-www.{HANGZHOU}", OLD_TARGET):
        record = RRset.of(name, "A", 1, "127.0.0.1")
        authority.zones = tuple(
            with_record(zone, record) if zone.apex.to_text() == "aliyuncs.com." else zone
            for zone in authority.zones
        )


async def outcomes(shop: Shop) -> dict[str, float]:
    samples = await shop.samples("oss_cname_http_checks_total")
    return {dict(labels)["outcome"]: value for labels, value in samples.items()}


async def test_a_bucket_that_is_gone_is_found_and_that_it_is_back_too(tmp_path: Path) -> None:
    async with checked_shop(tmp_path, allow_private="true") as shop:

        async def is_missing() -> bool:
            return "bucket_missing" in (await shop.domain("www.shop.example"))["faults"]

        async def is_there() -> bool:
            return (await outcomes(shop))["serves"] >= 3 and not await is_missing()

        await eventually(is_there)
        shop.world.oss_state.host_faults["www.shop.example"] = Fault(FaultKind.NO_SUCH_BUCKET)
        await eventually(is_missing)
        page = (await shop.get("domains/www.shop.example")).text
        assert "the bucket does not exist" in page
        assert "404 NoSuchBucket" in page
        fault = frozenset({("domain", "www.shop.example"), ("fault", "bucket_missing")})
        assert (await shop.samples("oss_cname_domain_fault"))[fault] == 1
        shop.world.oss_state.host_faults.clear()

        async def is_back() -> bool:
            return not await is_missing()

        await eventually(is_back)


async def test_addresses_that_are_not_public_are_refused_unless_they_are_allowed(
    tmp_path: Path,
) -> None:
    async with checked_shop(tmp_path, allow_private="false") as shop:

        async def is_refused() -> bool:
            return (await outcomes(shop))["no_answer"] >= 3

        await eventually(is_refused)
        assert (await outcomes(shop))["serves"] == 0
        assert not shop.world.oss_state.visits
