"""`ownership` as a process, against the embedded world."""

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
from monitor.demo.authority import Authority
from monitor.demo.oss_state import Fault, FaultKind
from monitor.demo.world import Pace, World
from monitor.demo.zones import RRset, with_record
from tests.cli.commands import Finished, environment, run

DOMAIN = "new.shop.example"


@dataclass(frozen=True, slots=True)
class Shop:
    world: World
    folder: Path

    async def run(self, *arguments: str, lang: str = "C.UTF-8") -> Finished:
        environ = {**self.world.environ, "LANG": lang}
        whole = ("ownership", *arguments, "-c", "config.toml")
        return await asyncio.to_thread(run, *whole, at=self.folder, environ=environ)

    async def document(self, *arguments: str) -> Any:
        return json.loads((await self.run(*arguments, "--json")).out)

    @property
    def token(self) -> str:
        return self.world.account.buckets[0].tokens[DOMAIN].value

    def add(self, value: str, *authorities: Authority) -> None:
        """Put the record where a person would."""
        record = RRset.of(f"_dnsauth.{DOMAIN}", "TXT", 60, f'"{value}"')
        for authority in authorities or self.world.authorities:
            shop, *others = authority.zones
            authority.zones = (with_record(shop, record), *others)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with World(Pace(timeout=0.6), SystemClock().now) as world:
        text = world.config_text("127.0.0.1:0", str(tmp_path / "shop.db"))
        (tmp_path / "config.toml").write_text(text)
        yield Shop(world, tmp_path)


async def test_before_the_record_is_there_it_is_shown_and_no_resolver_is_asked(shop: Shop) -> None:
    done = await shop.run(DOMAIN, "--bucket", "shop-www")
    assert done.code == 1, done.err
    for part in (
        f"_dnsauth.{DOMAIN}",
        "_dnsauth.new (shop.example)",
        shop.token,
        "0 of 2 servers that answer see it",
        "The resolvers are not asked",
        "not the 72 hours in which a modified CNAME may be cached",
    ):
        assert part in done.out
    assert "honest" not in done.out


async def test_the_token_stays_the_same_from_one_command_to_the_next(shop: Shop) -> None:
    first = await shop.document(DOMAIN, "--bucket", "shop-www")
    second = await shop.document(DOMAIN, "--bucket", "shop-www")
    assert first["record"]["value"] == second["record"]["value"] == shop.token
    assert first["expires_at"] == second["expires_at"]


async def test_it_exits_with_0_when_everybody_who_answers_sees_it(shop: Shop) -> None:
    await shop.run(DOMAIN, "--bucket", "shop-www")
    shop.add(shop.token)
    done = await shop.run(DOMAIN, "--bucket", "shop-www")
    assert done.code == 0, done.out
    assert "All 7 servers that answer see it" in done.out
    assert "no answer" in done.out, "the dead cache"


async def test_a_resolver_that_was_asked_too_early_says_until_when_it_may_say_no(
    shop: Shop,
) -> None:
    await shop.run(DOMAIN, "--bucket", "shop-www")
    first, second = shop.world.authorities
    shop.add("an old token", first)
    shop.add(shop.token, second)
    document = await shop.document(DOMAIN, "--bucket", "shop-www")
    assert (document["visible"], document["exit_code"]) == (False, 1)
    proofs = {one["server"]: one["proof"] for one in document["authorities"]}
    assert sorted(proofs.values()) == ["other_value", "visible"]
    others = [one for one in document["answers"] if one["proof"] == "other_value"]
    for one in others:
        assert one["values"] == ["an old token"]
        assert one["at"] < one["kept_until"]
    dead = next(one for one in document["answers"] if one["resolver"] == "dead")
    assert (dead["proof"], dead["rcode"]) == ("unknown", None)


async def test_the_document_has_the_promised_shape(shop: Shop) -> None:
    document = await shop.document(DOMAIN, "--bucket", "shop-www")
    assert document.keys() == {
        "domain", "display", "bucket", "account", "record", "expires_at", "visible", "kept_until",
        "authorities", "answers", "exit_code",
    }  # fmt: skip
    assert document["record"] == {
        "name": f"_dnsauth.{DOMAIN}",
        "host": "_dnsauth.new",
        "zone": "shop.example",
        "type": "TXT",
        "value": shop.token,
    }
    assert (document["account"], document["answers"], document["visible"]) == ("shop", [], False)


async def test_it_waits_until_the_record_is_everywhere(shop: Shop) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "monitor", "ownership", DOMAIN, "--bucket", "shop-www", "--wait"),
        *("--timeout", "1m", "--json", "-c", "config.toml"),
        cwd=shop.folder,
        env=environment(shop.world.environ),
        stdout=PIPE,
        stderr=PIPE,
    )
    assert process.stderr is not None
    assert b"0 of 2 servers" in await process.stderr.readline()
    shop.add(shop.token)
    out, _ = await process.communicate()
    assert process.returncode == 0
    assert json.loads(out)["visible"] is True


async def test_a_wait_that_is_over_exits_with_1(shop: Shop) -> None:
    done = await shop.run(DOMAIN, "--bucket", "shop-www", "--wait", "--timeout", "10ms", "--json")
    assert done.code == 1
    assert json.loads(done.out)["visible"] is False


async def test_all_of_it_is_said_in_chinese_too(shop: Shop) -> None:
    done = await shop.run(DOMAIN, "--bucket", "shop-www", lang="zh_CN.UTF-8")
    assert "请添加以下记录" in done.out
    assert "与修改 CNAME 后可能被缓存的 72 小时无关" in done.out


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ((DOMAIN, "--bucket", "nobodys"), "no account has a bucket 'nobodys'"),
        (("*.shop.example", "--bucket", "shop-www"), "without the wildcard"),
        (("a..b", "--bucket", "shop-www"), "is no domain name"),
        ((DOMAIN,), "--bucket"),
        ((DOMAIN, "--bucket", "shop-www", "--wait", "--timeout", "soon"), "write a duration"),
    ],
)
async def test_what_cannot_be_done_exits_with_3_and_says_why(
    shop: Shop, arguments: tuple[str, ...], part: str
) -> None:
    done = await shop.run(*arguments)
    assert (done.code, done.out) == (3, "")
    assert part in done.err


async def test_an_account_that_refuses_is_told_with_the_rights_that_it_takes(shop: Shop) -> None:
    shop.world.account.faults["shop-www"] = Fault(FaultKind.DENIED)
    done = await shop.run(DOMAIN, "--bucket", "shop-www")
    assert (done.code, done.out) == (3, "")
    assert "shop: denied" in done.err
    assert "oss:CreateCnameToken" in done.err


def test_without_an_account_there_is_no_token(tmp_path: Path) -> None:
    done = run("ownership", DOMAIN, "--bucket", "shop-www", at=tmp_path)
    assert (done.code, done.out) == (3, "")
    assert "[[accounts]]" in done.err
