import asyncio
from dataclasses import replace
from datetime import UTC, datetime

from starlette.types import Receive, Scope, Send

from monitor.adapters.inventory.credentials import EnvironmentCredentials
from monitor.adapters.inventory.oss import OssInventory
from monitor.core.bindings import Binding, BucketTarget
from monitor.core.inventory import FailureReason, Listing
from monitor.core.inventory import Scope as FailureScope
from monitor.core.names import DomainName
from monitor.demo.oss import OssEndpoint
from monitor.demo.oss_state import (
    ACCOUNT,
    DemoBucket,
    DemoCertificate,
    DemoCname,
    Fault,
    FaultKind,
    OssState,
    SeenCall,
)
from monitor.demo.serving import served
from tests.adapters.inventory.oss_world import (
    ENVIRONMENT,
    KEY,
    Funnel,
    Pauses,
    account_at,
    inventory_at,
    keys,
    photos,
    public_inventory,
    world,
)

HANGZHOU = DomainName("oss-cn-hangzhou.aliyuncs.com")
SHANGHAI = "oss-cn-shanghai.aliyuncs.com"


async def look(state: OssState) -> Listing:
    async with OssEndpoint(state) as endpoint:
        return await inventory_at(endpoint.url).look()


def domains(listing: Listing) -> list[str]:
    return sorted(binding.domain.text for binding in listing.bindings)


async def test_a_bound_domain_becomes_a_binding_with_all_that_oss_says_of_it() -> None:
    certificate = DemoCertificate("Wed, 12 Apr 2023 10:14:51 GMT", "Mon, 4 May 2048 10:14:51 GMT")
    cname = DemoCname("Img.Example.com", "2021-09-15T02:35:07.000Z", "Enabled", certificate)
    listing = await look(world(DemoBucket.within("cn-hangzhou", "photos", cname)))
    assert listing == Listing(
        "main",
        (
            Binding(
                DomainName("img.example.com"),
                BucketTarget("photos", HANGZHOU),
                "main",
                bound_at=datetime(2021, 9, 15, 2, 35, 7, tzinfo=UTC),
                certificate_expires_at=datetime(2048, 5, 4, 10, 14, 51, tzinfo=UTC),
            ),
        ),
        buckets=frozenset({"photos"}),
    )


async def test_a_disabled_domain_is_kept_and_marked() -> None:
    cname = DemoCname("img.example.com", status="Disabled")
    listing = await look(world(DemoBucket.within("cn-hangzhou", "photos", cname)))
    assert [binding.is_enabled for binding in listing.bindings] == [False]


async def test_a_wildcard_is_kept_and_flagged_by_its_name() -> None:
    cname = DemoCname("*.example.com", is_wildcard=True)
    listing = await look(world(DemoBucket.within("cn-hangzhou", "photos", cname)))
    assert [binding.domain.is_wildcard for binding in listing.bindings] == [True]


async def test_a_domain_in_chinese_is_compared_by_its_a_labels() -> None:
    assert domains(await look(world(photos("图片.example.com")))) == ["xn--wcsw84d.example.com"]


async def test_an_unreadable_domain_does_not_hide_its_neighbours() -> None:
    listing = await look(world(photos("img.example.com", "a b<&>.example.com", "")))
    assert domains(listing) == ["img.example.com"]
    assert [(failure.reason, failure.scope, failure.bucket) for failure in listing.failures] == [
        (FailureReason.MALFORMED, FailureScope.ENTRY, "photos")
    ] * 2
    assert "a b<&>.example.com" in listing.failures[0].detail


async def test_an_unreadable_date_leaves_the_binding_without_it() -> None:
    cname = DemoCname("img.example.com", "yesterday", certificate=DemoCertificate("", "soon"))
    listing = await look(world(DemoBucket.within("cn-hangzhou", "photos", cname)))
    (binding,) = listing.bindings
    assert (binding.bound_at, binding.certificate_expires_at) == (None, None)
    assert [failure.detail for failure in listing.failures] == [
        "LastModified of img.example.com is no date: 'yesterday'",
        "ValidEndDate of img.example.com is no date: 'soon'",
    ]


