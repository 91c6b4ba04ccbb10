"""What strangers write is shown as they wrote it, and does nothing."""

import json
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from html.parser import HTMLParser
from itertools import zip_longest
from typing import Any
from urllib.parse import quote

import pytest
from prometheus_client.parser import text_string_to_metric_families

from monitor.wording import Language
from tests.entrypoints.sample import CDN, IMG, SHOP, TWICE
from tests.entrypoints.web.hostile import PAYLOADS, hostile_site
from tests.entrypoints.web.worlds import reader

HARMLESS = "plain"
LANGUAGES = [language.value for language in Language]
PAGES = (
    "/",
    "/?q={}",
    "/?q=shop&cursor=a..{}",
    "/?status={}",
    "/?limit={}",
    "/?lang={}",
    f"/domains/{IMG}",
    f"/domains/{CDN}",
    f"/domains/{TWICE}",
    f"/domains/{SHOP}?{{}}={{}}",
    "/domains/{}",
    "/changes",
    "/changes?open={}",
    "/changes?cursor={}",
    "/changes/{}",
    "/resolvers",
    "/nowhere/{}",
)
DOCUMENTS = (
    "/api/v1/domains",
    "/api/v1/domains?q={}",
    "/api/v1/domains?status={}",
    "/api/v1/domains?limit={}",
    "/api/v1/domains?cursor={}",
    f"/api/v1/domains/{IMG}",
    "/api/v1/domains/{}",
    f"/api/v1/domains/{IMG}/history",
    "/api/v1/domains/{}/history",
    "/api/v1/changes?open={}",
    "/api/v1/changes?cursor={}",
    "/api/v1/changes/{}",
    "/api/v1/resolvers",
    "/api/v1/inventory",
    "/api/v1/{}",
    "/-/{}",
)
BODIES: tuple[Mapping[str, Any], ...] = (
    {"domain": "{}", "to": "x.example"},
    {"domain": "img.shop.example", "to": "{}"},
    {"domain": "img.shop.example", "to": "x.example", "at": "{}"},
    {"domain": "img.shop.example", "to": "x.example", "by": "{}", "note": "{}"},
    {"domain": "img.shop.example", "to": "x.example", "{}": 1},
)


