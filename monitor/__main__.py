"""`python -m monitor` is the command `oss-cname-monitor`."""

import os
import sys
from pathlib import Path

from monitor.cli import run_command


def main() -> None:
    _open_what_is_closed()
    sys.exit(run_command(sys.argv[1:]))


def _open_what_is_closed() -> None:
    # A service manager may start us without them; then there is nobody to talk to.
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  # for as long as we run
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  # for as long as we run


if __name__ == "__main__":
    main()
