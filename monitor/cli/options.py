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
UrlOption = Annotated[
    str | None,
    typer.Option(envvar="OSS_CNAME_MONITOR_URL", help="The daemon; default: as configured."),
]
TokenFileOption = Annotated[
    Path | None,
    typer.Option(envvar="OSS_CNAME_MONITOR_TOKEN_FILE", help="Where the token for it is."),
]
CaFileOption = Annotated[
    Path | None,
    typer.Option(envvar="OSS_CNAME_MONITOR_CA_FILE", help="Who signed its certificate, in PEM."),
]
CertFileOption = Annotated[
    Path | None,
    typer.Option(
        envvar="OSS_CNAME_MONITOR_CERT_FILE", help="Your certificate with its key, in PEM."
    ),
]
