import asyncio
import io
import json
import logging
from dataclasses import replace
from datetime import timedelta

import pytest
import requests
from requests.adapters import HTTPAdapter

from monitor.adapters.alidns.api import FIRST_PAUSE, JITTER, AlidnsAccount, AlidnsRecords
from monitor.adapters.alidns.errors import LibraryMissing, Refused, setback
from monitor.adapters.inventory.credentials import CredentialsUnavailable, EnvironmentCredentials
from monitor.core.inventory import FailureReason
from monitor.core.provider import ProviderFailure, ProviderListing, ProviderReason
from monitor.demo.signature import AccessKey
from tests.adapters.alidns.alidns_endpoint import KEY, AlidnsEndpoint, AlidnsState, Fault
from tests.adapters.alidns.alidns_world import (
    OWNER,
    Pauses,
    asked,
    entry,
    keys,
    look,
    record,
    records_at,
    world,
)

pytest.importorskip("aliyunsdkcore.request", reason="the extra [alidns] is not installed")

CANARIES = (KEY.id, KEY.secret, KEY.token)
REASONS = {
    Fault.DENIED: FailureReason.DENIED,
    Fault.DENIED_AS_BAD: FailureReason.DENIED,
    Fault.FOREIGN: ProviderReason.UNKNOWN_DOMAIN,
    Fault.THROTTLED: FailureReason.THROTTLED,
    Fault.UNAVAILABLE: FailureReason.SERVER_ERROR,
    Fault.TOO_MANY: FailureReason.THROTTLED,
    Fault.GATEWAY: FailureReason.SERVER_ERROR,
    Fault.UNHEARD_OF: FailureReason.OTHER,
    Fault.NO_WORD: FailureReason.OTHER,
    Fault.WITH_SUCCESS: FailureReason.THROTTLED,
    Fault.TRUNCATED: FailureReason.MALFORMED,
    Fault.HTML: FailureReason.MALFORMED,
    Fault.LIST: FailureReason.MALFORMED,
    Fault.NESTED: FailureReason.MALFORMED,
    Fault.WRONG_TYPES: FailureReason.MALFORMED,
    Fault.REDIRECTED: FailureReason.MALFORMED,
}
PASSING = [
    fault
    for fault, reason in REASONS.items()
    if reason in {FailureReason.THROTTLED, FailureReason.SERVER_ERROR}
]


def always(fault: Fault) -> AlidnsState:
    state = world(entry())
    state.always = fault
    return state


def failure_of(listing: ProviderListing) -> ProviderFailure:
    assert listing.records == ()
    assert listing.failure is not None
    return listing.failure


@pytest.mark.parametrize("fault", REASONS)
async def test_a_name_that_cannot_be_read_never_looks_empty(fault: Fault) -> None:
    assert failure_of(await look(always(fault))).reason is REASONS[fault]


@pytest.mark.parametrize("fault", PASSING)
async def test_what_passes_is_waited_for_with_growing_pauses(fault: Fault) -> None:
    pauses, state = Pauses(), world(entry())
    state.faults = [fault] * 3
    assert await look(state, pauses=pauses) == ProviderListing("main", (record(),))
    assert len(pauses.lengths) == 3
    for number, length in enumerate(pauses.lengths):
        assert 0 <= length - FIRST_PAUSE * 2**number <= JITTER


@pytest.mark.parametrize("fault", PASSING)
async def test_attempts_are_counted_and_then_given_up(fault: Fault) -> None:
    pauses, state = Pauses(), always(fault)
    async with AlidnsEndpoint(state) as endpoint:
        await records_at(endpoint.url, pauses, attempts=2).look(OWNER)
    assert (len(pauses.lengths), len(state.urls)) == (1, 2)


@pytest.mark.parametrize("fault", [fault for fault in REASONS if fault not in PASSING])
async def test_what_does_not_pass_is_not_waited_for(fault: Fault) -> None:
    pauses = Pauses()
    await look(always(fault), pauses=pauses)
    assert pauses.lengths == []


