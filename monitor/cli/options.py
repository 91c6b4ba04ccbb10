"""Options that most commands have."""

from pathlib import Path
from typing import Annotated

import typer

CONFIG_VARIABLE = "OSS_CNAME_MONITOR_CONFIG"

ConfigOption = Annotated[
    Path | None,
    typer.Option("-c", "--config", envvar=CONFIG_VARIABLE, help="The configuration, in TOML."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="One JSON document on standard output.")]
