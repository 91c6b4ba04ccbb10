import subprocess
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

import pytest

from monitor.core.gist import Gist
from monitor.core.names import DomainName
from monitor.core.resting import RestingViews, numbered
from monitor.core.status import DomainStatus
from monitor.core.tracking.changes import Change
from monitor.core.views import Spell, View
from monitor.entrypoints.web.access import Rules
from monitor.ports import StoreLost
from monitor.usecases.announce import Announcement, NotKept
from monitor.usecases.snapshot import Snapshot
from tests.contracts.followed import stages
from tests.entrypoints.sample import NOW
from tests.entrypoints.web.worlds import Reloads, reader, site_of
from tests.fakes.unreadable import UnreadableRecords
from tests.servers.installed import require

PROBLEM = "application/problem+json"


def test_health_is_told_to_get_and_head() -> None:
    client = reader(site_of())
    assert client.get("/-/healthy").status_code == 200
    head = client.head("/-/healthy")
    assert head.status_code == 200
    assert head.content == b""


def test_readiness_waits_for_the_first_round() -> None:
    assert reader(site_of()).get("/-/ready").status_code == 200
    reply = reader(replace(site_of(), is_ready=lambda: False)).get("/-/ready")
    assert reply.status_code == 503
    assert reply.headers["content-type"] == PROBLEM


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("", "text/plain; version=0.0.4; charset=utf-8"),
        ("*/*", "text/plain; version=0.0.4; charset=utf-8"),
        (
            "application/openmetrics-text; version=1.0.0",
            "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=underscores",
        ),
        ("application/openmetrics-text;version=odd", "text/plain; version=0.0.4; charset=utf-8"),
    ],
)
def test_metrics_come_in_the_format_that_is_asked_for(accept: str, content_type: str) -> None:
    reply = reader(site_of(), {"accept": accept}).get("/metrics")
    assert reply.status_code == 200
    assert reply.headers["content-type"] == content_type
    assert 'oss_cname_domain_status{account="shop"' in reply.text
    assert reply.text.endswith("# EOF\n") == content_type.startswith("application/openmetrics")


@pytest.mark.parametrize(
    ("accepted", "is_zipped"),
    [
        ("gzip", True),
        ("deflate, GZip;q=0.5", True),
        ("identity", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("xgzip", False),
        ("", False),
    ],
)
def test_metrics_are_zipped_for_who_accepts_it(accepted: str, is_zipped: bool) -> None:
    reply = reader(site_of(), {"accept-encoding": accepted}).get("/metrics")
    assert reply.headers.get("content-encoding") == ("gzip" if is_zipped else None)
    assert "oss_cname_verdict" in reply.text
    assert "accept-encoding" in reply.headers["vary"]


def test_prometheus_finds_no_fault_with_the_metrics() -> None:
    text = reader(site_of()).get("/metrics").content
    checked = subprocess.run(
        [require("promtool"), "check", "metrics"],
        input=text,
        capture_output=True,
        check=False,
        timeout=30,
    )
    assert checked.returncode == 0, checked.stderr.decode() + checked.stdout.decode()


def test_a_reload_says_that_it_was_done() -> None:
    reloads = Reloads()
    reply = reader(replace(site_of(), reload=reloads)).post("/-/reload")
    assert reply.status_code == 200
    assert reloads.count == 1


def test_a_reload_that_finds_faults_lists_them() -> None:
    faults = ("resolvers[1].port: must be at most 65535", "targets: unknown key 'acept'")
    reply = reader(replace(site_of(), reload=Reloads(*faults))).post("/-/reload")
    assert reply.status_code == 422
    assert reply.headers["content-type"] == PROBLEM
    assert reply.json()["faults"] == list(faults)


def test_looking_at_the_reload_changes_nothing() -> None:
    reloads = Reloads()
    reply = reader(replace(site_of(), reload=reloads)).get("/-/reload")
    assert reply.status_code == 405
    assert reply.headers["allow"] == "POST"
    assert reply.headers["content-type"] == PROBLEM
    assert reloads.count == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://127.0.0.1:8080"},
        {"origin": "null"},
        {"origin": "http://[::ffff"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"host": "rebound.evil.example:9953", "origin": "http://rebound.evil.example:9953"},
        {"host": "rebound.evil.example"},
        {"host": "127.0.0.1.evil.example"},
        {"host": "[::ffff"},
    ],
)
def test_no_other_site_can_make_a_browser_reload_us(headers: Mapping[str, str]) -> None:
    reloads = Reloads()
    reply = reader(replace(site_of(), reload=reloads)).post("/-/reload", headers=headers)
    assert reply.status_code == 403
    assert reply.headers["content-type"] == PROBLEM
    assert reloads.count == 0


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"host": "localhost:9953", "origin": "http://localhost:9953"},
        {"host": "[::1]:9953"},
        {"sec-fetch-site": "same-origin", "origin": "http://127.0.0.1:9953"},
        {"sec-fetch-site": "none"},
    ],
)
def test_a_reader_of_our_own_pages_may_reload(headers: Mapping[str, str]) -> None:
    reply = reader(site_of()).post("/-/reload", headers=headers)
    assert reply.status_code == 200


