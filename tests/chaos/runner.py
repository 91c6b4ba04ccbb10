"""The daemon as a process of its own: started, signalled, killed and started again."""

import asyncio
import json
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.chaos.judging import Report
from tests.cli.commands import Finished, environment, run
from tests.servers.endpoints import Endpoint, free_endpoint

_PATIENCE = 60.0  # seconds until a process that was told to end counts as stuck
_REPLY = 10.0  # seconds for one reply over HTTP


@dataclass(slots=True)
class Runner:
    """Runs one daemon after another in a folder with a `config.toml`, all at the same place.

    `environ` may be changed between two of them; `lines` is what all of them said so far.
    """

    folder: Path
    environ: dict[str, str]
    at: Endpoint = field(default_factory=free_endpoint)
    process: Process | None = None
    lines: list[str] = field(default_factory=list)
    _reading: list[asyncio.Task[None]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://{self.at}/"

    @property
    def events(self) -> list[dict[str, Any]]:
        """What the daemons have logged."""
        return [json.loads(line) for line in self.lines if line.startswith("{")]

    @property
    def reports(self) -> list[Report]:
        """The records of the audit log of which the daemons' own logs tell."""
        return [
            Report(event["seq"], event["event"].removeprefix("event."), "the daemon's log")
            for event in self.events
            if "seq" in event
        ]

    async def start(self, more: Mapping[str, str] | None = None) -> None:
        """Start a daemon and wait for nothing."""
        assert self.process is None, "one at a time"
        self.process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "monitor", "run", "-c", "config.toml",
            cwd=self.folder, env=environment({**self.environ, **(more or {})}),
            stdout=DEVNULL, stderr=PIPE,
        )  # fmt: skip
        assert self.process.stderr is not None
        reading = collect(self.process.stderr, self.lines)
        self._reading.append(asyncio.ensure_future(reading))

    async def end(self, number: signal.Signals) -> int:
        """Signal the daemon, wait for its end, and return how it ended."""
        assert self.process is not None
        self.process.send_signal(number)
        return await self.ended()

    async def kill(self) -> None:
        assert self.process is not None
        with suppress(ProcessLookupError):  # told to end before, it may be quicker
            self.process.kill()
        await self.ended()

    async def ended(self) -> int:
        """Wait for the daemon to end by itself, and return how it ended."""
        assert self.process is not None
        code = await asyncio.wait_for(self.process.wait(), _PATIENCE)
        await asyncio.gather(*self._reading)
        self._reading.clear()
        self.process = None
        return code

    async def close(self) -> None:
        """End what runs, and leave in the folder what was said: see `run.run_all`."""
        if self.process is not None:
            await self.kill()
        (self.folder / "daemon.log").write_text("\n".join(self.lines))

    async def get(self, path: str) -> requests.Response:
        return await asyncio.to_thread(requests.get, self.url + path, timeout=_REPLY)

    async def is_ready(self) -> bool:
        try:
            return (await self.get("-/ready")).ok
        except requests.RequestException:
            return False

    async def command(self, *words: str) -> Finished:
        """Run a command beside the daemon, or without one."""
        return await asyncio.to_thread(run, *words, at=self.folder, environ=self.environ)


async def collect(stream: asyncio.StreamReader, lines: list[str]) -> None:
    """Add what a process says to the lines, until it ends."""
    async for line in stream:
        lines.append(line.decode(errors="replace").rstrip())  # noqa: PERF401  # it is read while it grows
