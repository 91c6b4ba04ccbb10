"""SIGHUP before a process has begun to work: while Python loads what it needs."""

import asyncio
import signal
import subprocess
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

from tests.cli.commands import Finished, environment
from tests.servers.endpoints import free_endpoint
from tests.whole.shop import eventually

# Hangs up on itself while the first of the libraries is looked for.
_HANGING_UP = """
import os, signal, sys

signal.signal(signal.SIGHUP, signal.SIG_DFL)  # whoever runs the tests may have it ignored

class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "typer":
            os.kill(os.getpid(), signal.SIGHUP)

sys.meta_path.insert(0, Finder())
from monitor.__main__ import main
main()
"""


def hung_up(*arguments: str, at: Path) -> Finished:
    """Run a command that is hung up on while it loads."""
    done = subprocess.run(
        [sys.executable, "-c", _HANGING_UP, *arguments],
        cwd=at,
        env=environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    return Finished(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize("command", ["run", "worker"])
def test_a_hangup_while_it_loads_does_not_end_what_is_to_last(
    command: str, tmp_path: Path
) -> None:
    done = hung_up(command, "-c", "missing.toml", at=tmp_path)
    assert (done.code, "missing.toml" in done.err) == (3, True), "it went on to its configuration"


def test_a_hangup_ends_what_a_person_waits_for(tmp_path: Path) -> None:
    assert hung_up("check", "--help", at=tmp_path).code == -signal.SIGHUP


async def test_a_worker_that_is_hung_up_on_says_that_it_needs_a_restart(tmp_path: Path) -> None:
    (tmp_path / "worker.toml").write_text(
        f'[distributed]\nnats_url = "nats://{free_endpoint()}"\nvantage = "here"\n'
    )
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "monitor", "worker", "-c", "worker.toml"),
        cwd=tmp_path, env=environment(), stdout=PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert worker.stdout is not None
    said = bytearray()

    async def collect(stream: asyncio.StreamReader) -> None:
        async for line in stream:
            said.extend(line)

    def is_said(event: bytes) -> bool:
        return event in said

    async with asyncio.TaskGroup() as group:
        group.create_task(collect(worker.stdout))
        try:

            async def has_started() -> bool:
                return is_said(b"worker.started")

            async def has_answered() -> bool:
                return is_said(b"worker.not_reloaded")

            await eventually(has_started)
            worker.send_signal(signal.SIGHUP)
            await eventually(has_answered)
            worker.terminate()
            assert await asyncio.wait_for(worker.wait(), timeout=60) == 0
        finally:
            if worker.returncode is None:
                worker.kill()
                await worker.wait()
