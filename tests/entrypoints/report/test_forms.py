import csv
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from io import StringIO
from typing import Any

import pytest

from monitor.core.events import EventType
from monitor.core.report import Report
from monitor.core.tracking.changes import Change
from monitor.entrypoints.report.forms import Form, written
from monitor.entrypoints.report.markdown import escaped, fenced
from monitor.entrypoints.report.page import style_source
from monitor.entrypoints.report.sections import sheet_of
from monitor.wording import Language, wording
from tests.contracts.followed import changes
from tests.core.tampered import inspected
from tests.entrypoints.report.sample import (
    HOSTILE,
    NAME,
    TEXT,
    hostile_report,
    hostile_sheet,
    wire,
)

EN = wording(Language.ENGLISH)
LANGUAGES = pytest.mark.parametrize("language", Language)


def form(kind: Form, language: Language = Language.ENGLISH) -> str:
    return written([hostile_sheet(language)], wording(language), kind)


class _Elements(HTMLParser):
    """Reads a page as a browser would, and keeps its elements and its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags = set[str]()
        self.attributes = list[tuple[str, str]]()
        self.open = list[str]()
        self.text = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@LANGUAGES
def test_the_page_has_only_elements_of_ours_and_asks_nobody_for_anything(
    language: Language,
) -> None:
    page = _Elements(form(Form.HTML, language))
    assert page.open == []
    assert not page.tags & {"script", "img", "b", "i", "iframe", "object", "textarea", "link"}
    for name, value in page.attributes:
        assert not name.startswith("on")
        assert name not in {"src", "style", "action", "srcset"}
        assert name != "href" or value.startswith("#")
    assert "url(" not in form(Form.HTML).split("</style>")[0]


@LANGUAGES
def test_hostile_text_is_shown_as_it_is(language: Language) -> None:
    shown = " ".join(_Elements(form(Form.HTML, language)).text.split())
    for text in HOSTILE:
        assert " ".join(text.split()) in shown
    assert NAME.text in shown


def test_every_link_in_the_page_leads_somewhere() -> None:
    page = _Elements(form(Form.HTML))
    places = {value for name, value in page.attributes if name == "id"}
    links = {value[1:] for name, value in page.attributes if name == "href"}
    assert links and links <= places
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))


def test_several_reports_share_one_page() -> None:
    sheet = hostile_sheet()
    page = _Elements(written([sheet, sheet], EN, Form.HTML, is_one=False))
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))


def test_the_styles_of_the_page_are_those_that_its_policy_allows() -> None:
    assert re.fullmatch(r"'sha256-[A-Za-z0-9+/]{43}='", style_source())


@LANGUAGES
@pytest.mark.parametrize("kind", Form)
def test_the_same_report_is_the_same_to_the_octet(kind: Form, language: Language) -> None:
    assert form(kind, language) == form(kind, language)


def test_the_languages_differ_and_both_tell_everything() -> None:
    english, chinese = hostile_sheet(), hostile_sheet(Language.CHINESE)
    assert [s.key for s in english.sections] == [s.key for s in chinese.sections]
    assert all(a.title != b.title for a, b in zip(english.sections, chinese.sections, strict=True))
    assert re.search(r"[一-鿿]", form(Form.MARKDOWN, Language.CHINESE))


@pytest.mark.parametrize("text", [*HOSTILE, NAME.text, "a\\|b", "![x](y)", "www.evil.example"])
def test_markdown_shows_what_has_a_meaning_in_it(text: str) -> None:
    shown = escaped(text)
    assert "\n" not in shown
    assert re.sub(r"\\([!-/:-@\[-`{-~])", r"\1", shown) == " ".join(text.split())
    for mark in "`*_[]<>|~#&":
        assert not re.search(rf"(?<!\\)(?:\\\\)*{re.escape(mark)}", shown), mark
    assert not re.search(r"(?<!\\)://|www\.", shown)


@pytest.mark.parametrize("text", ["a", "```", "`````\n~~~~~~~~", "` ```` `"])
def test_nothing_in_a_block_of_code_ends_it(text: str) -> None:
    first, *inner, last = fenced(text).split("\n")
    assert first == f"{last}text"
    assert set(last) == {"`"}
    assert not any(re.fullmatch(rf" {{0,3}}`{{{len(last)},}}\s*", line) for line in inner)


def test_every_row_of_a_table_in_markdown_has_its_cells() -> None:
    text = form(Form.MARKDOWN)
    tables = [
        [line for line in block.split("\n") if line.startswith("|")]
        for block in text.split("\n\n")
        if "| --- |" in block
    ]
    assert len(tables) >= 5
    for table in tables:
        assert len({len(re.split(r"(?<!\\)\|", line)) for line in table}) == 1


def rows() -> list[dict[str, str]]:
    return list(csv.DictReader(StringIO(form(Form.CSV), newline="")))


def test_no_cell_is_a_formula() -> None:
    for row in rows():
        for cell in row.values():
            assert cell[:1] not in {"=", "+", "-", "@", "\t", "\r", "\n", "|"}


def test_the_table_has_the_change_its_resolvers_spells_and_events() -> None:
    report = hostile_report()
    kinds = [row["row"] for row in rows()]
    assert kinds.count("change") == 1
    assert kinds.count("resolver") == len(report.tracks) == 3
    assert kinds.count("spell") == len(report.spells) == 1
    assert kinds.count("event") == len(report.records)
    resolvers = {row["resolver"]: row for row in rows() if row["row"] == "resolver"}
    assert resolvers["alidns"]["state"] == "settled"
    assert resolvers["'=stuck"]["last_old_at"]
    change = rows()[0]
    assert change["text"] == f"{TEXT}: {TEXT}"


def document() -> Any:
    return json.loads(form(Form.JSON))


def test_the_document_tells_how_long_it_took_and_who_was_late() -> None:
    found = document()
    assert set(found["progress"]["reached"]) == {"0.50", "0.95", "1.00"}
    assert found["progress"]["reached"]["0.50"]["after_seconds"] > 200
    assert found["progress"]["reached"]["1.00"]["at"] is None
    (spell,) = found["spells"]
    assert (spell["resolver"], spell["state"], spell["until"]) == ("=stuck", "overstay", None)
    assert found["change"]["note"] == TEXT


def test_the_document_holds_the_answers_readable_and_as_they_came() -> None:
    hostile, broken, silent, no_base64 = document()["answers"]
    assert hostile["wire"] == wire()
    assert "<script>evil</script>.example." in hostile["text"]
    assert "\x1b" not in hostile["text"]
    assert broken["text"] == no_base64["text"] == "(a message that cannot be read)"
    assert silent["text"] == "(nothing came)"


def test_the_document_names_the_record_that_covers_it() -> None:
    report, found = hostile_report(), document()
    assert inspected(report.records).is_intact
    assert found["head"] == {"seq": report.records[-1].seq, "hash": report.records[-1].hash}
    assert (
        f"--head {found['head']['seq']}:{found['head']['hash']}" in _Elements(form(Form.HTML)).text
    )


def test_several_reports_are_a_list() -> None:
    sheet = hostile_sheet()
    found = json.loads(written([sheet, sheet], EN, Form.JSON, is_one=False))
    assert [item["change"]["id"] for item in found["items"]] == [hostile_report().change.id] * 2
    assert json.loads(written([], EN, Form.JSON, is_one=False)) == {"items": []}


@LANGUAGES
@pytest.mark.parametrize("kind", Form)
def test_no_report_at_all_has_every_form(kind: Form, language: Language) -> None:
    assert written([], wording(language), kind, is_one=False)


@LANGUAGES
@pytest.mark.parametrize("kind", Form)
@pytest.mark.parametrize("change", changes(), ids=lambda change: change.state.value)
def test_whatever_became_of_a_change_it_is_reported_on(
    change: Change, kind: Form, language: Language
) -> None:
    words = wording(language)
    for it in (change, replace(change, tracks={}, authorities=(), bound_is_assumed=True)):
        report = Report(it, (), (), it.detected_at)
        assert it.id in written([sheet_of(report, words, lambda _: "")], words, kind)


def test_what_was_not_verified_is_said_with_its_state() -> None:
    (coverage,) = (s for s in hostile_sheet().sections if s.key == "coverage")
    assert coverage.lines[0] == "2 of 3 resolvers answered in the end: 67 % by weight."
    assert coverage.lines[1] == "Not verified: <b>dead: does not answer."


def test_the_time_line_names_the_answers_behind_each_record() -> None:
    (story,) = (s for s in hostile_sheet().sections if s.key == "story")
    assert story.table is not None
    assert story.table.rows[0][-1] == "A1"
    assert story.table.rows[-1][2] == EN.word(f"event_{EventType.RELOAD.value}")
    assert story.table.rows[-1][-1] == "A2 A3 A4"


@pytest.mark.parametrize(("name", "kind"), [("md", Form.MARKDOWN), ("csv", Form.CSV)])
def test_a_form_is_read_by_its_name(name: str, kind: Form) -> None:
    assert Form.parse(name) is kind


def test_a_form_that_is_none_is_refused_with_those_there_are() -> None:
    with pytest.raises(ValueError, match="html, markdown, json, csv"):
        Form.parse("pdf")
