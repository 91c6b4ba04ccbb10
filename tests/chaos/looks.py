"""Looks at a daemon from outside, at what its judgement does not cover."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path

import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.chaos.runner import Runner
from tests.chaos.scene import Scene

_PATIENCE = 60.0


async def samples(runner: Runner, metric: str) -> dict[frozenset[tuple[str, str]], float]:
    """Return a metric's samples by their labels."""
    text = (await runner.get("metrics")).text
    return {
        frozenset(sample.labels.items()): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == metric
    }


async def total(runner: Runner, metric: str, **labels: str) -> float:
    """Return the sum of those samples of a metric that have these labels."""
    wanted = labels.items()
    found = await samples(runner, metric)
    return sum(value for having, value in found.items() if wanted <= set(having))


async def newest_answers(scene: Scene) -> dict[str, str]:
    """Return by domain when the newest answer about it came."""
    reply = await scene.runner.get("api/v1/domains?limit=1000")
    reply.raise_for_status()
    return {
        item["domain"]: max((answer["at"] for answer in item["answers"]), default="")
        for item in reply.json()["items"]
    }


@asynccontextmanager
async def meanwhile(looking: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Look on until the block ends; then raise what the look raised, if it did."""
    task = asyncio.ensure_future(looking)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
    if not task.cancelled():
        task.result()


def open_files(runner: Runner) -> int:
    """Return how many descriptors the daemon has."""
    return sum(1 for _ in _proc(runner, "fd").iterdir())


def threads(runner: Runner) -> int:
    """Return how many threads the daemon has."""
    return sum(1 for _ in _proc(runner, "task").iterdir())


def memory(runner: Runner) -> float:
    """Return how much memory the daemon has, in MiB."""
    return _number(runner, "status", "VmRSS:") / 1024


def peak_memory(runner: Runner) -> float:
    """Return the most memory that the daemon ever had, in MiB."""
    return _number(runner, "status", "VmHWM:") / 1024


def cpu_time(runner: Runner) -> float:
    """Return for how long the daemon has had a core, in seconds (proc_pid_stat(5))."""
    fields = _proc(runner, "stat").read_text().rpartition(")")[2].split()
    user, system = int(fields[11]), int(fields[12])
    return (user + system) / os.sysconf("SC_CLK_TCK")


def written(runner: Runner) -> float:
    """Return how much the daemon has had written to disks, in MiB."""
    return _number(runner, "io", "write_bytes:") / 2**20


def catches(pid: int, number: int) -> bool:
    """Tell whether a process has a handler for a signal by now (proc_pid_status(5))."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("SigCgt:"):
            return bool(int(line.split()[1], 16) >> (number - 1) & 1)
    return False


async def latency(runner: Runner) -> float:
    """Return how long the daemon takes to say that it lives, in seconds."""
    began, url = time.monotonic(), f"{runner.url}-/healthy"
    reply = await asyncio.to_thread(requests.get, url, timeout=_PATIENCE)
    reply.raise_for_status()
    return time.monotonic() - began


def _number(runner: Runner, file: str, key: str) -> float:
    for line in _proc(runner, file).read_text().splitlines():
        if line.startswith(key):
            return float(line.split()[1])
    raise KeyError(key)


def _proc(runner: Runner, name: str) -> Path:
    assert runner.process is not None
    return Path(f"/proc/{runner.process.pid}") / name
