"""Work that an end does not wait for."""

import asyncio

import pytest

from monitor.assembly.unless import done_unless


async def fail() -> None:
    raise ConnectionError


async def test_what_is_done_in_time_is_done() -> None:
    assert await done_unless(asyncio.Event(), asyncio.sleep(0))


async def test_what_fails_is_raised() -> None:
    with pytest.raises(ConnectionError):
        await done_unless(asyncio.Event(), fail())


async def test_what_takes_too_long_is_left_when_somebody_stops_it() -> None:
    stopped, left = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        asyncio.get_running_loop().call_soon(stopped.set)
        try:
            await asyncio.sleep(60)
        finally:
            left.set()

    assert not await done_unless(stopped, work())
    await asyncio.wait_for(left.wait(), 10)


async def test_what_is_stopped_before_it_begins_does_not_begin() -> None:
    stopped = asyncio.Event()
    stopped.set()
    assert not await done_unless(stopped, fail())
