"""`python -m monitor` is the command `oss-cname-monitor`."""

import sys

from monitor.cli import run_command


def main() -> None:
    sys.exit(run_command(sys.argv[1:]))


if __name__ == "__main__":
    main()
