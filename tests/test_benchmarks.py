"""Benchmarks are no timed tests: here they only have to run."""

import asyncio
import re
import shutil
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from tests.cli.commands import environment
from tests.servers.postgresql import Postgresql

ROOT = Path(__file__).parent.parent

needs_a_compiler = pytest.mark.skipif(
    shutil.which("cc") is None, reason="the responder and the floor are C programs"
)


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


@needs_a_compiler
async def test_the_duel_runs_on_a_small_size_with_whoever_is_installed() -> None:
    out = await _said("duel.py", "--small", "--repeats=1", "--venv=/nonexistent")
    for row in ("C, send and recv alone", "ours, cold", "ours, steady", "ours, first look"):
        assert _wrong(out, row) == 0
    assert "dnspython, asyncquery" in out


@needs_a_compiler
async def test_the_duel_sees_each_wrong_answer() -> None:
    who = ("--only", "ours", "asyncquery")
    out = await _said("duel.py", "--small", "--repeats=1", "--lie=1000", *who)
    assert _wrong(out, "ours, cold") == 400
    assert _wrong(out, "dnspython, asyncquery") == 400


@needs_a_compiler
async def test_the_benchmark_of_growth_runs_on_a_small_size() -> None:
    out = await _said("growth.py", "--sizes", "10", "20", "--resolvers=2")
    assert "20 domains against 10" in out


@needs_a_compiler
async def test_the_benchmark_of_growth_says_whether_memory_is_flat() -> None:
    out = await _said("growth.py", "--sizes", "20", "--resolvers=2", "--rounds=2", "--change=50")
    assert "2 rounds of 40 pairs" in out
    assert re.search(r"resident memory, MiB: (NOT )?flat", out)


async def test_the_benchmark_of_a_start_runs_on_a_small_size() -> None:
    out = await _said("starting.py", "--sizes", "10", "--resolvers=2", "--repeats=1")
    assert re.search(r"^ *10 +[0-9.]+ +[0-9.]+ +[0-9.]+ *$", out, re.MULTILINE)


async def test_the_benchmark_of_storing_loses_nothing_on_a_small_size(
    shared_postgresql: Postgresql,
) -> None:
    url = shared_postgresql.fresh()
    out = await _said("storing.py", "--small", "--repeats=1", f"--postgresql={url}")
    assert "all verdicts, states and events were found" in out


@needs_a_compiler
async def test_the_soak_runs_for_a_moment() -> None:
    out = await _said("soak.py", "--minutes=0.03", "--domains=10", "--resolvers=2", "--every=0.5")
    assert "0 when all was over" in out


async def _said(benchmark: str, *options: str) -> str:
    command = await asyncio.create_subprocess_exec(
        sys.executable, f"benchmarks/{benchmark}", *options,
        cwd=ROOT, env=environment(), stdout=PIPE, stderr=PIPE,
    )  # fmt: skip
    out, err = await asyncio.wait_for(command.communicate(), timeout=100)
    assert command.returncode == 0, err.decode()
    return out.decode()


def _wrong(table: str, row: str) -> int:
    """Return what stands in the column before the last one."""
    (line,) = (line for line in table.splitlines() if line.strip().startswith(f"{row}  "))
    *_, wrong, _ = re.split(r"  +", line.strip())
    return int(wrong.replace(",", ""))


async def test_the_benchmark_of_pages_runs_on_a_small_size() -> None:
    out = await _said("pages.py", "--small")
    assert "/resolvers" in out
