import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from starlette.responses import JSONResponse

from monitor.core.inventory import FailureReason
from monitor.core.names import DomainName
from monitor.core.provider import (
    Line,
    ProviderFailure,
    ProviderListing,
    ProviderReason,
    told_change,
)
from monitor.demo.serving import served
from tests.adapters.alidns.alidns_endpoint import KEY, AlidnsEndpoint, AlidnsState
from tests.adapters.alidns.alidns_world import (
    EDITED,
    MADE,
    OWNER,
    TARGET,
    ZONE,
    asked,
    entry,
    look,
    milliseconds,
    record,
    records_at,
    world,
)
from tests.core.samples import MINUTE

pytest.importorskip("aliyunsdkcore.request", reason="the extra [alidns] is not installed")


async def test_a_record_is_told_with_its_line_and_when_it_was_edited() -> None:
    state = world(entry(), entry(Line="telecom", Value="elsewhere.example", Status="Disable"))
    assert await look(state) == ProviderListing(
        "main",
        (record(), record(value="elsewhere.example", line="telecom", is_enabled=False)),
    )


async def test_the_provider_explains_what_the_authorities_showed() -> None:
    listing = await look(world(entry(), entry(Line="cn_unicom_beijing"), entry("www")))
    told = told_change(
        listing.records, OWNER, DomainName(TARGET), EDITED - MINUTE, EDITED + MINUTE
    )
    assert told is not None
    assert (told.changed_at, told.lines) == (EDITED, (Line.DEFAULT, Line.UNICOM))


