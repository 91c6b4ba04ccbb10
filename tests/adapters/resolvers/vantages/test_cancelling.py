"""Whoever works with the broker ends when told to, at whatever instant that is."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count

import pytest

from monitor.adapters.clock import SystemClock
from monitor.adapters.resolvers.vantages.broker import Away, Broker, BrokerAddress, connected
from monitor.adapters.resolvers.vantages.link import Link
from monitor.adapters.resolvers.vantages.worker import Identity, Worker
from tests.servers.endpoints import free_endpoint
from tests.servers.nats import nats_server
from tests.servers.process import aside

TIMES = 150
MUCH = bytes(60_000)
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


async def test_a_broker_that_takes_nothing_any_more_keeps_nobody() -> None:
    async with aside(nats_server()) as server:
        opened, address = AsyncExitStack(), BrokerAddress(server.url)
        made = await opened.enter_async_context(
            connected(address, "one", "_INBOX_coordinator", Link("test"))
        )
        async with aside(server.process.silent()):
            for number in range(200):
                made._client._pending.append(b"PUB much %d\r\n%b\r\n" % (len(MUCH), MUCH))
                made._client._pending_data_size += number
            async with asyncio.timeout(15):
                await opened.aclose()


async def test_who_is_cancelled_while_connecting_leaves_no_connection_behind() -> None:
    async with aside(nats_server()) as server:
        address = BrokerAddress(server.url)

        async def connect() -> None:
            async with connected(address, "one", "_INBOX_coordinator", Link("test")):
                await asyncio.Event().wait()

        before = len(asyncio.all_tasks())
        for time in range(50):
            task = asyncio.ensure_future(connect())
            await asyncio.sleep(time * 1e-4)
            task.cancel()
            await asyncio.wait({task})
        await asyncio.sleep(0.1)
        assert len(asyncio.all_tasks()) == before


async def test_who_looks_for_a_broker_that_is_away_ends_at_whatever_instant() -> None:
    address = BrokerAddress(f"nats://{free_endpoint()}")

    async def look() -> None:
        async with connected(address, "one", "_INBOX_coordinator", Link("test")):
            pass

    for time in range(TIMES):
        task = asyncio.ensure_future(look())
        await asyncio.sleep(time * APART)
        task.cancel()
        done, _ = await asyncio.wait({task}, timeout=10)
        assert done, f"cancelled after {time * APART:g} s it went on"


async def test_a_worker_that_loses_the_broker_as_it_is_told_to_end_ends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def fail(running: "asyncio.Task[None]") -> None:
        running.cancel()
        raise Away("the server ended the connection")

    async def work(_: Worker) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(fail(running))
            await asyncio.sleep(60)

    monkeypatch.setattr(Worker, "_work", work)
    worker = Worker(BrokerAddress(""), Identity("north", "one", "1"), SystemClock())
    running = asyncio.ensure_future(worker.run())
    done, _ = await asyncio.wait({running}, timeout=10)
    running.cancel()
    assert done, "it looks for the broker again"
    assert running.cancelled()
