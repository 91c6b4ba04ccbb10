"""Settings to channels, and to the push to Alertmanagers."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path

from monitor.adapters.clock import SystemClock
from monitor.adapters.notifiers.addresses import Addresses
from monitor.adapters.notifiers.alertmanager import AlertmanagerPush, alertmanager_name
from monitor.adapters.notifiers.dingtalk import FORM as DINGTALK_FORM
from monitor.adapters.notifiers.dingtalk import DingTalk
from monitor.adapters.notifiers.feishu import FEISHU_FORM, LARK, LARK_FORM, Feishu
from monitor.adapters.notifiers.line import Terms
from monitor.adapters.notifiers.robot import BadUrl, Robot, RobotChannel, access_of
from monitor.adapters.notifiers.webhook import WebhookChannel, hook_of
from monitor.adapters.notifiers.wecom import FORM as WECOM_FORM
from monitor.adapters.notifiers.wecom import WeCom
from monitor.adapters.notifiers.workers import Workers
from monitor.adapters.telemetry.counters import PrometheusTelemetry
from monitor.assembly.parts import NotAvailable, Surroundings, prober_of
from monitor.config import SecretUnavailable, Settings
from monitor.config.alerting import Channel
from monitor.config.secret import GivenUrl, Reference
from monitor.logs import Secrets
from monitor.ports import Clock, Notifier
from monitor.wording import Language, wording

_CA_VARIABLE = "SSL_CERT_FILE"  # OpenSSL's name for it

_ROBOTS: Mapping[str, tuple[Robot, str]] = {
    "dingtalk": (DingTalk(), DINGTALK_FORM),
    "wecombot": (WeCom(), WECOM_FORM),
    "feishu": (Feishu(), FEISHU_FORM),
    "lark": (LARK, LARK_FORM),
}
_WEBHOOKS = {"webhook", "webhooks"}

# What in a URL looks like a secret: long, with a digit, and no host name.
_TOKEN = re.compile(r"(?=[^/:@?&=#.]*\d)[^/:@?&=#.]{12,}")
_USER = re.compile(r"//([^/@]*)@")


def channels_of(
    settings: Settings, around: Surroundings, only: str | None = None
) -> tuple[Notifier, ...]:
    """Return the channels, in the order of the configuration, or `only` the one of that name.

    Raises NotAvailable with all that is wrong with their URLs, which are not shown.
    """
    return _channels(lambda channel: only in {None, channel.name}, settings, around)


def refuse_bad_channels(settings: Settings) -> None:
    """Refuse what cannot be used of the URLs that are written down; others may be set elsewhere.

    Raises NotAvailable.
    """
    around = Surroundings(SystemClock(), {}, Secrets())
    _channels(lambda channel: isinstance(channel.url, GivenUrl), settings, around)


def alertmanager_of(
    settings: Settings, around: Surroundings, telemetry: PrometheusTelemetry
) -> AlertmanagerPush | None:
    """Return the push to all Alertmanagers; None where there is none. Raises NotAvailable."""
    urls, faults = list[str](), list[str]()
    for index, given in enumerate(settings.alerting.alertmanager.urls):
        try:
            urls.append(_revealed(given, around))
        except SecretUnavailable as error:
            faults.append(f"alerting.alertmanager.urls[{index}]: {error}")
    if faults:
        raise NotAvailable("\n".join(faults))
    if not urls:
        return None
    telemetry.expect_alertmanagers(map(alertmanager_name, urls))
    return AlertmanagerPush(urls, _workers_of(settings, around), telemetry)


def _channels(
    is_wanted: Callable[[Channel], bool], settings: Settings, around: Surroundings
) -> tuple[Notifier, ...]:
    workers = _workers_of(settings, around)
    made, faults = list[Notifier](), list[str]()
    for index, channel in enumerate(settings.alerting.channels):
        if not is_wanted(channel):
            continue
        try:
            made.append(_channel(channel, _revealed(channel.url, around), workers, around.clock))
        except (BadUrl, SecretUnavailable) as error:
            faults.append(f"alerting.channels[{index}].url ({channel.name}): {error}")
    if faults:
        raise NotAvailable("\n".join(faults))
    return tuple(made)


def _channel(channel: Channel, url: str, workers: Workers, clock: Clock) -> Notifier:
    """Raises BadUrl."""
    scheme = url.partition(":")[0].lower()
    if scheme in _ROBOTS:
        robot, form = _ROBOTS[scheme]
        cut = wording(Language(channel.lang.value)).word("message_cut")
        return RobotChannel(channel.name, robot, access_of(url, form), workers, clock, cut)
    if scheme in _WEBHOOKS:
        return WebhookChannel(channel.name, hook_of(url), workers, clock)
    from monitor.adapters.notifiers.apprise_channel import (  # noqa: PLC0415 - who uses it
        AppriseChannel,
    )

    return AppriseChannel(channel.name, url, workers)


def _workers_of(settings: Settings, around: Surroundings) -> Workers:
    """Raises NotAvailable."""
    bootstrap = tuple(given.resolver for given in settings.bootstrap_resolvers)
    addresses = Addresses(prober_of(settings, around.clock), bootstrap, around.clock)
    ca_file = around.environ.get(_CA_VARIABLE)
    if ca_file and not Path(ca_file).is_file():
        raise NotAvailable(f"{_CA_VARIABLE}: there is no file {ca_file}")
    return Workers(addresses.find, Terms(ca_file or None))


def _revealed(given: Reference | GivenUrl, around: Surroundings) -> str:
    """Return the URL, after which no log line can hold it or its tokens.

    Raises SecretUnavailable.
    """
    url = around.secrets.learn(given.reveal(around.environ))
    before_host = _USER.search(url)
    for token in (*_TOKEN.findall(url), *(before_host[1].split(":") if before_host else ())):
        around.secrets.learn(token)
    return url
