"""Exporters that probe when they are scraped: started on loopback, scraped over HTTP.

What they cost is the CPU of the exporter's process. The scraper runs on other cores, where there
are any, so that the exporter has its own to itself.
"""

import asyncio
import contextlib
import http.client
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from benchmarks.task import HOST, Ask, Tally, Task, report_rounds, told

SCRAPERS = 8
PATIENCE = 30.0


class Exporter(Protocol):
    """What differs between exporters."""

    checked: str

    def command(self, task: Task, port: int, folder: Path) -> list[str]:
        """Return how it is started on that port; what it reads may be written into the folder."""

    def path(self, number: int, port: int) -> str:
        """Return what to scrape so that it asks that resolver for that name."""

    def note(self, number: int, page: str, tally: Tally) -> None:
        """Read a page and note what it says about the name."""


def report(exporter: Exporter) -> None:
    """Do the task that the command line sets by an exporter in a process of its own."""
    task, port = told(), _free_port()
    with (
        tempfile.TemporaryDirectory() as folder,
        _started(exporter.command(task, port, Path(folder))) as process,
    ):
        _leave_the_core_to_it()
        _wait_for(port, process)
        ask = _asking(exporter, port)
        asyncio.run(report_rounds(task, ask, exporter.checked, process.pid))


def _asking(exporter: Exporter, port: int) -> Ask:
    async def ask(task: Task) -> Tally:
        tally, waiting = Tally(task), iter(list(task.pairs()))  # threads may share this iterator

        def scrape_on(_: int) -> None:
            connection = http.client.HTTPConnection(HOST, port, timeout=PATIENCE)
            for number, resolver in waiting:
                connection.request("GET", exporter.path(number, resolver))
                exporter.note(number, connection.getresponse().read().decode(), tally)
            connection.close()

        with ThreadPoolExecutor(SCRAPERS) as pool:
            list(pool.map(scrape_on, range(SCRAPERS)))
        return tally

    return ask


@contextmanager
def _started(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:  # noqa: S603
        try:
            yield process
        finally:
            process.terminate()


def _leave_the_core_to_it() -> None:
    others = set(range(os.cpu_count() or 1)) - os.sched_getaffinity(0)
    with contextlib.suppress(OSError):  # there are no others, or this user may not have them
        os.sched_setaffinity(0, others)


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
            return
        time.sleep(0.05)
    raise SystemExit(f"the exporter did not open its port {port}")


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port: int = listener.getsockname()[1]
        return port
