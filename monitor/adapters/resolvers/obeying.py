"""Cancellation that gets through libraries which swallow it."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")


async def obeying(awaited: Awaitable[T]) -> T:
    """Return what it gives; raise CancelledError where this task was cancelled meanwhile.

    The client of NATS passes over a cancellation while it flushes, and before Python 3.12
    `asyncio.wait_for` over one that comes in the moment at which its future is done. Who then
    goes on in a loop goes on for ever, and a task group that waits for it never ends.
    """
    task = asyncio.current_task()
    assert task is not None
    before = task.cancelling()
    try:
        return await awaited
    finally:
        if task.cancelling() > before:
            raise asyncio.CancelledError
