"""The `config` commands that show, and reading the configuration for all others."""

import json
import os
import sys
from pathlib import Path

import typer

from monitor.cli.exit_codes import Exit
from monitor.cli.refusals import refusal_of
from monitor.config import ConfigError, Settings, effective, example, json_schema, load, parse

DEFAULT_FILE = Path("config.toml")


def settings_of(file: Path | None) -> Settings:
    """Return the settings of the file, of `config.toml` here, or the defaults.

    Raises ConfigError.
    """
    found = file_of(file)
    return load(found, os.environ) if found else parse("", os.environ, source="defaults")


def file_of(given: Path | None) -> Path | None:
    """Return the file that is meant: the given one, or `config.toml` here if there is one."""
    return given or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)


def complain(error: Exception) -> Exit:
    """Print what has to be mended, and return the exit code for it."""
    typer.echo(refusal_of(error) if isinstance(error, OSError) else str(error), err=True)
    return Exit.UNKNOWN


def print_schema() -> Exit:
    return print_json(json_schema())


def print_example() -> Exit:
    sys.stdout.write(example())
    return Exit.OK


def show(file: Path | None) -> Exit:
    try:
        return print_json(effective(settings_of(file)))
    except ConfigError as error:
        return complain(error)


def print_json(document: object) -> Exit:
    json.dump(document, sys.stdout, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")
    return Exit.OK
