"""A start of the whole daemon, from exec to its first question, on a database where all is known.

The domains are of an account that cannot be reached, so that its bindings are those in the store.
Nobody answers, and the first question ends the start.
"""

import argparse
import os
import select
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from benchmarks.expected import ZONE
from benchmarks.resources import mebibytes
from benchmarks.settled import ROOT, UNUSED_PORT, copy_database, settled_database
from benchmarks.task import HOST
from monitor.core.bindings import CONFIGURED

ACCOUNT = "shop"
LONGEST = 120  # seconds to wait for a question


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds of the clock and of CPU until the first question, and the memory then in MiB."""

    wall: float
    cpu: float
    memory: float


def main() -> None:
    """Measure the sizes that the command line sets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000], help="domains")
    parser.add_argument("--resolvers", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    table = Table("domains", "first question s", "CPU s", "resident MiB", box=None)
    with tempfile.TemporaryDirectory() as folder:
        for domains in options.sizes:
            known = _known(domains, options.resolvers, Path(folder))
            starts = [_start(known, options.resolvers) for _ in range(options.repeats)]
            table.add_row(f"{domains:,}", *(f"{value:.2f}" for value in _median(starts)))
    Console().print(table)


def _known(domains: int, resolvers: int, folder: Path) -> Path:
    """Return a database of domains at rest that an account has bound."""
    database = settled_database(domains, resolvers, folder, folder)
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE account SET name = ?", (ACCOUNT,))
        # A daemon has looked at the configuration too, which binds nothing.
        connection.execute(
            "INSERT INTO account (name, failures, buckets) VALUES (?, '[]', '[]')", (CONFIGURED,)
        )
        for table in ("binding", "domain"):
            connection.execute(
                f"UPDATE {table} SET binding = json_replace(binding, '$.account', ?)",  # noqa: S608
                (ACCOUNT,),
            )
        connection.execute("UPDATE binding SET account = ?", (ACCOUNT,))
    return database


def _start(known: Path, resolvers: int) -> Start:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        asked = [stack.enter_context(_listening()) for _ in range(resolvers)]
        config = folder / "config.toml"
        config.write_text(_configured(folder / "daemon.db", asked), encoding="utf-8")
        copy_database(known, folder / "daemon.db")
        began = time.monotonic()
        with _running(config) as process:
            heard, _, _ = select.select(asked, (), (), LONGEST)
            wall = time.monotonic() - began
            assert heard, f"no question within {LONGEST} seconds"
            return Start(wall, _cpu_seconds(process.pid), mebibytes(pid=process.pid))


@contextmanager
def _listening() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind((HOST, 0))
        yield one


@contextmanager
def _running(config: Path) -> Iterator[subprocess.Popen[bytes]]:
    keys = {"OSS_ACCESS_KEY_ID": "id", "OSS_ACCESS_KEY_SECRET": "secret"}
    environment = {**os.environ, **keys}
    command = [sys.executable, "-m", "monitor", "run", "--config", str(config)]
    with subprocess.Popen(command, cwd=ROOT, env=environment) as process:  # noqa: S603
        try:
            yield process
        finally:
            process.kill()


def _configured(database: Path, resolvers: Sequence[socket.socket]) -> str:
    lines = [
        "[daemon]",
        'listen = "127.0.0.1:0"',
        f'database = "sqlite:///{database}"',
        'log_level = "warning"',
        "[authority]",
        f'servers = {{ "{ZONE}" = ["{HOST}:{UNUSED_PORT}"] }}',
        "[[accounts]]",
        f'name = "{ACCOUNT}"',
        f'endpoint = "http://{HOST}:{UNUSED_PORT}"',
        'region = "cn-hangzhou"',
    ]
    for number, one in enumerate(resolvers):
        lines += ["[[resolvers]]", f'name = "resolver-{number}"', f'address = "{HOST}"']
        lines += [f"port = {one.getsockname()[1]}"]
    return "\n".join(lines)


def _cpu_seconds(pid: int) -> float:
    """Return the user and system time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    user, system = fields[11:13]  # proc_pid_stat(5): the 14th and 15th of all
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _median(starts: Sequence[Start]) -> Iterator[float]:
    for name in ("wall", "cpu", "memory"):
        yield median(getattr(start, name) for start in starts)


if __name__ == "__main__":
    main()
