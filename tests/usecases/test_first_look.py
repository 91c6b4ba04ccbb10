import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from monitor.usecases.first_look import first_look
from tests.fakes.recording_telemetry import RecordingTelemetry

LONG, SHORT = timedelta(minutes=10), timedelta(milliseconds=10)


class Scene:
    """One look that is over at once and one that lasts until it may end."""

    def __init__(self, patience: timedelta) -> None:
        self.telemetry = RecordingTelemetry()
        self.may_end = asyncio.Event()
        self.gone_on = asyncio.Queue[bool]()
        looks = {"servers": self._look(), "account shop": self._look_until_it_may_end()}
        self.looking = asyncio.ensure_future(
            first_look(looks, patience, self._go_on, self.telemetry)
        )

    async def _look(self) -> None:
        pass

    async def _look_until_it_may_end(self) -> None:
        await self.may_end.wait()

    async def _go_on(self) -> None:
        self.gone_on.put_nowait(self.may_end.is_set())


@asynccontextmanager
async def scene(patience: timedelta) -> AsyncIterator[Scene]:
    made = Scene(patience)
    try:
        async with asyncio.timeout(30):
            yield made
    finally:
        made.looking.cancel()
        await asyncio.wait([made.looking])


async def test_what_waits_for_a_look_goes_on_once_when_all_of_it_is_over() -> None:
    with capture_logs() as said:
        async with scene(LONG) as it:
            it.may_end.set()
            await it.looking
            assert (it.gone_on.get_nowait(), it.gone_on.empty()) == (True, True)
            assert it.telemetry.first_looks == [False]
    assert said == []


async def test_after_the_patience_one_goes_on_without_what_lasts_and_again_when_it_is_over() -> (
    None
):
    with capture_logs() as said:
        async with scene(SHORT) as it:
            assert await it.gone_on.get() is False
            assert it.telemetry.first_looks == [False, True]
            it.may_end.set()
            await it.looking
            assert (it.gone_on.get_nowait(), it.gone_on.empty()) == (True, True)
            assert it.telemetry.first_looks == [False, True, False]
    overdue, over = said
    assert (overdue["event"], overdue["waits_for"]) == ("first_look.overdue", ["account shop"])
    assert over["event"] == "first_look.over"


async def test_a_look_that_is_given_up_ends_what_it_began() -> None:
    async with scene(LONG) as it:
        await asyncio.sleep(0)
        before = len(asyncio.all_tasks())
        it.looking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await it.looking
        assert len(asyncio.all_tasks()) < before
        assert it.gone_on.empty()
