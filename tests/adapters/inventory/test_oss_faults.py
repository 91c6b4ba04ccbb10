import asyncio
import logging
from dataclasses import replace
from xml.etree.ElementTree import ParseError

import pytest
import requests
from oss2.exceptions import ClientError, RequestError, ServerError
from starlette.responses import Response

from monitor.adapters.inventory.calls import OssCalls
from monitor.adapters.inventory.errors import setback
from monitor.adapters.inventory.oss import FIRST_PAUSE, JITTER, OssInventory
from monitor.core.inventory import Failure, FailureReason, Listing, Scope
from monitor.demo.oss import OssEndpoint
from monitor.demo.oss_replies import Page, bucket_listing
from monitor.demo.oss_state import ACCOUNT, DemoBucket, DemoCname, Fault, FaultKind, OssState
from monitor.demo.serving import served
from monitor.demo.signature import AccessKey
from tests.adapters.inventory.oss_world import (
    KEY,
    Pauses,
    account_at,
    inventory_at,
    keys,
    photos,
    world,
)

WIKI = DemoBucket.within("cn-hangzhou", "wiki", DemoCname("wiki.example.com"))
CANARIES = (KEY.id, KEY.secret, KEY.token)

REASONS = {
    FaultKind.DENIED: FailureReason.DENIED,
    FaultKind.WRONG_ENDPOINT: FailureReason.WRONG_ENDPOINT,
    FaultKind.NO_SUCH_BUCKET: FailureReason.NO_SUCH_BUCKET,
    FaultKind.THROTTLED: FailureReason.THROTTLED,
    FaultKind.TOO_MANY_REQUESTS: FailureReason.THROTTLED,
    FaultKind.SERVER_ERROR: FailureReason.SERVER_ERROR,
    FaultKind.MALFORMED: FailureReason.MALFORMED,
    FaultKind.TRUNCATED: FailureReason.MALFORMED,
    FaultKind.HTML: FailureReason.MALFORMED,
    FaultKind.REDIRECTED: FailureReason.MALFORMED,
    FaultKind.ENDPOINT_FORBIDDEN: FailureReason.ENDPOINT_FORBIDDEN,
    FaultKind.USER_DISABLED: FailureReason.SUSPENDED,
}
PASSING = {FaultKind.THROTTLED, FaultKind.TOO_MANY_REQUESTS, FaultKind.SERVER_ERROR}


def faulty(place: str, kind: FaultKind, times: int | None = None) -> OssState:
    fault = Fault(kind, times, endpoint="elsewhere.example.com")
    return world(photos("img.example.com"), WIKI, faults={place: fault})


async def look(state: OssState, pauses: Pauses | None = None) -> Listing:
    async with OssEndpoint(state) as endpoint:
        return await inventory_at(endpoint.url, pauses).look()


def calls_to(place: str, state: OssState) -> int:
    return sum(call.place == place for call in state.calls)


def outcomes(failures: tuple[Failure, ...]) -> list[tuple[FailureReason, Scope, str]]:
    return [(failure.reason, failure.scope, failure.bucket) for failure in failures]


@pytest.mark.parametrize("kind", REASONS)
async def test_one_failing_bucket_leaves_the_others_readable(kind: FaultKind) -> None:
    state = faulty("photos", kind)
    listing = await look(state)
    assert [binding.domain.text for binding in listing.bindings] == ["wiki.example.com"]
    assert outcomes(listing.failures) == [(REASONS[kind], Scope.BUCKET, "photos")]
    assert calls_to("photos", state) == (4 if kind in PASSING else 1)


@pytest.mark.parametrize("kind", REASONS)
async def test_an_unreadable_account_never_looks_empty(kind: FaultKind) -> None:
    state = faulty(ACCOUNT, kind)
    listing = await look(state)
    assert not listing.reached_account
    assert outcomes(listing.failures) == [(REASONS[kind], Scope.ACCOUNT, "")]
    assert listing.bindings == ()
    assert calls_to(ACCOUNT, state) == (4 if kind in PASSING else 1)


