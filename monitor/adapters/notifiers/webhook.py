"""A JSON document posted to an address of one's own; docs/channels.md promises its shape."""

import hashlib
import hmac
import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from monitor import __version__
from monitor.adapters.notifiers.line import Line
from monitor.adapters.notifiers.robot import BadUrl
from monitor.adapters.notifiers.workers import Workers
from monitor.core.message import Message
from monitor.ports import Clock

FORM = "webhooks://HOST/PATH or webhooks://SECRET@HOST/PATH"
SHAPE = 1  # the version of the document

_SCHEMES = {"webhook": "http", "webhooks": "https"}


@dataclass(frozen=True, slots=True, repr=False)
class Hook:
    """Where to post, and the secret that signs."""

    url: str
    secret: str = ""


def hook_of(url: str) -> Hook:
    """Read `webhook(s)://[SECRET@]HOST[:PORT]/PATH[?QUERY]`. Raises BadUrl."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise BadUrl(f"cannot be read; write {FORM}") from None
    if not host:
        raise BadUrl(f"has no host; write {FORM}")
    secret, _, place = parts.netloc.rpartition("@")
    scheme = _SCHEMES[parts.scheme]
    return Hook(urlunsplit((scheme, place, parts.path or "/", parts.query, "")), unquote(secret))


class WebhookChannel:
    """A notifier that posts each message as JSON."""

    def __init__(self, name: str, hook: Hook, workers: Workers, clock: Clock) -> None:
        self._name = name
        self._hook = hook
        self._workers = workers
        self._clock = clock

    @property
    def name(self) -> str:
        return self._name

    async def send(self, message: Message) -> None:
        body = json.dumps(_document(message), ensure_ascii=False).encode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"oss-cname-monitor/{__version__}",
            "Idempotency-Key": quote(message.key, safe=":/@=+"),
            **self._signed(body),
        }

        def post(line: Line) -> None:
            line.post(self._hook.url, body, headers)

        await self._workers.run(post)

    def _signed(self, body: bytes) -> dict[str, str]:
        if not self._hook.secret:
            return {}
        stamp = str(int(self._clock.now().timestamp()))
        return {
            "X-Oss-Cname-Timestamp": stamp,
            "X-Oss-Cname-Signature": signature(stamp, body, self._hook.secret),
        }


def signature(stamp: str, body: bytes, secret: str) -> str:
    """Return what proves body and time: `sha256=` and the HMAC of `TIMESTAMP.BODY` in hex."""
    signed = hmac.digest(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256)
    return f"sha256={signed.hex()}"


def _document(message: Message) -> dict[str, Any]:
    return {
        "version": SHAPE,
        "key": message.key,
        "title": message.title,
        "body": message.body,
        "severity": message.severity.value,
        "is_over": message.is_over,
        "at": message.at.isoformat().replace("+00:00", "Z"),
        "link": message.link,
    }
