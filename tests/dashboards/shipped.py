"""The rules that are shipped, and the tests of them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parent.parent.parent
ALERTS_FILE = ROOT / "dashboards/alerts.yml"
RECORDING_FILE = ROOT / "dashboards/recording.yml"
ALERTMANAGER_FILE = ROOT / "dashboards/alertmanager.example.yml"
RUNBOOKS = ROOT / "docs/runbooks"
UNIT_TESTS = sorted(Path(__file__).parent.glob("rules/*.yml"))


@dataclass(frozen=True, slots=True)
class Alert:
    """One alerting rule, as Prometheus reads it."""

    name: str
    expr: str
    waits: str
    stays: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


def alerts() -> list[Alert]:
    return [
        Alert(
            rule["alert"],
            rule["expr"],
            rule.get("for", ""),
            rule.get("keep_firing_for", ""),
            rule.get("labels", {}),
            rule.get("annotations", {}),
        )
        for rule in _rules(ALERTS_FILE)
    ]


def recordings() -> dict[str, str]:
    """Return the expression of each series that is recorded."""
    return {rule["record"]: rule["expr"] for rule in _rules(RECORDING_FILE)}


def alert_cases() -> Iterator[tuple[str, bool]]:
    """Yield each alert that a unit test looks at, and whether it must fire there."""
    for file in UNIT_TESTS:
        for test in read(file)["tests"]:
            for case in test.get("alert_rule_test", ()):
                yield case["alertname"], bool(case.get("exp_alerts"))


def read(file: Path) -> Any:
    return yaml.safe_load(file.read_text(encoding="utf-8"))


def _rules(file: Path) -> list[dict[str, Any]]:
    return [rule for group in read(file)["groups"] for rule in group["rules"]]
