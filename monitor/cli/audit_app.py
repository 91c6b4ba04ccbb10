"""The `audit` commands and their options."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from monitor.cli.options import ConfigOption, JsonOption

audit_app = typer.Typer(help="Report on changes, and check the log that the reports rest on.")

FormatOption = Annotated[str, typer.Option("--format", help="html, markdown (md), json or csv.")]
LangOption = Annotated[str | None, typer.Option(help="en or zh.")]
AtOption = Annotated[
    str | None, typer.Option(help="As of when: a time, or now; default: what was seen last.")
]
OutputOption = Annotated[Path | None, typer.Option("-o", "--output", help="Write to this file.")]


@audit_app.callback(invoke_without_command=True)
def audit(
    context: typer.Context,
    change: Annotated[str | None, typer.Option(metavar="ID", help="Report on this one.")] = None,
    domain: Annotated[str | None, typer.Option(help="Or on all changes of a domain.")] = None,
    since: Annotated[str | None, typer.Option(help="Seen at this time or later.")] = None,
    until: Annotated[str | None, typer.Option(help="Seen at this time or before.")] = None,
    form: FormatOption = "html",
    lang: LangOption = None,
    at: AtOption = None,
    output: OutputOption = None,
    config: ConfigOption = None,
) -> int:
    """Report on one change, or on those of a domain, from what the log holds.

    The same records give the same report, to the octet. Exit code: 0, 3.
    """
    if context.invoked_subcommand is not None:
        return 0
    from monitor.cli.reporting import Wanted, run_report

    wanted = Wanted(change, domain, since, until, form, lang, at, output)
    return asyncio.run(run_report(wanted, config))


@audit_app.command("report")
def audit_report(
    number: Annotated[str, typer.Argument(metavar="CHANGE")],
    form: FormatOption = "html",
    lang: LangOption = None,
    at: AtOption = None,
    output: OutputOption = None,
    config: ConfigOption = None,
) -> int:
    """Report on one change: who had it when, who was late and why, and the answers that show it.

    Exit code: 0, 3.
    """
    from monitor.cli.reporting import Wanted, run_report

    wanted = Wanted(change=number, form=form, lang=lang, at=at, output=output)
    return asyncio.run(run_report(wanted, config))


@audit_app.command("verify")
def audit_verify(
    head: Annotated[
        str | None,
        typer.Option(metavar="SEQ:HASH", help="What an earlier check printed: still there?"),
    ] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Look through the whole audit log for records that were edited, removed or moved.

    Also while a daemon writes to it. Exit code: 0 intact, 2 tampered with, 3.
    """
    from monitor.cli.auditing import run_verify

    return asyncio.run(run_verify(head, config, is_json=json))


@audit_app.command("replay")
def audit_replay(
    change: Annotated[
        str | None, typer.Option(metavar="ID", help="Only the answers of this change.")
    ] = None,
    export: Annotated[
        Path | None, typer.Option(help="Write the answers as test cases to this file.")
    ] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Judge the stored answers again by the rules of now, and tell which verdicts would differ.

    Exit code: 0 none, 1 some, 3.
    """
    from monitor.cli.auditing import Again, run_replay

    return asyncio.run(run_replay(Again(change, export), config, is_json=json))
