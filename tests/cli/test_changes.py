"""`wait`, `announce`, `plan` and `changes` as processes, against the embedded world."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from monitor.adapters.clock import SystemClock
from monitor.demo.landscape import MODIFIED, NEW_TARGET, OLD_TARGET
from monitor.demo.world import Pace, World
from tests.cli.commands import Finished, run
from tests.whole.shop import Shop, brisk, eventually, running

PACE = Pace(ttl=2, authority_interval=0.5, recursive_interval=1.0, timeout=2.0)
WWW_TARGET = "shop-www.oss-cn-hangzhou.aliyuncs.com"


@dataclass(frozen=True, slots=True)
class Desk:
    """A world whose resolvers all follow, and a folder with its configuration."""

    world: World
    text: str
    folder: Path

    async def run(self, *arguments: str, lang: str = "C.UTF-8") -> Finished:
        environ = {**self.world.environ, "LANG": lang}
        config = ("-c", "config.toml")
        return await asyncio.to_thread(run, *arguments, *config, at=self.folder, environ=environ)

    async def document(self, *arguments: str) -> Any:
        return json.loads((await self.run(*arguments, "--json")).out)

    async def is_asked(self) -> None:
        """Return when somebody has asked a resolver: what was before is known by then."""

        async def asked() -> bool:
            queries = self.world.caches["honest"].queries
            return any(name.startswith(MODIFIED) and kind == "A" for name, kind in queries)

        await eventually(asked)

    def modify(self) -> None:
        for authority in self.world.authorities:
            self.world.modify(authority)


@pytest.fixture
def kind() -> str:
    """In which kind of database the daemon keeps what it knows, unless a test says otherwise."""
    return "sqlite"


@pytest.fixture
async def desk(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    async with World(PACE, SystemClock().now) as world:
        text = brisk(_only(world.config_text("127.0.0.1:0", str(tmp_path / "desk.db"))))
        if kind == "postgresql":
            url = request.getfixturevalue("shared_postgresql").fresh()
            text = text.replace(f"sqlite:///{tmp_path}/desk.db", url)
        (tmp_path / "config.toml").write_text(text)
        yield Desk(world, text, tmp_path)


def _only(text: str, names: tuple[str, ...] = ("honest", "pool")) -> str:
    head, *resolvers = text.split("[[resolvers]]")
    kept = [block for block in resolvers if any(f'name = "{name}"' in block for name in names)]
    return "[[resolvers]]".join([head, *kept])


async def test_what_is_everywhere_already_is_not_waited_for(desk: Desk) -> None:
    done = await desk.run("wait", "www.shop.example", "--to", WWW_TARGET, "--timeout", "30s")
    assert done.code == 0, done.err


async def test_a_change_is_waited_for_until_everybody_has_it(desk: Desk) -> None:
    waiting = asyncio.create_task(  # noqa: TID251 - it is awaited below
        desk.run("wait", MODIFIED, "--to", NEW_TARGET, "--timeout", "50s", "--json")
    )
    await desk.is_asked()
    desk.modify()
    done = await waiting
    assert done.code == 0, done.err
    document = json.loads(done.out)
    change = document["change"]
    assert (document["result"], change["source"]) == ("reached", "announced")
    assert (change["old"], change["new"]) == (OLD_TARGET, NEW_TARGET)
    assert {track["state"] for track in change["tracks"]} <= {"converged", "settled"}
    assert re.search(r"Z  .*announced", done.err)
    assert re.search("converged|settled", done.err)


async def test_what_does_not_come_in_time_is_a_timeout(desk: Desk) -> None:
    done = await desk.run("wait", MODIFIED, "--to", NEW_TARGET, "--timeout", "2s", "--json")
    assert done.code == 1
    assert json.loads(done.out)["result"] == "timeout"


async def test_another_value_that_wins_ends_the_wait(desk: Desk) -> None:
    third = "elsewhere.example"
    waiting = asyncio.create_task(  # noqa: TID251 - it is awaited below
        desk.run("wait", MODIFIED, "--to", third, "--timeout", "50s", "--json")
    )
    await desk.is_asked()
    desk.modify()
    done = await waiting
    assert done.code == 2, done.err
    assert json.loads(done.out)["result"] == "another_value_won"


async def test_usage_faults_exit_with_3_and_name_the_remedy(desk: Desk) -> None:
    for arguments, part in (
        (("wait", "nobody.example"), "--to"),
        (("wait", MODIFIED, "--timeout", "soon"), '"30m"'),
        (("announce", MODIFIED, "--to", "a b"), "no domain name"),
        (("announce", MODIFIED, "--to", NEW_TARGET, "--at", "noon"), "2026-11-24T20:00:00Z"),
        (("announce", MODIFIED, "--to", NEW_TARGET), "is not watched"),
        (("changes", "show", "01M86RDBRDAGSG8HV4SVMNN8TW"), "`changes` lists them"),
    ):
        done = await desk.run(*arguments)
        assert done.code == 3, arguments
        assert part in done.err, (arguments, done.err)


async def test_a_short_ttl_needs_no_preparation(desk: Desk) -> None:
    done = await desk.run("plan", MODIFIED, "--to", NEW_TARGET)
    assert done.code == 0, done.err
    assert "(TTL 2 s)" in done.out and "nothing needs to be prepared" in done.out


async def test_a_long_ttl_is_to_be_lowered_first(tmp_path: Path) -> None:
    async with World(Pace(ttl=86400), SystemClock().now) as world:
        text = world.config_text("127.0.0.1:0", str(tmp_path / "desk.db"))
        (tmp_path / "config.toml").write_text(text)
        desk = Desk(world, text, tmp_path)
        done = await desk.run("plan", MODIFIED)
        document = await desk.document("plan", MODIFIED)
        in_chinese = await desk.run("plan", MODIFIED, lang="zh_CN.UTF-8")
    assert done.code == 1
    assert "lower the TTL to 60 s now" in done.out
    assert "降到 60 秒" in in_chinese.out
    assert (document["lower_ttl_first"], document["ttl"], document["exit_code"]) == (
        True,
        86400,
        1,
    )
    assert document["old_until"] == document["change_at"]


async def test_the_daemon_is_told_what_is_announced_and_tells_how_it_went(desk: Desk) -> None:
    async with running(Shop(desk.world, desk.text)) as shop:
        await shop.daemon.wait_for_first_look()
        port = shop.url.rstrip("/").rpartition(":")[2]
        text = desk.text.replace('"127.0.0.1:0"', f'"127.0.0.1:{port}"')
        (desk.folder / "config.toml").write_text(text)
        announced = await desk.run("announce", MODIFIED, "--to", NEW_TARGET, "--by", "ops")
        assert announced.code == 0, announced.err
        number = announced.out.strip()
        desk.modify()
        waited = await desk.run("wait", MODIFIED, "--to", NEW_TARGET, "--timeout", "50s")
        assert waited.code == 0, waited.err

        async def has_settled() -> bool:
            return bool((await shop.change(MODIFIED))["state"] == "settled")

        await eventually(has_settled)
        listed = await desk.document("changes")
        assert [item["id"] for item in listed["items"]] == [number]
        assert (await desk.document("changes", "--open"))["items"] == []
        shown = await desk.run("changes", "show", number.lower())
        assert shown.code == 0
        for part in ("● settled", "ops", OLD_TARGET, NEW_TARGET, "caches counted", "converged"):
            assert part in shown.out, part
        explained = await desk.run("explain", MODIFIED)
        assert explained.code == 0 and number in explained.out
        assert (await desk.document("explain", MODIFIED))["change"]["id"] == number
        told = await desk.document("changes", "show", number)
        assert told["events"][0]["type"] == "change_announced"


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
async def test_without_a_daemon_an_announcement_is_kept_for_the_next_one(desk: Desk) -> None:
    async with running(Shop(desk.world, desk.text)) as shop:
        await shop.daemon.wait_for_first_look()
    announced = await desk.run(
        "announce", MODIFIED, "--to", NEW_TARGET, "--at", "2030-01-01T00:00:00+08:00"
    )
    assert announced.code == 0, announced.err
    (change,) = (await desk.document("changes", "--open"))["items"]
    assert (change["state"], change["planned_at"]) == ("announced", "2029-12-31T16:00:00.000Z")
    explained = await desk.document("explain", MODIFIED)
    assert explained["change"]["id"] == change["id"]
