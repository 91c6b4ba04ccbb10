"""A real Prometheus evaluates the rules on what the program exports of a fleet with troubles."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from monitor.adapters.telemetry.counters import PrometheusTelemetry
from tests.dashboards.serving import got, metrics_served, prometheus
from tests.entrypoints.sample import sample_snapshot
from tests.entrypoints.scrapes import text_of
from tests.servers.process import came_true

LIMIT = 60.0
AT_WORK = replace(sample_snapshot(), muted_until=lambda _domain, _now: None)  # no maintenance


@pytest.fixture(scope="module")
def rules() -> Iterator[list[dict[str, Any]]]:
    """Return all rules after they were evaluated on the scraped fleet, with what they found."""
    with metrics_served(_text()) as target, prometheus(target) as url:
        assert came_true(lambda: _values(url, "oss_cname_pairs") != [], LIMIT)
        (scraped,) = _values(url, "vector(time())")
        assert came_true(lambda: _evaluated(url) > scraped, LIMIT)
        yield _rules(url)


def test_every_rule_can_be_evaluated(rules: list[dict[str, Any]]) -> None:
    assert {rule["name"]: rule.get("lastError") for rule in rules if rule["health"] != "ok"} == {}


def test_what_is_wrong_with_the_fleet_is_found_and_nothing_else(
    rules: list[dict[str, Any]],
) -> None:
    found = {
        (rule["name"], labels.get("domain") or labels.get("resolver") or labels["account"])
        for rule in rules
        for labels in (alert["labels"] for alert in rule.get("alerts", ()))
    }
    assert found == {
        ("OssCnameBroken", "old.shop.example"),
        ("OssCnameUnbound", "old.shop.example"),
        ("OssCnamePartial", "old.shop.example"),
        ("OssCnamePartial", "shop.example"),
        ("OssCnameAuthoritySplit", "shop.example"),
        ("OssCnameUnknown", "xn--wcsw84d.xn--czrs0t.example"),
        ("OssCnameResolverDown", "branch"),
        ("OssCnameInventoryStale", "shop"),
        ("OssCnameInventoryStale", "config"),
    }


def _text() -> str:
    registry = CollectorRegistry()
    PrometheusTelemetry(registry)
    return generate_latest(registry).decode() + text_of(AT_WORK)


def _values(url: str, query: str) -> list[float]:
    samples = got(f"{url}/api/v1/query?query={query}")["data"]["result"]
    return [float(sample["value"][1]) for sample in samples]


def _evaluated(url: str) -> float:
    """Return when the rule that waits longest was evaluated."""
    return min(datetime.fromisoformat(rule["lastEvaluation"]).timestamp() for rule in _rules(url))


def _rules(url: str) -> list[dict[str, Any]]:
    groups = got(f"{url}/api/v1/rules")["data"]["groups"]
    return [rule for group in groups for rule in group["rules"]]
