"""One scrape of a large fleet beside the client library's way: CPU, memory, pauses of the loop.

Each way runs in a process of its own, so that the memory of one is not the other's.
"""

import argparse
import asyncio
import contextlib
import gc
import multiprocessing
import re
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Self

import requests
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from rich.console import Console
from rich.table import Table
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from benchmarks.fleets import fleet
from monitor.core.state import DomainState
from monitor.entrypoints.metrics import StateMetrics
from monitor.entrypoints.series.doors import Said, Ttls, said_of
from monitor.entrypoints.web.exposition import exposed
from monitor.entrypoints.web.server import WebServer
from monitor.usecases.snapshot import Snapshot

_IDLE = 100e-6  # a turn in which nobody else did anything takes less
# Reads all that an address serves, in another process: its work is not the daemon's.
READER = """
import sys, urllib.request
asked = urllib.request.Request(sys.argv[1], headers={"accept-encoding": sys.argv[2]})
print("ready", flush=True)
sys.stdin.readline()
with urllib.request.urlopen(asked) as reply:
    print(sum(len(block) for block in iter(lambda: reply.read(1 << 16), b"")))
"""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one scrape cost: seconds of CPU, MiB beyond what was there before, seconds at once."""

    way: str
    series: int
    size: int
    cpu: float
    memory: float
    longest: float

    @property
    def per_series(self) -> float:
        """Microseconds of CPU."""
        return self.cpu / self.series * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--domains", type=int, default=30_000)
    parser.add_argument("--resolvers", type=int, default=10)
    parser.add_argument("--small", action="store_true", help="only show that it runs")
    options = parser.parse_args()
    domains, resolvers = (50, 4) if options.small else (options.domains, options.resolvers)
    fewer = max(1, domains // 10)  # the library's way would take minutes and gigabytes
    measured = [
        _apart(streamed, domains, resolvers),
        _apart(state_alone, domains, resolvers),
        _apart(with_library, fewer, resolvers),
        _apart(over_http, domains, resolvers, "identity"),
        _apart(over_http, domains, resolvers, "gzip"),
    ]
    _show(measured)


def streamed(domains: int, resolvers: int) -> Measured:
    """Write all pieces and drop them."""
    snapshot = fleet(domains, resolvers)
    metrics = StateMetrics(lambda: snapshot, sys.maxsize)
    series = size = 0
    longest = 0.0
    with _Meter() as meter:
        began = time.thread_time()
        for piece in metrics.pieces(generate_latest):
            size += len(piece.encode())
            ended = time.thread_time()
            longest, began = max(longest, ended - began), ended
    for piece in metrics.pieces(generate_latest):
        series += piece.count("\n") - piece.count("\n#") - piece.startswith("#")
    return Measured("streamed", series, size, meter.cpu, meter.memory, longest)


def state_alone(domains: int, resolvers: int) -> Measured:
    """Ask the state of each pair what a scrape asks of it, and write nothing."""
    snapshot = fleet(domains, resolvers)
    with _Meter() as meter:
        pairs = sum(len(ttls) for _, _, ttls in _said(snapshot))
    series = 3 * pairs + 4 * domains
    return Measured("of it, the state of pairs", series, 0, meter.cpu, meter.memory, 0)


def _said(snapshot: Snapshot) -> Iterator[tuple[DomainState, Said, Ttls]]:
    """Return all that is said of pairs, asked for as many domains at once as a scrape does."""
    domains = iter(snapshot.state.domains.values())
    while batch := list(islice(domains, 100)):
        yield from said_of(snapshot, batch)


def with_library(domains: int, resolvers: int) -> Measured:
    """Write the families of pairs as a collector of the client library does, in one go."""
    snapshot = fleet(domains, resolvers)
    registry = CollectorRegistry()
    registry.register(_Pairs(snapshot))
    with _Meter() as meter:
        text = generate_latest(registry)
    series = text.count(b"\noss_")
    return Measured("prometheus_client", series, len(text), meter.cpu, meter.memory, meter.cpu)


def over_http(domains: int, resolvers: int, encoding: str) -> Measured:
    """Serve one scrape, and look how long the loop is away from a task that always wants it."""
    snapshot = fleet(domains, resolvers)
    return asyncio.run(_serve_one(snapshot, encoding))


async def _serve_one(snapshot: Snapshot, encoding: str) -> Measured:
    shown = fleet(1, 1)
    metrics = StateMetrics(lambda: shown, sys.maxsize)

    async def answer(request: Request) -> Response:
        return await exposed(CollectorRegistry(), metrics.pieces, request)

    server = WebServer(Starlette(routes=[Route("/metrics", answer)]), "127.0.0.1", 0)
    host, port = await server.start()
    url = f"http://{host}:{port}/metrics"
    await asyncio.to_thread(requests.get, url, timeout=10)  # the first one imports this and that
    shown = snapshot
    command = [sys.executable, "-c", READER, url, encoding]
    reader = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    assert reader.stdin is not None
    assert reader.stdout is not None
    await reader.stdout.readline()
    pauses = _Pauses()
    with _Meter() as meter:
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(pauses.watch())
            reader.stdin.write(b"\n")
            size = int(await reader.stdout.readline())
            watching.cancel()
    await reader.wait()
    await server.stop()
    series = len(snapshot.state.domains) * (3 * len(snapshot.resolvers) + 4)
    cpu = meter.cpu - pauses.idle
    return Measured(f"HTTP, {encoding}", series, size, cpu, meter.memory, pauses.longest)


class _Pauses:
    """A task that wants every turn of the loop; `longest` is what was computed between two.

    Computed, not waited: what other processes do on the same cores is not the scrape's doing.
    """

    longest = 0.0
    idle = 0.0  # what it computed itself while nobody else wanted a turn

    async def watch(self) -> None:
        while True:
            began = time.thread_time()
            await asyncio.sleep(0)
            took = time.thread_time() - began
            self.longest = max(self.longest, took)
            if took < _IDLE:
                self.idle += took


class _Pairs(Collector):
    """The families of pairs as they were before they were streamed."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        in_effect = GaugeMetricFamily("oss_e", ".", labels=["domain", "bucket", "resolver"])
        said = GaugeMetricFamily("oss_v", ".", labels=["domain", "resolver", "verdict"])
        ttls = GaugeMetricFamily("oss_t", ".", labels=["domain", "resolver"])
        for domain, of_pairs, shown in _said(self._snapshot):
            name, bucket = domain.domain.text, domain.binding.bucket if domain.binding else ""
            for resolver, verdict, is_in_effect, ttl in zip(*of_pairs, shown, strict=True):
                said.add_metric([name, resolver, verdict], 1)
                if is_in_effect is not None:
                    in_effect.add_metric([name, bucket, resolver], is_in_effect)
                if ttl is not None:
                    ttls.add_metric([name, resolver], ttl)
        yield from (in_effect, said, ttls)


