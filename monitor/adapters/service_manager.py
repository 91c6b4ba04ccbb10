"""The service manager that started the process, such as systemd, by the protocol of sd_notify(3).

Nothing is said where nobody gave us a socket for it: on a terminal, in a container.
"""

import os
import socket
import time
from collections.abc import Mapping
from datetime import timedelta

import structlog

log = structlog.get_logger()

# Seconds. Few datagrams fit into the manager's queue, and one that is lost may have us killed; but
# whoever is busy for longer than this is not worth standing still for.
_LONGEST_WAIT = 0.5


class ServiceManager:
    """Tells the service manager how the process stands; never raises."""

    def __init__(self, address: str = "", patience: timedelta | None = None) -> None:
        """Take the socket's address, and after how long a silence we would be restarted."""
        self._address = address
        self.patience = patience if address else None

    @classmethod
    def of(cls, environ: Mapping[str, str]) -> "ServiceManager":
        """Return the one that this environment names, or one to whom nothing is said."""
        address = environ.get("NOTIFY_SOCKET", "")
        if address and address[0] not in "/@":
            log.warning("service_manager.address_unknown", address=address)
            return cls()
        return cls(address, _patience(environ))

    def say(self, status: str) -> None:
        """Show a line to whoever asks how the service is."""
        self._send(_status(status))

    def ready(self, status: str) -> None:
        """Tell that the start, or a reload, is done."""
        self._send("READY=1", _status(status))

    def reloading(self, status: str) -> None:
        # The instant tells a reload that was just asked for from one before it.
        now = time.monotonic_ns() // 1000
        self._send("RELOADING=1", f"MONOTONIC_USEC={now}", _status(status))

    def stopping(self, status: str) -> None:
        self._send("STOPPING=1", _status(status))

    def alive(self) -> None:
        """Give the sign of life that is waited for."""
        self._send("WATCHDOG=1")

    def _send(self, *assignments: str) -> None:
        if not self._address:
            return
        # Linux writes the zero octet that begins an abstract address as an @ in the environment.
        address = self._address.replace("@", "\0", 1) if self._address[0] == "@" else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
                line.settimeout(_LONGEST_WAIT)
                line.sendto("\n".join(assignments).encode(), address)
        except OSError as error:
            log.warning("service_manager.unreachable", error=str(error), unsaid=assignments)


def _status(text: str) -> str:
    """Return the status as one line: another line would be another assignment."""
    return f"STATUS={' '.join(text.split())}"


def _patience(environ: Mapping[str, str]) -> timedelta | None:
    pid, span = environ.get("WATCHDOG_PID", ""), environ.get("WATCHDOG_USEC", "")
    if (pid and pid != str(os.getpid())) or not span.isdecimal():
        return None  # another process of the service is watched, or none
    return timedelta(microseconds=int(span)) or None