class Structure(HTMLParser):
    """The elements and attributes of a page, and where its links lead."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, ...]] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, *(name for name, _ in attrs)))
        self.links += [value or "" for name, value in attrs if name in {"href", "src", "action"}]
        self.text += "".join(f" {value} " for _, value in attrs if value)

    def handle_endtag(self, tag: str) -> None:
        self.elements.append((f"/{tag}",))

    def handle_data(self, data: str) -> None:
        self.text += data

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    unknown_decl = handle_pi = handle_comment


def first_difference(ones: Sequence[Any], others: Sequence[Any]) -> Any:
    pairs = enumerate(zip_longest(ones, others))
    return next(((at, one, other) for at, (one, other) in pairs if one != other), None)


def filled(text: str, payload: str) -> str:
    return text.replace("{}", quote(payload, safe=""))


def invisible(text: str) -> Iterator[str]:
    """Yield characters that reorder, hide or control what is shown; a page has none but breaks."""
    for character in text:
        if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}:
            yield character


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("payload", PAYLOADS, ids=ascii)
@pytest.mark.parametrize("language", LANGUAGES)
def test_no_text_of_a_stranger_changes_a_page(payload: str, path: str, language: str) -> None:
    def asked(text: str) -> Any:
        client = reader(hostile_site(text), {"accept-language": language})
        return client.get(filled(path, text))

    reply, plain = asked(payload), asked(HARMLESS)
    assert reply.status_code == plain.status_code
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    shown, expected = Structure(reply.text), Structure(plain.text)
    assert first_difference(shown.elements, expected.elements) is None
    assert all(link.startswith(("/", "?", "#")) for link in shown.links)
    assert not any(link.startswith("//") for link in shown.links)
    assert not [name for element in shown.elements for name in element[1:] if name[:2] == "on"]
    assert set(invisible(reply.text)) <= {"\n"}
    assert "mine=1" not in str(reply.headers)


@pytest.mark.parametrize("payload", PAYLOADS, ids=ascii)
def test_what_a_stranger_wrote_can_be_read(payload: str) -> None:
    html = reader(hostile_site(payload)).get(f"/domains/{IMG}").text
    visible = "".join(c if c.isprintable() else f"\\u{{{ord(c):x}}}" for c in payload)
    told = Structure(html).text
    for place in (f"why: {visible}", f"{visible}-1", f"x{visible}"):
        assert place in told


@pytest.mark.parametrize("path", DOCUMENTS)
@pytest.mark.parametrize("payload", PAYLOADS, ids=ascii)
def test_a_document_is_json_and_taken_for_nothing_else(payload: str, path: str) -> None:
    reply = reader(hostile_site(payload), {"accept": "text/html"}).get(filled(path, payload))
    _assert_json(reply)


@pytest.mark.parametrize("body", BODIES, ids=str)
@pytest.mark.parametrize("payload", PAYLOADS, ids=ascii)
def test_a_refused_announcement_is_json_too(payload: str, body: Mapping[str, Any]) -> None:
    client = reader(hostile_site(payload))
    text = {key.replace("{}", payload): str(value) for key, value in body.items()}
    document = {key: value.replace("{}", payload) for key, value in text.items()}
    _assert_json(client.post("/api/v1/changes", json=document))


@pytest.mark.parametrize("key", ["domain", "to", "at", "by", "note", "\ud800"], ids=ascii)
def test_half_a_character_is_no_text(key: str) -> None:
    document = {"domain": "img.shop.example", "to": "x.example", key: "\ud800"}
    reply = reader(hostile_site(HARMLESS)).post(
        "/api/v1/changes",
        content=json.dumps(document),
        headers={"content-type": "application/json"},
    )
    _assert_json(reply)
    assert reply.status_code == 400


@pytest.mark.parametrize("payload", PAYLOADS, ids=ascii)
def test_a_document_has_what_was_written_letter_by_letter(payload: str) -> None:
    document = reader(hostile_site(payload)).get(f"/api/v1/domains/{IMG}").json()
    assert document["labels"]["team"] == payload
    assert document["change"]["note"] == f"why: {payload}"
    assert {answer["nsid"] for answer in document["answers"]} >= {payload, f"{payload}-1"}


@pytest.mark.parametrize("payload", PAYLOADS, ids=ascii)
def test_metrics_stay_metrics(payload: str) -> None:
    text = reader(hostile_site(payload)).get("/metrics").text
    samples = [s for family in text_string_to_metric_families(text) for s in family.samples]
    plain = reader(hostile_site(HARMLESS)).get("/metrics").text
    assert len(samples) == sum(
        len(family.samples) for family in text_string_to_metric_families(plain)
    )


@pytest.mark.parametrize("payload", PAYLOADS, ids=ascii)
@pytest.mark.parametrize("path", ["/", "/api/v1/domains", "/{}", "/api/{}"])
def test_whoever_is_refused_gets_back_nothing_that_they_sent(payload: str, path: str) -> None:
    sent = {
        "host": "evil.example",
        "authorization": "Basic PGI+Og==",
        "cookie": "lang=<b>",
    }
    reply = reader(hostile_site(payload), sent).get(filled(path, payload))
    assert reply.status_code == 403
    assert "evil.example" not in reply.text
    assert "<b>" not in reply.text
    assert set(invisible(reply.text)) <= {"\n"}


def _assert_json(reply: Any) -> None:
    kind = "application/problem+json" if reply.is_error else "application/json"
    assert reply.headers["content-type"] == kind
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["content-security-policy"].startswith("default-src 'none'")
    assert "mine=1" not in str(reply.headers)
    assert isinstance(reply.json(), dict)
