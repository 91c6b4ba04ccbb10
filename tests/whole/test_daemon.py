"""The whole daemon on the embedded world: what a user, a script and Prometheus see of it."""

import asyncio
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from monitor.adapters.stores.sqlite import SqliteStore
from monitor.core.events import EventType
from monitor.demo.habits import dead
from monitor.demo.landscape import NEW_TARGET, OLD_TARGET
from monitor.demo.oss_state import ACCOUNT, Fault, FaultKind
from monitor.ports import StoreError
from tests.core.tampered import first_tampered
from tests.servers.installed import require
from tests.whole.shop import STATUSES, Shop, brisk, eventually, open_shop, running


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path) as opened:
        yield opened


async def test_every_domain_has_its_status_after_the_first_look(shop: Shop) -> None:
    items = (await shop.get("api/v1/domains")).json()["items"]
    assert {item["domain"]: item["status"] for item in items} == STATUSES
    faults = {item["domain"]: item["faults"] for item in items if item["faults"]}
    assert faults == {
        "*.shop.example": ["wildcard"],
        "docs.shop.example": ["not_pointing"],
        "old.shop.example": ["binding_disabled", "not_pointing"],
        "twice.shop.example": ["bound_twice"],
    }


async def test_metrics_page_and_api_tell_the_same(shop: Shop) -> None:
    document = await shop.domain("static.shop.example")
    in_effect = await shop.samples("oss_cname_in_effect")
    for answer in document["answers"]:
        labels = frozenset(
            {
                ("domain", "static.shop.example"),
                ("bucket", "shop-www"),
                ("resolver", answer["resolver"]),
            }
        )
        expected = None if answer["in_effect"] is None else float(answer["in_effect"])
        assert in_effect.get(labels) == expected
    page = (await shop.get("domains/static.shop.example")).text
    assert "broken" in page
    assert "region-differs" in page


async def test_a_modified_record_is_followed_through_a_split_to_the_caches(
    tmp_path: Path,
) -> None:
    async with open_shop(tmp_path, brisk) as shop:
        await _follow_through_a_split(shop)


async def _follow_through_a_split(shop: Shop) -> None:
    first, second = shop.world.authorities
    shop.world.modify(first)

    async def is_split() -> bool:
        return "authority_split" in (await shop.domain("img.shop.example"))["faults"]

    await eventually(is_split)
    shop.world.modify(second)

    async def has_spread() -> bool:
        document = await shop.domain("img.shop.example")
        right = {a["resolver"] for a in document["answers"] if a["in_effect"]}
        return not document["faults"] and right == {"honest", "pool", "floor", "stale"}

    await eventually(has_spread)
    # The override never follows: everybody else is right, so it is not everywhere in effect.
    assert await shop.status("img.shop.example") == "propagating"

    async def is_explained() -> bool:
        tracks = {t["resolver"]: t for t in (await shop.change("img.shop.example"))["tracks"]}
        has_all = all(
            tracks[name]["state"] in {"converged", "settled"}
            for name in ("honest", "pool", "floor", "stale")
        )
        late, dead = tracks["override"], tracks["dead"]
        is_late = (late["state"], late["reason"]) == ("overstay", "override")
        return has_all and is_late and dead["state"] == "unreachable"

    await eventually(is_explained)
    change = await shop.change("img.shop.example")
    assert (change["kind"], change["state"], change["old_ttl"]) == ("modified", "propagating", 1)
    assert change["old"] == OLD_TARGET and change["new"] == NEW_TARGET
    assert change["all_authorities_at"] < change["bound_at"] < change["deadline_at"]
    assert {a["state"] for a in change["authorities"]} == {"new"}
    labels = frozenset({("domain", "img.shop.example")})
    ratio = await shop.samples("oss_cname_propagation_ratio")
    assert ratio[labels] == pytest.approx(4 / 5)
    listed = (await shop.get("api/v1/changes?open=true")).json()["items"]
    assert [one["id"] for one in listed] == [change["id"]]
    told = (await shop.get(f"api/v1/changes/{change['id']}")).json()["events"]
    kinds = [event["type"] for event in told]
    assert kinds[0] == "change_detected" and {"authority_agreed", "census_done"} < set(kinds)


async def test_a_change_that_was_announced_bears_its_authors_name(shop: Shop) -> None:
    announced = await shop.announce(
        {"domain": "img.shop.example", "to": NEW_TARGET, "by": "ops", "note": "move"}
    )
    assert announced.status_code == 201
    expected = announced.json()
    assert (expected["state"], expected["old"]) == ("announced", OLD_TARGET)
    for authority in shop.world.authorities:
        shop.world.modify(authority)

    async def has_come() -> bool:
        change = await shop.change("img.shop.example")
        return bool(change["id"] == expected["id"] and change["state"] == "propagating")

    await eventually(has_come)
    change = await shop.change("img.shop.example")
    assert (change["source"], change["by"], change["note"]) == ("announced", "ops", "move")


