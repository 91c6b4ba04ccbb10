"""What a process does that is told to end: it does so in time, whoever does not answer then."""

import asyncio
import faulthandler
import os
import signal
import sys
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import NoReturn

import structlog

from monitor.cli.exit_codes import Exit

log = structlog.get_logger()

# Seconds. Service managers kill after 30 (packaging/), and then nobody learns what it waited for.
IN_TIME = 25.0
_SLOW = 12.0

_MOST_NAMED = 20


def run_until_told(main: Coroutine[None, None, Exit]) -> NoReturn:
    """Run it, and end the process with its exit code.

    Nothing is waited for that still runs in threads by then: the system may look up a name, or a
    driver open a connection, for a minute.
    """
    code = asyncio.run(main)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError):  # nobody reads it any more
            stream.flush()
    os._exit(code)


@contextmanager
def ending() -> Iterator[asyncio.Event]:
    """Yield what is set when SIGTERM or SIGINT tells the process to end.

    From then on it has its time, and is ended the hard way when that is over: with exit code 1,
    and with the stacks of its threads for whoever has to find out why. To be told again changes
    nothing, also behind the block.
    """
    loop, told = asyncio.get_running_loop(), asyncio.Event()

    def tell() -> None:
        if not told.is_set():
            told.set()
            faulthandler.dump_traceback_later(IN_TIME, exit=True)
            loop.call_later(_SLOW, _say_what_is_left, loop)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, tell)
    try:
        yield told
    finally:
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            loop.remove_signal_handler(number)
            if told.is_set():
                signal.signal(number, signal.SIG_IGN)
        # The loop waits for the threads of its executor, and this one has none.
        loop.set_default_executor(ThreadPoolExecutor(1))


def _say_what_is_left(loop: asyncio.AbstractEventLoop) -> None:
    left = sorted({str(getattr(t.get_coro(), "__qualname__", t)) for t in asyncio.all_tasks(loop)})
    log.warning("ending.slow", waits_for=left[:_MOST_NAMED])