class _Meter(contextlib.AbstractContextManager["_Meter"]):
    """CPU of the process, and how much higher its memory rose than where it began."""

    cpu = 0.0
    memory = 0.0

    def __enter__(self) -> Self:
        gc.collect()
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        self._rss = _mebibytes("VmRSS")
        self._cpu = time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.cpu = time.process_time() - self._cpu
        self.memory = _mebibytes("VmHWM") - self._rss


def _mebibytes(key: str) -> float:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (kibibytes,) = re.findall(rf"^{key}:\s+(\d+) kB", status, re.MULTILINE)
    return int(kibibytes) / 1024


def _apart(measure: Callable[..., Measured], *arguments: object) -> Measured:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(measure, arguments)


def _show(measured: Sequence[Measured]) -> None:
    columns = ("", "series", "MB", "CPU s", "us/series", "extra MiB", "longest ms", "x library")
    table = Table(*columns, box=None)
    library = next(m.per_series for m in measured if m.way == "prometheus_client")
    for m in measured:
        cells = (f"{m.size / 1e6:.1f}", f"{m.cpu:.3f}", f"{m.per_series:.2f}", f"{m.memory:.0f}")
        ratio = f"{m.per_series / library:.3f}"
        table.add_row(m.way, str(m.series), *cells, f"{m.longest * 1e3:.1f}", ratio)
    console = Console(width=100)
    console.print(table)
    console.print("longest: CPU of one piece; over HTTP, of all between two turns of another task")


if __name__ == "__main__":
    main()
