"""The commands and their options."""

import asyncio
import io
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from monitor import __version__
from monitor.cli.audit_app import audit_app
from monitor.cli.ending import run_until_told
from monitor.cli.exit_codes import Exit
from monitor.cli.options import (
    CaFileOption,
    CertFileOption,
    ConfigOption,
    JsonOption,
    TokenFileOption,
    UrlOption,
)
from monitor.cli.refusals import refusal_of
from monitor.cli.store_app import store_app

OUTPUT_CLOSED = 141  # as a shell reports SIGPIPE: no verdict, for nobody read it

app = typer.Typer(
    name="oss-cname-monitor",
    help="Does everybody reach my OSS bucket through its own domain?",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
config_app = typer.Typer(help="Check, describe and show the configuration.")
app.add_typer(config_app, name="config")
changes_app = typer.Typer(help="List the changes, or tell one of them.")
app.add_typer(changes_app, name="changes")
channels_app = typer.Typer(help="Try the channels that notices go to.")
app.add_typer(channels_app, name="channels")
app.add_typer(audit_app, name="audit")
app.add_typer(store_app, name="store")


def run_command(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; a usage error is 3, since 2 means broken."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a poor terminal gets a mark, not an error
    try:
        code = app(list(arguments), standalone_mode=False)
    except typer.TyperException as error:
        command = getattr(getattr(error, "ctx", None), "command_path", app.info.name)
        typer.echo(f"{error.format_message()}\n  hint: see {command} --help", err=True)
        return Exit.UNKNOWN
    except (typer.Abort, KeyboardInterrupt):
        return 130
    except OSError as error:
        typer.echo(f"cannot write: {refusal_of(error)}", err=True)
        return Exit.UNKNOWN
    except SystemExit as ended:
        # So typer ends a shell's question for completions, and when the reader of a pipe has gone.
        has_left = isinstance(ended.__context__, BrokenPipeError)
        return OUTPUT_CLOSED if has_left else int(ended.code or 0)
    return int(code or 0)


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Does everybody reach my OSS bucket through its own domain?"""
    if version:
        typer.echo(__version__)
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit(Exit.UNKNOWN)


@app.command()
def run(config: ConfigOption = None) -> int:
    """Run the daemon: discover, resolve, judge, export, serve pages.

    Exit code: 0 when it was told to end, 1 when it then had to be ended the hard way, 3.
    """
    from monitor.cli.serving import run_daemon

    run_until_told(run_daemon(config))


@app.command()
def worker(config: ConfigOption = None) -> int:
    """Ask resolvers at this vantage point, for a daemon elsewhere.

    Exit code: as `run`.
    """
    from monitor.cli.working import run_worker

    run_until_told(run_worker(config))


@app.command()
def demo(
    speed: Annotated[float, typer.Option(min=0.1, max=100, help="How fast time passes.")] = 1.0,
    listen: Annotated[str, typer.Option(help="Where to serve the pages.")] = "127.0.0.1:9953",
) -> int:
    """Run the daemon on an embedded world: no network, no credentials, no root."""
    from monitor.cli.serving import run_demo

    run_until_told(run_demo(speed, listen))


@app.command()
def backup(
    file: Annotated[Path, typer.Argument(help="Where to; nothing is overwritten.")],
    config: ConfigOption = None,
) -> int:
    """Copy the database to one file, also while the daemon works on it.

    Prints the number and the hash of the newest record in it. Exit code: 0, 3.
    """
    from monitor.cli.backing_up import run_backup

    return run_backup(file, config)


@app.command()
def check(
    domains: Annotated[list[str] | None, typer.Argument(help="Default: all.")] = None,
    config: ConfigOption = None,
    bucket: Annotated[str | None, typer.Option(help="The bucket it should reach.")] = None,
    endpoint: Annotated[
        str | None, typer.Option(help="The bucket's endpoint: oss-cn-hangzhou.aliyuncs.com")
    ] = None,
    target: Annotated[str | None, typer.Option(help="Or another exact name.")] = None,
    resolver: Annotated[
        list[str] | None, typer.Option(help="Ask these addresses instead.")
    ] = None,
    json: JsonOption = False,
) -> int:
    """Ask everybody once, and print domain by resolver with the chain and the reason.

    Exit code: 0 all in effect, 1 propagating or not everywhere, 2 broken, 3 unknown.
    """
    from monitor.cli.asking import Request, run_check

    request = Request(
        config, tuple(domains or ()), bucket, endpoint, target, tuple(resolver or ())
    )
    return asyncio.run(run_check(request, is_json=json))


@app.command()
def explain(
    domain: Annotated[str, typer.Argument()], config: ConfigOption = None, json: JsonOption = False
) -> int:
    """Tell everything of one domain: chains, verdicts, rules, evidence, advice, history.

    Exit code as `check`.
    """
    from monitor.cli.asking import Request, run_explain

    return asyncio.run(run_explain(Request(config, (domain,)), is_json=json))


@app.command()
def healthcheck(
    ready: Annotated[
        bool, typer.Option("--ready", help="Also whether the first round is done.")
    ] = False,
    cert_file: CertFileOption = None,
    config: ConfigOption = None,
) -> int:
    """Ask the daemon on this machine whether it is well, for those who watch over containers.

    Exit code: 0, 1 when it is not, 3.
    """
    from monitor.cli.health import run_healthcheck

    return run_healthcheck("/-/ready" if ready else "/-/healthy", cert_file, config)


@app.command()
def inventory(config: ConfigOption = None, json: JsonOption = False) -> int:
    """Print the bindings as discovered, by account, with what could not be read.

    Exit code: 0, 1 when some account failed, 3.
    """
    from monitor.cli.asking import run_inventory

    return asyncio.run(run_inventory(config, is_json=json))


@app.command()
def ownership(
    domain: Annotated[str, typer.Argument()],
    bucket: Annotated[str, typer.Option(help="The bucket that it will be bound to.")],
    wait: Annotated[
        bool, typer.Option("--wait", help="Until everybody who answers sees it.")
    ] = False,
    timeout: Annotated[str, typer.Option(help="How long to wait at most.")] = "72h",
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Fetch the token that proves whose a domain is, and tell who sees its TXT record.

    Exit code: 0 visible at all servers that answer, 1 not yet, 3.
    """
    from monitor.cli.owning import Claim, run_ownership

    claim = Claim(domain, bucket, timeout if wait else None)
    return asyncio.run(run_ownership(claim, config, is_json=json))


@app.command()
def wait(
    domain: Annotated[str, typer.Argument()],
    to: Annotated[str | None, typer.Option(help="What it should lead to.")] = None,
    timeout: Annotated[str, typer.Option(help="How long at most.")] = "72h",
    settled: Annotated[
        bool, typer.Option("--settled", help="Until no honest cache can have the old value.")
    ] = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Return when a change is everywhere.

    Exit code: 0 reached, 1 timeout, 2 another value won, 3 usage.
    """
    from monitor.cli.waiting import Awaited, run_wait

    awaited = Awaited(domain, to, timeout, settled)
    return asyncio.run(run_wait(awaited, config, is_json=json))


@app.command()
def announce(
    domain: Annotated[str, typer.Argument()],
    to: Annotated[str, typer.Option(help="What the CNAME will lead to.")],
    at: Annotated[str | None, typer.Option(help="From when on; default: now.")] = None,
    by: Annotated[
        str | None, typer.Option(help="Who changes it; default: the token's name, or you.")
    ] = None,
    note: Annotated[str | None, typer.Option(help="Why.")] = None,
    url: UrlOption = None,
    token_file: TokenFileOption = None,
    ca_file: CaFileOption = None,
    cert_file: CertFileOption = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Declare a planned change: it is expected then, and the audit names who and why.

    A token may stand in the variable OSS_CNAME_MONITOR_TOKEN too. Prints the change's id.
    Exit code: 0, 3.
    """
    from monitor.cli.changing import Planned, run_announce
    from monitor.cli.reaching import Reach

    reach = Reach(url, token_file, ca_file, cert_file)
    planned = Planned(domain, to, at, by, note)
    return asyncio.run(run_announce(planned, config, reach, is_json=json))


@app.command()
def plan(
    domain: Annotated[str, typer.Argument()],
    to: Annotated[str | None, typer.Option(help="What it will lead to.")] = None,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Before a change: until when the old value would be served, and how to shorten that.

    Exit code: 0, 1 when there is advice, 3.
    """
    from monitor.cli.changing import run_plan

    return asyncio.run(run_plan(domain, to, config, is_json=json))


@changes_app.callback(invoke_without_command=True)
def changes(
    context: typer.Context,
    only_open: Annotated[bool, typer.Option("--open", help="Only those under way.")] = False,
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """List the changes that were seen or announced, newest first."""
    if context.invoked_subcommand is not None:
        return 0
    from monitor.cli.changing import run_changes

    return asyncio.run(run_changes(config, only_open=only_open, is_json=json))


@changes_app.command("show")
def changes_show(
    number: Annotated[str, typer.Argument(metavar="ID")],
    config: ConfigOption = None,
    json: JsonOption = False,
) -> int:
    """Tell everything of one change: who is late, why, until when, and what happened."""
    from monitor.cli.changing import run_show

    return asyncio.run(run_show(number, config, is_json=json))


@channels_app.command("test")
def channels_test(
    channel: Annotated[str | None, typer.Option(help="This one only.")] = None,
    config: ConfigOption = None,
) -> int:
    """Send one test message to each channel, and print what became of it, why, and the remedy.

    Exit code: 0 all delivered, 1 some not, 3.
    """
    from monitor.cli.channels import run_test

    return asyncio.run(run_test(channel, config))


@config_app.command("check")
def config_check(file: Annotated[Path, typer.Argument()]) -> int:
    """Print all faults of a configuration at once, each with its place and remedy."""
    from monitor.cli.checking import check_file

    return check_file(file)


@config_app.command("example")
def config_example() -> int:
    """Print a configuration to begin with: every key, its default and its meaning."""
    from monitor.cli.configuring import print_example

    return print_example()


@config_app.command("schema")
def config_schema() -> int:
    """Print the JSON Schema of the configuration."""
    from monitor.cli.configuring import print_schema

    return print_schema()


@config_app.command("show")
def config_show(config: ConfigOption = None) -> int:
    """Print the values in force, secrets hidden."""
    from monitor.cli.configuring import show

    return show(config)
