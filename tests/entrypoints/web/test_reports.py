import asyncio
import csv
import json
from base64 import b64encode
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from io import StringIO

import pytest
from starlette.testclient import TestClient

from monitor.core.report import Report
from monitor.ports import StoreError
from tests.entrypoints.report.sample import hostile_report
from tests.entrypoints.web.worlds import reader, site_of

REPORT = hostile_report()
PATH = f"/api/v1/changes/{REPORT.change.id}/report"
PROBLEM = "application/problem+json"


@dataclass(slots=True)
class Shelf:
    """One report, or a store that cannot be read."""

    is_broken: bool = False
    asked_at: datetime | None = None

    async def of_change(self, number: str, at: datetime | None) -> Report | None:
        await asyncio.sleep(0)
        if self.is_broken:
            raise StoreError("database disk image is malformed: /var/lib/secret.db")
        self.asked_at = at
        return REPORT if number == REPORT.change.id else None

    def readable(self, wire: bytes) -> str:
        return f"{len(wire)} octets <b>"


def client(shelf: Shelf | None = None, language: str = "en") -> TestClient:
    site = replace(site_of(), reports=shelf or Shelf())
    return reader(site, {"accept-language": language})


def test_a_report_is_a_page_by_default_whose_styles_alone_are_allowed() -> None:
    reply = client().get(PATH)
    assert reply.status_code == 200
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert reply.headers["content-disposition"].startswith('inline; filename="img.shop.example-')
    policy = reply.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    style = reply.text.split("<style>")[1].split("</style>")[0]
    assert b64encode(sha256(style.encode()).digest()).decode() in policy
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert "<script" not in reply.text


@pytest.mark.parametrize(
    ("asked", "kind", "suffix"),
    [
        ("json", "application/json", "json"),
        ("csv", "text/csv; charset=utf-8; header=present", "csv"),
        ("md", "text/markdown; charset=utf-8", "md"),
        ("markdown", "text/markdown; charset=utf-8", "md"),
    ],
)
def test_other_forms_are_files_to_be_kept(asked: str, kind: str, suffix: str) -> None:
    reply = client().get(PATH, params={"format": asked})
    assert reply.headers["content-type"] == kind
    name = f'attachment; filename="img.shop.example-{REPORT.change.id}.{suffix}"'
    assert reply.headers["content-disposition"] == name
    assert reply.headers["content-security-policy"].startswith("default-src 'none'; style-src 's")


def test_the_forms_hold_the_report() -> None:
    found = json.loads(client().get(f"{PATH}?format=json").text)
    assert found["change"]["id"] == REPORT.change.id
    assert found["answers"][0]["text"].endswith("octets <b>")
    table = csv.DictReader(StringIO(client().get(f"{PATH}?format=csv").text, newline=""))
    assert next(table)["row"] == "change"


def test_a_report_is_in_the_language_of_the_reader() -> None:
    assert '<html lang="en">' in client().get(PATH).text
    assert '<html lang="zh-CN">' in client(language="zh-CN,en;q=0.5").get(PATH).text
    reply = client().get(f"{PATH}?lang=zh")
    assert '<html lang="zh-CN">' in reply.text
    assert reply.headers["vary"] == "accept-language, cookie"


def test_the_moment_of_a_report_can_be_named() -> None:
    shelf = Shelf()
    client(shelf).get(PATH, params={"at": "2026-11-24T20:00:00+08:00"})
    assert shelf.asked_at == datetime.fromisoformat("2026-11-24T12:00:00Z")
    assert shelf.asked_at.utcoffset() == timedelta()


@pytest.mark.parametrize("query", ["format=pdf", "at=yesterday", "at=2026-11-24T20:00:00"])
def test_what_cannot_be_done_is_a_problem(query: str) -> None:
    reply = client().get(f"{PATH}?{query}")
    assert reply.status_code == 400
    assert reply.headers["content-type"] == PROBLEM


def test_there_is_no_report_on_an_unknown_change() -> None:
    reply = client().get("/api/v1/changes/01ARZ3NDEKTSV4RRFFQ69G5FAV/report")
    assert reply.status_code == 404
    assert reply.headers["content-type"] == PROBLEM


def test_a_log_that_cannot_be_read_is_a_problem_without_secrets() -> None:
    reply = client(Shelf(is_broken=True)).get(PATH)
    assert reply.status_code == 503
    assert reply.headers["content-type"] == PROBLEM
    assert "secret.db" not in reply.text
