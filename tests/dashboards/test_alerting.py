"""From a record that breaks to the person who is paged, through all that is shipped."""

import asyncio
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import dns.name
import pytest
from dns.rdatatype import RdataType

from monitor.demo.landscape import HANGZHOU, SHANGHAI, SHOP
from monitor.demo.recursion import Asked
from monitor.demo.world import Pace, World
from monitor.demo.zones import RRset
from tests.dashboards import faster
from tests.dashboards.shipped import ALERTMANAGER_FILE, ALERTS_FILE, RECORDING_FILE
from tests.dashboards.theatre import ACT_LIMIT, Message, Theatre, open_theatre, planned
from tests.servers.installed import require
from tests.whole.shop import STATUSES, eventually

# The defaults of the configuration, and a TTL of ten minutes, on the clock of the rules.
PACE = Pace(
    ttl=5, floor=5, authority_interval=0.5, recursive_interval=2.5, window=2160, timeout=0.6
)
# What the world leaves slow, for it is watched by people, at its usual pace.
AS_FAST = {'refresh = "10s"': 'refresh = "0.5s"', 'sample_gap = "0.500s"': 'sample_gap = "0.05s"'}

VIDEO, MOVED, TIDIED = f"video.{SHOP}", f"www.{SHOP}", f"xn--fsqu00a.{SHOP}"
# What breaks, at every resolver, and the one alert that tells of it.
BROKEN: Mapping[str, str] = {VIDEO: "WrongBucket", SHOP: "Broken"}
# What is changed while nothing is wrong: one with its binding and announced, one without a word.
CHANGED = (MOVED, TIDIED)
CAST = {*BROKEN, *CHANGED}
GOOD_ADDRESSES = ("203.0.113.10", "203.0.113.11")
WRONG_FROM_THE_START = sorted(name for name, status in STATUSES.items() if status == "broken")
ANSWERING = 5  # of the resolvers of the world


@dataclass(frozen=True, slots=True)
class Played:
    """What was seen of one play."""

    told: Sequence[Message]
    metrics: str
    most_wrong: Mapping[str, int]  # the most resolvers that were wrong at once, by domain

    def of(self, domain: str) -> list[Message]:
        return [message for message in self.told if message.domain == domain]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return asyncio.run(_play(tmp_path_factory.mktemp("play")))


@pytest.mark.parametrize(
    "file", [ALERTS_FILE, RECORDING_FILE, ALERTMANAGER_FILE], ids=lambda file: file.name
)
def test_what_is_played_by_is_what_is_shipped_but_for_durations(file: Path) -> None:
    shipped = file.read_text(encoding="utf-8")
    played = faster.faster(shipped)
    anything = re.compile(r"\b\d+(?:ms|[smhd])\b")
    assert anything.sub("", played) == anything.sub("", shipped)
    assert re.findall(r"(?:for|_wait|_interval): \d+[smhd]\b|\[\d+[smhd]\]", played) == []


@pytest.mark.parametrize(("domain", "alert"), BROKEN.items())
def test_a_domain_that_breaks_is_one_page_and_its_recovery_ends_it_once(
    played: Played, domain: str, alert: str
) -> None:
    assert played.most_wrong[domain] == ANSWERING
    page, end = played.of(domain)
    assert page.receiver == end.receiver == "oncall"
    assert page.firing == (alert,) and not page.resolved
    assert alert in end.resolved and not end.firing
    assert domain in page.text


def test_nobody_is_paged_of_any_other_domain(played: Played) -> None:
    paged = {message.domain for message in played.told if message.receiver == "oncall"}
    assert paged - {""} == BROKEN.keys()


@pytest.mark.parametrize("domain", CHANGED)
def test_a_change_that_spreads_within_its_time_tells_nobody(played: Played, domain: str) -> None:
    assert played.of(domain) == []


def test_not_even_where_most_resolvers_lead_to_the_old_bucket_meanwhile(played: Played) -> None:
    assert played.most_wrong[MOVED] > ANSWERING / 2


@pytest.mark.parametrize("domain", WRONG_FROM_THE_START)
def test_planned_work_tells_nobody(played: Played, domain: str) -> None:
    assert played.of(domain) == []


