"""`worker`: asks at a vantage point what a daemon elsewhere wants to know."""

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from monitor.adapters.clock import SystemClock
from monitor.adapters.service_manager import ServiceManager
from monitor.assembly.distributing import worker_at
from monitor.assembly.parts import NotAvailable, Surroundings
from monitor.assembly.worker_service import WorkerService
from monitor.cli.configuring import complain, settings_of
from monitor.cli.exit_codes import Exit
from monitor.cli.serving import set_up_logs
from monitor.config import ConfigError
from monitor.logs import Secrets

if TYPE_CHECKING:
    from monitor.adapters.resolvers.vantages.worker import Worker

log = structlog.get_logger()


async def run_worker(config: Path | None) -> Exit:
    """Run until SIGTERM or SIGINT; what keeps it from starting is said, not raised.

    SIGHUP changes nothing: a worker has its settings from its start.
    """
    secrets = Secrets()
    try:
        settings = settings_of(config)
        set_up_logs(settings, secrets)
        manager = ServiceManager.of(os.environ)
        worker, service = worker_at(
            settings, Surroundings(SystemClock(), os.environ, secrets, manager)
        )
    except (ConfigError, NotAvailable) as error:
        return complain(error)
    await _until_signalled(worker, service)
    return Exit.OK


async def _until_signalled(worker: "Worker", service: WorkerService) -> None:
    working = asyncio.ensure_future(_work(worker, service))

    def stop() -> None:
        service.stopping()
        working.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop)
    loop.add_signal_handler(signal.SIGHUP, _say_that_nothing_changes)
    log.info("worker.started", worker=worker.identity.worker, vantage=worker.identity.vantage)
    with suppress(asyncio.CancelledError):
        await working
    log.info("worker.stopped")


def _say_that_nothing_changes() -> None:
    log.warning("worker.not_reloaded", hint="a new configuration needs a restart of the worker")


async def _work(worker: "Worker", service: WorkerService) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(service.live())
        service.started()
        await worker.run()
