"""Of several coordinators one leads, and another takes over in time."""

import asyncio
import time
from collections.abc import Iterator

import nats
import pytest
import requests
from nats.js.kv import KeyValue

from monitor.adapters.resolvers.vantages.broker import BrokerAddress
from monitor.adapters.resolvers.vantages.lease import Lease
from tests.adapters.resolvers.vantages.distributed import true_soon
from tests.servers.endpoints import Endpoint, free_endpoint
from tests.servers.nats import NatsServer, nats_server, nats_server_in
from tests.servers.process import aside, home

IN_TIME = 15.0


@pytest.fixture(scope="module")
def broker() -> Iterator[NatsServer]:
    with nats_server() as server:
        yield server


class Coordinator:
    """Leads as long as it may."""

    def __init__(self, broker: NatsServer, name: str, holder: str) -> None:
        self.stopped = asyncio.Event()
        self.leads = False
        self.task = asyncio.ensure_future(
            self._run(Lease(BrokerAddress(broker.url), name, holder))
        )

    async def _run(self, lease: Lease) -> None:
        async with lease.led(self.stopped) as self.leads:
            await self.stopped.wait()
        self.leads = False


async def _nothing(_: Lease, __: KeyValue) -> None:
    """Let go of nothing, as one that was killed."""


async def test_one_leads_and_when_it_stops_the_next_one_need_not_wait(broker: NatsServer) -> None:
    one = Coordinator(broker, "a", "one")
    await true_soon(lambda: one.leads)
    two = Coordinator(broker, "a", "two")
    await asyncio.sleep(4)
    assert (one.leads, two.leads) == (True, False)
    one.stopped.set()
    await true_soon(lambda: two.leads, patience=5)
    assert not one.leads
    two.stopped.set()
    await asyncio.gather(one.task, two.task)


async def test_one_that_dies_is_followed_in_time_and_not_while_it_may_still_lead(
    broker: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = Coordinator(broker, "b", "one")
    await true_soon(lambda: one.leads)
    two = Coordinator(broker, "b", "two")
    await asyncio.sleep(2)
    monkeypatch.setattr(Lease, "_let_go", _nothing)
    died = time.monotonic()
    one.task.cancel()
    await true_soon(lambda: two.leads, patience=IN_TIME)
    assert time.monotonic() - died > 6.0, "one that cannot write leads for so long"
    two.stopped.set()
    await two.task


async def test_one_that_is_overruled_stops(broker: NatsServer) -> None:
    one = Coordinator(broker, "c", "one")
    await true_soon(lambda: one.leads)
    client = await nats.connect(broker.url)
    bucket = await client.jetstream().key_value("OCM_LEASE")
    await bucket.put("c", b"other")
    await asyncio.wait_for(one.stopped.wait(), 5)
    await one.task
    assert (await bucket.get("c")).value == b"other"
    await client.close()


async def test_without_a_broker_one_waits_and_can_be_stopped() -> None:
    lease = Lease(BrokerAddress("nats://127.0.0.1:1"), "d", "one")
    stopped = asyncio.Event()

    async def lead() -> bool:
        async with lease.led(stopped) as is_ours:
            return is_ours

    leading = asyncio.ensure_future(lead())
    await asyncio.sleep(0.2)
    assert not leading.done()
    stopped.set()
    assert await leading is False


async def test_a_standby_has_one_connection_after_the_broker_was_away() -> None:
    at, watched = free_endpoint(), free_endpoint()
    monitoring = f'http: "{watched}"'
    with home("nats") as folder:
        async with aside(nats_server_in(folder, at, monitoring)) as broker:
            one = Coordinator(broker, "e", "one")
            await true_soon(lambda: one.leads)
            two = Coordinator(broker, "e", "two")
            await true_soon(lambda: connections(watched) == 2)
        await asyncio.sleep(7)  # a look of the standby fails meanwhile, and the leader steps down
        async with aside(nats_server_in(folder, at, monitoring)):
            await true_soon(lambda: two.leads)
            assert connections(watched) == 1
        for coordinator in (one, two):
            coordinator.stopped.set()
        await asyncio.gather(one.task, two.task)


def connections(watched: Endpoint) -> int:
    """Return how many clients a server has."""
    return int(requests.get(f"http://{watched}/connz", timeout=5).json()["num_connections"])
