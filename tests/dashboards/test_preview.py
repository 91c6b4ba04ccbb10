"""The dashboards as text, on answers that are given."""

import io
import re
from collections.abc import Mapping, Sequence

import pytest
from rich.console import Console

from tests.dashboards.shipped import ROOT
from tools.dashboards.asking import Question, intervals
from tools.dashboards.preview import Series, rendered
from tools.dashboards.shipped import files, loaded

CHOSEN = {"job": "j", "account": ".*", "bucket": ".*", "resolver": ".*", "domain": "img.example"}
VALUES: Mapping[str, str] = CHOSEN | dict(intervals(1, 60))


def text(name: str, answers: Mapping[tuple[str, str], Sequence[Series]]) -> str:
    def ask(question: Question) -> Sequence[Series]:
        return answers.get((question.panel, question.ref), ())

    console = Console(file=io.StringIO(), width=200)
    with console.capture() as captured:
        console.print(*rendered(loaded(name), VALUES, ask), sep="\n")
    return captured.get()


def test_a_table_joins_its_queries_and_shows_words_units_and_times() -> None:
    shown = text(
        "change.json",
        {
            ("Who is not new yet", "A"): [
                {"metric": {"resolver": "a", "state": "waiting"}, "value": [0, "1"]},
                {"metric": {"resolver": "b", "state": "unreachable"}, "value": [0, "1"]},
            ],
            ("Who is not new yet", "B"): [
                {"metric": {"resolver": "a", "reason": "late_cache"}, "value": [0, "1"]}
            ],
            ("Who is not new yet", "C"): [
                {"metric": {"resolver": "a"}, "value": [0, "1767225600000"]}
            ],
            ("Who is not new yet", "D"): [{"metric": {"resolver": "a"}, "value": [0, "-75"]}],
        },
    )
    (of_a,) = (line for line in shown.splitlines() if line.startswith("│ a "))
    assert "◐ old, expiry known" in of_a
    assert "a cache fetched before the change" in of_a
    assert "01-01 00:00:00Z" in of_a
    assert "0:01:15 ago" in of_a
    assert "? unreachable" in shown


def test_states_over_time_are_told_in_their_order() -> None:
    values = [[0, "8"], [1, "8"], [2, "1"]]
    series = {"metric": {"resolver": "a"}, "values": values}
    shown = text("domain.json", {("Verdict of each resolver", "A"): [series]})
    assert "✖ no CNAME → ✔ in effect" in shown


def test_numbers_over_time_are_drawn_between_their_least_and_greatest() -> None:
    series = {"metric": {}, "values": [[0, "0"], [1, "NaN"], [2, "0.5"], [3, "1"]]}
    assert "▁·▅█ 100%" in text("change.json", {("Progress against time", "A"): [series]})


@pytest.mark.parametrize("name", sorted(files()))
def test_without_any_data_each_panel_is_named(name: str) -> None:
    shown = text(name, {})
    assert all(panel["title"] in shown for panel in loaded(name)["panels"])


@pytest.mark.parametrize("name", sorted(files()))
def test_the_preview_that_is_shipped_has_data_in_each_panel(name: str) -> None:
    shipped = (ROOT / "docs/dashboards-preview.txt").read_text(encoding="utf-8")
    board = loaded(name)
    _, _, rest = shipped.partition(f"─ {board['title']} ─")
    shown, _, _ = rest.partition("─ OSS CNAME")
    titles = [panel["title"] for panel in board["panels"] if panel["type"] != "row"]
    found = re.findall(rf"^({'|'.join(map(re.escape, titles))})(?::.*| *)$", shown, re.MULTILINE)
    assert found == titles, "make preview > docs/dashboards-preview.txt"
    assert "no data" not in shown
