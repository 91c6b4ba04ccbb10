"""What is shipped is what the code makes, and holds together."""

import re
from collections.abc import Iterator, Mapping
from enum import Enum
from itertools import combinations
from typing import Any

import pytest
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from monitor.core.status import DomainStatus, Fault
from monitor.core.tracking.changes import ChangeState
from monitor.core.tracking.reasons import Reason
from monitor.core.tracking.tracks import TrackState
from monitor.core.verdict import VerdictKind
from tests.dashboards.theatre import dashboards
from tests.test_docs import METRICS
from tools.dashboards import words
from tools.dashboards.shipped import FOLDER, files, loaded, text_of
from tools.dashboards.words import Words

NAMES = sorted(files())
# What Prometheus itself says of its scrapes.
OF_SCRAPES = {"up": set[str](), "scrape_duration_seconds": set[str]()}
OF_GRAFANA = {"__interval", "__rate_interval", "__range", "__url_time_range"}


def panels(document: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in document["panels"] if panel["type"] != "row"]


def expressions(document: Mapping[str, Any]) -> Iterator[str]:
    for panel in panels(document):
        yield from (target["expr"] for target in panel["targets"])
    yield from (mark["target"]["expr"] for mark in document["annotations"]["list"])


def documented() -> dict[str, set[str]]:
    """Return the labels of each metric as the documentation has them."""
    found = {}
    for name, kind, labels in re.findall(
        r"^\| `(oss_cname_\w+)` \| (\w+) \| (.*?) \|", METRICS, re.MULTILINE
    ):
        names = set(re.findall(r"`(\w+)`", labels))
        found[name] = names
        if kind == "histogram":
            found[f"{name}_bucket"] = names | {"le"}
    return found | {name: set() for name in re.findall(r"`(process_\w+)`", METRICS)}


@pytest.mark.parametrize("name", NAMES)
def test_the_file_is_what_the_code_makes(name: str) -> None:
    assert (FOLDER / name).read_text(encoding="utf-8") == files()[name], "make dashboards"


