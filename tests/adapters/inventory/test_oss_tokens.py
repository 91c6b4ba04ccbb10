from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from monitor.adapters.inventory.oss import OssInventory
from monitor.core.inventory import Failure, FailureReason, Scope
from monitor.core.names import DomainName
from monitor.core.ownership import CnameToken
from monitor.demo.oss import OssEndpoint
from monitor.demo.oss_state import ACCOUNT, DemoBucket, DemoToken, Fault, FaultKind, OssState
from tests.adapters.inventory.oss_world import (
    Pauses,
    account_at,
    inventory_at,
    keys,
    photos,
    world,
)

DOMAIN = DomainName("img.example.com")


async def token(state: OssState, bucket: str = "photos") -> CnameToken | Failure | None:
    async with OssEndpoint(state) as endpoint:
        return await inventory_at(endpoint.url).token(bucket, DOMAIN)


async def test_a_token_that_there_is_already_is_fetched() -> None:
    bucket = photos()
    bucket.tokens[DOMAIN.text] = DemoToken("be1d49d8", "Wed, 23 Feb 2028 21:16:37 GMT")
    ends = datetime(2028, 2, 23, 21, 16, 37, tzinfo=UTC)
    assert await token(world(bucket)) == CnameToken(DOMAIN, "photos", "main", "be1d49d8", ends)


async def test_where_there_is_none_one_is_made_that_holds_for_three_days() -> None:
    state = world(photos())
    found = await token(state)
    assert isinstance(found, CnameToken)
    assert found.value == state.accounts[0].buckets[0].tokens[DOMAIN.text].value
    assert found.expires_at is not None
    assert timedelta(hours=71) < found.expires_at - state.now() <= timedelta(hours=72)
    assert await token(state) == found


async def test_a_bucket_in_another_region_is_asked_as_one_of_its_own() -> None:
    found = await token(world(DemoBucket.within("cn-shanghai", "far")), "far")
    assert isinstance(found, CnameToken)
    assert found.bucket == "far"


async def test_a_bucket_that_the_account_does_not_have_gives_nothing() -> None:
    assert await token(world(photos()), "other") is None


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (FaultKind.DENIED, FailureReason.DENIED),
        (FaultKind.NO_SUCH_BUCKET, FailureReason.NO_SUCH_BUCKET),
        (FaultKind.MALFORMED, FailureReason.MALFORMED),
        (FaultKind.TRUNCATED, FailureReason.MALFORMED),
        (FaultKind.SERVER_ERROR, FailureReason.SERVER_ERROR),
    ],
)
async def test_what_goes_wrong_at_the_bucket_is_a_failure_of_the_bucket(
    kind: FaultKind, reason: FailureReason
) -> None:
    bucket = photos()
    bucket.tokens[DOMAIN.text] = DemoToken("be1d49d8", "Wed, 23 Feb 2028 21:16:37 GMT")
    found = await token(world(bucket, faults={"photos": Fault(kind)}))
    assert isinstance(found, Failure)
    assert (found.reason, found.scope, found.bucket) == (reason, Scope.BUCKET, "photos")


async def test_what_goes_wrong_at_the_account_is_a_failure_of_the_account() -> None:
    found = await token(world(photos(), faults={ACCOUNT: Fault(FaultKind.DENIED)}))
    assert isinstance(found, Failure)
    assert (found.reason, found.scope) == (FailureReason.DENIED, Scope.ACCOUNT)


async def test_what_may_pass_is_tried_again() -> None:
    state = world(photos(), faults={"photos": Fault(FaultKind.THROTTLED, times=1)})
    assert isinstance(await token(state), CnameToken)


async def test_buckets_that_are_not_looked_at_are_not_proved_either() -> None:
    async with OssEndpoint(world(photos())) as endpoint:
        account = replace(account_at(endpoint.url), buckets=("other-*",))
        inventory = OssInventory(account, keys(), sleep=Pauses())
        assert await inventory.token("photos", DOMAIN) is None
