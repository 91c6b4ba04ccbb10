"""The `store` commands and their options."""

from typing import Annotated

import typer

from monitor.cli.options import ConfigOption

store_app = typer.Typer(help="Move what a daemon keeps to another database.")


@store_app.callback()
def store() -> None:
    """Move what a daemon keeps to another database."""


@store_app.command("copy")
def store_copy(
    target: Annotated[
        str, typer.Option("--to", help="sqlite:///FILE or postgresql://USER@HOST/NAME; empty.")
    ],
    source: Annotated[
        str | None, typer.Option("--from", help="Likewise; default: as configured.")
    ] = None,
    config: ConfigOption = None,
) -> int:
    """Copy everything to another database, of the same kind or not, while no daemon runs.

    All of it or nothing: what was written is read again, and the chain of the audit log is looked
    through, before it is kept. Prints the number and the hash of the newest record.

    Exit code: 0, 3.
    """
    from monitor.cli.copying import Route, run_copy

    return run_copy(Route(source, target), config)
