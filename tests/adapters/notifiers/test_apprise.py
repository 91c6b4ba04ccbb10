"""What of apprise is offered, and how it is kept to our lines."""

import smtplib
import sys
from collections.abc import Sequence
from dataclasses import replace

import pytest
import requests
from apprise import Apprise
from apprise.plugins import N_MGR

from monitor.adapters.notifiers.apprise_channel import SCHEMAS, AppriseChannel, type_of
from monitor.adapters.notifiers.apprise_seams import put_seams
from monitor.adapters.notifiers.line import Place, Terms
from monitor.adapters.notifiers.workers import Workers
from monitor.core.message import NoticeSeverity
from tests.adapters.notifiers.lines import workers
from tests.contracts.notifier_contract import MESSAGE
from tests.servers.http_service import Says, http_service

# What would let a plugin reach the world, or this machine, by another way than ours.
OTHER_WAYS = ("socket", "subprocess", "asyncio", "urllib", "http")


@pytest.mark.parametrize("schema", sorted(SCHEMAS))
def test_each_service_that_is_offered_goes_over_our_lines(schema: str) -> None:
    plugin = N_MGR[schema]

    assert plugin.enabled
    assert put_seams(plugin)
    module = sys.modules[plugin.__module__]
    assert not [name for name in OTHER_WAYS if hasattr(module, name)]


@pytest.mark.parametrize(
    "schema", ["syslog", "rsyslog", "dbus", "gnome", "windows", "macosx", "mqtt", "irc", "matrix"]
)
def test_what_runs_programs_or_keeps_connections_is_not_offered(schema: str) -> None:
    assert schema not in SCHEMAS


def test_the_libraries_stay_as_they_are_for_everybody_else() -> None:
    AppriseChannel("a", "jsons://h.example/", workers())
    AppriseChannel("b", "mailtos://a:b@h.example", workers())

    assert requests.post.__module__ == "requests.api"
    assert smtplib.SMTP.__module__ == "smtplib"


def test_outside_of_a_delivery_a_plugin_finds_no_way() -> None:
    AppriseChannel("a", "jsons://h.example/", workers())
    plugin = Apprise.instantiate("jsons://h.example/")
    assert plugin

    with pytest.raises(LookupError):
        plugin.notify(body="x")


async def test_a_url_with_many_targets_is_done_in_time() -> None:
    async def find(_host: str, _port: int) -> Sequence[Place]:
        return [(service.at.address, service.at.port)]

    with http_service(lambda _: Says(200, "ok")) as service:
        # Left to itself, apprise would wait for six seconds between any two of them.
        url = "ntfy://ntfy.example/" + "/".join(f"topic{number}" for number in range(4))
        await AppriseChannel("a", url, Workers(find, Terms(), deadline=10.0)).send(MESSAGE)

    assert len(service.seen) == 4


def test_a_plugin_finds_no_way_around_its_line() -> None:
    AppriseChannel("a", "jsons://h.example/", workers())
    library = sys.modules["apprise.plugins.custom_json"].requests

    assert library.codes is requests.codes
    with pytest.raises(AttributeError, match="around the line"):
        library.Session()


@pytest.mark.parametrize(
    ("severity", "is_over", "kind"),
    [
        (NoticeSeverity.INFO, False, "info"),
        (NoticeSeverity.WARNING, False, "warning"),
        (NoticeSeverity.CRITICAL, False, "failure"),
        (NoticeSeverity.CRITICAL, True, "success"),
    ],
)
def test_a_severity_is_a_type_of_apprise(
    severity: NoticeSeverity, is_over: bool, kind: str
) -> None:
    assert type_of(replace(MESSAGE, severity=severity, is_over=is_over)).value == kind
