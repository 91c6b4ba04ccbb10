"""A real Prometheus evaluates the rules on what the program exports of a fleet with troubles."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from monitor.adapters.telemetry.counters import PrometheusTelemetry
from tests.dashboards.shipped import ALERTS_FILE, RECORDING_FILE
from tests.entrypoints.sample import sample_snapshot
from tests.entrypoints.scrapes import text_of
from tests.servers.http_service import Says, http_service
from tests.servers.process import came_true
from tests.servers.prometheus import Prometheus, scraping

LIMIT = 60.0
AT_WORK = replace(sample_snapshot(), muted_until=lambda _domain, _now: None)  # no maintenance


@pytest.fixture(scope="module")
def rules() -> Iterator[list[dict[str, Any]]]:
    """Return all rules after they were evaluated on the scraped fleet, with what they found."""
    page = Says(200, _text(), {"Content-Type": "text/plain; version=0.0.4"})
    shipped = [ALERTS_FILE, RECORDING_FILE]
    with (
        http_service(lambda _: page) as monitor,
        scraping({"oss-cname-monitor": [str(monitor.at)]}, "1s", shipped) as server,
    ):
        assert came_true(lambda: server.ask("oss_cname_pairs") != [], LIMIT)
        (now,) = server.ask("time()")
        assert came_true(lambda: _evaluated(server) > float(now["value"][1]), LIMIT)
        yield server.rules()


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


def _evaluated(server: Prometheus) -> float:
    """Return when the rule that waits longest was evaluated."""
    evaluated = [datetime.fromisoformat(rule["lastEvaluation"]) for rule in server.rules()]
    return min(evaluated).timestamp()
