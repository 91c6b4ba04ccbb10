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
from monitor.cli.descriptors import have_room_for_sockets
from monitor.cli.ending import ending
from monitor.cli.exit_codes import Exit
from monitor.cli.serving import set_up_logs
from monitor.config import ConfigError
from monitor.logs import Secrets

if TYPE_CHECKING:
    from monitor.adapters.resolvers.vantages.worker import Worker

log = structlog.get_logger()


async def run_worker(config: Path | None) -> Exit:
    """Run until a signal ends it; what keeps it from starting is said, not raised.

    SIGHUP changes nothing: a worker has its settings from its start.
    """
    secrets = Secrets()
    have_room_for_sockets()
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, _say_that_nothing_changes)
    with ending() as stopped:
        try:
            settings = settings_of(config)
            set_up_logs(settings, secrets)
            manager = ServiceManager.of(os.environ)
            worker, service = worker_at(
                settings, Surroundings(SystemClock(), os.environ, secrets, manager)
            )
        except (ConfigError, NotAvailable) as error:
            return complain(error)
        await _work_until(stopped, worker, service)
        log.info("worker.stopped")
        return Exit.OK


async def _work_until(stopped: asyncio.Event, worker: "Worker", service: WorkerService) -> None:
    log.info("worker.started", worker=worker.identity.worker, vantage=worker.identity.vantage)
    working = asyncio.ensure_future(_work(worker, service))
    stopping = asyncio.ensure_future(stopped.wait())
    await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if not stopped.is_set():
        working.result()  # it does not end by itself but with an error
    service.stopping()
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working


def _say_that_nothing_changes() -> None:
    log.warning("worker.not_reloaded", hint="a new configuration needs a restart of the worker")


async def _work(worker: "Worker", service: WorkerService) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(service.live())
        service.started()
        await worker.run()
