"""Write the manual page from the commands themselves: `make docs`."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import typer
from typer.core import TyperGroup

from monitor import __version__
from monitor.cli.app import app

PAGE = Path(__file__).parent.parent / "docs" / "man" / "oss-cname-monitor.1"

NAME = "oss-cname-monitor"

# What typer makes of a command and of its parameters; their classes are its own business.
Command: TypeAlias = Any
Parameter: TypeAlias = Any

_INTRODUCTION = """\
.SH DESCRIPTION
A domain of your own is bound to an Alibaba Cloud OSS bucket by a CNAME.
.B oss\\-cname\\-monitor
asks the domain's own name servers and as many resolvers as you like whether everybody reaches the
bucket, and tells who does not, why, until when, and what to do.
.PP
.B run
is the daemon; the other commands ask once, or read what the daemon keeps.
Data goes to standard output, talk to standard error.
"""

_ENDING = """\
.SH EXIT STATUS
As monitoring plugins use them; each command says above which it gives.
.TP
.B 0
All is well, or was done.
.TP
.B 1
Not everywhere yet, advice is given, or a part failed.
.TP
.B 2
Broken.
.TP
.B 3
Unknown, a fault of usage or of the configuration, or the command could not be carried out.
.SH SIGNALS
The daemon ends on SIGTERM and SIGINT, and takes its configuration anew on SIGHUP; one with faults
changes nothing. A worker ends likewise; for a new configuration it needs a restart, and says so on
SIGHUP.
.SH ENVIRONMENT
.TP
.B OSS_CNAME_MONITOR_CONFIG
The configuration, where
.B \\-c
does not name one; without either, config.toml in the working directory, if it is there.
.TP
.B OSS_CNAME_MONITOR__SECTION__KEY
Overrides a key of a section of the configuration.
.TP
.BR OSS_ACCESS_KEY_ID ", " OSS_ACCESS_KEY_SECRET ", " OSS_SESSION_TOKEN
The key of accounts with
.BR "credentials = \\(dqenv\\(dq" .
.TP
.BR LC_ALL ", " LC_MESSAGES ", " LANG
Choose English or Chinese, unless the configuration does.
.TP
.B NO_COLOR
If set, output has no colours.
.TP
.BR NOTIFY_SOCKET ", " WATCHDOG_USEC ", " WATCHDOG_PID
Set by a service manager that wants to hear from the daemon or a worker; see
.BR sd_notify (3).
.SH FILES
.TP
.I share/oss\\-cname\\-monitor/
Below the environment that the program is installed in: dashboards, alerts and the pages that they
lead to, units for systemd, and a configuration of the broker between a daemon and its workers.
.SH EXAMPLES
.EX
oss\\-cname\\-monitor demo
oss\\-cname\\-monitor config example > config.toml
oss\\-cname\\-monitor check img.example.com \\-\\-bucket shop\\-img \\e
    \\-\\-endpoint oss\\-cn\\-shanghai.aliyuncs.com
oss\\-cname\\-monitor wait img.example.com \\-\\-to shop\\-img.oss\\-cn\\-shanghai.aliyuncs.com
.EE
.SH SEE ALSO
.BR systemd.service (5),
.BR dig (1)
"""


def page() -> str:
    """Return the page in the man macros of troff."""
    command: Command = typer.main.get_command(app)
    context = typer.Context(command, info_name=NAME)
    title = f'.TH {_text(NAME.upper())} 1 "" "{_text(f"{NAME} {__version__}")}"'
    lines = [
        f'.\\" Made from the commands by "make docs".\n{title}',
        f".SH NAME\n{_text(NAME)} \\- does everybody reach my OSS bucket through its own domain?",
        f".SH SYNOPSIS\n.B {_text(NAME)}\n.I command\n.RI [ options ]",
        _INTRODUCTION.rstrip(),
        ".SH OPTIONS",
        *_parameters(command, context),
        ".SH COMMANDS",
        *_commands(command, context),
        _ENDING,
    ]
    return "\n".join(lines)


def _commands(group: TyperGroup, context: typer.Context, before: str = "") -> Iterator[str]:
    for name in sorted(group.commands):
        command: Command = group.commands[name]
        within = typer.Context(command, info_name=name, parent=context)
        is_group = isinstance(command, TyperGroup)
        if not is_group or command.invoke_without_command:
            yield f".SS {_text(' '.join([before + name, *_operands(command, within)]))}"
            yield from _told(command.help)
            yield from _parameters(command, within)
        if is_group:
            yield from _commands(command, within, f"{before}{name} ")


def _operands(command: Command, context: typer.Context) -> Iterator[str]:
    given = [p for p in command.get_params(context) if p.name != "help"]
    if any(p.param_type_name == "option" and not p.required for p in given):
        yield "[options]"
    for parameter in given:
        if parameter.param_type_name == "argument":
            name = _operand(parameter)
            yield name if parameter.required else f"[{name}]"
        elif parameter.required:
            yield f"{parameter.opts[-1]} {parameter.name.upper()}"


def _operand(parameter: Parameter) -> str:
    name = parameter.metavar or parameter.name.upper().removesuffix("S")
    return f"{name} ..." if parameter.nargs == -1 else name


def _told(text: str) -> Iterator[str]:
    for number, paragraph in enumerate(text.split("\n\n")):
        if number:
            yield ".PP"
        yield _text(" ".join(paragraph.split()))


def _parameters(command: Command, context: typer.Context) -> Iterator[str]:
    for parameter in command.get_params(context):
        if parameter.name == "help" or parameter.hidden:
            continue
        named = _named(parameter)
        told = parameter.get_help_record(context)[1].replace("[required]", "").strip()
        if told:  # an argument may speak for itself
            yield f".TP\n{named}\n{_text(told)}"


def _named(parameter: Parameter) -> str:
    if parameter.param_type_name == "argument":
        return f".I {_text(_operand(parameter))}"
    options = ", ".join(f"\\fB{_text(option)}\\fR" for option in parameter.opts)
    return options if parameter.is_flag else f"{options} \\fI{_text(parameter.name.upper())}\\fR"


def _text(text: str) -> str:
    """Return what troff prints as this text: hyphens that can be copied, and no request."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    return f"\\&{escaped}" if escaped.startswith(".") else escaped


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"{PAGE.name} written\n")
