"""One domain and cause is one page: what the example configuration of Alertmanager mutes."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.dashboards.serving import alertmanager, got
from tests.dashboards.shipped import ALERTMANAGER_FILE, RUNBOOKS, alerts
from tests.servers.installed import require
from tests.servers.process import came_true

SEVERITIES = {alert.name: alert.labels["severity"] for alert in alerts()}
HERE = {"job": "oss-cname-monitor", "instance": "127.0.0.1:9953"}
ELSEWHERE = {"job": "oss-cname-monitor", "instance": "127.0.0.1:9954"}


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with alertmanager() as url:
        yield url


def test_alertmanager_takes_the_configuration() -> None:
    assert "SUCCESS" in _run("amtool", "check-config", str(ALERTMANAGER_FILE))


@pytest.mark.parametrize(
    ("alert", "receiver"),
    [
        ({"alertname": "OssCnameBroken", "domain": "a.example"}, "oncall"),
        ({"alertname": "OssCnamePartial", "domain": "a.example"}, "team"),
        ({"alertname": "OssCnameMonitorDown"}, "oncall"),
        ({"alertname": "OssCnameResolverDown", "resolver": "a"}, "team"),
        ({"alertname": "OssCnameUnbound", "domain": "a.example"}, "oncall"),
        ({"alertname": "OfAnotherProgram", "severity": "critical"}, "nobody"),
    ],
    ids=lambda given: given if isinstance(given, str) else given["alertname"],
)
def test_who_hears_of_an_alert_follows_from_its_severity(
    alert: dict[str, str], receiver: str
) -> None:
    labels = {"severity": SEVERITIES.get(alert["alertname"], "")} | alert
    routes = ("config", "routes", "test", f"--config.file={ALERTMANAGER_FILE}")
    assert _run("amtool", *routes, *(f"{k}={v}" for k, v in labels.items())) == receiver


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


@pytest.mark.parametrize("page", sorted(RUNBOOKS.glob("**/*.md")), ids=lambda page: str(page.name))
def test_the_silence_of_each_page_silences_its_alert(url: str, page: Path) -> None:
    (command,) = re.findall(r"^(amtool .*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    amtool, *words = shlex.split(command)
    silence = _run(amtool, f"--alertmanager.url={url}", *words)
    matchers = got(f"{url}/api/v2/silence/{silence}")["matchers"]
    by_name = next(matcher for matcher in matchers if matcher["name"] == "alertname")
    assert re.fullmatch(by_name["value"], page.stem)
    _run(amtool, f"--alertmanager.url={url}", "silence", "expire", silence)


def test_trouble_of_one_domain_or_monitor_mutes_no_other(url: str) -> None:
    _fire(url, "MonitorDown", ELSEWHERE | {"case": "others"})
    _fire(url, "WrongBucket", HERE | {"case": "others", "domain": "a.example"})
    _fire(url, "Broken", HERE | {"case": "others", "domain": "b.example"})
    _fire(url, "Partial", HERE | {"case": "others", "domain": "a.example"})  # muted by the second
    expected = {"MonitorDown", "WrongBucket", "Broken"}
    assert came_true(lambda: _heard(url, "others") == expected, 10), _heard(url, "others")


def _run(program: str, *words: str) -> str:
    done = subprocess.run(
        [require(program), *words], capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


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
    requests.post(f"{url}/api/v2/alerts", json=[alert], timeout=30).raise_for_status()


def _heard(url: str, case: str) -> set[str]:
    """Return the names of the alerts of this case that are not muted."""
    found = got(f"{url}/api/v2/alerts?filter=case={case}&inhibited=false")
    return {alert["labels"]["alertname"].removeprefix("OssCname") for alert in found}
