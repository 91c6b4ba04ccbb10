"""Reloads in a row, too early, and while a message is on its way."""

import asyncio
import re
from collections.abc import Sequence
from itertools import product
from pathlib import Path

from monitor.adapters.clock import SystemClock
from monitor.adapters.stores.sqlite import SqliteStore
from monitor.assembly.parts import Surroundings
from monitor.assembly.telling import Outlets
from monitor.config import Settings
from monitor.core.events import EventType
from monitor.core.message import Message
from monitor.demo.world import World
from monitor.ports import Notifier
from monitor.usecases.rounds import Rounds
from tests.whole.shop import PACE, Shop, eventually, open_shop, running

CHANNEL = '\n[[alerting.channels]]\nname = "pager"\nurl = { env = "URL" }\n'


class SlowPager:
    """Takes its time for the first message, and counts each that it is handed."""

    def __init__(self) -> None:
        self.name = "pager"
        self.handed: list[str] = []
        self.may_go_on = asyncio.Event()

    async def send(self, message: Message) -> None:
        self.handed.append(message.key)
        await self.may_go_on.wait()

    def channels(self, _settings: Settings, _around: Surroundings) -> Sequence[Notifier]:
        return (self,)


def group_of(text: str, name: str) -> str:
    """Return the configuration with another group of resolvers, which shows in metrics."""
    return re.sub(r'group = "\w+"', f'group = "{name}"', text)


async def groups(shop: Shop) -> set[str]:
    up = await shop.samples("oss_cname_resolver_up")
    return {dict(labels)["group"] for labels in up}


async def test_a_message_on_its_way_is_not_sent_again_by_a_reload(tmp_path: Path) -> None:
    pager = SlowPager()

    async def is_on_its_way() -> bool:
        return bool(pager.handed)

    async def goes_on() -> bool:
        return len(pager.handed) > 1

    outlets = Outlets(pager.channels)
    async with open_shop(tmp_path, lambda text: text + CHANNEL, outlets) as shop:
        await eventually(is_on_its_way)
        first = pager.handed[0]
        for _ in range(3):
            assert await shop.daemon.reload() == ()
        await asyncio.sleep(0.3)
        assert pager.handed == [first]
        pager.may_go_on.set()
        await eventually(goes_on)
    assert pager.handed.count(first) == 1


async def test_a_reload_that_asks_and_judges_alike_keeps_what_was_heard(tmp_path: Path) -> None:
    def is_heard(rounds: Rounds) -> bool:
        pairs = product(shop.daemon._ledger.state.domains, rounds.panel.resolvers)
        return any(rounds.sweeper.reply(*pair) is not None for pair in pairs)

    async def has_heard() -> bool:
        return is_heard(shop.daemon._works.rounds)

    async with open_shop(tmp_path) as shop:
        await eventually(has_heard)
        before = shop.daemon._works.rounds
        shop.text = shop.text.replace('refresh = "10s"', 'refresh = "11s"')
        assert await shop.daemon.reload() == ()
        alike = shop.daemon._works.rounds
        assert is_heard(alike), "though nobody was asked anew"
        assert (before.is_wanted(), alike.is_wanted()) == (False, True)
        await eventually(has_heard)
        shop.text = group_of(shop.text, "newer")
        assert await shop.daemon.reload() == ()
        assert shop.daemon._works.rounds.sweeper is not alike.sweeper


async def test_whoever_asks_for_a_reload_before_the_start_is_heard_afterwards(
    tmp_path: Path,
) -> None:
    async with World(PACE, SystemClock().now) as world:
        text = world.config_text("127.0.0.1:0", str(tmp_path / "shop.db"))
        shop = Shop(world, text)
        shop.text = group_of(text, "newer")
        shop.daemon.request_reload()
        async with running(shop):

            async def is_newer() -> bool:
                return await groups(shop) == {"newer"}

            await eventually(is_newer)


async def test_many_who_ask_in_a_row_are_few_reloads_and_leave_nothing_behind(
    tmp_path: Path,
) -> None:
    async with open_shop(tmp_path) as shop:
        sound = shop.text
        tasks, files = len(asyncio.all_tasks()), open_files()
        for number in range(200):
            shop.text = group_of(sound, f"g{number}") if number % 3 else "broken = ["
            shop.daemon.request_reload()
            if number % 10 == 0:
                await asyncio.sleep(0.01)
        shop.text = group_of(sound, "last")
        shop.daemon.request_reload()

        async def is_last() -> bool:
            return await groups(shop) == {"last"}

        async def is_calm() -> bool:
            return len(asyncio.all_tasks()) <= tasks + 5 and open_files() <= files + 10

        await eventually(is_last)
        await eventually(is_calm)
        store = SqliteStore(tmp_path / "shop.db")
        records = await store.records(after=0, limit=100_000)
        await store.close()
    assert 1 <= sum(record.event.type is EventType.RELOAD for record in records) <= 50


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())
