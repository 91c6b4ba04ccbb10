from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import structlog
from prometheus_client import CollectorRegistry

from monitor.adapters.stores.sqlite import SqliteStore
from monitor.adapters.telemetry.counters import PrometheusTelemetry
from monitor.assembly.notices import calendar_of, composer_of, notice_policy_of
from monitor.assembly.parts import Surroundings
from monitor.assembly.telling import Outlets, telling_of
from monitor.config import Settings, parse
from monitor.core.message import NoticeSeverity
from monitor.core.names import DomainName
from monitor.core.notices.dispatch import Parcel
from monitor.core.notices.policy import NoticePolicy
from monitor.core.state import State, Step
from monitor.core.status import DomainStatus
from monitor.core.told import Concern, ConcernKind, Letter, Notice, Reason
from monitor.ledger import Ledger
from monitor.logs import Secrets
from tests.core.notices.samples import domain
from tests.core.samples import START, WRONG
from tests.fakes.clock import FakeClock
from tests.fakes.notifiers import ListNotifier

SHOP, OTHER = DomainName("www.shop.example"), DomainName("www.other.example")
TEXT = """
[daemon]
external_url = "https://dns.example"

[alerting]
quorum = 0.7
remind = "6h"

[[alerting.channels]]
name = "chat"
url = { env = "CHAT_URL" }
lang = "zh"

[[alerting.channels]]
name = "pager"
url = { env = "PAGER_URL" }
severity = "critical"
domains = ["*.shop.example"]

[propagation]
hold_down = "5m"
split_alert_after = "2h"

[[maintenance]]
domains = ["*.shop.example"]
from = 2026-01-01T00:00:00Z
until = 2026-01-01T02:00:00Z

[[maintenance]]
domains = ["**"]
cron = "0 18 * * sat"
duration = "2h"
"""


@pytest.fixture
def settings() -> Settings:
    return parse(TEXT, {})


def rules(settings: Settings, *names: str) -> NoticePolicy:
    return notice_policy_of(settings, calendar_of(settings), names)


def test_a_channel_gets_what_its_section_says(settings: Settings) -> None:
    chat, pager = rules(settings, "chat", "pager").routes
    assert (chat.channel, chat.severity) == ("chat", NoticeSeverity.INFO)
    assert (pager.channel, pager.severity) == ("pager", NoticeSeverity.CRITICAL)
    assert chat.covers(OTHER) and not pager.covers(OTHER)
    assert pager.covers(SHOP)


def test_a_channel_that_is_not_there_is_told_nothing(settings: Settings) -> None:
    assert [route.channel for route in rules(settings, "chat").routes] == ["chat"]


def test_patience_and_quorum_are_those_of_the_configuration(settings: Settings) -> None:
    policy = rules(settings, "chat")
    assert (policy.quorum, policy.remind) == (0.7, timedelta(hours=6))
    assert (policy.hold_down, policy.split_after) == (timedelta(minutes=5), timedelta(hours=2))


def test_maintenance_is_that_of_the_configuration(settings: Settings) -> None:
    muted_until = rules(settings, "chat").muted_until
    assert muted_until(SHOP, START) == START + timedelta(hours=2)
    assert muted_until(OTHER, START) is None
    saturday = START + timedelta(days=2, hours=19)
    assert muted_until(OTHER, saturday) == saturday + timedelta(hours=1)


def test_each_channel_has_its_language_and_a_link(settings: Settings) -> None:
    compose = composer_of(settings)
    concern = Concern(ConcernKind.BROKEN, NoticeSeverity.CRITICAL, START)
    parcel = Parcel((Letter(Notice("K", "chat", SHOP, Reason.FIRST, concern, START), START),))
    chinese, english = compose("chat", parcel), compose("pager", parcel)
    assert chinese.title == "【严重】域名 www.shop.example：异常"
    assert english.title == "[critical] www.shop.example: broken"
    assert english.link == "https://dns.example/domains/www.shop.example"


def test_without_channels_nobody_is_told(settings: Settings) -> None:
    assert rules(settings).routes == ()


def test_a_mistake_in_telling_keeps_nothing_from_being_recorded(settings: Settings) -> None:
    def mistaken(_name: DomainName, _now: datetime) -> datetime | None:
        raise ZeroDivisionError

    around = Surroundings(FakeClock(START + timedelta(hours=3)), {}, Secrets())
    telemetry = PrometheusTelemetry(CollectorRegistry())
    store = SqliteStore(Path("unused.db"))
    outlets = Outlets(lambda _settings, _around: (ListNotifier("chat"),))
    ledger = Ledger(store, telemetry)
    telling = telling_of(settings, around, ledger, store, telemetry, outlets)
    step = Step((domain(DomainStatus.BROKEN, *(WRONG,) * 3),))
    assert len(telling.accompany(State(), step, lambda _: True).notices) == 1
    broken = replace(telling, policy=replace(telling.policy, muted_until=mistaken))
    with structlog.testing.capture_logs() as logs:
        assert broken.accompany(State(), step, lambda _: True) is step
    assert [entry["event"] for entry in logs] == ["notices.undecided"]
