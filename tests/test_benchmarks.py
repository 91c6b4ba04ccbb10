"""Benchmarks are no timed tests: here they only have to run."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

from tests.cli.commands import environment

ROOT = Path(__file__).parent.parent


async def test_the_benchmark_of_rounds_runs_on_a_small_size() -> None:
    command = await asyncio.create_subprocess_exec(
        sys.executable, "benchmarks/rounds.py", "--domains=5", "--resolvers=2", "--rounds=1",
        cwd=ROOT, env=environment(), stdout=PIPE, stderr=PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(command.communicate(), timeout=60)
    assert command.returncode == 0, err.decode()
    assert b"daemon, round 1" in out
    assert b"peak memory" in out


async def test_the_benchmark_of_a_scrape_runs_on_a_small_size() -> None:
    command = await asyncio.create_subprocess_exec(
        sys.executable, "benchmarks/scrape.py", "--small",
        cwd=ROOT, env=environment(), stdout=PIPE, stderr=PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(command.communicate(), timeout=60)
    assert command.returncode == 0, err.decode()
    assert b"streamed" in out
    assert b"HTTP, gzip" in out
