from dataclasses import replace
from urllib.parse import quote

import pytest

from monitor.entrypoints.documents import domain_document
from monitor.usecases.snapshot import Snapshot
from tests.entrypoints.sample import CDN, IMG, sample_snapshot
from tests.entrypoints.web.worlds import reader, site_of, unreadable

PROBLEM = "application/problem+json"
FIELDS = {
    *("domain", "display", "bucket", "endpoint", "account", "status", "faults", "answers"),
    "change",
}
ANSWER_FIELDS = {
    *("resolver", "group", "verdict", "rule", "in_effect", "rcode", "chain", "addresses", "ttl"),
    *("rtt_ms", "ede", "nsid", "at"),
}


def test_a_domain_has_the_shape_that_scripts_rely_on() -> None:
    document = reader(site_of()).get(f"/api/v1/domains/{CDN}").json()
    assert document.keys() >= FIELDS
    assert document["status"] == "propagating"
    assert len(document["answers"]) == 6
    assert all(answer.keys() >= ANSWER_FIELDS for answer in document["answers"])
    assert document["answers"][1]["chain"][0].keys() == {"name", "target", "ttl"}


@pytest.mark.parametrize(
    "name", ["xn--wcsw84d.xn--czrs0t.example", "图片.商店.example", "图片。商店.EXAMPLE."]
)
def test_a_domain_is_found_by_its_unicode_name_and_by_its_a_labels(name: str) -> None:
    document = reader(site_of()).get(f"/api/v1/domains/{quote(name)}").json()
    assert document["display"] == "图片.商店.example"
    assert document["domain"] == "xn--wcsw84d.xn--czrs0t.example"


def test_the_list_holds_the_same_documents() -> None:
    sample = sample_snapshot()
    listed = reader(site_of()).get("/api/v1/domains").json()
    assert listed["next"] is None
    expected = [domain_document(sample, domain)["domain"] for domain in sample.domains]
    assert [item["domain"] for item in listed["items"]] == expected


def test_cursors_lead_through_all_domains_once() -> None:
    client, seen = reader(site_of()), list[str]()
    cursor: str | None = ""
    while cursor is not None:
        page = client.get("/api/v1/domains", params={"limit": 3, "cursor": cursor}).json()
        assert len(page["items"]) <= 3
        seen += [item["domain"] for item in page["items"]]
        cursor = page["next"]
    assert seen == sorted(str(name) for name in sample_snapshot().state.domains)


def test_a_cursor_stays_good_when_its_domain_is_gone() -> None:
    page = reader(site_of()).get("/api/v1/domains", params={"cursor": "d.gone.example"}).json()
    assert page["items"][0]["domain"] == str(IMG)


def test_the_list_is_narrowed_by_status_and_text() -> None:
    client = reader(site_of())
    paused = client.get("/api/v1/domains?status=paused").json()["items"]
    assert {item["status"] for item in paused} == {"paused"}
    assert len(paused) == 2
    found = client.get("/api/v1/domains", params={"q": "shop-CDN"}).json()["items"]
    assert [item["domain"] for item in found] == [str(CDN)]


@pytest.mark.parametrize(
    "query",
    [
        "status=fine",
        "limit=0",
        "limit=1001",
        "limit=-1",
        "limit=x",
        "limit=٣",
        "limit=" + "9" * 5000,
    ],
)
def test_a_query_that_makes_no_sense_is_a_problem_that_says_what_would(query: str) -> None:
    reply = reader(site_of()).get(f"/api/v1/domains?{query}")
    assert reply.status_code == 400
    assert reply.headers["content-type"] == PROBLEM
    assert reply.json()["detail"].startswith(query.partition("=")[0])


@pytest.mark.parametrize("path", ["domains/elsewhere.example", "domains/a..b", "nothing"])
def test_what_does_not_exist_is_a_problem_document(path: str) -> None:
    reply = reader(site_of()).get(f"/api/v1/{path}")
    assert reply.status_code == 404
    assert reply.headers["content-type"] == PROBLEM
    assert reply.json().keys() >= {"type", "title", "status", "detail"}


def test_resolvers_and_inventory_are_lists() -> None:
    client = reader(site_of())
    resolvers = client.get("/api/v1/resolvers").json()
    up = {one["resolver"]: one["up"] for one in resolvers["items"]}
    assert up == {name: name != "branch" for name in sorted(up)} and len(up) == 6
    accounts = client.get("/api/v1/inventory").json()["items"]
    assert [one["account"] for one in accounts] == ["config", "new", "shop"]
    assert accounts[2]["failures"][0]["reason"] == "denied"


def test_a_domain_has_its_history() -> None:
    page = reader(site_of()).get(f"/api/v1/domains/{IMG}/history").json()
    assert [record["seq"] for record in page["items"]] == [5, 4, 3, 2, 1]
    assert page["items"][0]["data"]["to"] == "in_effect"


def test_a_long_history_is_read_in_pages() -> None:
    client, seqs = reader(site_of()), list[int]()
    cursor: str | None = ""
    while cursor is not None:
        asked = {"limit": "2", "cursor": cursor}
        page = client.get(f"/api/v1/domains/{IMG}/history", params=asked).json()
        seqs += [record["seq"] for record in page["items"]]
        cursor = page["next"]
    assert seqs == [5, 4, 3, 2, 1]


@pytest.mark.parametrize("query", ["cursor=x", "cursor=-1", "cursor=" + "9" * 19, "limit=0"])
def test_a_place_in_a_history_that_makes_no_sense_is_a_problem(query: str) -> None:
    reply = reader(site_of()).get(f"/api/v1/domains/{IMG}/history?{query}")
    assert reply.status_code == 400
    assert reply.headers["content-type"] == PROBLEM


def test_a_history_that_cannot_be_read_is_a_problem_without_secrets() -> None:
    site = replace(site_of(), history=unreadable)
    reply = reader(site).get(f"/api/v1/domains/{IMG}/history")
    assert reply.status_code == 503
    assert reply.headers["content-type"] == PROBLEM
    assert "secret.db" not in reply.text


def test_a_bug_is_a_problem_without_a_traceback() -> None:
    def broken() -> Snapshot:
        raise ZeroDivisionError("the secret")

    site = replace(site_of(), snapshot=broken)
    reply = reader(site).get("/api/v1/resolvers")
    assert reply.status_code == 500
    assert reply.headers["content-type"] == PROBLEM
    assert "secret" not in reply.text
    assert "Traceback" not in reply.text
    assert "default-src 'none'" in reply.headers["content-security-policy"]


@pytest.mark.parametrize(
    "path", ["/", "/nowhere", "/metrics", "/-/healthy", "/api/v1/domains", "/static/style.css"]
)
def test_every_response_tells_the_browser_to_trust_nothing_else(path: str) -> None:
    headers = reader(site_of()).get(path).headers
    policy = headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'")
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
