"""Whoever answers in the place of the DNS provider costs no more than a failure."""

from starlette.responses import Response

from monitor.core.inventory import FailureReason
from monitor.demo.serving import served
from tests.adapters.alidns.alidns_world import OWNER, Pauses, records_at


async def test_a_reply_without_end_is_read_to_a_limit() -> None:
    body = b'{"TotalCount": 0, "DomainRecords": {"Record": []}}' + b" " * 17_000_000
    async with served(Response(body, media_type="application/json")) as url:
        listing = await records_at(url, Pauses()).look(OWNER)
    assert listing.records == ()
    assert listing.failure is not None
    assert listing.failure.reason is FailureReason.MALFORMED
