"""What the configuration and its files make of the listener, at the start and later."""

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from monitor.adapters.clock import SystemClock
from monitor.adapters.telemetry.counters import PrometheusTelemetry
from monitor.assembly.parts import NotAvailable, Surroundings
from monitor.assembly.web_access import WebAccess, refuse_unusable
from monitor.cli.serving import FOR_EVERYBODY
from monitor.config import ConfigError, parse
from monitor.demo.world import Pace, World
from monitor.entrypoints.web.access import Rules, Scope
from monitor.logs import Secrets
from tests.fakes.clock import FakeClock
from tests.servers.authorities import Issuer

HASH = "$2b$04$k4luM728n/BI3g3JlyO4.utxgjNbYqzID83vFjr1DCcfI4bMGlvRW"  # open sesame
USERS = f'basic_auth_users = {{ alice = "{HASH}" }}\n'
ABROAD = '[daemon]\nlisten = "0.0.0.0:9953"\n'
TEXT, OTHER = "0123456789abcdef0123456789abcdef", "fedcba9876543210fedcba9876543210"


def access_of(text: str, environ: Mapping[str, str] | None = None) -> WebAccess:
    return WebAccess(parse(text, {}), _around(environ or {}), _telemetry())


def rules_of(text: str, environ: Mapping[str, str] | None = None) -> Rules:
    return access_of(text, environ).access.rules()


def _around(environ: Mapping[str, str]) -> Surroundings:
    return Surroundings(FakeClock(), environ, Secrets())


def _telemetry() -> PrometheusTelemetry:
    return PrometheusTelemetry(CollectorRegistry())


def web_config(file: Path, *more: str) -> str:
    return "\n".join((f'[daemon]\nweb_config = "{file}"', *more))


def newer(file: Path, text: str) -> None:
    """Write a file so that its time differs, however coarse the clock of the file system is."""
    later = file.stat().st_mtime + timedelta(seconds=2).total_seconds() if file.exists() else None
    file.write_text(text)
    if later is not None:
        os.utime(file, (later, later))


def test_without_a_word_loopback_is_open_to_this_machine() -> None:
    rules = rules_of("")
    assert rules.may_anybody_read and rules.may_anybody_write
    assert not rules.knows_anybody
    assert access_of("").tls is None


def test_beyond_loopback_it_takes_a_word_to_show_everything_to_everybody() -> None:
    with pytest.raises(ConfigError) as refused:
        access_of(ABROAD)
    (fault,) = refused.value.faults
    assert fault.path == "daemon.listen"
    assert "nobody has to say who they are" in fault.message
    assert "allow_anonymous_read = true" in fault.hint


@pytest.mark.parametrize(
    ("text", "may_read", "may_write"),
    [
        (f"[web]\n{USERS}", False, False),
        (f"[web]\n{USERS}allow_anonymous_read = true", True, False),
        ('[[web.tokens]]\nname = "a"\ntoken = { env = "TOKEN" }', False, False),
        (f"{ABROAD}[web]\n{USERS}", False, False),
        (f"{ABROAD}[web]\nallow_anonymous_read = true", True, False),
        (f'{ABROAD}[[web.tokens]]\nname = "a"\ntoken = {{ env = "TOKEN" }}', False, False),
    ],
)
def test_whoever_says_nothing_may_what_is_configured(
    text: str, may_read: bool, may_write: bool
) -> None:
    rules = rules_of(text, {"TOKEN": TEXT})
    assert (rules.may_anybody_read, rules.may_anybody_write) == (may_read, may_write)


def test_client_certificates_let_in_to_read_where_they_are_demanded(tmp_path: Path) -> None:
    issuer = Issuer(tmp_path)
    file = issuer.sign("web")
    tls = (
        f'[web.tls_server_config]\ncert_file = "{file}"\nkey_file = "{file}"\n'
        f'client_ca_file = "{issuer.file}"\nclient_auth_type = '
    )
    rules = rules_of(f'{ABROAD}{tls}"RequireAndVerifyClientCert"')
    assert (rules.may_anybody_read, rules.may_anybody_write) == (True, False)
    with pytest.raises(ConfigError, match="nobody has to say who they are"):
        access_of(f'{ABROAD}{tls}"VerifyClientCertIfGiven"')
    both = rules_of(f'{ABROAD}[web]\n{USERS}{tls}"RequireAndVerifyClientCert"')
    assert not both.may_anybody_read


def test_the_host_of_external_url_is_ours() -> None:
    named = '[daemon]\nexternal_url = "https://a.example/dns"\n'
    rules = rules_of(f'{named}[web]\nhosts = ["b.example"]')
    assert rules.hosts == {"a.example", "b.example"}
    assert rules.only_hosts
    assert not rules_of(named).only_hosts


