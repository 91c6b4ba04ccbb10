"""Whether the daemon of this machine is well, as its own listener says."""

import http.client
import ssl
from dataclasses import dataclass
from pathlib import Path

_TIMEOUT = 5.0  # seconds


@dataclass(frozen=True, slots=True)
class OwnListener:
    """Where it listens; `certificate_file` is ours with its key, where it demands one."""

    host: str
    port: int
    is_tls: bool
    certificate_file: Path | None = None


def ailment_of(listener: OwnListener, path: str) -> str | None:
    """Return why what stands at the path is not well; None where it is."""
    connection = _connection(listener)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
    except (OSError, http.client.HTTPException) as error:
        told = str(error) or type(error).__name__
        return (
            f"{listener.host}:{listener.port}: {told}\n"
            "  hint: does the daemon run, with the daemon.listen of this configuration?"
        )
    finally:
        connection.close()
    return None if response.status == http.client.OK else f"{path}: status {response.status}"


def _connection(listener: OwnListener) -> http.client.HTTPConnection:
    if not listener.is_tls:
        return http.client.HTTPConnection(listener.host, listener.port, timeout=_TIMEOUT)
    # Its certificate is for the names by which others reach it. We show it no secret.
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if listener.certificate_file:
        context.load_cert_chain(listener.certificate_file)
    return http.client.HTTPSConnection(
        listener.host, listener.port, timeout=_TIMEOUT, context=context
    )
