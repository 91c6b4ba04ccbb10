"""`config check`: what is wrong with a configuration, without acting on it."""

import os
from pathlib import Path

import typer

from monitor.assembly.notifying import refuse_bad_channels
from monitor.assembly.parts import NotAvailable
from monitor.assembly.web_access import refuse_unusable
from monitor.cli.configuring import complain
from monitor.cli.exit_codes import Exit
from monitor.config import ConfigError, load
from monitor.config.references import missing_secrets


def check_file(file: Path) -> Exit:
    try:
        settings = load(file, os.environ)
        refuse_bad_channels(settings)
        refuse_unusable(settings)
    except (ConfigError, NotAvailable) as error:
        return complain(error)
    typer.echo(f"{file}: no faults")
    # No fault: what `LoadCredential=` or a container brings is there only where the daemon runs.
    for missing in missing_secrets(settings, os.environ):
        typer.echo(f"  note: {missing}; the daemon needs it where it runs")
    return Exit.OK
