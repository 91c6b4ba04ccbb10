"""The rules are sound, do what they promise, and name nothing that is not there."""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.dashboards.exported import labels_by_metric, words_of
from tests.dashboards.promql import Selector, labels_of, queries_of, selectors_of
from tests.dashboards.shipped import (
    ALERTS_FILE,
    RECORDING_FILE,
    ROOT,
    RUNBOOKS,
    UNIT_TESTS,
    Alert,
    alert_cases,
    alerts,
    recordings,
)
from tests.servers.installed import require

PROMISED = frozenset(
    f"OssCname{name}"
    for name in (
        "Broken", "Partial", "WrongBucket", "InternalEndpoint", "Dangling", "Unbound",
        "PropagationSlow", "PropagationExpired", "Regressed", "AuthoritySplit",
        "CertificateExpiring", "ResolverDown", "InventoryStale", "MonitorDown", "MonitorLagging",
    )
)  # fmt: skip
OF_EVERY_TARGET = frozenset({"job", "instance"})
ENGLISH = [
    "Who is affected", "Check", "Do", "How long it can last", "When to escalate", "Planned work",
]  # fmt: skip
CHINESE = ["影响谁", "检查", "处理", "会持续多久", "何时上报", "计划内变更"]
ALERTS = alerts()
EXPRESSIONS = {
    **{a.name: a.expr for a in ALERTS},
    **recordings(),
    **{
        f"{a.name}-text-{number}": query
        for a in ALERTS
        for number, query in enumerate(queries_of(a.annotations["description"]))
    },
}
EXPORTED = labels_by_metric() | {"up": frozenset[str]()}

each_alert = pytest.mark.parametrize("alert", ALERTS, ids=lambda a: a.name)
each_expression = pytest.mark.parametrize("expr", EXPRESSIONS.values(), ids=list(EXPRESSIONS))


def test_prometheus_finds_no_fault_with_the_rules() -> None:
    lint = ("--lint=all", "--lint-fatal")
    _succeeds([require("promtool"), "check", "rules", *lint, ALERTS_FILE, RECORDING_FILE])


@pytest.mark.parametrize("file", UNIT_TESTS, ids=lambda file: file.stem)
def test_the_rules_fire_when_they_should_and_only_then(file: Path) -> None:
    _succeeds([require("promtool"), "test", "rules", file])


def test_every_promised_alert_is_there() -> None:
    assert {alert.name for alert in ALERTS} >= PROMISED


def test_every_alert_is_seen_firing_and_quiet() -> None:
    names = {alert.name for alert in ALERTS}
    assert {name for name, fires in alert_cases() if fires} == names
    assert {name for name, fires in alert_cases() if not fires} == names


@each_alert
def test_an_alert_waits_stays_and_says_what_to_do(alert: Alert) -> None:
    assert alert.waits and alert.stays
    assert alert.labels["severity"] in {"critical", "warning", "info"}
    summary, description = alert.annotations["summary"], alert.annotations["description"]
    assert "{{" not in summary and summary.endswith(".")
    assert alert.annotations["summary_zh"].endswith("。")
    assert "{{" in description or "{{" not in alert.expr
    page = f"/{alert.name}.md"
    assert alert.annotations["runbook_url"].endswith(page)


@each_alert
def test_an_alert_about_a_domain_is_quiet_in_a_window_of_planned_work(alert: Alert) -> None:
    is_of_a_domain = "$labels.domain" in alert.annotations["description"]
    is_quiet = "unless on (domain) oss_cname_domain_in_maintenance == 1" in alert.expr
    assert is_of_a_domain == is_quiet


@each_expression
def test_every_metric_and_label_of_an_expression_is_exported(expr: str) -> None:
    found = list(selectors_of(expr))
    assert found
    for selector in found:
        assert selector.metric in EXPORTED or selector.metric in recordings(), selector
        assert set(selector.matchers) <= _labels(selector), selector
        for label, values in selector.matchers.items():
            words = words_of(selector.metric, label)
            assert words is None or values <= words | {"%q"}, (selector, label)
    known = OF_EVERY_TARGET.union(*map(_labels, found))
    assert labels_of(expr) <= known, expr


def test_every_recorded_series_is_used() -> None:
    used = {s.metric for name, expr in EXPRESSIONS.items() for s in selectors_of(expr)}
    assert set(recordings()) <= used


@pytest.mark.parametrize("language", ["", "zh"])
def test_every_alert_has_its_page_and_every_page_its_alert(language: str) -> None:
    pages = {page.stem for page in (RUNBOOKS / language).glob("*.md")}
    assert pages == {alert.name for alert in ALERTS}


@pytest.mark.parametrize("page", sorted(RUNBOOKS.glob("**/*.md")), ids=lambda page: str(page.name))
def test_a_page_names_only_commands_that_there_are(page: Path) -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"oss-cname-monitor ([a-z]+)", page.read_text(encoding="utf-8"))
    for command in commands:
        assert f"`{command}" in readme, command


@each_alert
@pytest.mark.parametrize(
    ("language", "other", "sections"), [("", "zh", ENGLISH), ("zh", "..", CHINESE)]
)
def test_a_page_says_what_to_check_what_to_do_and_until_when(
    alert: Alert, language: str, other: str, sections: list[str]
) -> None:
    text = (RUNBOOKS / language / f"{alert.name}.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {alert.name}\n")
    assert f"]({other}/{alert.name}.md)" in text
    assert re.findall("^## (.*)$", text, re.MULTILINE) == sections


@each_alert
def test_the_table_of_alerts_is_that_of_the_rules(alert: Alert) -> None:
    table = (ROOT / "docs/alerting.md").read_text(encoding="utf-8")
    (row,) = re.findall(rf"^\| \[`{alert.name}`\]\(.*$", table, re.MULTILINE)
    _, severity, waits, _ = row.strip("| ").split(" | ")
    assert (severity, waits) == (alert.labels["severity"], alert.waits)


def _labels(selector: Selector) -> frozenset[str]:
    if selector.metric in EXPORTED:
        return EXPORTED[selector.metric]
    of_sources = [EXPORTED[s.metric] for s in selectors_of(recordings()[selector.metric])]
    return frozenset[str]().union(*of_sources)


def _succeeds(command: Sequence[Path | str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