@pytest.mark.parametrize("fault", [Fault.SILENT, Fault.STALLED])
async def test_an_api_that_hangs_costs_its_timeout(fault: Fault) -> None:
    state = always(fault)
    async with AlidnsEndpoint(state) as endpoint:
        listing = await records_at(endpoint.url, timeout=0.2, attempts=2).look(OWNER)
    failure = failure_of(listing)
    assert failure.reason is FailureReason.UNREACHABLE
    assert "ReadTimeout" in failure.detail
    assert len(state.urls) == 2


async def test_an_endpoint_where_nobody_listens_is_unreachable() -> None:
    async with AlidnsEndpoint(world()) as endpoint:
        url = endpoint.url
    text = "the connection failed (NewConnectionError)"
    expected = ProviderFailure(FailureReason.UNREACHABLE, text)
    assert failure_of(await records_at(url).look(OWNER)) == expected


async def test_an_endpoint_that_is_no_url_is_a_failure() -> None:
    failure = failure_of(await records_at("alidns.example").look(OWNER))
    assert failure.reason is FailureReason.OTHER


@pytest.mark.parametrize(
    ("held_by_api", "reason"),
    [
        (replace(KEY, id="another-id"), FailureReason.CREDENTIALS),
        (replace(KEY, token="another-token"), FailureReason.CREDENTIALS),
        (replace(KEY, secret="another-secret"), FailureReason.SIGNATURE),
    ],
)
async def test_keys_that_the_api_refuses_are_told_apart(
    held_by_api: AccessKey, reason: FailureReason
) -> None:
    state = world(entry())
    state.keys = {held_by_api.id: held_by_api}
    assert failure_of(await look(state)).reason is reason


async def test_a_clock_that_is_wrong_is_told() -> None:
    state = world(entry())
    state.skew = timedelta(hours=1)
    assert failure_of(await look(state)).reason is FailureReason.CLOCK_SKEW


async def test_missing_keys_are_told_in_the_words_of_their_source() -> None:
    async with AlidnsEndpoint(world(entry())) as endpoint:
        records = AlidnsRecords(
            AlidnsAccount("main", endpoint.url),
            EnvironmentCredentials({}),
            unavailable=CredentialsUnavailable,
        )
        failure = failure_of(await records.look(OWNER))
    assert failure.reason is FailureReason.CREDENTIALS
    assert failure.detail.startswith("the environment has no keys: set ")


async def test_keys_that_are_no_text_are_a_failure() -> None:
    async with AlidnsEndpoint(world()) as endpoint:
        key = replace(KEY, secret="\udc80")
        failure = failure_of(await records_at(endpoint.url, key=key).look(OWNER))
    text = "the request could not be made (UnicodeEncodeError)"
    assert failure == ProviderFailure(FailureReason.OTHER, text)


async def test_the_detail_has_what_support_asks_for_and_what_to_do() -> None:
    state = world(entry())
    state.denied = frozenset({"example.com"})
    assert failure_of(await look(state)).detail == (
        "Forbidden.RAM (HTTP 403, request 0B12DE1A-2304-5E86-AAFD-B0206BDECD01): "
        "grant alidns:DescribeDomainRecords to this key"
    )


async def test_a_code_that_is_no_word_is_not_repeated() -> None:
    detail = failure_of(await look(always(Fault.NO_WORD))).detail
    assert detail == "(no code) (HTTP 400, request 0B12DE1A-2304-5E86-AAFD-B0206BDECD01)"


async def test_no_secret_is_in_a_failure_or_in_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    state = world(entry())
    state.keys = {KEY.id: replace(KEY, secret="another-secret")}  # the reply shows the token
    async with AlidnsEndpoint(state) as endpoint:
        refused = failure_of(await records_at(endpoint.url).look(OWNER))
    unreachable = failure_of(await records_at(endpoint.url).look(OWNER))
    shown = f"{caplog.text}\n{refused.detail}\n{unreachable.detail}"
    assert "SignatureDoesNotMatch" in shown
    assert not [canary for canary in CANARIES if canary in shown]


