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
    _end_while_loading(sys.argv[1:])
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


def _end_while_loading(arguments: Sequence[str]) -> None:
    """Have a signal end us at once that comes before the daemon, or the worker, listens to it."""
    if os.getpid() == 1:
        # The kernel keeps from it, which we are in a container, what it has no handler for.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _: os._exit(128 + number))
    elif _LASTING.intersection(arguments[:1]):
        # Python's own way is an exception, which whoever is being loaded may pass over.
        signal.signal(signal.SIGINT, signal.SIG_DFL)


if __name__ == "__main__":
    main()
