"""What the log says of a broker that is away: little."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import nats.errors
from structlog.testing import capture_logs

from monitor.adapters.resolvers.vantages.broker import BrokerAddress
from monitor.adapters.resolvers.vantages.link import Link
from tests.adapters.resolvers.vantages.distributed import office, true_soon, worker
from tests.servers.endpoints import free_endpoint
from tests.servers.nats import nats_server_in
from tests.servers.process import aside, home


def told(logs: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Return what was said aloud of each connection."""
    aloud = [line for line in logs if line["log_level"] != "debug"]
    return [
        (line["connection"], line["event"]) for line in aloud if line["event"][:7] == "broker."
    ]


async def test_a_broker_that_is_lost_is_said_once_and_once_when_it_is_back() -> None:
    at = free_endpoint()
    with home("nats") as folder, capture_logs() as logs:
        stack = aside(nats_server_in(folder, at))
        broker = await stack.__aenter__()
        address = BrokerAddress(broker.url)
        async with office(address, ["x"]) as afar:
            afar.hire(worker(address, "x"))
            await true_soon(lambda: afar.seen.seen.get("x") == (1, 0))
            assert told(logs) == []
            broker.process.child.kill()
            await stack.__aexit__(None, None, None)
            await asyncio.sleep(1.5)  # six attempts of either
            assert sorted(told(logs)) == [
                ("coordinator", "broker.away"),
                ("worker", "broker.away"),
            ]
            async with aside(nats_server_in(folder, at)):
                await true_soon(lambda: len(told(logs)) == 4)
        back = [line for line in logs if line["event"] == "broker.back"]
        assert {line["connection"] for line in back} == {"coordinator", "worker"}
        assert all(1.0 < line["seconds"] < 60 for line in back)


async def test_a_broker_that_never_was_there_is_said_once() -> None:
    with capture_logs() as logs:
        async with office(BrokerAddress("nats://127.0.0.1:1"), ["x"]):
            await true_soon(lambda: told(logs))
            await asyncio.sleep(1.0)
            assert told(logs) == [("coordinator", "broker.away")]


async def test_that_it_is_there_but_refuses_us_is_said_too_and_once() -> None:
    link = Link("worker")
    with capture_logs() as logs:
        link.failed(ConnectionRefusedError(111, "Connect call failed"))
        for _ in range(3):
            link.failed(nats.errors.AuthorizationError())
    assert [line["error"] for line in logs if line["event"] == "broker.away"] == [
        "[Errno 111] Connect call failed",
        str(nats.errors.AuthorizationError()),
    ]


async def test_what_the_broker_denies_is_said_and_trouble_on_the_way_is_not() -> None:
    link = Link("worker")
    with capture_logs() as logs:
        link.up()
        link.failed(nats.errors.Error("nats: permissions violation"))
        link.failed(nats.errors.FlushTimeoutError())
    assert told(logs) == [("worker", "broker.error")]
