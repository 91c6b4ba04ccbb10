"""Of several coordinators one leads, and another takes over in time."""

import asyncio
import time
from collections.abc import Iterator
from typing import cast

import nats
import nats.errors
import nats.js.errors
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
TIMES = 12


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


async def test_one_that_is_stopped_while_it_takes_the_lease_lets_go_of_it(
    broker: NatsServer,
) -> None:
    client = await nats.connect(broker.url)
    for number in range(TIMES):
        name, stopped = f"t{number}", asyncio.Event()
        lease = Lease(BrokerAddress(broker.url), name, "one")
        began = time.monotonic()
        async with lease.led(stopped):
            took = time.monotonic() - began
        one = Coordinator(broker, name, "two")
        await asyncio.sleep(took * number / TIMES)
        one.stopped.set()
        await asyncio.wait_for(one.task, 10)
        bucket = await client.jetstream().key_value("OCM_LEASE")
        assert not (await bucket.get(name)).value, f"stopped after {number} of {TIMES} parts"
    await client.close()


class Stumbling:
    """A bucket in which our own write is kept, and nothing of that is told for a while."""

    def __init__(self, holder: bytes) -> None:
        self.holder = holder
        self.refuses = True
        self.reads = 0
        self.writes: list[tuple[bytes, int]] = []

    async def update(self, _name: str, value: bytes, last: int) -> int:
        if self.refuses:
            raise nats.js.errors.KeyWrongLastSequenceError
        self.writes.append((value, last))
        return last + 1

    async def get(self, _name: str) -> KeyValue.Entry:
        self.reads += 1
        if self.reads == 1:
            raise nats.errors.TimeoutError
        self.refuses = False
        return KeyValue.Entry("OCM_LEASE", "f", self.holder, 7, None, None, None)


@pytest.mark.parametrize(("holder", "keeps"), [(b"one", True), (b"other", False)])
async def test_a_broker_that_stumbles_while_it_is_asked_who_holds_the_lease(
    holder: bytes, keeps: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monitor.adapters.resolvers.vantages.lease._WRITE", 0.01)
    lease, stopped = Lease(BrokerAddress(""), "f", "one"), asyncio.Event()
    bucket = Stumbling(holder)
    keeping = asyncio.ensure_future(lease._keep(cast("KeyValue", bucket), stopped))
    await true_soon(lambda: bool(bucket.writes) or stopped.is_set())
    keeping.cancel()
    assert (lease.is_lost, stopped.is_set()) == (not keeps, not keeps)
    assert bucket.writes[:1] == ([(b"one", 7)] if keeps else [])


async def test_one_that_was_told_to_end_has_not_lost_its_lease() -> None:
    lease, stopped = Lease(BrokerAddress(""), "f", "one"), asyncio.Event()
    stopped.set()
    bucket = Stumbling(b"other")
    bucket.reads = 1
    await lease._keep(cast("KeyValue", bucket), stopped)
    assert not lease.is_lost


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
