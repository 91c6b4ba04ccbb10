"""`healthcheck`: for those who start and watch containers."""

from pathlib import Path

import typer

from monitor.adapters.daemon_health import OwnListener, ailment_of
from monitor.cli.configuring import complain, settings_of
from monitor.cli.exit_codes import Exit
from monitor.config import ConfigError, Settings, web_of


def run_healthcheck(path: str, certificate: Path | None, config: Path | None) -> Exit:
    try:
        listener = _listener(settings_of(config), certificate)
        ailment = ailment_of(listener, path)
    except (ConfigError, OSError) as error:
        return complain(error)
    if ailment is not None:
        typer.echo(ailment, err=True)
        return Exit.WARNING
    return Exit.OK


def _listener(settings: Settings, certificate: Path | None) -> OwnListener:
    at = settings.daemon.listen.from_here
    is_tls = web_of(settings).tls_server_config is not None
    return OwnListener(at.host, at.port, is_tls, certificate)
