"""From the configuration to channels that deliver."""

import io
import logging
import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import structlog
import trustme
from prometheus_client import CollectorRegistry

from monitor.adapters.clock import SystemClock
from monitor.adapters.telemetry.counters import PrometheusTelemetry
from monitor.assembly.notifying import alertmanager_of, channels_of, refuse_bad_channels
from monitor.assembly.parts import NotAvailable, Surroundings
from monitor.config import Settings, parse
from monitor.logs import HIDDEN, Secrets, set_up
from monitor.ports import DeliveryFailure, NotDelivered
from tests.contracts.notifier_contract import MESSAGE
from tests.servers.http_service import Says, http_service
from tests.servers.unbound import Unbound

CANARY = "canary0secret1of2channel"


def settings_of(*urls: str, more: str = "") -> Settings:
    """Return settings with channels of these URLs: a TOML value each, named a, b, c…"""
    tables = "".join(
        f'[[alerting.channels]]\nname = "{name}"\nurl = {url}\n'
        for name, url in zip("abcdefgh", urls, strict=False)
    )
    return parse(more + tables, {})


def around(environ: Mapping[str, str] | None = None) -> Surroundings:
    return Surroundings(SystemClock(), environ or {}, Secrets())


def test_each_kind_of_url_becomes_a_channel_of_its_name() -> None:
    urls = (
        '"dingtalk://SECabc@token/"',
        '"wecombot://key/"',
        '"feishu://token/?secret=abc"',
        '"Lark://token/"',
        '"webhooks://hook.example/in"',
        '"slack://T1JJ3T3L2/A1BRTD4JD/canary0secret1of2channel/%23ops"',
        '"mailtos://ops:password@mail.example"',
        '{ env = "ONCALL" }',
    )
    made = channels_of(settings_of(*urls), around({"ONCALL": "webhook://127.0.0.1/"}))

    assert [channel.name for channel in made] == list("abcdefgh")


def test_all_urls_that_cannot_be_used_are_told_at_once_by_key_with_remedy_and_not_shown() -> None:
    settings = settings_of(
        f'"feishu://{CANARY}.example/"',
        '"webhook://127.0.0.1/"',
        '{ env = "MISSING" }',
        f'"slack://{CANARY}"',
        '{ env = "ODD" }',
    )
    with pytest.raises(NotAvailable) as raised:
        channels_of(settings, around({"ODD": f"syslog://{CANARY}"}))

    feishu, missing, slack, odd = str(raised.value).split("\n")
    assert feishu.startswith("alerting.channels[0].url (a): has no token")
    assert "write feishu://TOKEN/" in feishu
    assert missing == ("alerting.channels[2].url (c): the environment variable MISSING is not set")
    assert slack.startswith("alerting.channels[3].url (d): is not how apprise writes slack://")
    assert "docs/channels.md lists" in odd
    assert CANARY not in str(raised.value)


def test_one_channel_can_be_had_whatever_is_wrong_with_others() -> None:
    settings = settings_of('{ env = "MISSING" }', '"webhook://127.0.0.1/"')

    (channel,) = channels_of(settings, around(), only="b")
    assert channel.name == "b"


def test_what_is_written_down_is_refused_early_and_what_is_elsewhere_is_left() -> None:
    refuse_bad_channels(settings_of('{ env = "MISSING" }', '"webhook://127.0.0.1/"'))
    with pytest.raises(NotAvailable, match=r"alerting\.channels\[1\]\.url \(b\)"):
        refuse_bad_channels(settings_of('{ env = "MISSING" }', '"syslog://x"'))


def test_no_line_can_hold_what_a_url_hides() -> None:
    url = f"jsons://user:password@hook.example/notifications/{CANARY}x?key=y{CANARY}"
    surroundings = around({"X": url})
    channels_of(settings_of('{ env = "X" }'), surroundings)

    text = f"notifications at hook.example: {url} {CANARY}x, y{CANARY}, password"
    assert surroundings.secrets.masked(text) == (
        f"notifications at hook.example: {HIDDEN} {HIDDEN}, {HIDDEN}, {HIDDEN}"
    )


def test_a_file_of_authorities_that_is_not_there_is_refused() -> None:
    with pytest.raises(NotAvailable, match="SSL_CERT_FILE: there is no file /nowhere"):
        channels_of(settings_of(), around({"SSL_CERT_FILE": "/nowhere"}))


def test_without_an_alertmanager_nothing_is_pushed() -> None:
    telemetry = PrometheusTelemetry(CollectorRegistry())
    assert alertmanager_of(settings_of(), around(), telemetry) is None


def test_the_series_of_each_alertmanager_exist_before_anything_happens() -> None:
    registry = CollectorRegistry()
    more = '[alerting.alertmanager]\nurls = ["http://127.0.0.1:9093", { env = "AM" }]\n'
    surroundings = around({"AM": f"https://ops:{CANARY}@am.example/prefix"})

    assert alertmanager_of(settings_of(more=more), surroundings, PrometheusTelemetry(registry))
    for name in ("127.0.0.1:9093", "am.example"):
        for result in ("success", *(failure.value for failure in DeliveryFailure)):
            labels = {"alertmanager": name, "result": result}
            assert registry.get_sample_value("oss_cname_alertmanager_posts_total", labels) == 0


def test_an_alertmanager_whose_url_is_missing_is_told_by_its_key() -> None:
    more = '[alerting.alertmanager]\nurls = [{ env = "AM" }]\n'
    with pytest.raises(NotAvailable, match=r"alerting\.alertmanager\.urls\[0\]: the environment"):
        alertmanager_of(settings_of(more=more), around(), PrometheusTelemetry(CollectorRegistry()))


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """All that this process logs, as in the daemon at its most talkative."""
    root, stream = logging.getLogger(), io.StringIO()
    handlers, level = list(root.handlers), root.level
    set_up(level="debug", is_json=True, secrets=Secrets(), stream=stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


async def test_a_channel_of_the_configuration_delivers_by_its_bootstrap_resolver_alone(
    tmp_path: Path, log: io.StringIO
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("hook.example.com").configure_cert(context)
    record = "hook.example.com. 60 IN A 127.0.0.1"

    with (
        http_service(lambda _: Says(200), context) as service,
        Unbound({}, overrides=[record]).running() as unbound,
    ):
        place = f"hook.example.com:{service.at.port}"
        settings = settings_of(
            f'"webhooks://{CANARY}@{place}/in?{CANARY}"',
            f'"jsons://u:{CANARY}@{place}/{CANARY}"',
            more=f'[[resolvers]]\nname = "r"\naddress = "{unbound.endpoint.address}"\n'
            f"port = {unbound.endpoint.port}\n",
        )
        environ = {"SSL_CERT_FILE": str(tmp_path / "ca.pem")}
        for channel in channels_of(settings, around(environ)):
            await channel.send(MESSAGE)
        service.script = lambda seen: Says(403, seen.target)
        for channel in channels_of(settings, around(environ)):
            with pytest.raises(NotDelivered):
                await channel.send(MESSAGE)

    assert [seen.path for seen in service.seen] == ["/in", f"/{CANARY}"] * 2
    # Not because it was masked: these secrets are not known to the log.
    assert CANARY not in log.getvalue()
