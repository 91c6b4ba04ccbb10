"""How a command reaches a running daemon: where, with which token, trusting whom."""

import os
from dataclasses import dataclass
from pathlib import Path

from monitor.adapters.daemon_api import DaemonAt
from monitor.cli.speaking import UsageFault
from monitor.config import Settings, url_of_option, web_of

TOKEN_VARIABLE = "OSS_CNAME_MONITOR_TOKEN"  # noqa: S105 - its name


@dataclass(frozen=True, slots=True)
class Reach:
    """What the options say; None where the configuration has to."""

    url: str | None = None
    token_file: Path | None = None
    ca_file: Path | None = None
    certificate_file: Path | None = None


def daemon_of(reach: Reach, settings: Settings) -> DaemonAt:
    """Return where the daemon is. Raises UsageFault or ConfigError."""
    for file in (reach.ca_file, reach.certificate_file):
        if file is not None and not file.is_file():
            raise UsageFault(f"{file}: there is no such file")
    url = url_of_option("--url", reach.url) if reach.url else _url_of(settings)
    return DaemonAt(
        url if url.endswith("/") else f"{url}/",
        _token(reach.token_file),
        reach.ca_file,
        reach.certificate_file,
    )


def _url_of(settings: Settings) -> str:
    is_tls = web_of(settings).tls_server_config is not None
    if is_tls and settings.daemon.external_url:
        return settings.daemon.external_url  # by a name that its certificate has
    return settings.daemon.listen.from_here.url(is_tls=is_tls)


def _token(file: Path | None) -> str:
    if file is None:
        return os.environ.get(TOKEN_VARIABLE, "").strip()
    try:
        token = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise UsageFault(f"--token-file: {file} cannot be read: {reason}") from None
    if not token:
        raise UsageFault(f"--token-file: {file} is empty")
    return token
