"""One domain and cause is one page: what the example configuration of Alertmanager mutes."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.dashboards.shipped import ALERTMANAGER_FILE, RUNBOOKS, alerts, read
from tests.servers.alertmanager import Alertmanager, alertmanager
from tests.servers.installed import require
from tests.servers.process import came_true

ALERTS = alerts()
SEVERITIES = {alert.name: alert.labels["severity"] for alert in ALERTS}
OF_A_DOMAIN = {a.name for a in ALERTS if "$labels.domain" in a.annotations["description"]}
HERE = {"job": "oss-cname-monitor", "instance": "127.0.0.1:9953"}
ELSEWHERE = {"job": "oss-cname-monitor", "instance": "127.0.0.1:9954"}


@pytest.fixture(scope="module")
def server() -> Iterator[Alertmanager]:
    with alertmanager(ALERTMANAGER_FILE.read_text(encoding="utf-8")) as running:
        yield running


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
def test_one_cause_is_one_page(server: Alertmanager, firing: str, heard: str) -> None:
    domain = firing.replace(" ", "-").lower() + ".example"
    here = HERE | {"case": domain}
    for name in firing.split():
        _fire(server, name, here | _of(name, domain))
    expected = set(heard.split())
    assert came_true(lambda: _heard(server, domain) == expected, 10), _heard(server, domain)
    for name in firing.split():
        _fire(server, name, here | _of(name, domain), is_over=True)


def test_who_mutes_stays_for_longer_than_whom_it_mutes() -> None:
    stays = {alert.name: _minutes(alert.stays) for alert in ALERTS}
    told_too_late = {
        (source, target)
        for rule in read(ALERTMANAGER_FILE)["inhibit_rules"]
        for source in _chosen(rule["source_matchers"])
        for target in _chosen(rule["target_matchers"])
        if stays[source] < stays[target] + _more(source)
    }
    # While the monitor is down nothing of the others ends.
    assert {pair for pair in told_too_late if pair[0] != "OssCnameMonitorDown"} == set()


@pytest.mark.parametrize("page", sorted(RUNBOOKS.glob("**/*.md")), ids=lambda page: str(page.name))
def test_the_silence_of_each_page_silences_its_alert(server: Alertmanager, page: Path) -> None:
    (command,) = re.findall(r"^(amtool .*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    amtool, *words = shlex.split(command)
    silence = _run(amtool, f"--alertmanager.url={server.url}", *words)
    matchers = server.get(f"silence/{silence}")["matchers"]
    by_name = next(matcher for matcher in matchers if matcher["name"] == "alertname")
    assert re.fullmatch(by_name["value"], page.stem)
    _run(amtool, f"--alertmanager.url={server.url}", "silence", "expire", silence)


def test_trouble_of_one_domain_or_monitor_mutes_no_other(server: Alertmanager) -> None:
    _fire(server, "MonitorDown", ELSEWHERE | {"case": "others"})
    _fire(server, "WrongBucket", HERE | {"case": "others", "domain": "a.example"})
    _fire(server, "Broken", HERE | {"case": "others", "domain": "b.example"})
    # Muted by the second.
    _fire(server, "Partial", HERE | {"case": "others", "domain": "a.example"})
    expected = {"MonitorDown", "WrongBucket", "Broken"}
    assert came_true(lambda: _heard(server, "others") == expected, 10), _heard(server, "others")


def _more(source: str) -> int:
    """Return how many minutes what is muted may outlast its cause, and be told of no more."""
    return 5 if SEVERITIES[source] == "critical" else 0


def _minutes(duration: str) -> int:
    return int(duration[:-1]) * {"m": 1, "h": 60}[duration[-1]]


def _chosen(matchers: list[str]) -> set[str]:
    """Return the alerts that all matchers match."""
    chosen = {alert.name for alert in ALERTS}
    for matcher in matchers:
        parts = re.fullmatch(r'(\w+) (=~|!=|=) "(.*)"', matcher)
        assert parts is not None, matcher
        label, how, value = parts.groups()
        pattern = value if how == "=~" else re.escape(value)
        is_meant = how != "!="
        chosen = {
            name for name in chosen if bool(re.fullmatch(pattern, _label(name, label))) == is_meant
        }
    return chosen


def _label(alert: str, label: str) -> str:
    labels = {"alertname": alert, "severity": SEVERITIES[alert], "domain": "a domain"}
    return labels[label] if label != "domain" or alert in OF_A_DOMAIN else ""


def _run(program: str, *words: str) -> str:
    done = subprocess.run(
        [require(program), *words], capture_output=True, text=True, check=False, timeout=30
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def _of(name: str, domain: str) -> dict[str, str]:
    is_of_all = name in {"ManyDomainsFailing", "ResolverDown", "InventoryStale", "MonitorDown"}
    return {} if is_of_all else {"domain": domain}


def _fire(
    server: Alertmanager, name: str, labels: dict[str, str], *, is_over: bool = False
) -> None:
    alertname = f"OssCname{name}"
    alert: dict[str, object] = {
        "labels": labels | {"alertname": alertname, "severity": SEVERITIES[alertname]}
    }
    if is_over:
        alert |= {"startsAt": "2026-01-01T00:00:00Z", "endsAt": "2026-01-01T00:00:01Z"}
    server.take(alert)


def _heard(server: Alertmanager, case: str) -> set[str]:
    """Return the names of the alerts of this case that are not muted."""
    found = server.alerts(filter=f"case={case}", inhibited="false")
    return {alert["labels"]["alertname"].removeprefix("OssCname") for alert in found}
