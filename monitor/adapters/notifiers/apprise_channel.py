"""Every other service, by way of apprise."""

import logging
from urllib.parse import parse_qs, urlsplit

from apprise import Apprise, AppriseAsset, NotifyFormat, NotifyType, PersistentStoreMode
from apprise.plugins.base import NotifyBase

from monitor.adapters.notifiers.apprise_seams import over, put_seams
from monitor.adapters.notifiers.line import Line
from monitor.adapters.notifiers.robot import BadUrl
from monitor.adapters.notifiers.workers import Workers
from monitor.core.message import Message, NoticeSeverity
from monitor.ports import DeliveryFailure, NotDelivered

# Services that are reached over HTTP or SMTP, and nothing else: nothing that runs a program,
# writes to this machine, keeps a connection, or reads what to do from elsewhere.
SERVICES = {
    "chat": (
        "discord gchat kook line mmost mmosts nctalk nctalks rocket rockets ryver signal signals "
        "slack synology synologys tgram twist webex workflow workflows wxteams zulip"
    ),
    "on call": (
        "betterstack firehydrant goalert goalerts ilert incidentio opsgenie pagerduty pagertree "
        "signl4 spike splunk squadcast victorops"
    ),
    "telephone": (
        "bark barks chanify gotify gotifys hassio hassios join ntfy ntfys pbul pover prowl "
        "pushdeer pushdeers pushme pushplus schan simplepush spugpush twilio vonage wpush wxpusher"
    ),
    "mail": (
        "brevo mailersend mailgun mailto mailtos postmark resend sendgrid ses smtp2go sns "
        "sparkpost"
    ),
    "an address of one's own": "form forms json jsons xml xmls",
}
SCHEMAS = frozenset(schema for names in SERVICES.values() for schema in names.split())

# Parameters that read files, or would make a channel less safe or less ours.
_REFUSED_PARAMETERS = {
    "template": "templates are files, which channels do not read",
    "pgp": "mail is not encrypted by its sender here",
    "pgpkey": "mail is not encrypted by its sender here",
    "pgpmode": "mail is not encrypted by its sender here",
    "verify": "certificates are always checked; SSL_CERT_FILE names whom to trust",
    "redirect": "redirects are never followed",
}

# Seconds between the requests of one message. Apprise's own pause, mostly of 5.5 s, would keep
# URLs with several targets from being done in time.
_PAUSE = 0.2

_TYPES = {
    NoticeSeverity.INFO: NotifyType.INFO,
    NoticeSeverity.WARNING: NotifyType.WARNING,
    NoticeSeverity.CRITICAL: NotifyType.FAILURE,
}

# Its own lines hold tokens, and what they say is told by us.
logging.getLogger("apprise").setLevel(logging.CRITICAL)


class AppriseChannel:
    """A notifier whose service apprise knows how to talk to."""

    def __init__(self, name: str, url: str, workers: Workers) -> None:
        """Raises BadUrl."""
        self._name = name
        self._url = url
        self._workers = workers
        _refuse_unsafe(url)
        if not put_seams(type(_plugin(url))):
            raise BadUrl("is of a service that cannot be reached safely in this release")

    @property
    def name(self) -> str:
        return self._name

    async def send(self, message: Message) -> None:
        await self._workers.run(lambda line: self._notify(line, message))

    def _notify(self, line: Line, message: Message) -> None:
        link = f"\n{message.link}" if message.link else ""
        with over(line):
            try:
                # A new one each time, since they are for one thread alone.
                is_taken = _plugin(self._url).notify(
                    title=message.title,
                    body=message.body + link,
                    notify_type=type_of(message),
                    body_format=NotifyFormat.TEXT,
                )
            except Exception as error:  # noqa: BLE001
                # So many plugins: one that fails must not take the daemon's delivery along,
                # and its words may hold the URL.
                text = f"the plugin for this service failed: {type(error).__name__}"
                raise NotDelivered(DeliveryFailure.OTHER, text) from None
        if not is_taken:
            unknown = NotDelivered(DeliveryFailure.OTHER, "the service did not say why")
            raise line.failure or unknown


def type_of(message: Message) -> NotifyType:
    """Return apprise's word, which services show as a colour or a sign."""
    return NotifyType.SUCCESS if message.is_over else _TYPES[message.severity]


def _refuse_unsafe(url: str) -> None:
    """Raises BadUrl."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise BadUrl("cannot be read") from None
    if parts.scheme not in SCHEMAS:
        raise BadUrl("is of a service that is not offered; docs/channels.md lists those that are")
    for key in parse_qs(parts.query, keep_blank_values=True):
        if why := _REFUSED_PARAMETERS.get(key.lower()):
            raise BadUrl(f"has the parameter {key.lower()}, which is refused: {why}")


def _plugin(url: str) -> NotifyBase:
    """Return apprise's object for a URL, which keeps nothing on disk. Raises BadUrl."""
    asset = AppriseAsset(
        app_id="oss-cname-monitor",
        app_desc="oss-cname-monitor",
        app_url="",
        storage_mode=PersistentStoreMode.MEMORY,
        async_mode=False,
        interpret_escapes=False,
        interpret_emojis=False,
        image_url_mask=None,
    )
    plugin = Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
    if plugin is None:
        scheme = url.partition(":")[0]
        raise BadUrl(f"is not how apprise writes {scheme}://…; see its page for this service")
    plugin.request_rate_per_sec = min(plugin.request_rate_per_sec, _PAUSE)
    return plugin