async def test_a_page_that_fails_later_loses_the_whole_listing() -> None:
    state = world(entry(), entry(Line="telecom"))
    state.page_size = 1
    state.faults = [None, None, Fault.HTML]  # no zone, the first page, the second
    assert failure_of(await look(state)).reason is FailureReason.MALFORMED
    assert asked(state) == ["img.example.com", "example.com", "example.com"]


async def test_a_zone_that_cannot_be_asked_leaves_no_other_in_its_place() -> None:
    state = world(entry())
    state.always = Fault.THROTTLED
    assert failure_of(await look(state)).reason is FailureReason.THROTTLED
    assert set(asked(state)) == {"img.example.com"}


class Repeating(HTTPAdapter):
    """Gives the same page to every call."""

    def __init__(self, page: object) -> None:
        super().__init__()
        self._page = json.dumps(page).encode()

    def send(self, *_: object, **__: object) -> requests.Response:
        response = requests.Response()
        response.status_code, response.raw = 200, io.BytesIO(self._page)
        return response


@pytest.mark.parametrize("entries", [[], [entry()]])
async def test_a_listing_that_never_ends_is_given_up(entries: list[object]) -> None:
    page = {"TotalCount": 10**9, "DomainRecords": {"Record": entries}}
    records = AlidnsRecords(
        AlidnsAccount("main"),
        keys(),
        unavailable=CredentialsUnavailable,
        transport=lambda: Repeating(page),
    )
    text = "the listing of img.example.com does not come to an end"
    expected = ProviderFailure(FailureReason.MALFORMED, text)
    assert failure_of(await records.look(OWNER)) == expected


async def test_a_look_that_is_called_off_ends_at_once() -> None:
    paused = asyncio.Event()

    async def for_ever(_: float) -> None:
        paused.set()
        await asyncio.Event().wait()

    async with AlidnsEndpoint(always(Fault.GATEWAY)) as endpoint, asyncio.TaskGroup() as group:
        records = AlidnsRecords(
            AlidnsAccount("main", endpoint.url),
            keys(),
            unavailable=CredentialsUnavailable,
            sleep=for_ever,
        )
        task = group.create_task(records.look(OWNER))
        await paused.wait()
        task.cancel()
    assert task.cancelled()


@pytest.mark.parametrize(
    ("error", "reason", "may_pass"),
    [
        (LibraryMissing(), ProviderReason.LIBRARY_MISSING, False),
        (Refused(500), FailureReason.SERVER_ERROR, True),
        (Refused(403), FailureReason.DENIED, False),
        (Refused(404), FailureReason.MALFORMED, False),
        (Refused(404, "InvalidAccessKeyId.NotFound"), FailureReason.CREDENTIALS, False),
        (Refused(400, "InvalidSecurityToken.Expired"), FailureReason.CREDENTIALS, False),
        (Refused(400, "InvalidDomainName.NoExist"), ProviderReason.UNKNOWN_DOMAIN, False),
        (Refused(400, "Throttling"), FailureReason.THROTTLED, True),
        (Refused(500, "InternalError"), FailureReason.SERVER_ERROR, True),
        (Refused(500, "NeverHeardOf"), FailureReason.SERVER_ERROR, True),
        (requests.exceptions.SSLError(), FailureReason.UNREACHABLE, True),
        (requests.exceptions.ProxyError(), FailureReason.UNREACHABLE, True),
        (requests.exceptions.ConnectTimeout(), FailureReason.UNREACHABLE, True),
        (requests.exceptions.ChunkedEncodingError(), FailureReason.UNREACHABLE, True),
        (requests.exceptions.InvalidURL("canary"), FailureReason.OTHER, False),
        (ValueError("canary"), FailureReason.OTHER, False),
    ],
)
def test_every_error_has_its_reason(
    error: Exception, reason: FailureReason | ProviderReason, *, may_pass: bool
) -> None:
    found = setback(error)
    assert (found.reason, found.may_pass) == (reason, may_pass)
    assert "canary" not in found.detail
