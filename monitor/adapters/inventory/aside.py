"""Calls that block, in threads that keep nobody waiting: neither others nor the end."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

T = TypeVar("T")


async def aside(call: Callable[[], T]) -> T:
    """Return what the call returns, or raise what it raises, from a thread of its own.

    The threads of `asyncio.to_thread` are few and everybody's: a few calls to somebody who does
    not answer would keep a scrape waiting. And an interpreter that ends waits for them.
    """
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(outcome: Callable[[], None]) -> None:
        if not done.done():  # else nobody waits any more
            outcome()

    def work() -> None:
        try:
            outcome = partial(done.set_result, call())
        except Exception as error:  # noqa: BLE001  # whatever it is, who waits is who minds
            outcome = partial(done.set_exception, error)
        with suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(settle, outcome)

    threading.Thread(target=work, name="oss", daemon=True).start()
    return await done
