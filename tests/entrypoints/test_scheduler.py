import asyncio
import logging
from contextlib import suppress
from datetime import timedelta

import pytest
from structlog.testing import capture_logs

from monitor.adapters.clock import SystemClock
from monitor.entrypoints.scheduler import Scheduler

TICK = timedelta(milliseconds=50)
NO_JITTER = timedelta(0)


async def test_a_job_that_outlasts_its_interval_shows_as_lag() -> None:
    lags, runs, may_end = list[timedelta](), list[str](), asyncio.Event()

    async def endless() -> None:
        runs.append("begun")
        await may_end.wait()

    def lagged(lag: timedelta) -> None:
        lags.append(lag)

    scheduler = Scheduler(SystemClock(), lagged)
    scheduler.every("slow", TICK, endless, NO_JITTER)
    scheduler.start()
    async with asyncio.timeout(30):
        while max(lags, default=NO_JITTER) < 3 * TICK:  # noqa: ASYNC110  # nobody tells us
            await asyncio.sleep(TICK.total_seconds())
    assert runs == ["begun"], "it never runs beside itself"
    may_end.set()
    await scheduler.stop()


async def test_a_job_that_is_skipped_is_said_once_and_so_is_that_it_runs_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    lags, runs, may_end = list[timedelta](), asyncio.Queue[None](), asyncio.Event()

    async def slow() -> None:
        runs.put_nowait(None)
        await may_end.wait()

    scheduler = Scheduler(SystemClock(), lags.append)
    scheduler.every("slow", TICK, slow, NO_JITTER)
    with capture_logs() as said:
        scheduler.start()
        async with asyncio.timeout(30):
            await runs.get()
            while len(lags) < 4:  # noqa: ASYNC110  # nobody tells us
                await asyncio.sleep(TICK.total_seconds())
            may_end.set()
            await runs.get()
        await scheduler.stop()
    events = [(line["event"], line["job"]) for line in said]
    assert events[:2] == [("schedule.behind", "slow"), ("schedule.caught_up", "slow")]
    assert "skipped" not in caplog.text


async def test_a_failing_job_is_called_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    runs, twice = list[str](), asyncio.Event()

    async def failing() -> None:
        runs.append("begun")
        if len(runs) > 1:
            twice.set()
        raise ZeroDivisionError

    scheduler = Scheduler(SystemClock(), lambda _: None)
    scheduler.every("bad", TICK, failing, NO_JITTER)
    with caplog.at_level(logging.CRITICAL, "apscheduler.executors.default"):
        scheduler.start()
        await asyncio.wait_for(twice.wait(), timeout=30)
        await scheduler.stop()
    assert len(runs) >= 2


async def test_jobs_that_were_dropped_are_not_called() -> None:
    runs = list[str]()

    async def job() -> None:
        runs.append("begun")

    scheduler = Scheduler(SystemClock(), lambda _: None)
    scheduler.every("gone", TICK, job, NO_JITTER)
    scheduler.start()
    scheduler.drop_all()
    await asyncio.sleep(3 * TICK.total_seconds())
    await scheduler.stop()
    assert runs == []


async def test_to_stop_is_to_wait_until_a_job_has_ended_and_no_reason_to_complain(
    caplog: pytest.LogCaptureFixture,
) -> None:
    begun, ended = asyncio.Event(), list[str]()

    async def tidy() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(TICK.total_seconds())
            ended.append("ended")

    scheduler = Scheduler(SystemClock(), lambda _: None)
    scheduler.every("tidy", TICK, tidy, NO_JITTER)
    scheduler.start()
    await asyncio.wait_for(begun.wait(), timeout=30)
    await scheduler.stop()
    assert ended == ["ended"]
    await asyncio.sleep(0)
    assert "Traceback" not in caplog.text


async def test_a_job_that_does_not_obey_keeps_nobody_waiting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("monitor.entrypoints.scheduler._LONGEST_END", 0.01)
    begun, may_end = asyncio.Event(), asyncio.Event()

    async def deaf() -> None:
        begun.set()
        while not may_end.is_set():
            with suppress(asyncio.CancelledError):
                await may_end.wait()

    scheduler = Scheduler(SystemClock(), lambda _: None)
    scheduler.every("deaf", TICK, deaf, NO_JITTER)
    scheduler.start()
    await asyncio.wait_for(begun.wait(), timeout=30)
    with capture_logs() as logs:
        await scheduler.stop()
    assert [log["event"] for log in logs] == ["job.not_ended"]
    may_end.set()
