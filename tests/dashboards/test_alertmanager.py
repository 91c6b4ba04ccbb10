"""One domain and cause is one page: what the example configuration of Alertmanager mutes."""

import subprocess
from collections.abc import Iterator

import pytest
import requests

from tests.dashboards.serving import alertmanager, got
from tests.dashboards.shipped import ALERTMANAGER_FILE, alerts
from tests.servers.installed import require
from tests.servers.process import came_true

SEVERITIES = {alert.name: alert.labels["severity"] for alert in reversed(alerts())}
HERE = {"job": "oss-cname-monitor", "instance": "127.0.0.1:9953"}
ELSEWHERE = {"job": "oss-cname-monitor", "instance": "127.0.0.1:9954"}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with alertmanager() as url:
        yield url


def test_alertmanager_takes_the_configuration() -> None:
    checked = subprocess.run(
        [require("amtool"), "check-config", ALERTMANAGER_FILE],
        capture_output=True, text=True, check=False, timeout=30,
    )  # fmt: skip
    assert (checked.returncode, checked.stderr) == (0, "")


@pytest.mark.parametrize(
    ("alert", "receiver"),
    [
        ({"alertname": "OssCnameBroken", "domain": "a.example"}, "oncall"),
        ({"alertname": "OssCnamePartial", "domain": "a.example"}, "team"),
        ({"alertname": "OssCnameMonitorDown"}, "oncall"),
        ({"alertname": "OssCnameResolverDown", "resolver": "a"}, "team"),
        ({"alertname": "OssCnameCertificateExpiring", "severity": "info"}, "nobody"),
        ({"alertname": "OfAnotherProgram", "severity": "critical"}, "nobody"),
    ],
    ids=lambda given: given if isinstance(given, str) else given["alertname"],
)
def test_who_hears_of_an_alert_follows_from_its_severity(
    alert: dict[str, str], receiver: str
) -> None:
    labels = {"severity": SEVERITIES.get(alert["alertname"], "")} | alert
    told = subprocess.run(
        [
            require("amtool"), "config", "routes", "test", f"--config.file={ALERTMANAGER_FILE}",
            *(f"{label}={value}" for label, value in labels.items()),
        ],
        capture_output=True, text=True, check=True, timeout=30,
    )  # fmt: skip
    assert told.stdout.strip() == receiver


@pytest.mark.parametrize(
    ("firing", "heard"),
    [
        ("Broken WrongBucket AuthoritySplit Partial", "WrongBucket"),
        ("Broken InternalEndpoint", "InternalEndpoint"),
        ("Broken Dangling", "Dangling"),
        ("Broken PropagationExpired PropagationSlow Regressed", "Broken"),
        ("Partial PropagationExpired PropagationSlow Regressed", "PropagationExpired"),
        ("Partial PropagationSlow AuthoritySplit", "AuthoritySplit"),
        ("Partial Regressed PropagationSlow", "Regressed"),
        # Different causes are told each.
        ("Unbound Dangling", "Unbound Dangling"),
        ("Broken Unbound", "Broken Unbound"),
        ("Broken CertificateExpiring", "Broken CertificateExpiring"),
        ("Broken ManyDomainsFailing", "ManyDomainsFailing"),
        ("Broken Partial Unbound ResolverDown InventoryStale MonitorDown", "MonitorDown"),
    ],
)
def test_one_cause_is_one_page(url: str, firing: str, heard: str) -> None:
    domain = firing.replace(" ", "-").lower() + ".example"
    here = HERE | {"case": domain}
    for name in firing.split():
        _fire(url, name, here | _of(name, domain))
    assert came_true(lambda: _heard(url, domain) == set(heard.split()), 10), _heard(url, domain)
    for name in firing.split():
        _fire(url, name, here | _of(name, domain), is_over=True)


def test_trouble_of_one_domain_or_monitor_mutes_no_other(url: str) -> None:
    _fire(url, "MonitorDown", ELSEWHERE | {"case": "others"})
    _fire(url, "WrongBucket", HERE | {"case": "others", "domain": "a.example"})
    _fire(url, "Broken", HERE | {"case": "others", "domain": "b.example"})
    _fire(url, "Partial", HERE | {"case": "others", "domain": "a.example"})  # muted by the second
    expected = {"MonitorDown", "WrongBucket", "Broken"}
    assert came_true(lambda: _heard(url, "others") == expected, 10), _heard(url, "others")


def _of(name: str, domain: str) -> dict[str, str]:
    is_of_all = name in {"ManyDomainsFailing", "ResolverDown", "InventoryStale", "MonitorDown"}
    return {} if is_of_all else {"domain": domain}


def _fire(url: str, name: str, labels: dict[str, str], *, is_over: bool = False) -> None:
    alertname = f"OssCname{name}"
    alert: dict[str, object] = {
        "labels": labels | {"alertname": alertname, "severity": SEVERITIES[alertname]}
    }
    if is_over:
        alert |= {"startsAt": "2026-01-01T00:00:00Z", "endsAt": "2026-01-01T00:00:01Z"}
    requests.post(f"{url}/api/v2/alerts", json=[alert], timeout=5).raise_for_status()


def _heard(url: str, case: str) -> set[str]:
    """Return the names of the alerts of this case that are not muted."""
    found = got(f"{url}/api/v2/alerts?filter=case={case}&inhibited=false")
    return {alert["labels"]["alertname"].removeprefix("OssCname") for alert in found}
