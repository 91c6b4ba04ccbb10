"""What goes around a document: its validator, its coding, and which methods there are."""

import gzip
from dataclasses import replace
from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from monitor.core.status import Fault
from tests.entrypoints.sample import IMG, sample_snapshot
from tests.entrypoints.web.worlds import reader, site_of, snapshot_with

PROBLEM = "application/problem+json"
DOCUMENTS = [
    *("domains", "domains?limit=2", f"domains/{IMG}", f"domains/{IMG}/history", "changes"),
    *("resolvers", "inventory", "openapi.json"),
]


def plain() -> TestClient:
    return reader(site_of(), {"accept-encoding": "identity"})


@pytest.mark.parametrize("path", DOCUMENTS)
def test_who_has_a_document_is_not_sent_it_again(path: str) -> None:
    first = plain().get(f"/api/v1/{path}")
    tag = first.headers["etag"]
    for offered in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        again = plain().get(f"/api/v1/{path}", headers={"if-none-match": offered})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
        assert again.headers["vary"] == "accept-encoding"
    other = plain().get(f"/api/v1/{path}", headers={"if-none-match": '"other", W/"another"'})
    assert (other.status_code, other.json()) == (200, first.json())


def test_a_document_that_says_something_else_has_another_validator() -> None:
    path, tags = f"/api/v1/domains/{IMG}", set[str]()
    known = sample_snapshot().state.domains[IMG]
    shown = (
        snapshot_with(),
        snapshot_with(replace(known, faults=frozenset({Fault.TTL_HIGH}))),
        snapshot_with(replace(known, since=known.since + timedelta(seconds=1))),
    )
    for snapshot in shown:
        tags.add(reader(site_of(snapshot)).get(path).headers["etag"])
    assert len(tags) == 3


def test_a_document_of_which_nothing_has_changed_keeps_its_validator_as_time_goes_by() -> None:
    path, later = f"/api/v1/domains/{IMG}", snapshot_with()
    later = replace(later, at=later.at + timedelta(minutes=1))
    tags = {reader(site_of(shown)).get(path).headers["etag"] for shown in (snapshot_with(), later)}
    assert len(tags) == 1


@pytest.mark.parametrize("path", DOCUMENTS)
def test_a_head_tells_all_but_the_document(path: str) -> None:
    whole, head = plain().get(f"/api/v1/{path}"), plain().head(f"/api/v1/{path}")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers == whole.headers


def test_long_documents_are_packed_for_who_accepts_it() -> None:
    packed = reader(site_of(), {"accept-encoding": "br, gzip"}).get("/api/v1/domains")
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"] == "accept-encoding"
    assert int(packed.headers["content-length"]) < len(packed.content) / 3
    assert packed.content == plain().get("/api/v1/domains").content
    assert packed.headers["etag"] == plain().get("/api/v1/domains").headers["etag"]


def test_the_same_document_is_packed_to_the_same_octets() -> None:
    client = reader(site_of(), {"accept-encoding": "gzip"})
    octets = set[bytes]()
    for _ in range(2):
        with client.stream("GET", "/api/v1/domains") as reply:
            octets.add(b"".join(reply.iter_raw()))
    assert len(octets) == 1
    assert gzip.decompress(octets.pop()).startswith(b'{"items":[')


def test_short_documents_and_errors_are_sent_as_they_are() -> None:
    client = reader(site_of(), {"accept-encoding": "gzip"})
    for path in ("changes", "nothing"):
        assert "content-encoding" not in client.get(f"/api/v1/{path}").headers


@pytest.mark.parametrize("path", ["/api", "/api/", "/api/v2/domains", "/api/v1/domains/", "/-/x"])
def test_an_unknown_path_for_scripts_is_a_problem(path: str) -> None:
    reply = plain().get(path)
    assert (reply.status_code, reply.headers["content-type"]) == (404, PROBLEM)
    assert reply.json()["status"] == 404


def test_an_unknown_path_elsewhere_is_a_page() -> None:
    assert plain().get("/apis").headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("domains", {"GET", "HEAD"}),
        (f"domains/{IMG}", {"GET", "HEAD"}),
        ("changes", {"GET", "HEAD", "POST"}),
        ("events", {"GET", "HEAD"}),
        ("openapi.json", {"GET", "HEAD"}),
    ],
)
@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH", "OPTIONS", "TRACE", "BREW"])
def test_a_wrong_method_is_told_the_right_ones(path: str, allowed: set[str], method: str) -> None:
    reply = plain().request(method, f"/api/v1/{path}")
    assert (reply.status_code, reply.headers["content-type"]) == (405, PROBLEM)
    assert set(reply.headers["allow"].split(", ")) == allowed


@pytest.mark.parametrize(
    ("query", "part"),
    [
        ("domains?limt=5", "limt: no such parameter; there are: status, fault"),
        ("domains?limit=5&limit=6", "limit: once"),
        (f"domains/{IMG}?full=yes", "full: no such parameter; there are: none"),
        ("events?state=open", "state: no such parameter"),
        ("resolvers?" + "x" * 500, "x" * 50 + ": no such"),
    ],
)
def test_a_parameter_that_is_mistyped_is_no_wish(query: str, part: str) -> None:
    reply = plain().get(f"/api/v1/{query}")
    assert (reply.status_code, reply.headers["content-type"]) == (400, PROBLEM)
    assert reply.json()["detail"].startswith(part)


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", "json"])
def test_a_body_of_another_kind_is_refused(kind: str) -> None:
    headers = {"content-type": kind}
    reply = plain().post("/api/v1/changes", content=b"{}", headers=headers)
    assert (reply.status_code, reply.headers["content-type"]) == (415, PROBLEM)
    assert reply.headers["accept-post"] == "application/json"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"[]", 400),
        (b"{" * 5000, 400),
        (b"[" * 16_000, 400),
        (b'"\xff"', 400),
        (b"{}", 422),
        (b'{"domain": 7, "to": "x.example"}', 422),
        (b'{"domain": "a..b", "to": "x.example"}', 422),
        (b'{"domain": "a.example", "to": "x.example", "by": 0}', 422),
        (b'{"domain": "a.example", "to": "x.example", "at": ""}', 422),
        (b'{"domain": "a.example", "to": "x.example", "at": "2026-01-01T00:00:00"}', 422),
        (b'{"domain": "a.example", "to": "x.example", "at": "0001-01-01T00:00:00+05:00"}', 422),
        (b'{"domain": "a.example", "to": "x.example", "note": "\\ud800"}', 400),
        (b'{"domain": "a.example", "to": "x.example", "when": null}', 422),
        (b'{"domain": "a.example", "to": "x.example", "by": null, "note": "\\ud83d\\ude00"}', 409),
        (b" " * 20_000, 413),
    ],
)
def test_what_is_wrong_with_a_body_is_a_problem(body: bytes, status: int) -> None:
    headers = {"content-type": "application/json; charset=utf-8"}
    reply = plain().post("/api/v1/changes", content=body, headers=headers)
    assert (reply.status_code, reply.headers["content-type"]) == (status, PROBLEM)
    assert reply.json()["detail"]
