"""The whole daemon tells people: at once, once, in their language, and not in maintenance."""

from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path

from monitor.adapters.clock import SystemClock
from monitor.adapters.telemetry.counters import PrometheusTelemetry
from monitor.assembly.parts import Surroundings
from monitor.assembly.telling import Outlets
from monitor.config import Settings
from monitor.core.alert import Alert
from monitor.core.message import Message
from monitor.demo.world import World
from monitor.ports import AlertPush, Notifier
from tests.fakes.notifiers import ListNotifier
from tests.whole.shop import PACE, STATUSES, Shop, eventually, open_shop, running

CHANNELS = """
[[alerting.channels]]
name = "chat"
url = { env = "CHAT_URL" }
lang = "zh"

[[alerting.channels]]
name = "pager"
url = { env = "PAGER_URL" }
severity = "critical"

[[maintenance]]
domains = ["static.shop.example"]
from = 2020-01-01T00:00:00Z
until = 2120-01-01T00:00:00Z
"""
BROKEN = {name for name, status in STATUSES.items() if status == "broken"}


class Post:
    """Two channels and an Alertmanager that outlive a reload."""

    def __init__(self) -> None:
        self.chat, self.pager = ListNotifier("chat"), ListNotifier("pager")
        self.pushed: list[tuple[Alert, ...]] = []

    @property
    def outlets(self) -> Outlets:
        return Outlets(self._channels, self._alertmanagers)

    async def push(self, alerts: Collection[Alert], _now: datetime) -> None:
        self.pushed.append(tuple(alerts))

    def _channels(self, _settings: Settings, _around: Surroundings) -> Sequence[Notifier]:
        return (self.chat, self.pager)

    def _alertmanagers(
        self, _settings: Settings, _around: Surroundings, _telemetry: PrometheusTelemetry
    ) -> AlertPush:
        return self


def with_channels(text: str) -> str:
    return text + CHANNELS


def about(messages: Sequence[Message], domain: str) -> list[Message]:
    return [message for message in messages if f"{domain}:" in message.title]


async def test_what_is_broken_at_the_first_look_is_told_once_to_each_channel(
    tmp_path: Path,
) -> None:
    post = Post()
    told = BROKEN - {"static.shop.example"}

    async def all_told() -> bool:
        return len(post.pager.messages) >= len(told)

    async with open_shop(tmp_path, with_channels, post.outlets) as shop:
        await eventually(all_told)
        sent = await shop.samples("oss_cname_notices_total")
        labels = frozenset({("channel", "pager"), ("result", "sent")})
        assert sent[labels] == len(post.pager.messages)
    for domain in told:
        (message,) = about(post.pager.messages, domain)
        assert "broken" in message.title or "fault" in message.title
    assert about(post.pager.messages, "static.shop.example") == []
    assert all("【" in message.title for message in post.chat.messages)


async def test_a_domain_in_maintenance_is_named_by_a_metric(tmp_path: Path) -> None:
    async with open_shop(tmp_path, with_channels, Post().outlets) as shop:
        found = await shop.samples("oss_cname_domain_in_maintenance")
        assert found == {frozenset({("domain", "static.shop.example")}): 1.0}


async def test_a_daemon_that_begins_anew_tells_nothing_again(tmp_path: Path) -> None:
    first, second = Post(), Post()
    told = BROKEN - {"static.shop.example"}

    async def all_told() -> bool:
        return len(first.pager.messages) >= len(told)

    async with World(PACE, SystemClock().now) as world:
        text = with_channels(world.config_text("127.0.0.1:0", str(tmp_path / "shop.db")))
        async with running(Shop(world, text, outlets=first.outlets)):
            await eventually(all_told)
        async with running(Shop(world, text, outlets=second.outlets)) as shop:
            await shop.post("-/reload")
            await shop.daemon.wait_for_first_look()
    assert second.pager.messages == []


async def test_a_channel_that_comes_with_a_reload_hears_of_what_is_broken(tmp_path: Path) -> None:
    post = Post()

    async def is_told() -> bool:
        return bool(about(post.pager.messages, "docs.shop.example"))

    async with open_shop(tmp_path, outlets=post.outlets) as shop:
        shop.text += CHANNELS
        assert (await shop.post("-/reload")).ok
        await eventually(is_told)


async def test_what_is_open_is_pushed_as_alerts(tmp_path: Path) -> None:
    post = Post()

    async def has_broken() -> bool:
        return any(alert.labels["domain"] == "docs.shop.example" for alert in last())

    def last() -> tuple[Alert, ...]:
        return post.pushed[-1] if post.pushed else ()

    async with open_shop(tmp_path, with_channels, post.outlets):
        await eventually(has_broken)
    (alert,) = (one for one in last() if one.labels["domain"] == "docs.shop.example")
    assert (alert.labels["alertname"], alert.labels["severity"]) == ("OssCnameBroken", "critical")
    assert "static.shop.example" not in {one.labels["domain"] for one in last()}
