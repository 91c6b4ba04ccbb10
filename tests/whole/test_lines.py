"""Lines: authorities that answer the clients of a network otherwise are no delay."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from monitor.demo.landscape import MODIFIED, NEW_TARGET, OLD_TARGET, img_record
from monitor.demo.zones import with_record
from tests.whole.shop import Shop, eventually, open_shop

TELECOM = "198.51.100.0/24"


def _with_telecom(text: str) -> str:
    """Ask the honest cache a second time, as a client of the telecom network."""
    block = next(part for part in text.split("[[resolvers]]") if 'name = "honest"' in part)
    ours = block.replace('"honest"', '"telecom"') + f'client_subnet = "{TELECOM}"\n\n'
    return text.replace("[[resolvers]]", f"[[resolvers]]{ours}[[resolvers]]", 1)


@pytest.fixture
async def shop(tmp_path: Path) -> AsyncIterator[Shop]:
    async with open_shop(tmp_path, _with_telecom) as running:
        yield running


def publish_for_telecom(shop: Shop, target: str) -> None:
    for authority in shop.world.authorities:
        ours, *others = authority.zones
        line = with_record(ours, img_record(target, shop.world.pace.ttl))
        authority.lines = {TELECOM: (line, *others)}


async def test_a_change_in_one_line_is_a_change_for_its_resolvers_alone(shop: Shop) -> None:
    publish_for_telecom(shop, NEW_TARGET)

    async def has_settled() -> bool:
        change = await shop.change(MODIFIED)
        return bool(change and change["state"] == "settled")

    await eventually(has_settled)
    (change,) = (await shop.get("api/v1/changes")).json()["items"]
    assert (change["view"], change["old"], change["new"]) == (TELECOM, OLD_TARGET, NEW_TARGET)
    assert [track["resolver"] for track in change["tracks"]] == ["telecom"]

    async def is_told_apart() -> bool:
        found = (await shop.domain(MODIFIED))["answers"]
        answers = {answer["resolver"]: answer["in_effect"] for answer in found}
        return answers["telecom"] is True and answers["honest"] is False

    await eventually(is_told_apart)


async def test_a_change_for_everybody_else_leaves_the_line_alone(shop: Shop) -> None:
    publish_for_telecom(shop, OLD_TARGET)
    for authority in shop.world.authorities:
        shop.world.modify(authority)

    async def is_seen() -> bool:
        change = await shop.change(MODIFIED)
        return bool(change and change["all_authorities_at"])

    await eventually(is_seen)
    (change,) = (await shop.get("api/v1/changes")).json()["items"]
    assert change["view"] is None
    assert "telecom" not in {track["resolver"] for track in change["tracks"]}