async def test_buckets_are_read_over_many_pages() -> None:
    buckets = [
        DemoBucket.within("cn-hangzhou", f"bucket-{n}", DemoCname(f"{n}.example.com"))
        for n in range(7)
    ]
    state = world(*buckets)
    state.page_size = 3
    assert domains(await look(state)) == [f"{n}.example.com" for n in range(7)]
    assert [call.place for call in state.calls].count(ACCOUNT) == 3


async def test_only_buckets_that_a_glob_names_are_asked() -> None:
    state = world(
        DemoBucket.within("cn-hangzhou", "web-photos", DemoCname("img.example.com")),
        DemoBucket.within("cn-hangzhou", "logs", DemoCname("logs.example.com")),
    )
    async with OssEndpoint(state) as endpoint:
        account = replace(account_at(endpoint.url), buckets=("web-*", "shop"))
        listing = await OssInventory(account, keys()).look()
    assert domains(listing) == ["img.example.com"]
    assert [call.place for call in state.calls] == [ACCOUNT, "web-photos"]


async def test_no_globs_mean_all_buckets() -> None:
    async with OssEndpoint(world(photos("img.example.com"))) as endpoint:
        account = replace(account_at(endpoint.url), buckets=())
        assert domains(await OssInventory(account, keys()).look()) == ["img.example.com"]


async def test_a_bucket_is_signed_for_in_its_own_region_also_where_only_its_location_is_told() -> (
    None
):
    old = DemoBucket("old", "oss-cn-beijing", "oss-cn-beijing.aliyuncs.com")
    old.cnames.append(DemoCname("old.example.com"))
    far = DemoBucket.within("eu-west-1", "far", DemoCname("far.example.com"))
    listing = await look(world(old, far))
    assert domains(listing) == ["far.example.com", "old.example.com"]
    assert listing.failures == ()


async def test_an_account_without_buckets_is_empty_and_reached() -> None:
    assert await look(world()) == Listing("main", ())


async def test_public_endpoints_are_asked_by_https_each_bucket_at_its_own() -> None:
    far = DemoBucket.within("cn-shanghai", "far", DemoCname("far.example.com"))
    async with OssEndpoint(world(photos("img.example.com"), far)) as endpoint:
        funnel = Funnel(endpoint.url)
        listing = await public_inventory(funnel, HANGZHOU.text).look()
    assert sorted(funnel.asked) == [
        f"https://far.{SHANGHAI}",
        f"https://{HANGZHOU}",
        f"https://photos.{HANGZHOU}",
    ]
    assert {binding.target.name.text for binding in listing.bindings} == {
        f"far.{SHANGHAI}",
        f"photos.{HANGZHOU}",
    }


async def test_plain_http_is_used_only_where_the_endpoint_says_so() -> None:
    async with OssEndpoint(world(photos("img.example.com"))) as endpoint:
        funnel = Funnel(endpoint.url)
        await public_inventory(funnel, f"http://{HANGZHOU}").look()
    assert funnel.asked == [f"http://{HANGZHOU}", f"http://photos.{HANGZHOU}"]


async def test_a_moved_bucket_is_bound_where_oss_sends_us() -> None:
    bucket = DemoBucket("photos", "oss-cn-hangzhou", HANGZHOU.text, "cn-shanghai")
    bucket.cnames.append(DemoCname("img.example.com"))
    moved = {"photos": Fault(FaultKind.WRONG_ENDPOINT, times=1, endpoint=SHANGHAI)}
    async with OssEndpoint(world(bucket, faults=moved)) as endpoint:
        funnel = Funnel(endpoint.url)
        listing = await public_inventory(funnel, HANGZHOU.text).look()
    assert funnel.asked[1:] == [f"https://photos.{HANGZHOU}", f"https://photos.{SHANGHAI}"]
    assert [binding.target.name.text for binding in listing.bindings] == [f"photos.{SHANGHAI}"]


async def test_oss_cannot_send_us_to_an_address() -> None:
    faults = {"photos": Fault(FaultKind.WRONG_ENDPOINT, endpoint="127.0.0.9:80")}
    async with OssEndpoint(world(photos("img.example.com"), faults=faults)) as endpoint:
        funnel = Funnel(endpoint.url)
        listing = await public_inventory(funnel, HANGZHOU.text).look()
    assert funnel.asked == [f"https://{HANGZHOU}", f"https://photos.{HANGZHOU}"]
    assert [failure.reason for failure in listing.failures] == [FailureReason.WRONG_ENDPOINT]