def test_off_loopback_without_authentication_nobody_may_reload() -> None:
    reloads = Reloads()
    site = replace(site_of(rules=Rules(may_anybody_read=True)), reload=reloads)
    reply = reader(site).post("/-/reload")
    assert reply.status_code == 403
    assert reloads.count == 0


def test_it_is_not_ready_while_the_store_keeps_nothing() -> None:
    reply = reader(replace(site_of(), is_keeping=lambda: False)).get("/-/ready")
    assert reply.status_code == 503
    assert "kept nothing" in reply.json()["detail"]


class _Lost(RestingViews):
    """Views at rest in a store that cannot be reached."""

    def read(self) -> Mapping[str, View]:
        raise StoreLost("the store is lost: wait")

    def spells(self) -> Mapping[str, Spell]:
        raise StoreLost("the store is lost: wait")


class _Over(UnreadableRecords):
    """Records of which a change was over just now, so that it is to be shown."""

    @property
    def ended_at(self) -> datetime:
        return NOW


def _with_lost_details() -> tuple[Snapshot, DomainName]:
    """Return the sample with a broken domain whose details cannot be read, and its name."""
    snapshot = site_of().snapshot()
    name, known = next(
        (name, domain)
        for name, domain in snapshot.state.domains.items()
        if domain.resolvers and domain.status.value is DomainStatus.BROKEN
    )
    gists: dict[Gist, int] = {}
    lost = _Lost(numbered(known.resolvers, gists), b"".join(gists))
    record = stages()[-1]
    records = _Over({record.key: record}, looks=99)
    domains = {**snapshot.state.domains, name: replace(known, resolvers=lost, records=records)}
    return replace(snapshot, state=replace(snapshot.state, domains=domains)), name


@pytest.mark.parametrize("path", ["/", "/changes", "/metrics", "/api/v1/resolvers"])
def test_what_everybody_looks_at_goes_on_while_a_store_is_lost(path: str) -> None:
    shown, name = _with_lost_details()
    reply = reader(site_of(shown)).get(path)
    assert reply.status_code == 200
    if path == "/":
        assert "The reason cannot be read now" in reply.text
        assert name.display in reply.text
    if path == "/metrics":
        assert f'domain="{name.text}"' in reply.text


@pytest.mark.parametrize("path", ["/domains/", "/api/v1/domains/"])
def test_what_needs_a_store_that_is_lost_is_unavailable_for_now(path: str) -> None:
    shown, name = _with_lost_details()
    reply = reader(site_of(shown)).get(path + name.text)
    assert reply.status_code == 503
    assert "cannot be read now" in reply.text


def test_an_announcement_that_could_not_be_kept_is_to_be_made_again_later() -> None:
    async def announce(_announcement: Announcement) -> Change:
        raise NotKept("the announcement could not be kept")

    site = replace(site_of(), announce=announce)
    reply = reader(site).post("/api/v1/changes", json={"domain": "a.example", "to": "b.example"})
    assert (reply.status_code, reply.headers["retry-after"]) == (503, "10")
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json()["detail"] == "the announcement could not be kept."
