"""`python -m monitor` is the command `oss-cname-monitor`."""

import os
import signal
import sys
from pathlib import Path

from monitor.cli import run_command


def main() -> None:
    _open_what_is_closed()
    _hear_as_process_1()
    sys.exit(run_command(sys.argv[1:]))


def _open_what_is_closed() -> None:
    # A service manager may start us without them; then there is nobody to talk to.
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  # for as long as we run
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  # for as long as we run


def _hear_as_process_1() -> None:
    # The kernel keeps from process 1, which we are in a container, what it has no handler for: who
    # is told to end before the daemon listens would start, and be killed for not having heard.
    if os.getpid() == 1:
        signal.signal(signal.SIGTERM, lambda number, _: os._exit(128 + number))


if __name__ == "__main__":
    main()
