"""Cancellation that gets through libraries which swallow it."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

T = TypeVar("T")

_AGAIN = 0.05  # seconds until who goes on is cancelled again
_TIMES = 40


async def obeying(awaited: Awaitable[T]) -> T:
    """Return what it gives; raise CancelledError where this task was cancelled meanwhile.

    The client of NATS passes over a cancellation while it flushes, and before Python 3.12
    `asyncio.wait_for` over one that comes in the moment at which its future is done: the same
    client goes on connecting for ever then. Who goes on in a loop never ends, and neither does a
    task group that waits for it. So it works in a task of its own, which is cancelled until it
    obeys, and left to itself where it does not for seconds.
    """
    working = asyncio.ensure_future(awaited)
    try:
        await asyncio.wait({working})
    except asyncio.CancelledError:
        working.add_done_callback(_passed_over)
        for _ in range(_TIMES):
            working.cancel()
            done, _ = await asyncio.wait({working}, timeout=_AGAIN)
            if done:
                break
        raise
    return working.result()


def heed() -> None:
    """Raise CancelledError where this task was cancelled, and something else was raised instead.

    Before Python 3.13 a task group that is cancelled while one of its tasks fails tells of the
    failure alone. Who takes that, and goes on, never hears that he was to end.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


def _passed_over(working: "asyncio.Future[T]") -> None:
    """Take what came of it, which nobody waits for any more."""
    if not working.cancelled():
        working.exception()