def test_no_dashboard_is_shipped_that_no_code_makes() -> None:
    assert sorted(path.name for path in FOLDER.glob("*.json")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_schema_reads_it_and_loses_nothing(name: str) -> None:
    register_default_plugins()
    assert text_of(Dashboard.from_json(loaded(name))) == files()[name]


@pytest.mark.parametrize("name", NAMES)
def test_it_can_be_provisioned_from_a_file(name: str) -> None:
    document = loaded(name)
    assert document["uid"] == f"oss-cname-{name.removesuffix('.json')}"
    assert document.keys().isdisjoint({"id", "version", "__inputs"})
    source = {"type": "prometheus", "uid": "${datasource}"}
    for panel in panels(document):
        assert panel["datasource"] == source
        assert all(target["datasource"] == source for target in panel["targets"])
    first, *others = document["templating"]["list"]
    assert (first["name"], first["type"], first["query"]) == (
        "datasource", "datasource", "prometheus",
    )  # fmt: skip
    assert all(variable["datasource"] == source for variable in others)


@pytest.mark.parametrize("name", NAMES)
def test_panels_have_their_own_numbers_and_places(name: str) -> None:
    every = loaded(name)["panels"]
    assert len({panel["id"] for panel in every}) == len(every)
    cells = {panel["id"]: panel["gridPos"] for panel in every}
    assert all(at["x"] >= 0 and at["x"] + at["w"] <= 24 for at in cells.values())
    for one, other in combinations(cells.values(), 2):
        assert not (
            one["x"] < other["x"] + other["w"]
            and other["x"] < one["x"] + one["w"]
            and one["y"] < other["y"] + other["h"]
            and other["y"] < one["y"] + one["h"]
        ), (one, other)
    lines: dict[int, int] = {}
    for at in cells.values():
        lines[at["y"]] = lines.get(at["y"], 0) + at["w"]
    assert set(lines.values()) == {24}, "each line of the grid is full"


@pytest.mark.parametrize("name", NAMES)
def test_each_panel_says_what_it_shows_and_in_which_unit(name: str) -> None:
    titles = []
    for panel in panels(loaded(name)):
        titles.append((panel["title"], panel["type"]))
        assert len(panel["description"]) > 40 and panel["description"][-1] in ".?", titles[-1]
        assert panel["fieldConfig"]["defaults"]["unit"], titles[-1]
        assert panel["targets"], titles[-1]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_to_dashboards_that_exist(name: str) -> None:
    known = {document["uid"] for document in dashboards().values()}
    document = loaded(name)
    text = (FOLDER / name).read_text(encoding="utf-8")
    leads = re.findall(r'"/d/([\w-]+)\?', text)
    assert set(leads) <= known
    (link,) = document["links"]
    assert link["type"] == "dashboards" and set(link["tags"]) <= set(document["tags"])


def test_rows_lead_from_the_overview_to_the_domain_and_on_to_its_change() -> None:
    def leads(name: str) -> set[str]:
        text = (FOLDER / name).read_text(encoding="utf-8")
        return set(re.findall(r'"/d/([\w-]+)\?var-domain=', text))

    assert leads("overview.json") == {"oss-cname-domain", "oss-cname-change"}
    assert leads("domain.json") == {"oss-cname-change"}
    assert leads("change.json") == {"oss-cname-domain"}


@pytest.mark.parametrize("name", NAMES)
def test_every_metric_and_label_is_documented(name: str) -> None:
    known = documented() | OF_SCRAPES
    document = loaded(name)
    asked = [*expressions(document)]
    asked += [v["query"] for v in document["templating"]["list"] if v["type"] == "query"]
    found = 0
    for expr in asked:
        for metric, where in re.findall(r"\b([a-z_]+)\{([^}]*)\}", expr):
            labels = set(re.findall(r"(\w+)(?:=|!)", where))
            assert labels <= known[metric] | {"job"}, (metric, labels)
            found += 1
        bare = set(re.findall(r"\b(?:oss_cname|process|scrape)_\w+", expr))
        assert bare <= known.keys()
    assert found


@pytest.mark.parametrize("name", NAMES)
def test_each_variable_that_is_used_is_one_of_the_dashboard(name: str) -> None:
    document = loaded(name)
    variables = {variable["name"] for variable in document["templating"]["list"]}
    text = (FOLDER / name).read_text(encoding="utf-8")
    used = set(re.findall(r"\$\{?(\w+)", text)) - {"__value"}
    assert used - OF_GRAFANA == variables
    assert all('job="$job"' in expr for expr in expressions(document))


@pytest.mark.parametrize("name", NAMES)
def test_rates_fit_any_scrape_interval_and_nothing_is_cut_off(name: str) -> None:
    for expr in expressions(loaded(name)):
        assert set(re.findall(r"\[(.+?)\]", expr)) <= {"$__rate_interval", "$__range"}
        assert not re.search(r"\b(topk|bottomk|limitk)\b", expr)


def test_a_monitor_that_is_down_is_never_shown_as_all_is_well() -> None:
    for document in dashboards().values():
        assert not any("vector(" in expr for expr in expressions(document))


@pytest.mark.parametrize(
    ("shown", "closed_set"),
    [
        (words.STATUSES, DomainStatus),
        (words.VERDICTS, VerdictKind),
        (words.CHANGES, ChangeState),
        (words.TRACKS, TrackState),
        (words.REASONS, Reason),
    ],
)
def test_every_word_has_its_text_and_colour(shown: Words, closed_set: type[Enum]) -> None:
    assert set(shown) == {member.value for member in closed_set}
    texts = [one.text for one in shown.values()]
    assert len(set(texts)) == len(texts), "who sees no colours reads the text"


def test_every_fault_has_its_text_and_colour() -> None:
    assert {fault.value for fault in Fault} <= set(words.FAULTS)


def test_groups_of_words_are_those_of_the_core() -> None:
    assert set(words.UNUSABLE) == {kind.value for kind in VerdictKind if not kind.is_answer}
    assert set(words.OPEN) == {state.value for state in ChangeState if state.is_open}
    late = {state.value for state in TrackState if not state.has_converged}
    assert set(words.LATE) == late - {"unreachable", "unknown"}
