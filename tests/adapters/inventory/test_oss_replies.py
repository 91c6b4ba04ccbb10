"""Whoever answers in the place of OSS costs neither memory nor time without end."""

import asyncio
import gzip
import time
from collections.abc import AsyncIterator

import pytest
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from monitor.adapters.inventory import replies
from monitor.core.inventory import FailureReason, Listing
from monitor.demo.serving import served
from tests.adapters.inventory.oss_world import inventory_at

_LONG = "a" * 1000
_NAMES = "abcdefghij"
_ENTITIES = "".join(
    f'<!ENTITY {name} "{former * 10}">'
    for name, former in zip(_NAMES[1:], (f"&{name};" for name in _NAMES), strict=False)
)
BOMB = f"""<?xml version="1.0"?>
<!DOCTYPE r [<!ENTITY a "{_LONG}">{_ENTITIES}]>
<ListAllMyBucketsResult><Owner><ID>&j;</ID></Owner></ListAllMyBucketsResult>
"""


async def reason_for(app: ASGIApp) -> FailureReason:
    async with served(app) as url:
        listing: Listing = await inventory_at(url).look()
    (failure,) = listing.failures
    assert (listing.bindings, listing.reached_account) == ((), False)
    return failure.reason


async def test_a_document_without_end_is_given_up_before_it_costs_memory() -> None:
    sent = 0

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal sent
        await send({"type": "http.response.start", "status": 200, "headers": []})
        gone = asyncio.ensure_future(_disconnected(receive))
        while not gone.done():
            await send({"type": "http.response.body", "body": b" " * 65536, "more_body": True})
            sent += 65536

    assert await reason_for(app) is FailureReason.MALFORMED
    assert sent < 4 * replies.MOST_OCTETS


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def test_what_is_small_on_the_way_and_large_when_unpacked_is_given_up() -> None:
    body = gzip.compress(b" " * (64 << 20))
    packed = Response(body, headers={"content-encoding": "gzip"}, media_type="application/xml")
    assert await reason_for(packed) is FailureReason.MALFORMED


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
async def test_entities_are_not_even_read(encoding: str) -> None:
    app = Response(BOMB.encode(encoding), media_type="application/xml")
    assert await reason_for(app) is FailureReason.MALFORMED


async def test_a_document_that_comes_drop_by_drop_is_given_up_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(replies, "LONGEST", 0.5)

    async def drops() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.05)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await StreamingResponse(drops(), media_type="application/xml")(scope, receive, send)

    began = time.monotonic()
    reason = await reason_for(app)
    assert reason is FailureReason.UNREACHABLE
    assert time.monotonic() - began < 30  # four attempts, on a machine however busy


async def test_binary_rubbish_is_no_listing() -> None:
    rubbish = bytes(range(256)) * 100
    assert await reason_for(Response(rubbish)) is FailureReason.MALFORMED


async def test_calls_that_hang_keep_no_other_thread_waiting() -> None:
    release = asyncio.Event()

    async def hangs(_scope: object, receive: object, send: object) -> None:
        await release.wait()

    async with served(hangs) as url, asyncio.TaskGroup() as group:
        looks = [group.create_task(inventory_at(url).look()) for _ in range(40)]
        await asyncio.sleep(0.5)
        assert await asyncio.wait_for(asyncio.to_thread(lambda: "free"), 3) == "free"
        for look in looks:
            look.cancel()
        release.set()