@pytest.mark.parametrize("kind", [FaultKind.NO_SUCH_CNAME, FaultKind.EMPTY])
async def test_a_bucket_without_domains_is_no_failure(kind: FaultKind) -> None:
    listing = await look(faulty("photos", kind))
    assert [binding.bucket for binding in listing.bindings] == ["wiki"]
    assert listing.failures == ()


async def test_a_page_that_fails_later_loses_the_whole_listing() -> None:
    state = world(photos("img.example.com"), WIKI)
    state.page_size = 1
    state.accounts[0].faults[ACCOUNT] = Fault(FaultKind.DENIED)
    assert (await look(state)).bindings == ()


async def test_a_listing_that_never_ends_is_given_up() -> None:
    page = bucket_listing("1000001", Page((WIKI,), next_marker="wiki", is_whole=False))
    async with served(Response(page.body, media_type=page.media_type)) as url:
        listing = await inventory_at(url).look()
    assert outcomes(listing.failures) == [(FailureReason.MALFORMED, Scope.ACCOUNT, "")]


async def test_throttling_is_waited_for_with_growing_pauses() -> None:
    pauses = Pauses()
    listing = await look(faulty("photos", FaultKind.THROTTLED, times=3), pauses)
    assert listing.failures == ()
    assert len(listing.bindings) == 2
    assert len(pauses.lengths) == 3
    for number, length in enumerate(pauses.lengths):
        assert 0 <= length - FIRST_PAUSE * 2**number <= JITTER


async def test_attempts_are_counted_and_then_given_up() -> None:
    pauses, state = Pauses(), faulty(ACCOUNT, FaultKind.TOO_MANY_REQUESTS)
    async with OssEndpoint(state) as endpoint:
        account = replace(account_at(endpoint.url), attempts=2)
        listing = await OssInventory(account, keys(), sleep=pauses).look()
    assert listing.failures[0].reason is FailureReason.THROTTLED
    assert (len(pauses.lengths), calls_to(ACCOUNT, state)) == (1, 2)


@pytest.mark.parametrize("kind", [FaultKind.SILENT, FaultKind.STALLED])
async def test_a_bucket_that_hangs_costs_its_timeout_and_nothing_else(kind: FaultKind) -> None:
    state = faulty("photos", kind)
    async with OssEndpoint(state) as endpoint:
        account = replace(account_at(endpoint.url), timeout=0.2, attempts=2)
        listing = await OssInventory(account, keys(), sleep=Pauses()).look()
    assert [binding.bucket for binding in listing.bindings] == ["wiki"]
    assert outcomes(listing.failures) == [(FailureReason.UNREACHABLE, Scope.BUCKET, "photos")]
    assert "ReadTimeout" in listing.failures[0].detail
    assert calls_to("photos", state) == 2


async def test_an_endpoint_where_nobody_listens_is_unreachable() -> None:
    async with OssEndpoint(world()) as endpoint:
        url = endpoint.url
    listing = await inventory_at(url).look()
    assert outcomes(listing.failures) == [(FailureReason.UNREACHABLE, Scope.ACCOUNT, "")]
    expected = "the connection failed (NewConnectionError at 127.0.0.1)"
    assert listing.failures[0].detail == expected


@pytest.mark.parametrize(
    ("held_by_oss", "reason"),
    [
        (replace(KEY, id="another-id"), FailureReason.CREDENTIALS),
        (replace(KEY, token="another-token"), FailureReason.CREDENTIALS),
        (replace(KEY, secret="another-secret"), FailureReason.SIGNATURE),
    ],
)
async def test_keys_that_oss_refuses_are_told_apart(
    held_by_oss: AccessKey, reason: FailureReason
) -> None:
    state = world(photos("img.example.com"))
    state.accounts[0].keys = [held_by_oss]
    assert outcomes((await look(state)).failures) == [(reason, Scope.ACCOUNT, "")]


