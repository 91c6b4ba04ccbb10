"""`backup`: a copy of the database in one file."""

from pathlib import Path

import typer

from monitor.adapters.stores.backing_up import back_up
from monitor.assembly.parts import NotAvailable
from monitor.assembly.stores import database_file_of
from monitor.cli.configuring import complain, settings_of
from monitor.cli.exit_codes import Exit
from monitor.cli.speaking import language_of
from monitor.config import ConfigError
from monitor.ports import StoreError
from monitor.wording import wording


def run_backup(target: Path, file: Path | None) -> Exit:
    try:
        settings = settings_of(file)
        copied = back_up(database_file_of(settings), target)
    except (ConfigError, NotAvailable, StoreError) as error:
        return complain(error)
    said = wording(language_of(settings)).word("backup_done")
    typer.echo(said.format(file=target, seq=copied.seq, head=f"{copied.seq}:{copied.hash}"))
    return Exit.OK
