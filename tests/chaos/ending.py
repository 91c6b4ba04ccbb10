"""Processes that are told to end: when they do so, how, and what they say last."""

import asyncio
import os
import signal
from asyncio.subprocess import Process
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from random import Random

from tests.chaos.looks import catches
from tests.chaos.runner import Runner
from tests.chaos.scene import clock

# Seconds. One thing that does not answer costs less than the patience of `docker stop`, and all
# together less than that of packaging/.
PROMPT = 10.0
IN_TIME = 25.0

TERM, INT, HUP = signal.SIGTERM, signal.SIGINT, signal.SIGHUP
# How people and service managers tell it, once or impatiently.
WAYS: tuple[tuple[signal.Signals, ...], ...] = ((TERM,), (INT,), (TERM, TERM), (TERM, HUP))


async def tell(process: Process, numbers: Sequence[signal.Signals], pause: float = 0.0) -> None:
    """Send the signals one after another, as long as there is somebody to hear them."""
    # By asyncio's own way the process would be reaped behind its back, where it was faster.
    with suppress(ProcessLookupError), _handle_of(process) as handle:
        for number in numbers:
            signal.pidfd_send_signal(handle, number)
            await asyncio.sleep(pause)


@contextmanager
def _handle_of(process: Process) -> Iterator[int]:
    handle = os.pidfd_open(process.pid)
    try:
        yield handle
    finally:
        os.close(handle)


async def ended(
    runner: Runner,
    numbers: Sequence[signal.Signals] = (TERM,),
    *,
    pause: float = 0.0,
    within: float = PROMPT,
    is_noted: bool = True,
) -> float:
    """Have a daemon that is at work end by these signals, and return how many seconds it took.

    It says at last that it has stopped, and has written that down before, where that is to be
    `noted`: where its store answers.
    """
    assert runner.process is not None
    began, said = clock(), len(runner.events)
    await tell(runner.process, numbers, pause)
    code = await _code(runner, within, began)
    later = [event["event"] for event in runner.events[said:]]
    assert code == 0, f"it ended with {code}, and said last: {later[-3:]}"
    assert later[-1:] == ["daemon.stopped"], f"it said last: {later[-3:]}"
    assert not is_noted or "event.stop" in later, "it did not write down that it ended"
    return clock() - began


async def ended_in_its_start(runner: Runner, chance: Random, until: float) -> float:
    """Start a daemon, have it end at an instant by lot, and return how many seconds that took.

    Before it has a handler the signal itself ends it, and nothing has happened yet.
    """
    said = len(runner.events)
    await runner.start()
    assert runner.process is not None
    await asyncio.sleep(chance.uniform(0, until))
    is_heard, began = catches(runner.process.pid, TERM), clock()
    await tell(runner.process, (TERM,))
    code = await _code(runner, PROMPT, began)
    later = [event["event"] for event in runner.events[said:]]
    if is_heard or code == 0:
        assert code == 0, f"it ended with {code}, and said last: {later[-3:]}"
        assert later[-1:] == ["daemon.stopped"], f"it said last: {later[-3:]}"
        assert later.count("event.start") == later.count("event.stop"), "a start has no end"
    else:
        assert (code, later) == (-TERM, []), f"it ended with {code} after {later[-3:]}"
    return clock() - began


async def _code(runner: Runner, within: float, began: float) -> int:
    try:
        async with asyncio.timeout(within):
            return await runner.ended()
    except TimeoutError:
        last = "\n".join(runner.lines[-3:])
        problem = f"it went on for {clock() - began:.0f} s, and said:\n{last}"
        raise AssertionError(problem) from None