async def test_what_is_wrong_with_an_announcement_is_said(shop: Shop) -> None:
    for document, status, part in (
        ({"domain": "img.shop.example"}, 422, "to: is needed"),
        ({"domain": "nobody.example", "to": NEW_TARGET}, 409, "is not watched"),
        ({"domain": "img.shop.example", "to": NEW_TARGET, "when": "now"}, 422, "when: no such"),
        ({"domain": "img.shop.example", "to": NEW_TARGET, "at": "noon"}, 422, "RFC 3339"),
    ):
        refused = await shop.announce(document)
        assert (refused.status_code, part in refused.json()["detail"]) == (status, True)
    assert (await shop.get("api/v1/changes")).json() == {"items": [], "next": None}


async def test_a_stale_cache_explains_itself_by_an_extended_error(shop: Shop) -> None:
    for authority in shop.world.authorities:
        authority.is_reachable = False
    shop.world.caches["stale"].upstream_reachable = False

    async def says_stale() -> bool:
        answers = (await shop.domain("www.shop.example"))["answers"]
        return any(a["resolver"] == "stale" and 3 in a["ede"] for a in answers)

    await eventually(says_stale)


async def test_a_dead_resolver_is_down_and_pages_nobody(shop: Shop) -> None:
    up = await shop.samples("oss_cname_resolver_up")
    assert up[frozenset({("resolver", "dead"), ("group", "demo")})] == 0
    assert up[frozenset({("resolver", "honest"), ("group", "demo")})] == 1
    assert await shop.status("www.shop.example") == "in_effect"


async def test_an_unbound_domain_loses_its_series(tmp_path: Path) -> None:
    async with open_shop(tmp_path, lambda text: text.replace('"10s"', '"0.3s"')) as shop:
        bucket = shop.world.account.bucket("shop-www")
        assert bucket is not None
        bucket.cnames[:] = [c for c in bucket.cnames if c.domain != "www.shop.example"]

        async def is_gone() -> bool:
            return "www.shop.example" not in (await shop.get("metrics")).text

        await eventually(is_gone)
        assert (await shop.get("api/v1/domains/www.shop.example")).status_code == 404


async def test_a_newly_bound_domain_is_asked_about_at_once(tmp_path: Path) -> None:
    def seldom(text: str) -> str:
        rounds_are_rare = text.replace('"0.3s"', '"1h"').replace('"0.4s"', '"1h"')
        return rounds_are_rare.replace('"10s"', '"0.3s"')

    async with open_shop(tmp_path, seldom) as shop:
        bucket = shop.world.account.bucket("shop-logs")
        other = shop.world.account.bucket("shop-www")
        assert bucket is not None
        assert other is not None
        moved = next(c for c in other.cnames if c.domain == "www.shop.example")
        other.cnames.remove(moved)
        bucket.cnames.append(moved)

        async def is_judged_anew() -> bool:
            return await shop.status("www.shop.example") == "broken"

        await eventually(is_judged_anew)
        store = SqliteStore(tmp_path / "shop.db")
        history = await store.records(after=0, limit=1000)
        await store.close()
        assert EventType.BINDING_MOVED in {record.event.type for record in history}


async def test_when_the_api_fails_the_last_known_inventory_stays(tmp_path: Path) -> None:
    async with open_shop(tmp_path, lambda text: text.replace('"10s"', '"0.3s"')) as shop:
        known = await shop.samples("oss_cname_inventory_bindings")
        shop.world.account.keys.clear()

        async def is_counted() -> bool:
            errors = await shop.samples("oss_cname_inventory_errors_total")
            labels = {("account", "shop"), ("reason", "credentials")}
            return errors.get(frozenset(labels), 0) > 0

        await eventually(is_counted)
        assert await shop.samples("oss_cname_inventory_bindings") == known
        assert await shop.status("www.shop.example") == "in_effect"