@pytest.mark.parametrize(
    ("times", "moment"),
    [
        ({"UpdateTimestamp": milliseconds(EDITED) // 1000}, EDITED.replace(microsecond=0)),
        ({"UpdateTimestamp": None}, MADE),
        ({"UpdateTimestamp": 0}, MADE),
        ({"UpdateTimestamp": None, "CreateTimestamp": None}, None),
    ],
)
async def test_times_come_in_either_unit_or_not_at_all(
    times: Mapping[str, Any], moment: datetime | None
) -> None:
    listing = await look(world(entry(**times)))
    assert [found.updated_at for found in listing.records] == [moment]
    assert listing.failure is None


@pytest.mark.parametrize("written", ["soon", -1, 1.5, True, ["soon"], 10**30])
async def test_an_unreadable_time_leaves_the_record_without_it(written: Any) -> None:
    listing = await look(world(entry(UpdateTimestamp=written)))
    assert listing.records == (replace(record(), updated_at=None),)
    assert listing.failure is not None
    assert listing.failure.reason is FailureReason.MALFORMED
    assert listing.failure.detail.startswith("a record of img.example.com was edited at no time")


@pytest.mark.parametrize(
    "spoilt",
    [
        7,
        entry(TTL="600"),
        entry(Value=None),
        entry(Line=None),
        entry(Status=1),
        entry(Type=["CNAME"]),
        entry(DomainName=None),
    ],
)
async def test_an_entry_of_wrong_types_does_not_hide_its_neighbours(spoilt: Any) -> None:
    page = {"TotalCount": 2, "DomainRecords": {"Record": [spoilt, entry()]}}
    async with served(JSONResponse(page)) as url:
        listing = await records_at(url).look(OWNER)
    text = "an entry beside img.example.com is no record"
    failure = ProviderFailure(FailureReason.MALFORMED, text)
    assert listing == ProviderListing("main", (record(),), failure)


async def test_records_are_read_over_many_pages() -> None:
    lines = [f"cn_telecom_{number}" for number in range(7)]
    state = world(*(entry(Line=line) for line in lines))
    state.page_size = 3
    listing = await look(state)
    assert [found.line for found in listing.records] == lines
    assert [call["PageNumber"] for call in state.calls] == ["1", "1", "2", "3"]
    assert asked(state) == ["img.example.com", ZONE, ZONE, ZONE]


async def test_a_name_without_records_is_no_failure() -> None:
    assert await look(world(entry("www"))) == ProviderListing("main", ())


async def test_neighbours_that_a_fuzzy_search_brings_along_are_left_out() -> None:
    state = world(entry("img2"), entry("img"), entry("a b.img"), entry("img.old"))
    state.is_exact = False
    assert await look(state) == ProviderListing("main", (record(),))


@pytest.mark.parametrize(
    ("name", "host"), [("example.com", "@"), ("*.example.com", "*"), ("a.b.example.com", "a.b")]
)
async def test_a_name_is_found_under_its_host(name: str, host: str) -> None:
    listing = await look(world(entry(), entry(host)), DomainName.parse(name))
    assert [found.owner.text for found in listing.records] == [name]


@pytest.mark.parametrize("host", ["图片", "xn--wcsw84d"])
@pytest.mark.parametrize("zone", ["公司.cn", "xn--55qx5d.cn"])
async def test_a_chinese_name_is_found_in_either_form(host: str, zone: str) -> None:
    state = AlidnsState({zone: [entry("www", DomainName=zone), entry(host, DomainName=zone)]})
    listing = await look(state, DomainName.parse("图片.公司.cn"))
    assert [found.owner.text for found in listing.records] == ["xn--wcsw84d.xn--55qx5d.cn"]


async def test_the_smallest_zone_that_is_hosted_answers_for_a_name() -> None:
    state = world(entry("img.shop"))
    state.zones["shop.example.com"] = [entry("img", DomainName="shop.example.com", TTL=60)]
    listing = await look(state, DomainName("img.shop.example.com"))
    assert [found.ttl for found in listing.records] == [60]
    assert asked(state) == ["img.shop.example.com", "shop.example.com"]


async def test_a_zone_is_searched_once_and_again_when_it_has_gone() -> None:
    state = world(entry())
    async with AlidnsEndpoint(state) as endpoint:
        records = records_at(endpoint.url)
        await records.look(OWNER)
        await records.look(OWNER)
        assert asked(state) == ["img.example.com", ZONE, ZONE]
        state.zones = {"img.example.com": [entry("@", DomainName="img.example.com")]}
        listing = await records.look(OWNER)
    assert [found.owner for found in listing.records] == [OWNER]


async def test_a_key_that_may_see_its_own_zone_alone_is_enough() -> None:
    state = world(entry())
    state.denied = frozenset({"img.example.com"})
    assert await look(state) == ProviderListing("main", (record(),))


@pytest.mark.parametrize("name", ["img.elsewhere.example", "localhost"])
async def test_a_name_of_no_zone_is_unknown(name: str) -> None:
    text = f"no zone of this account holds {name}"
    failure = ProviderFailure(ProviderReason.UNKNOWN_DOMAIN, text)
    assert await look(world(entry()), DomainName(name)) == ProviderListing("main", (), failure)


async def test_nothing_of_a_call_is_in_its_url() -> None:
    state = world(entry())
    async with AlidnsEndpoint(state) as endpoint:
        await records_at(endpoint.url).look(OWNER)
    assert set(state.urls) == {f"{endpoint.url}/"}


async def test_permanent_keys_need_no_token() -> None:
    state, key = world(entry()), replace(KEY, token="")
    state.keys = {key.id: key}
    async with AlidnsEndpoint(state) as endpoint:
        listing = await records_at(endpoint.url, key=key).look(OWNER)
    assert listing.records == (record(),)
    assert "SecurityToken" not in state.calls[0]


async def test_names_are_looked_at_side_by_side() -> None:
    state = world(*(entry(f"h{number}") for number in range(8)))
    async with AlidnsEndpoint(state) as endpoint:
        records = records_at(endpoint.url)
        names = [DomainName(f"h{number}.example.com") for number in range(8)]
        listings = await asyncio.gather(*(records.look(name) for name in names))
    assert [found.owner for listing in listings for found in listing.records] == names
