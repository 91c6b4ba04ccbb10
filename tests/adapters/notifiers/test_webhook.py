"""The document of the webhook, which docs/channels.md promises."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from monitor.adapters.notifiers.webhook import WebhookChannel, hook_of, signature
from monitor.core.message import NoticeSeverity
from tests.adapters.notifiers.lines import workers
from tests.contracts.notifier_contract import MESSAGE
from tests.fakes.clock import FakeClock
from tests.servers.http_service import Says, Seen, http_service

DOCUMENTED = Path(__file__).parents[3] / "docs/channels.md"


async def _sent(key: str, link: str | None) -> Seen:
    message = replace(
        MESSAGE,
        key=key,
        title="恢复",
        body="one\ntwo",
        severity=NoticeSeverity.WARNING,
        is_over=True,
        at=datetime(2026, 11, 24, 18, 0, 0, 500_000, tzinfo=UTC),
        link=link,
    )
    with http_service(lambda _: Says(202)) as service:
        hook = hook_of(f"webhook://{service.at}/in?a=b")
        await WebhookChannel("hook", hook, workers(), FakeClock()).send(message)
    (seen,) = service.seen
    return seen


async def test_the_document_says_all_of_the_message() -> None:
    seen = await _sent("k/1", None)

    assert seen.target == "/in?a=b"
    assert seen.headers["Content-Type"] == "application/json"
    assert seen.document == {
        "version": 1,
        "key": "k/1",
        "title": "恢复",
        "body": "one\ntwo",
        "severity": "warning",
        "is_over": True,
        "at": "2026-11-24T18:00:00.500000Z",
        "link": None,
    }


async def test_the_document_has_the_fields_that_are_documented() -> None:
    seen = await _sent("k/1", "https://monitor.example.com/")
    text = DOCUMENTED.read_text(encoding="utf-8")
    (example,) = re.findall(r"```json\n(.*?)```", text, re.DOTALL)

    assert list(seen.document) == list(json.loads(example))


async def test_any_key_fits_into_the_header() -> None:
    seen = await _sent("例子.example\r\nX-Evil: 1", None)

    assert seen.headers["Idempotency-Key"] == ("%E4%BE%8B%E5%AD%90.example%0D%0AX-Evil:%201")
    assert "X-Evil" not in seen.headers


async def test_without_a_secret_nothing_is_signed() -> None:
    seen = await _sent("k", None)

    assert not [name for name in seen.headers if name.startswith("X-Oss-Cname")]


def test_a_signature_is_of_time_and_body() -> None:
    # $ printf '1700000000.{}' | openssl dgst -sha256 -hmac secret
    expected = "sha256=b8569b78799ff9e3cbff0fc2d63a33a2b57f3282abd07c37ae5e8e7d79a5f163"
    assert signature("1700000000", b"{}", "secret") == expected