async def test_a_wrong_endpoint_is_followed_once() -> None:
    right = world(photos("img.example.com"))
    async with OssEndpoint(right) as other:
        host = other.url.removeprefix("http://")
        faults = {"photos": Fault(FaultKind.WRONG_ENDPOINT, endpoint=host)}
        wrong = world(photos("stale.example.com"), faults=faults)
        listing = await look(wrong)
    assert domains(listing) == ["img.example.com"]
    assert listing.failures == ()
    assert [call.place for call in wrong.calls] == [ACCOUNT, "photos"]
    assert [call.place for call in right.calls] == ["photos"]


async def test_a_wrong_endpoint_is_not_followed_twice() -> None:
    state = world(photos("img.example.com"))
    async with OssEndpoint(state) as endpoint:
        host = endpoint.url.removeprefix("http://")
        state.accounts[0].faults["photos"] = Fault(FaultKind.WRONG_ENDPOINT, endpoint=host)
        listing = await inventory_at(endpoint.url).look()
    assert [call.place for call in state.calls] == [ACCOUNT, "photos", "photos"]
    assert [failure.reason for failure in listing.failures] == [FailureReason.WRONG_ENDPOINT]
    assert listing.unread_buckets == {"photos"}


async def test_a_gateway_never_sends_us_past_itself() -> None:
    faults = {"photos": Fault(FaultKind.WRONG_ENDPOINT, endpoint=SHANGHAI)}
    state = world(photos("img.example.com"), faults=faults)
    listing = await look(state)
    assert [call.place for call in state.calls] == [ACCOUNT, "photos"]
    assert SHANGHAI in listing.failures[0].detail


async def test_an_endpoint_that_is_no_host_name_costs_only_its_bucket() -> None:
    odd = DemoBucket("odd", "oss-cn-hangzhou", "not a host!", "cn-hangzhou")
    state = world(photos("img.example.com"), odd)
    async with OssEndpoint(state) as endpoint:
        through_gateway = await inventory_at(endpoint.url).look()
        public = await public_inventory(Funnel(endpoint.url), HANGZHOU.text).look()
    assert through_gateway == public
    assert domains(public) == ["img.example.com"]
    assert public.unread_buckets == {"odd"}


class InThrees:
    """An endpoint that answers calls for buckets when three of them wait, and counts those."""

    def __init__(self, endpoint: OssEndpoint) -> None:
        self._three = asyncio.Barrier(3)
        self._endpoint = endpoint
        self._waiting = 0
        self.most = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] != "/":
            self._waiting += 1
            self.most = max(self.most, self._waiting)
            await asyncio.sleep(0.1)  # so that more would come, if there were more
            await self._three.wait()
            self._waiting -= 1
        await self._endpoint(scope, receive, send)


async def test_as_many_buckets_as_allowed_are_asked_at_a_time_and_no_more() -> None:
    buckets = [DemoBucket.within("cn-hangzhou", f"bucket-{n}") for n in range(9)]
    in_threes = InThrees(OssEndpoint(world(*buckets)))
    async with served(in_threes) as url:
        inventory = OssInventory(replace(account_at(url), concurrency=3), keys(), sleep=Pauses())
        listing = await inventory.look()
        assert (listing.bindings, listing.failures, len(listing.buckets)) == ((), (), 9)
    assert in_threes.most == 3


async def test_a_token_goes_with_every_call_and_a_renewed_one_at_the_next_look() -> None:
    state = world(photos("img.example.com"))
    environment = dict(ENVIRONMENT)
    async with OssEndpoint(state) as endpoint:
        credentials = EnvironmentCredentials(environment)
        inventory = OssInventory(account_at(endpoint.url), credentials, sleep=Pauses())
        assert domains(await inventory.look()) == ["img.example.com"]
        renewed = replace(KEY, id="second-key-id", token="second-token")
        state.accounts[0].keys = [renewed]
        assert not (await inventory.look()).reached_account
        environment.update(OSS_ACCESS_KEY_ID=renewed.id, OSS_SESSION_TOKEN=renewed.token)
        assert domains(await inventory.look()) == ["img.example.com"]
    assert state.calls[-1] == SeenCall("second-key-id", "photos")