async def test_the_metrics_pass_prometheus_own_check(shop: Shop) -> None:
    promtool = require("promtool")
    text = (await shop.get("metrics")).text
    command = await asyncio.create_subprocess_exec(
        promtool, "check", "metrics", stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    _, complaints = await command.communicate(text.encode())
    assert (command.returncode, complaints.decode()) == (0, "")


async def test_prometheus_and_openmetrics_are_both_spoken(shop: Shop) -> None:
    plain = await shop.get("metrics")
    assert plain.headers["content-type"].startswith("text/plain")
    modern = await shop.get("metrics", accept="application/openmetrics-text; version=1.0.0")
    assert modern.headers["content-type"].startswith("application/openmetrics-text")
    assert modern.text.endswith("# EOF\n")


async def test_a_reload_takes_a_new_binding_and_keeps_what_is_known(shop: Shop) -> None:
    before = await shop.domain("www.shop.example")
    shop.text += (
        '\n[[bindings]]\ndomain = "video.shop.example"\n'
        'bucket = "shop-img"\nendpoint = "oss-cn-shanghai.aliyuncs.com"\n'
        'labels = { team = "media" }\n'
    )
    assert (await shop.post("-/reload")).status_code == 200

    async def is_labelled() -> bool:
        return bool((await shop.domain("video.shop.example"))["labels"] == {"team": "media"})

    await eventually(is_labelled)
    after = await shop.domain("www.shop.example")
    assert (after["status"], after["since"]) == (before["status"], before["since"])


async def test_a_bad_configuration_changes_nothing_and_says_why(shop: Shop) -> None:
    good = shop.text
    shop.text = good.replace('group = "demo"', 'grup = "demo"', 1)
    refused = await shop.post("-/reload")
    assert refused.status_code == 422
    assert refused.headers["content-type"] == "application/problem+json"
    assert any('did you mean "group"' in fault for fault in refused.json()["faults"])
    assert await shop.samples("oss_cname_config_last_reload_successful") == {frozenset(): 0.0}
    assert await shop.status("www.shop.example") == "in_effect"
    shop.text = good
    assert (await shop.post("-/reload")).status_code == 200
    assert await shop.samples("oss_cname_config_last_reload_successful") == {frozenset(): 1.0}


async def test_a_removed_resolver_leaves_no_series(shop: Shop) -> None:
    table = shop.text.index('[[resolvers]]\nname = "dead"')
    shop.text = shop.text[:table]
    await shop.post("-/reload")
    assert not [
        labels
        for labels in await shop.samples("oss_cname_verdict")
        if ("resolver", "dead") in labels
    ]


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"host": "evil.example"},
    ],
    ids=str,
)
async def test_another_site_cannot_make_a_browser_reload(
    shop: Shop, headers: dict[str, str]
) -> None:
    assert (await shop.post("-/reload", **headers)).status_code == 403


async def test_reading_is_not_a_way_to_reload(shop: Shop) -> None:
    assert (await shop.get("-/reload")).status_code == 405


async def test_a_restart_shows_the_last_known_before_anything_is_asked(tmp_path: Path) -> None:
    async with open_shop(tmp_path) as shop:
        before = await shop.domain("static.shop.example")
    async with open_shop(tmp_path, _with_patience) as shop:
        # Nobody of the new world answers in this one's first look: it is another one.
        for cache in shop.world.caches.values():
            cache.habit = dead()
        assert (await shop.domain("static.shop.example"))["status"] == before["status"]
    store = SqliteStore(tmp_path / "shop.db")
    records = await store.records(after=0, limit=10_000)
    await store.close()
    assert first_tampered(records) is None
    kinds = [record.event.type for record in records]
    assert (kinds[0], kinds[-1]) == (EventType.START, EventType.STOP)
    assert kinds.count(EventType.BINDING_ADDED) == 10, "what was known was not added again"


def _with_patience(text: str) -> str:
    return text.replace('recursive_interval = "0.4s"', 'recursive_interval = "1h"')


async def test_a_token_that_cannot_be_read_is_refused_at_a_reload(shop: Shop) -> None:
    shop.text += '\n[[web.tokens]]\nname = "deploy"\ntoken = { file = "nowhere" }\n'
    refused = await shop.post("-/reload")
    assert refused.status_code == 422
    assert "web.tokens[0].token (deploy): nowhere cannot be read" in refused.text
    assert (await shop.post("-/reload")).status_code == 422, "nobody has to say who they are yet"


async def test_a_reload_at_the_end_begins_nothing_new(shop: Shop) -> None:
    shop.daemon.request_reload()
    assert await shop.daemon.reload() == ()


async def test_a_second_daemon_on_the_same_database_is_refused(shop: Shop) -> None:
    with pytest.raises(ExceptionGroup) as refused:
        async with running(Shop(shop.world, shop.text)):
            pass
    (error,) = refused.value.exceptions
    assert isinstance(error, StoreError)
    assert "in use by another daemon" in str(error)


async def test_a_silent_account_keeps_no_listed_domain_waiting(tmp_path: Path) -> None:
    async with open_shop(tmp_path, lambda text: text.replace('"10s"', '"0.3s"')) as shop:
        shop.world.account.faults[ACCOUNT] = Fault(FaultKind.SILENT)
        shop.text += '\n[[bindings]]\ndomain = "new.shop.example"\ntarget = "x.example"\n'
        assert (await shop.post("-/reload")).status_code == 200

        async def is_asked_about() -> bool:
            return bool((await shop.domain("new.shop.example")).get("answers"))

        await eventually(is_asked_about)
        shop.world.account.faults.clear()
