"""Whoever answers in the place of OSS costs no more than a failure."""

import re
from pathlib import Path

import pytest
from starlette.responses import Response

from monitor.adapters.inventory.credentials import CredentialsUnavailable, FileCredentials
from monitor.adapters.inventory.replies import MOST_OCTETS
from monitor.core.inventory import Failure, FailureReason
from monitor.demo.oss_replies import Page, bucket_listing
from monitor.demo.oss_state import DemoBucket
from monitor.demo.serving import served
from tests.adapters.inventory.oss_world import inventory_at


async def failure_of(reply: Response) -> Failure:
    async with served(reply) as url:
        listing = await inventory_at(url).look()
    (failure,) = listing.failures
    assert listing.bindings == ()
    assert failure.detail.isprintable()
    return failure


async def test_a_reply_without_end_is_read_to_a_limit() -> None:
    body = b"<ListAllMyBucketsResult>" + b" " * (MOST_OCTETS + 1)
    failure = await failure_of(Response(body, media_type="application/xml"))
    assert (failure.reason, "longer" in failure.detail) == (FailureReason.MALFORMED, True)


async def test_entities_that_multiply_are_refused() -> None:
    entities = "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))
    body = f'<!DOCTYPE a [<!ENTITY a0 "lol">{entities}]><a>&a11;</a>'
    failure = await failure_of(Response(body, media_type="application/xml"))
    assert failure.reason is FailureReason.MALFORMED


@pytest.mark.parametrize("name", ["a\u202eb", "a b", "x" * 200, "a\nb"])
async def test_a_bucket_with_a_name_that_none_can_have_is_none(name: str) -> None:
    bucket = DemoBucket.within("cn-hangzhou", name)
    page = bucket_listing("1000001", Page((bucket,), next_marker="", is_whole=True))
    assert (await failure_of(Response(page.body))).reason is FailureReason.MALFORMED


async def test_a_date_beyond_all_numbers_is_none() -> None:
    bucket = DemoBucket.within("cn-hangzhou", "photos")
    page = bucket_listing("1000001", Page((bucket,), next_marker="", is_whole=True))
    day = re.sub(rb"<CreationDate>\d+", b"<CreationDate>" + b"9" * 30, bytes(page.body))
    assert day != page.body
    assert (await failure_of(Response(day))).reason is FailureReason.MALFORMED


@pytest.mark.parametrize("text", ['{"a":' * 5000, '{"AccessKeyId": 1' + "0" * 5000 + "}"])
def test_a_credentials_file_of_any_depth_is_unreadable(tmp_path: Path, text: str) -> None:
    file = tmp_path / "keys"
    file.write_text(text)
    with pytest.raises(CredentialsUnavailable, match="is neither JSON"):
        FileCredentials(file).get_credentials()
