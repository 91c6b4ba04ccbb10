"""`store copy`: all that a daemon keeps, from one database to another."""

import json
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import typer

from monitor.adapters.stores.copying import Copied, copy, rows_in
from monitor.adapters.stores.session import Access, no_database
from monitor.assembly.parts import NotAvailable
from monitor.assembly.stores import database_of
from monitor.cli.configuring import complain, settings_of
from monitor.cli.exit_codes import Exit
from monitor.cli.speaking import UsageFault, audit_terminal, language_of, surroundings
from monitor.config import ConfigError, Settings, parse
from monitor.ports import StoreError
from monitor.wording import wording


@dataclass(frozen=True, slots=True)
class Route:
    """From which database to which, as they were given; None for the configured one."""

    source: str | None
    target: str


def run_copy(route: Route, config: Path | None) -> Exit:
    try:
        settings = settings_of(config)
        source = _url(route.source, "--from") if route.source else settings.daemon.database
        target = _url(route.target, "--to")
        copied = _copied(source, target, settings)
    except (ConfigError, NotAvailable, StoreError, UsageFault) as error:
        return complain(error)
    said = wording(language_of(settings)).word("copy_done")
    typer.echo(said.format(rows=copied.rows, target=target, head=copied.head.text))
    return Exit.OK


def _copied(source: str, target: str, settings: Settings) -> Copied:
    if source == target:
        raise UsageFault("--from and --to are the same database")
    around = surroundings()
    with closing(database_of(source, settings, Access.READ, around)) as readable:
        if not readable.exists:
            raise no_database(readable.place)
        rows = rows_in(readable)  # refuses what another release wrote
    with (
        closing(database_of(source, settings, Access.OWN, around)) as original,
        closing(database_of(target, settings, Access.OWN, around)) as other,
        audit_terminal(settings).progress("copying") as progress,
    ):
        task = progress.add_task("", total=2 * rows)  # each is written, and read again
        return copy(original, other, lambda many: progress.advance(task, many))


def _url(written: str, option: str) -> str:
    """Return the URL. Raises ConfigError, as for the key of the configuration."""
    return parse(f"[daemon]\ndatabase = {json.dumps(written)}", {}, option).daemon.database
