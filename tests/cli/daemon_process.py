"""The daemon in a process of its own, on the embedded world."""

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from monitor.demo.ports import free_port
from monitor.demo.world import World
from tests.cli.commands import environment


@dataclass(slots=True)
class Running:
    """A daemon in a process of its own, and what it has said so far."""

    process: Process
    url: str
    lines: list[str]

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines if line.startswith("{")]

    async def is_ready(self) -> bool:
        try:
            answer = await asyncio.to_thread(requests.get, self.url + "-/ready", timeout=30)
        except requests.ConnectionError:
            return False
        return answer.status_code == 200

    async def end(self, number: signal.Signals) -> int:
        self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), timeout=60)


@asynccontextmanager
async def running(
    world: World,
    folder: Path,
    more: Mapping[str, str] | None = None,
    change: Callable[[str], str] = str,
) -> AsyncIterator[Running]:
    """Run the daemon on the world; it is ended with the block if it still lives.

    `more` goes into its environment; `change` may alter its configuration first.
    """
    port = free_port(["127.0.0.1"])
    text = world.config_text(f"127.0.0.1:{port}", str(folder / "shop.db"))
    (folder / "config.toml").write_text(change(text))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "monitor", "run",
        cwd=folder, env=environment({**world.environ, **(more or {})}), stdout=PIPE, stderr=PIPE,
    )  # fmt: skip
    assert process.stderr is not None
    lines: list[str] = []
    async with asyncio.TaskGroup() as group:
        group.create_task(_collect(process.stderr, lines))
        try:
            yield Running(process, f"http://127.0.0.1:{port}/", lines)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def _collect(stream: asyncio.StreamReader, lines: list[str]) -> None:
    async for line in stream:
        lines.append(line.decode().rstrip())  # noqa: PERF401  # tests read it while it grows
