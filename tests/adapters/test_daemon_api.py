"""Whoever stands at a daemon's address: what they say is told in words that do no harm."""

import pytest

from monitor.adapters.daemon_api import DaemonAt, DaemonRefused, post_change
from tests.servers.http_service import Says, http_service

CHANGE = {"domain": "img.shop.example", "to": "x.example"}


def said_to(answer: Says) -> str:
    with http_service(lambda _: answer) as service, pytest.raises(DaemonRefused) as raised:
        post_change(DaemonAt(f"http://{service.at}/"), CHANGE)
    return str(raised.value)


def test_a_change_has_an_id_of_printable_characters() -> None:
    with http_service(lambda _: Says(201, {"id": "01\x1b[31m", "state": "open"})) as service:
        assert post_change(DaemonAt(f"http://{service.at}/"), CHANGE)["id"] == "01[31m"


def test_a_success_without_a_change_is_none() -> None:
    assert "no daemon" in said_to(Says(201, {"state": "open"}))


@pytest.mark.parametrize(
    "document", ["[" * 5000, '{"detail": 1' + "0" * 5000 + "}", "<html>", "[]"]
)
def test_what_is_no_document_explains_nothing(document: str) -> None:
    assert said_to(Says(409, document)).endswith("status 409 without an explanation")


@pytest.mark.parametrize("status", [401, 409])
def test_a_detail_is_short_and_acts_on_no_terminal(status: int) -> None:
    told = said_to(Says(status, {"detail": "\x1b[31m\u202e" + "x" * 5000}))
    assert told.replace("\n  hint", "").isprintable()
    assert len(told) < 1000
