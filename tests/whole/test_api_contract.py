"""The API against its own description: what schemathesis thinks of is answered as described."""

import asyncio
import sys
from asyncio.subprocess import PIPE, STDOUT
from pathlib import Path

import pytest

from monitor.entrypoints.web.app import create_app
from monitor.entrypoints.web.server import WebServer
from tests.entrypoints.web.worlds import site_of
from tests.whole.shop import open_shop

SETTINGS = Path(__file__).with_name("schemathesis.toml")
EVENTS = "/api/v1/events"


async def complaints(url: str, folder: Path, *options: str) -> tuple[int, str]:
    """Return how a run of schemathesis ended, and what it said."""
    command = await asyncio.create_subprocess_exec(
        str(Path(sys.executable).with_name("st")),
        *("--config-file", str(SETTINGS), "run", url + "api/v1/openapi.json"),
        *("--seed", "1", "--generation-deterministic", "--no-color", *options),
        stdout=PIPE,
        stderr=STDOUT,
        cwd=folder,
    )
    try:
        said, _ = await command.communicate()
    finally:
        if command.returncode is None:
            command.kill()
    assert command.returncode is not None
    return command.returncode, said.decode()


@pytest.mark.timeout(180)
async def test_every_answer_is_one_that_is_described(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop:
        code, said = await complaints(
            shop.url, tmp_path, "--exclude-path", EVENTS, "--max-examples", "12"
        )
    assert code == 0, said


async def test_so_is_every_answer_of_the_events(tmp_path: Path) -> None:
    site = site_of()
    site.feed.close()  # the streams end at once
    server = WebServer(create_app(site), "127.0.0.1", 0)
    host, port = await server.start()
    try:
        code, said = await complaints(
            f"http://{host}:{port}/", tmp_path, "--include-path", EVENTS, "--max-examples", "12"
        )
    finally:
        await server.stop()
    assert code == 0, said
