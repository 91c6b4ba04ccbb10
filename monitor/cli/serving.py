"""`run` and `demo`: the daemon until a signal ends it."""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import structlog
import typer

from monitor.adapters.clock import SystemClock
from monitor.adapters.service_manager import ServiceManager
from monitor.assembly.daemon import Daemon
from monitor.assembly.distributing import LeaseLost
from monitor.assembly.parts import NotAvailable, Surroundings
from monitor.cli.configuring import DEFAULT_FILE, complain, file_of, settings_of
from monitor.cli.descriptors import have_room_for_sockets
from monitor.cli.ending import ending
from monitor.cli.exit_codes import Exit
from monitor.config import ConfigError, Settings, parse
from monitor.config.daemon import LogFormat
from monitor.demo.landscape import MODIFIED, NEW_TARGET, OLD_TARGET
from monitor.demo.world import Pace, World
from monitor.logs import Secrets, set_up
from monitor.ports import StoreError

log = structlog.get_logger()

_FIRST_ROUND = 3.0  # seconds of the demo, roughly
# There is nothing to hide in the embedded world, wherever it is shown.
FOR_EVERYBODY = "\n[web]\nallow_anonymous_read = true\n"


async def run_daemon(config: Path | None) -> Exit:
    """Run until SIGTERM or SIGINT; SIGHUP reloads."""
    # Decided once: a file that was there at the start and is gone at a reload is a fault, and
    # must not mean that nothing is configured any more.
    file = file_of(config)
    if file is None:
        typer.echo(
            f"no configuration: -c names none, and there is no {DEFAULT_FILE} here; all is as by "
            "default, and nothing is watched",
            err=True,
        )
    return await _serve(lambda: settings_of(file), _say_address, os.environ)


async def run_demo(speed: float, listen: str) -> Exit:
    """Run on the embedded world, with records that are gone afterwards."""
    world = World(Pace.at(speed), SystemClock().now)
    with tempfile.TemporaryDirectory(prefix="oss-cname-monitor-") as folder:
        async with world, asyncio.TaskGroup() as group:
            story = group.create_task(world.tell_story())
            text = world.config_text(listen, f"{folder}/demo.db") + FOR_EVERYBODY
            environ = {**os.environ, **world.environ}
            code = await _serve(lambda: parse(text, environ, "the demo"), _introduce, environ)
            story.cancel()
    return code


async def _serve(
    load: Callable[[], Settings], started: Callable[[str], None], environ: Mapping[str, str]
) -> Exit:
    """Run a daemon on the settings; what keeps it from starting is said, not raised."""
    loop, secrets = asyncio.get_running_loop(), Secrets()
    have_room_for_sockets()
    # A hangup would end us until the daemon takes it, which it does before anything else can run.
    loop.add_signal_handler(signal.SIGHUP, _read_anyway)
    with ending() as stopped:
        try:
            settings = load()
            set_up_logs(settings, secrets)
            around = Surroundings(SystemClock(), environ, secrets, ServiceManager.of(environ))
            daemon = Daemon(settings, load, around)
            loop.add_signal_handler(signal.SIGHUP, daemon.request_reload)
            await daemon.run(stopped, started)
        except (ConfigError, NotAvailable, StoreError, LeaseLost, OSError) as error:
            return complain(error)
        log.info("daemon.stopped")
        return Exit.OK


def _read_anyway() -> None:
    """Take a hangup that came before the configuration was read."""


def set_up_logs(settings: Settings, secrets: Secrets) -> None:
    wanted = settings.daemon.log_format
    is_json = wanted is LogFormat.JSON or (wanted is LogFormat.AUTO and not sys.stderr.isatty())
    set_up(level=settings.daemon.log_level.value, is_json=is_json, secrets=secrets)


def _say_address(url: str) -> None:
    typer.echo(f"pages {url}  metrics {url}metrics", err=True)


def _introduce(url: str) -> None:
    _say_address(url)
    # The first round's lines would carry it off the screen.
    asyncio.get_running_loop().call_later(_FIRST_ROUND, _tell_what_comes, url)


def _tell_what_comes(url: str) -> None:
    typer.echo(
        f"\nOpen {url} in a browser. In a while {MODIFIED} is modified from {OLD_TARGET} to "
        f"{NEW_TARGET}:\nwatch who follows when, and who does not. Ctrl-C ends the demo.\n",
        err=True,
    )
