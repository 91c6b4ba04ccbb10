"""How long a reader waits for each page of a large fleet while a round is under way.

The round is spread over a minute, as the daemon spreads it. The first octet's time is taken by
another process over loopback; beside it that of a small file from the same server, which tells
what waiting for the event loop alone costs.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

from prometheus_client import CollectorRegistry
from rich.console import Console
from rich.table import Table

from benchmarks.daemon import Daemon, opened_daemon
from benchmarks.responding import core, responding, run_on
from benchmarks.settled import settled_database
from monitor.adapters.telemetry.counters import PrometheusTelemetry
from monitor.assembly.reporting import StoredReports
from monitor.core.tracking.changes import Change
from monitor.entrypoints.web.access import OPEN_TO_THIS_MACHINE
from monitor.entrypoints.web.app import create_app
from monitor.entrypoints.web.feed import Feed
from monitor.entrypoints.web.gate import Access
from monitor.entrypoints.web.passwords import Passwords
from monitor.entrypoints.web.refusals import Refusals
from monitor.entrypoints.web.server import WebServer
from monitor.entrypoints.web.site import Site
from monitor.entrypoints.web.tokens import TokenRing
from monitor.usecases.announce import Announcement
from monitor.usecases.snapshot import Snapshot

A_ROUND = timedelta(minutes=1)
GOAL = 0.1  # seconds until the first octet of the overview
SMALL_FILE = "/static/icon.svg"

_READER = """
import http.client, json, sys, time
port, turns, paths = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
found = {path: [] for path in paths}
for turn in range(turns):
    for path in paths:
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        line.connect()
        began = time.perf_counter()
        line.request("GET", path)
        reply = line.getresponse()
        reply.read(1)
        found[path].append(time.perf_counter() - began)
        assert reply.status == 200, (path, reply.status)
        reply.read()
        line.close()
print(json.dumps(found))
"""


def main() -> None:
    """Measure as the command line says, and show what each page costs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--domains", type=int, default=10_000)
    parser.add_argument("--resolvers", type=int, default=10)
    parser.add_argument("--turns", type=int, default=30)
    parser.add_argument("--small", action="store_true", help="only show that it runs")
    options = parser.parse_args()
    if options.small:
        options.domains, options.resolvers, options.turns = 50, 2, 2
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        database = settled_database(options.domains, options.resolvers, place, place)
        with responding(options.resolvers, {"seconds": 3600}) as responder:
            run_on(core(0))
            ports = responder.ports
            idle, busy = asyncio.run(_measured(database, ports, options.turns))
    _show(options.domains, idle, busy)


async def _measured(
    database: Path, ports: Sequence[int], turns: int
) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    async with AsyncExitStack() as stack:
        daemon = await stack.enter_async_context(opened_daemon(database, ports))
        web = WebServer(create_app(_site(daemon)), "127.0.0.1", 0)
        _, port = await web.start()
        stack.push_async_callback(web.stop)
        await daemon.rounds.of_resolvers()
        name = next(iter(daemon.rounds.ledger.state.domains)).text
        paths = ["/", "/?q=1", "/changes", f"/domains/{name}", "/resolvers", SMALL_FILE]
        idle = await _read(port, turns, paths)
        async with asyncio.TaskGroup() as group:
            rounds = group.create_task(_round_after_round(daemon))
            busy = await _read(port, turns, paths)
            rounds.cancel()
    return idle, busy


async def _round_after_round(daemon: Daemon) -> None:
    while True:
        await daemon.rounds.of_resolvers(over=A_ROUND)


async def _read(port: int, turns: int, paths: Sequence[str]) -> dict[str, list[float]]:
    command = [sys.executable, "-c", _READER, str(port), str(turns), *paths]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    out, _ = await process.communicate()
    assert process.returncode == 0, "the reader failed"
    found: dict[str, list[float]] = json.loads(out)
    return found


def _site(daemon: Daemon) -> Site:
    rounds, store = daemon.rounds, daemon.store
    telemetry = PrometheusTelemetry(CollectorRegistry())
    refusals = Refusals(telemetry.refused, rounds.clock.now)

    def snapshot() -> Snapshot:
        now, state = rounds.clock.now(), rounds.ledger.state
        return Snapshot(now, state, rounds.panel.resolvers, latest=rounds.sweeper)

    return Site(
        snapshot=snapshot,
        history=store.history,
        changes=store,
        feed=Feed(store.records, 10, telemetry),
        reports=StoredReports(store, lambda: rounds.panel.resolvers),
        announce=_refuse,
        registry=daemon.registry,
        state_metrics=lambda _: iter(()),
        is_ready=lambda: True,
        is_keeping=lambda: True,
        reload=_nothing,
        access=Access(lambda: OPEN_TO_THIS_MACHINE, Passwords(), TokenRing(), refusals),
    )


async def _refuse(_announcement: Announcement) -> Change:
    raise NotImplementedError


async def _nothing() -> tuple[str, ...]:
    return ()


def _show(domains: int, idle: dict[str, list[float]], busy: dict[str, list[float]]) -> None:
    table = Table(title=f"Time to the first octet, {domains:,} domains")
    for heading in ("page", "idle, ms", "in a round", "19 of 20 below", "× small file"):
        table.add_column(heading, no_wrap=True, justify="left" if heading == "page" else "right")
    file = statistics.median(busy[SMALL_FILE])
    for path, times in busy.items():
        usual = statistics.median(times)
        most = statistics.quantiles(times, n=20, method="inclusive")[-1]
        table.add_row(
            path,
            f"{1000 * statistics.median(idle[path]):.1f}",
            f"{1000 * usual:.1f}",
            f"{1000 * most:.1f}",
            f"{usual / file:.1f}",
        )
    console = Console()
    console.print(table)
    console.print(f"goal of the overview beside a round: {1000 * GOAL:.0f} ms")


if __name__ == "__main__":
    main()