def test_a_dead_resolver_is_told_once_and_pages_nobody(played: Played) -> None:
    (message,) = (one for one in played.told if "ResolverDown" in one.firing)
    assert message.receiver == "team"


def test_promtool_finds_no_fault_with_the_metrics(played: Played) -> None:
    done = subprocess.run(
        [require("promtool"), "check", "metrics"],
        input=played.metrics, capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


async def _play(folder: Path) -> Played:
    async with open_theatre(folder, _with_planned_work, PACE, faster.MINUTE) as theatre:
        await eventually(theatre.is_watched, ACT_LIMIT)
        world = theatre.shop.world
        _serve(world, _alias(VIDEO, f"shop-www.{HANGZHOU}"), _addresses("198.51.100.80"))
        await eventually(lambda: _are_paged(theatre), ACT_LIMIT)
        _serve(world, _alias(VIDEO, f"shop-img.{SHANGHAI}"), _addresses(*GOOD_ADDRESSES))
        await _change(theatre)
        await eventually(lambda: _is_over(theatre), ACT_LIMIT)
        return await _played(theatre)


def _with_planned_work(text: str) -> str:
    for slow, fast in AS_FAST.items():
        assert slow in text
        text = text.replace(slow, fast)
    return text + planned(*WRONG_FROM_THE_START)


async def _change(theatre: Theatre) -> None:
    """Move one domain to another bucket, as was announced, and tidy the record of another."""
    target = f"shop-img.{SHANGHAI}"
    await theatre.shop.announce({"domain": MOVED, "to": target, "by": "ops"})
    account = theatre.shop.world.account
    old, new = account.bucket("shop-www"), account.bucket("shop-img")
    assert old is not None and new is not None
    (binding,) = (cname for cname in old.cnames if cname.domain == MOVED)
    old.cnames.remove(binding)
    new.cnames.append(binding)
    _remember(theatre.shop.world, MOVED)
    _serve(theatre.shop.world, _alias(MOVED, target), _alias(TIDIED, f"shop-www.{HANGZHOU}"))


async def _are_paged(theatre: Theatre) -> bool:
    """Tell whether somebody was paged of each, and it is broken as far as it can be."""
    paged = {message.domain for message in theatre.told if message.firing}
    broken = await _domains(theatre, 'oss_cname_domain_status{status="broken"}')
    return paged >= BROKEN.keys() and broken >= BROKEN.keys()


async def _is_over(theatre: Theatre) -> bool:
    """Tell whether all is well again, and no alert is left that could be told of yet."""
    ended = {message.domain for message in theatre.told if not message.firing}
    spread = await _domains(theatre, 'oss_cname_change_state{state=~"converged|settled"}')
    alerting = await _domains(theatre, "ALERTS")
    return ended >= BROKEN.keys() and spread.issuperset(CHANGED) and alerting.isdisjoint(CAST)


async def _played(theatre: Theatre) -> Played:
    wrong = "sum by (domain) (oss_cname_domain_verdicts)"
    most = await theatre.found(f"max_over_time({wrong}[2m:500ms])")
    return Played(
        told=theatre.told,
        metrics=(await theatre.shop.get("metrics")).text,
        most_wrong={s["metric"]["domain"]: int(s["value"][1]) for s in most},
    )


async def _domains(theatre: Theatre, expr: str) -> set[str]:
    """Return the domains of the series that are found."""
    return {series["metric"].get("domain", "") for series in await theatre.found(expr)}


def _serve(world: World, *records: RRset) -> None:
    for authority in world.authorities:
        for record in records:
            world.publish(authority, record)


def _remember(world: World, domain: str) -> None:
    """Let every cache have fetched a domain just now, so that none forgets it before its TTL."""
    asked = Asked(dns.name.from_text(domain), RdataType.A)
    for cache in world.caches.values():
        cache.flush()
        for memory in cache.members:
            memory.resolve(asked, cache.habit, cache.clock())


def _alias(domain: str, target: str) -> RRset:
    return RRset.of(domain, "CNAME", PACE.ttl, f"{target}.")


def _addresses(*addresses: str) -> RRset:
    return RRset.of(SHOP, "A", PACE.ttl, *addresses)
