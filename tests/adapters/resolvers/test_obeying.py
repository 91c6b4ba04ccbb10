"""A cancellation gets through what swallows it."""

import asyncio

import pytest

from monitor.adapters.resolvers.obeying import obeying


async def deaf() -> str:
    """Give an answer also to who cancels it."""
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        return "answered"
    return "awake"


async def deaf_and_failing() -> str:
    await deaf()
    raise ConnectionError


async def stubborn(times: int, heard: list[int]) -> None:
    """Go on in spite of so many cancellations."""
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            heard.append(len(heard))
            if len(heard) > times:
                raise


async def for_ever(awaited: bool) -> None:
    while True:
        await (obeying(deaf()) if awaited else deaf())


async def started(task: asyncio.Task[None]) -> asyncio.Task[None]:
    await asyncio.sleep(0)
    return task


async def test_a_loop_over_what_swallows_a_cancellation_ends() -> None:
    task = await started(asyncio.ensure_future(for_ever(awaited=True)))
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=5)
    assert done
    assert task.cancelled()


async def test_one_who_goes_on_in_spite_of_it_is_told_until_he_ends() -> None:
    heard: list[int] = []
    task = asyncio.ensure_future(obeying(stubborn(3, heard)))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 30)
    assert heard == [0, 1, 2, 3]


async def test_one_who_never_ends_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monitor.adapters.resolvers.obeying._AGAIN", 0.001)
    before, heard = asyncio.all_tasks(), list[int]()
    task = asyncio.ensure_future(obeying(stubborn(1000, heard)))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 30)
    (left,) = asyncio.all_tasks() - before
    while not left.done():
        left.cancel()
        await asyncio.sleep(0)


async def test_without_it_the_loop_goes_on() -> None:
    task = await started(asyncio.ensure_future(for_ever(awaited=False)))
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=0.1)
    assert not done
    task.get_coro().close()


async def test_a_failure_in_place_of_a_cancellation_does_not_hide_it() -> None:
    async def failing() -> None:
        await obeying(deaf_and_failing())

    task = await started(asyncio.ensure_future(failing()))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_what_nobody_cancels_gives_its_answer_or_its_failure() -> None:
    assert await obeying(asyncio.sleep(0, "answered")) == "answered"
    with pytest.raises(ConnectionError):
        await obeying(_failed())


async def test_clearing_up_after_a_cancellation_may_still_wait() -> None:
    cleared: list[str] = []

    async def clearing() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            cleared.append(await obeying(asyncio.sleep(0, "cleared")))

    task = await started(asyncio.ensure_future(clearing()))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert cleared == ["cleared"]


async def test_a_deadline_around_it_is_a_deadline() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await obeying(deaf())


async def _failed() -> None:
    raise ConnectionError
