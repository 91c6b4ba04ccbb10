"""Let APScheduler call what is due, at its interval."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial

import structlog
from apscheduler.events import (
    EVENT_JOB_ERROR,
    EVENT_JOB_MAX_INSTANCES,
    EVENT_JOB_SUBMITTED,
    JobExecutionEvent,
    JobSubmissionEvent,
)
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from monitor.ports import Clock

log = structlog.get_logger()

Job = Callable[[], Awaitable[object]]

_LONGEST_END = 5.0  # seconds that jobs have which were cancelled


class Scheduler:
    """A few periodic jobs; one that is late runs once, and never beside itself."""

    def __init__(self, clock: Clock, lagged: Callable[[timedelta], None]) -> None:
        self._clock = clock
        self._lagged = lagged
        # It warns at each interval that a job is skipped; we say it once.
        library = logging.getLogger("apscheduler.scheduler")
        library.setLevel(max(library.level, logging.ERROR))
        self._scheduler = AsyncIOScheduler(
            timezone=UTC,
            # A round that could not start in time starts late; the library's own grace of one
            # second would drop it. One whose predecessor still runs waits for the next interval.
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._skipped_since: dict[str, datetime] = {}
        self._running: set[asyncio.Task[object]] = set()
        self._is_stopping = False
        self._scheduler.add_listener(self._on_submitted, EVENT_JOB_SUBMITTED)
        self._scheduler.add_listener(self._on_skipped, EVENT_JOB_MAX_INSTANCES)
        self._scheduler.add_listener(self._on_error, EVENT_JOB_ERROR)

    def every(self, name: str, interval: timedelta, job: Job, jitter: timedelta) -> None:
        """Call the job each interval from one interval on, early or late by half of `jitter`."""
        self._scheduler.add_job(
            partial(self._run, job),
            "interval",
            # The library only adds its jitter, at each call anew.
            seconds=(interval - jitter / 2).total_seconds(),
            jitter=jitter.total_seconds() or None,
            id=name,
            name=name,  # the library's own log lines show it
            replace_existing=True,
        )

    def drop_all(self) -> None:
        self._skipped_since.clear()
        self._scheduler.remove_all_jobs()

    def start(self) -> None:
        self._scheduler.start()

    async def stop(self) -> None:
        """Call nothing more, cancel the jobs that run, and return when they have ended.

        Those that do not end in time keep nobody waiting; the log tells of them.
        """
        self._is_stopping = True
        self._scheduler.shutdown(wait=False)
        if self._running:
            _, pending = await asyncio.wait(self._running, timeout=_LONGEST_END)
            if pending:
                log.error("job.not_ended", jobs=len(pending))

    async def _run(self, job: Job) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        try:
            await job()
        except asyncio.CancelledError:
            if not self._is_stopping:
                raise

    def _on_submitted(self, event: JobSubmissionEvent) -> None:
        skipped_since = self._skipped_since.pop(event.job_id, None)
        lag = self._clock.now() - (skipped_since or event.scheduled_run_times[0])
        if skipped_since is not None:
            log.info("schedule.caught_up", job=event.job_id, seconds=lag.total_seconds())
        self._lagged(lag)

    def _on_skipped(self, event: JobSubmissionEvent) -> None:
        """Count the lag of a job whose last run is not over from its first skipped one."""
        planned: datetime = event.scheduled_run_times[0]
        if event.job_id not in self._skipped_since:
            log.warning("schedule.behind", job=event.job_id, why="its last run is not over yet")
        self._lagged(self._clock.now() - self._skipped_since.setdefault(event.job_id, planned))

    def _on_error(self, event: JobExecutionEvent) -> None:
        error, where = repr(event.exception), event.traceback
        log.error("job.failed", job=event.job_id, error=error, where=where)
