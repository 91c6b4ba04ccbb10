"""`python -m monitor` is the command `oss-cname-monitor`."""

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

# Of these, service managers and tools ask by SIGHUP to take the configuration anew.
_LASTING = frozenset({"run", "worker"})


def main() -> None:
    _open_what_is_closed()
    _hear_as_process_1()
    _outlive_hangups(sys.argv[1:])
    # Loading takes half a second, for which a hangup would still be the end.
    from monitor.cli import run_command  # noqa: PLC0415

    sys.exit(run_command(sys.argv[1:]))


def _open_what_is_closed() -> None:
    # A service manager may start us without them; then there is nobody to talk to.
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  # for as long as we run
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  # for as long as we run


def _outlive_hangups(arguments: Sequence[str]) -> None:
    """Pass over those that come before the configuration is read: it is read as it is then."""
    if _LASTING.intersection(arguments[:1]):
        signal.signal(signal.SIGHUP, signal.SIG_IGN)


def _hear_as_process_1() -> None:
    # The kernel keeps from process 1, which we are in a container, what it has no handler for: who
    # is told to end before the daemon listens would start, and be killed for not having heard.
    if os.getpid() == 1:
        signal.signal(signal.SIGTERM, lambda number, _: os._exit(128 + number))


if __name__ == "__main__":
    main()