def test_tokens_come_from_files_and_the_environment(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{OTHER}\n")
    access = access_of(
        '[[web.tokens]]\nname = "a"\ntoken = { env = "TOKEN" }\n'
        f'[[web.tokens]]\nname = "b"\ntoken = {{ file = "{tmp_path}/token" }}\n'
        'scopes = ["read", "write"]',
        {"TOKEN": TEXT},
    )
    first, second = access.access.rules().tokens
    assert access.access.ring.owner(TEXT, (first, second)) == first
    assert access.access.ring.owner(OTHER, (first, second)) == second
    assert first.name == "a"
    assert first.scopes == {Scope.READ}
    assert second.scopes == {Scope.READ, Scope.WRITE}


@pytest.mark.parametrize(
    ("environ", "part"),
    [
        ({}, r"web.tokens\[0\].token \(a\): the environment variable TOKEN is not set"),
        ({"TOKEN": "hunter2"}, "is shorter than 20"),
        ({"TOKEN": "two words " * 3}, "no header can carry"),
    ],
)
def test_a_token_that_cannot_be_used_keeps_the_daemon_from_starting(
    environ: Mapping[str, str], part: str
) -> None:
    with pytest.raises(NotAvailable, match=part) as refused:
        access_of('[[web.tokens]]\nname = "a"\ntoken = { env = "TOKEN" }', environ)
    assert "hunter2" not in str(refused.value)


def test_a_new_token_counts_and_the_old_one_does_not_without_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text(TEXT)
    access = access_of(f'[[web.tokens]]\nname = "a"\ntoken = {{ file = "{file}" }}').access

    def is_known(token: str) -> bool:
        return access.ring.owner(token, access.rules().tokens) is not None

    assert is_known(TEXT)
    newer(file, OTHER)
    assert (is_known(TEXT), is_known(OTHER)) == (False, True)
    file.unlink()
    with capture_logs() as lines:
        assert not is_known(OTHER)
        assert not is_known(OTHER)
    assert [line["event"] for line in lines] == ["web.token_unusable"]
    rules = access.rules()
    assert rules.knows_anybody and not rules.may_anybody_read, "nothing is open by that"


def test_users_are_read_anew_when_the_web_configuration_changed(tmp_path: Path) -> None:
    file = tmp_path / "web.yml"
    file.write_text(f"basic_auth_users: {{alice: '{HASH}'}}")
    access = access_of(web_config(file)).access
    assert set(access.rules().users) == {"alice"}
    newer(file, f"basic_auth_users: {{bob: '{HASH}'}}")
    assert set(access.rules().users) == {"bob"}


@pytest.mark.parametrize("text", ["basic_auth_users: {alice: secret}", "basic_auth_users: ["])
def test_a_web_configuration_with_faults_changes_nothing_and_says_why_once(
    tmp_path: Path, text: str
) -> None:
    file = tmp_path / "web.yml"
    file.write_text(f"basic_auth_users: {{alice: '{HASH}'}}")
    access = access_of(web_config(file)).access
    newer(file, text)
    with capture_logs() as lines:
        assert set(access.rules().users) == {"alice"}
        assert set(access.rules().users) == {"alice"}
    assert [line["event"] for line in lines] == ["web.config_unusable"]
    assert "web.yml:1:" in lines[0]["faults"][0]
    assert "secret" not in str(lines)


def test_a_file_that_would_open_the_listener_to_strangers_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "web.yml"
    file.write_text(f"basic_auth_users: {{alice: '{HASH}'}}")
    access = access_of(f'{ABROAD}web_config = "{file}"').access
    newer(file, "basic_auth_users: {}")
    assert access.rules().knows_anybody
    assert not access.rules().may_anybody_read


def test_tls_neither_begins_nor_ends_but_by_a_restart(tmp_path: Path) -> None:
    issuer = Issuer(tmp_path)
    file = issuer.sign("web")
    tls = (
        f'[web.tls_server_config]\ncert_file = "{file}"\nkey_file = "{file}"\n'
        f'client_ca_file = "{issuer.file}"\nclient_auth_type = "RequireAndVerifyClientCert"\n'
    )
    plain = access_of(f"{ABROAD}[web]\n{USERS}")
    with pytest.raises(ConfigError, match="nobody has to say who they are"):
        plain.prepared(parse(f"{ABROAD}{tls}", {}))  # nobody would be asked for a certificate
    encrypted = access_of(f"{ABROAD}{tls}")
    with capture_logs() as lines:
        encrypted.take(encrypted.prepared(parse(f"{ABROAD}[web]\n{USERS}", {})))
    assert {"config.restart_needed"} == {line["event"] for line in lines}
    assert encrypted.tls is not None
    assert encrypted.access.rules().knows_anybody


def test_passwords_in_plain_text_over_a_network_are_warned_of() -> None:
    with capture_logs() as lines:
        access_of(f"{ABROAD}[web]\n{USERS}")
        access_of(f"[web]\n{USERS}")
    assert [line["event"] for line in lines] == ["web.secrets_in_plain_text"]


def test_every_reason_of_a_refusal_has_its_series_from_the_start() -> None:
    registry = CollectorRegistry()
    WebAccess(parse("", {}), _around({}), PrometheusTelemetry(registry))
    value = registry.get_sample_value(
        "oss_cname_web_refusals_total", {"reason": "bad_credentials"}
    )
    assert value == 0


async def test_the_demo_may_be_shown_wherever_somebody_wants_it() -> None:
    async with World(Pace.at(1), SystemClock().now) as world:
        text = world.config_text("0.0.0.0:9953", "demo.db")
    with pytest.raises(ConfigError):
        refuse_unusable(parse(text, {}))
    refuse_unusable(parse(text + FOR_EVERYBODY, {}))
