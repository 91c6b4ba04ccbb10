"""The events of the whole daemon, as a page or a script follows them."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

from monitor.adapters.stores.sqlite import SqliteStore
from monitor.demo.landscape import NEW_TARGET
from tests.entrypoints.web.streams import Block, Place, Stream
from tests.whole.shop import PATIENCE, Shop, open_shop


def _place(shop: Shop) -> Place:
    parts = urlsplit(shop.url)
    assert parts.hostname and parts.port
    return Place((parts.hostname, parts.port), "/api/v1/events")


async def _rest(stream: Stream) -> list[Block]:
    found = list[Block]()
    while (event := await stream.event()) is not None:
        found.append(event)
    return found


async def test_all_that_the_log_holds_was_told_to_who_followed_from_its_start(
    tmp_path: Path,
) -> None:
    async with (
        asyncio.timeout(PATIENCE),
        asyncio.TaskGroup() as group,
        open_shop(tmp_path) as shop,
        _place(shop).follow("after=0") as stream,
    ):
        reading = group.create_task(_rest(stream))
        for authority in shop.world.authorities:
            shop.world.modify(authority)
        await shop.announce({"domain": "www.shop.example", "to": NEW_TARGET})
        await shop.post("-/reload")
        shop.stop()
        told = await reading
    store = SqliteStore(tmp_path / "shop.db")
    kept = await store.records(0, 10_000)
    await store.close()
    assert [(e.id, e.type) for e in told] == [(r.seq, r.event.type.value) for r in kept]
    assert [event.data["hash"] for event in told] == [record.hash for record in kept]
    assert {"start", "status", "change_announced", "reload", "stop"} <= {e.type for e in told}


async def test_who_follows_the_events_does_not_hold_up_the_end(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop, _place(shop).follow() as stream:
        await stream.block()
        assert await shop.samples("oss_cname_event_clients") == {frozenset(): 1.0}
        shop.stop()
        last = (await _rest(stream))[-1]
        assert last.type == "stop"
        assert not stream.was_cut_off, "whoever holds up the end is cut off"
