"""Whoever works with the broker ends when told to, at whatever instant that is."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count

import pytest

from monitor.adapters.resolvers.vantages.broker import Broker, BrokerAddress, connected
from monitor.adapters.resolvers.vantages.link import Link
from tests.servers.nats import nats_server
from tests.servers.process import aside

TIMES = 150
APART = 20e-6  # seconds: some three thousandths of a second are gone through


@asynccontextmanager
async def broker() -> AsyncIterator[Broker]:
    async with aside(nats_server()) as server:
        address = BrokerAddress(server.url)
        async with connected(address, "one", "_INBOX_coordinator", Link("test")) as made:
            await made.prepare(("north",), max_ack_pending=16)
            yield made


async def beat(made: Broker) -> None:
    while True:
        await made.beat("north", b"a beat")


async def send(made: Broker) -> None:
    for number in count():
        await made.send_heard("north", f"{id(made)}.{number}", b"heard")


async def take(made: Broker) -> None:
    async for delivery in made.heard():
        await delivery.at_work()
        await delivery.done()


@pytest.mark.parametrize("work", [beat, send, take])
async def test_it_ends_at_whatever_instant_it_is_cancelled(
    work: Callable[[Broker], Awaitable[None]],
) -> None:
    async with broker() as made:
        for time in range(TIMES):
            task = asyncio.ensure_future(work(made))
            await asyncio.sleep(time * APART)
            task.cancel()
            done, _ = await asyncio.wait({task}, timeout=10)
            assert done, f"cancelled after {time * APART:g} s it went on"
            assert task.cancelled()
