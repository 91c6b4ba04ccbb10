"""The first look after a start, when an account or a resolver keeps it from coming to its end."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from monitor.adapters.clock import SystemClock
from monitor.core.names import DomainName
from monitor.demo.world import World
from tests.cli.test_run import patient
from tests.servers.http_service import Hangs, http_service
from tests.whole.shop import PACE, Shop, eventually, running
from tests.whole.test_notices import CHANNELS, Post, about

OVERDUE = "oss_cname_first_look_overdue"
SLACK = timedelta(seconds=0.2)
DOCS = "docs.shop.example"
_QR, _SERVFAIL = 0x80, 2


class Mute(asyncio.DatagramProtocol):
    """A resolver that keeps every question to itself until it may answer, and then fails."""

    def __init__(self) -> None:
        self.may_answer = False
        self.kept: list[tuple[bytes, tuple[str, int]]] = []

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:  # type: ignore[override]  # datagrams have one
        self.transport = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.kept.append((data, addr))
        if self.may_answer:
            self.answer()

    def answer(self) -> None:
        self.may_answer = True
        for query, addr in self.kept:
            flags = bytes((query[2] | _QR, query[3] & 0xF0 | _SERVFAIL))
            self.transport.sendto(query[:2] + flags + query[4:], addr)
        self.kept.clear()

    @property
    def config(self) -> str:
        address, port = self.transport.get_extra_info("sockname")
        return f'\n[[resolvers]]\nname = "mute"\naddress = "{address}"\nport = {port}\n'


@asynccontextmanager
async def mute_resolver() -> AsyncIterator[Mute]:
    loop = asyncio.get_running_loop()
    transport, mute = await loop.create_datagram_endpoint(Mute, ("127.0.0.1", 0))
    try:
        yield mute
    finally:
        transport.close()


def with_an_account_at(text: str, url: str) -> str:
    """Return the configuration with a second account like the first, asked there."""
    found = re.search(r"\[\[accounts\]\]\n(?:.+\n)+", text)
    assert found is not None
    block = found[0].replace('name = "shop"', 'name = "hangs"')
    return text + "\n" + re.sub(r'(?<=endpoint = )".+"', f'"{url}"', block)


def hasty(shop: Shop) -> Shop:
    """Let nobody wait long for the first look."""
    shop.daemon._first_look_slack = SLACK
    return shop


async def is_overdue(shop: Shop) -> bool:
    return (await shop.samples(OVERDUE))[frozenset()] == 1


async def test_an_account_that_hangs_keeps_nobody_waiting(tmp_path: Path) -> None:
    post = Post()

    async def is_told() -> bool:
        return bool(about(post.pager.messages, DOCS))

    with http_service(lambda _: Hangs()) as hanging:
        async with World(PACE, SystemClock().now) as world:
            text = world.config_text("127.0.0.1:0", str(tmp_path / "shop.db")) + CHANNELS
            text = with_an_account_at(text, f"http://{hanging.at}")
            async with running(hasty(Shop(world, text, outlets=post.outlets))) as shop:
                assert (await shop.get("-/ready")).status_code == 200
                assert await is_overdue(shop)
                await eventually(is_told)


async def test_a_resolver_that_is_silent_for_long_keeps_nobody_waiting_and_has_nobody_told_early(
    tmp_path: Path,
) -> None:
    post = Post()
    docs = DomainName(DOCS)

    async def is_told() -> bool:
        return bool(about(post.pager.messages, DOCS))

    async def is_over() -> bool:
        return not await is_overdue(shop)

    async with World(PACE, SystemClock().now) as world, mute_resolver() as mute:
        text = patient(world.config_text("127.0.0.1:0", str(tmp_path / "shop.db")))
        async with running(Shop(world, text)) as shop:
            assert await shop.status(DOCS) == "broken"
        text += mute.config + CHANNELS
        async with running(hasty(Shop(world, text, outlets=post.outlets))) as shop:
            assert docs not in shop.daemon._works.rounds.looked_at
            assert docs not in {name for _, name in shop.daemon._ledger.state.told}
            assert (await shop.get("-/ready")).status_code == 200
            assert await is_overdue(shop)
            mute.answer()
            await eventually(is_told)
            await eventually(is_over)
    assert len(about(post.pager.messages, DOCS)) == 1