async def test_no_secret_is_in_a_failure_or_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    state = world(photos("img.example.com"))
    state.accounts[0].keys = [replace(KEY, secret="another-secret")]  # the reply shows the token
    listing = await look(state)
    shown = "\n".join((caplog.text, *(failure.detail for failure in listing.failures)))
    assert "SignatureDoesNotMatch" in shown
    assert not [canary for canary in CANARIES if canary in shown]


async def test_a_token_that_no_header_can_carry_is_not_shown() -> None:
    broken = keys(replace(KEY, token="canary\ntoken"))
    async with OssEndpoint(world()) as endpoint:
        listing = await OssInventory(account_at(endpoint.url), broken, sleep=Pauses()).look()
    assert "InvalidHeader" in listing.failures[0].detail
    assert "canary" not in listing.failures[0].detail


async def test_the_detail_has_what_support_asks_for_and_what_to_do() -> None:
    denied = {"photos": Fault(FaultKind.DENIED)}
    listing = await look(world(photos("img.example.com"), faults=denied))
    assert listing.failures[0].detail == (
        "AccessDenied (HTTP 403, request 000000000000000000000002, EC 0003-00000001): "
        "grant oss:ListBuckets and oss:ListCname to this key"
    )


async def test_a_look_that_is_called_off_ends_at_once() -> None:
    state = faulty(ACCOUNT, FaultKind.SERVER_ERROR)
    paused = asyncio.Event()

    async def for_ever(_: float) -> None:
        paused.set()
        await asyncio.Event().wait()

    async with OssEndpoint(state) as endpoint, asyncio.TaskGroup() as group:
        inventory = OssInventory(account_at(endpoint.url), keys(), sleep=for_ever)
        task = group.create_task(inventory.look())
        await paused.wait()
        task.cancel()
    assert task.cancelled()


def refusal(status: int, **details: str | None) -> ServerError:
    return ServerError(status, {"x-oss-request-id": "1F"}, b"", details)


@pytest.mark.parametrize(
    ("error", "reason", "may_pass"),
    [
        (refusal(503, Code="SlowDown"), FailureReason.THROTTLED, True),
        (refusal(502), FailureReason.SERVER_ERROR, True),
        (refusal(400, Code="NeverHeardOf"), FailureReason.OTHER, False),
        (refusal(404, Code=None), FailureReason.OTHER, False),
        (refusal(403, Code="RequestTimeTooSkewed"), FailureReason.CLOCK_SKEW, False),
        (refusal(403, Code="SecurityTokenExpired"), FailureReason.CREDENTIALS, False),
        (refusal(403, Code="BucketDisable"), FailureReason.SUSPENDED, False),
        (RequestError(requests.exceptions.SSLError()), FailureReason.UNREACHABLE, True),
        (RequestError(requests.exceptions.ProxyError()), FailureReason.UNREACHABLE, True),
        (requests.exceptions.ChunkedEncodingError(), FailureReason.UNREACHABLE, True),
        (RequestError(requests.exceptions.InvalidURL()), FailureReason.OTHER, False),
        (ClientError("no region"), FailureReason.OTHER, False),
        (ParseError(), FailureReason.MALFORMED, False),
        (LookupError("unknown encoding"), FailureReason.MALFORMED, False),
    ],
)
def test_every_error_of_the_library_has_its_reason(
    error: Exception, reason: FailureReason, *, may_pass: bool
) -> None:
    found = setback(error)
    assert (found.reason, found.may_pass) == (reason, may_pass)


def test_a_code_that_is_no_word_is_not_repeated() -> None:
    assert setback(refusal(400, Code="<script>")).detail == "(no OSS code) (HTTP 400, request 1F)"


async def test_an_endpoint_that_oss2_cannot_take_is_a_failure() -> None:
    listing = await inventory_at("http://[::1]:1").look()
    assert outcomes(listing.failures) == [(FailureReason.OTHER, Scope.ACCOUNT, "")]


def test_a_quieter_log_of_oss2_stays_as_quiet_as_it_was() -> None:
    logger = logging.getLogger("oss2")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with OssCalls(keys(), requests.adapters.HTTPAdapter(), 1.0):
            assert logger.level == logging.CRITICAL
    finally:
        logger.setLevel(before)
