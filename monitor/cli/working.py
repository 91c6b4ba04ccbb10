"""`worker`: asks at a vantage point what a daemon elsewhere wants to know."""

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path

import structlog

from monitor.adapters.clock import SystemClock
from monitor.assembly.distributing import worker_at
from monitor.assembly.parts import NotAvailable, Surroundings
from monitor.cli.configuring import complain, settings_of
from monitor.cli.exit_codes import Exit
from monitor.cli.serving import set_up_logs
from monitor.config import ConfigError
from monitor.logs import Secrets

log = structlog.get_logger()


async def run_worker(config: Path | None) -> Exit:
    """Run until SIGTERM or SIGINT; what keeps it from starting is said, not raised."""
    secrets = Secrets()
    try:
        settings = settings_of(config)
        set_up_logs(settings, secrets)
        worker = worker_at(settings, Surroundings(SystemClock(), os.environ, secrets))
    except (ConfigError, NotAvailable) as error:
        return complain(error)
    working = asyncio.ensure_future(worker.run())
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, working.cancel)
    log.info("worker.started", worker=worker.identity.worker, vantage=worker.identity.vantage)
    with suppress(asyncio.CancelledError):
        await working
    log.info("worker.stopped")
    return Exit.OK
