"""`check`, `explain` and `inventory` as processes, against the embedded world."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from monitor.adapters.clock import SystemClock
from monitor.demo.world import Pace, World
from tests.cli.commands import Finished, environment, run
from tests.whole.shop import STATUSES


@dataclass(frozen=True, slots=True)
class Shop:
    world: World
    folder: Path

    async def run(self, *arguments: str, lang: str = "C.UTF-8") -> Finished:
        environ = {**self.world.environ, "LANG": lang}
        config = ("-c", "config.toml")
        return await asyncio.to_thread(run, *arguments, *config, at=self.folder, environ=environ)

    async def document(self, *arguments: str) -> Any:
        return json.loads((await self.run(*arguments, "--json")).out)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with World(Pace(timeout=0.6), SystemClock().now) as world:
        text = world.config_text("127.0.0.1:0", str(tmp_path / "shop.db"))
        (tmp_path / "config.toml").write_text(text)
        yield Shop(world, tmp_path)


async def test_a_domain_in_effect_exits_with_0(shop: Shop) -> None:
    done = await shop.run("check", "www.shop.example")
    assert done.code == 0, done.err
    assert "● in effect" in done.out


async def test_a_broken_domain_exits_with_2_and_says_why_and_what_to_do(shop: Shop) -> None:
    done = await shop.run("check", "assets.shop.example")
    assert done.code == 2
    assert "✖ broken" in done.out
    assert "is an internal name of OSS" in done.out
    assert "→ Change the CNAME of assets.shop.example" in done.out


async def test_a_domain_right_at_the_authorities_and_old_in_a_cache_exits_with_1(
    shop: Shop,
) -> None:
    for authority in shop.world.authorities:
        shop.world.modify(authority)
    done = await shop.run("check", "img.shop.example")
    assert done.code == 1, done.out
    assert "◐ propagating" in done.out


async def test_all_domains_are_checked_where_none_is_named(shop: Shop) -> None:
    document = await shop.document("check")
    assert document["exit_code"] == 2
    found = {domain["domain"]: domain["status"] for domain in document["domains"]}
    assert found == STATUSES


async def test_the_document_of_a_domain_has_the_promised_shape(shop: Shop) -> None:
    (domain,) = (await shop.document("check", "例子.shop.example"))["domains"]
    promised = {
        "domain", "display", "bucket", "endpoint", "account", "status", "faults", "answers",
        "change",
    }  # fmt: skip
    assert promised <= domain.keys()
    assert domain["display"] == "例子.shop.example"
    answer = next(a for a in domain["answers"] if a["resolver"] == "honest")
    assert {
        "resolver", "group", "verdict", "rule", "in_effect", "rcode", "chain", "addresses", "ttl",
        "rtt_ms", "ede", "nsid", "at",
    } <= answer.keys()  # fmt: skip
    assert answer["chain"][0].keys() == {"name", "target", "ttl"}
    assert answer["nsid"] == "honest-1"
    dead = next(a for a in domain["answers"] if a["resolver"] == "dead")
    assert (dead["verdict"], dead["in_effect"], dead["rcode"]) == ("timeout", None, None)


async def test_the_screen_speaks_chinese_where_the_terminal_does(shop: Shop) -> None:
    done = await shop.run("check", "assets.shop.example", lang="zh_CN.UTF-8")
    assert "内网名称" in done.out
    assert "broken" not in done.out


async def test_explain_names_rule_and_evidence(shop: Shop) -> None:
    done = await shop.run("explain", "static.shop.example")
    assert done.code == 2
    for expected in ("region-differs", "honest-1", "shop-www.oss-cn-shanghai.aliyuncs.com"):
        assert expected in done.out


async def test_the_inventory_shows_both_accounts(shop: Shop) -> None:
    done = await shop.run("inventory")
    assert done.code == 0, done.out
    assert "docs.shop.example" in done.out
    assert "www.shop.example" in done.out


async def test_an_account_that_cannot_be_read_exits_with_1_and_says_why(shop: Shop) -> None:
    shop.world.account.keys.clear()
    done = await shop.run("inventory")
    assert done.code == 1
    assert "InvalidAccessKeyId" in done.out
    assert shop.world.key.secret not in done.out + done.err


async def test_an_unknown_domain_is_a_usage_fault_with_a_remedy(shop: Shop) -> None:
    done = await shop.run("check", "nobody.example")
    assert done.code == 3
    assert "--bucket and --endpoint" in done.err
    assert done.out == ""


async def test_a_domain_may_be_bound_on_the_command_line(shop: Shop, tmp_path: Path) -> None:
    cache = shop.world.caches["honest"]
    done = await asyncio.to_thread(
        run,
        "check",
        "www.shop.example",
        "--bucket=shop-www",
        "--endpoint=oss-cn-hangzhou.aliyuncs.com",
        f"--resolver={cache.address}:{cache.port}",
        at=tmp_path / "..",
    )
    assert done.code == 0, done.out + done.err


async def test_an_account_that_cannot_be_read_is_never_all_right(shop: Shop) -> None:
    shop.world.account.keys.clear()
    config = shop.folder / "config.toml"
    right = '[[bindings]]\ndomain = "www.shop.example"\nbucket = "shop-www"\n'
    text = config.read_text().replace("docs.shop.example", "shop.example")
    config.write_text(text + right + 'endpoint = "oss-cn-hangzhou.aliyuncs.com"\n')
    done = await shop.run("check")
    assert done.code == 3, done.out
    assert "InvalidAccessKeyId" in done.err
    assert (await shop.run("check", "www.shop.example")).code == 0


async def test_what_is_only_paused_is_unknown(shop: Shop) -> None:
    assert (await shop.run("check", "*.shop.example")).code == 3


async def test_one_look_shows_authorities_that_differ(shop: Shop) -> None:
    shop.world.modify(shop.world.authorities[0])
    document = await shop.document("check", "img.shop.example")
    assert document["domains"][0]["faults"] == ["authority_split"]


async def test_many_resolvers_on_a_narrow_terminal_are_counted(shop: Shop) -> None:
    config = shop.folder / "config.toml"
    table = '[[resolvers]]\nname = "more{0}"\naddress = "127.0.0.{0}"\nport = 1\n'
    more = "".join(table.format(number) for number in range(100, 140))
    config.write_text(config.read_text() + more)
    environ = {**shop.world.environ, "COLUMNS": "80"}
    done = await asyncio.to_thread(
        run, "check", "www.shop.example", "-c", "config.toml", at=shop.folder, environ=environ
    )
    (row,) = (line for line in done.out.splitlines() if line.startswith("www.shop.example"))
    assert row.split() == ["www.shop.example", "?", "unknown", "✔", "?", "41", "✔", "5"]


async def test_a_reader_who_leaves_gets_no_traceback_and_no_verdict(shop: Shop) -> None:
    command = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "monitor", "check", "-c", "config.toml", "--json",
        cwd=shop.folder, env=environment(shop.world.environ), stdout=PIPE, stderr=PIPE,
    )  # fmt: skip
    assert command.stdout is not None
    assert command.stderr is not None
    command.stdout._transport.close()  # type: ignore[attr-defined]
    assert await command.wait() == 141
    assert b"Traceback" not in await command.stderr.read()
