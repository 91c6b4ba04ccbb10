"""Robots of chat services: a document is posted, another says whether it was taken."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

import requests

from monitor.adapters.notifiers.fitting import fitted
from monitor.adapters.notifiers.line import Line
from monitor.adapters.notifiers.workers import Workers
from monitor.core.message import Message
from monitor.ports import Clock, DeliveryFailure, NotDelivered

_TOKEN = re.compile(r"[A-Za-z0-9_-]+")
_LONGEST_CODE = 20  # digits
_MOST_SAID = 160  # characters of a service's own words that are repeated


class BadUrl(ValueError):
    """A channel's URL cannot be used; the text tells why and how it is written, without it."""


@dataclass(frozen=True, slots=True, repr=False)
class Access:
    """What a robot is reached with: its token, the secret that signs, and whom to mention."""

    token: str
    secret: str = ""
    mentions: tuple[str, ...] = ()

    def hidden_in(self, text: str) -> str:
        """Return the text without what must not be told."""
        for secret in filter(None, (self.token, self.secret)):
            text = text.replace(secret, "********")
        return text


def access_of(url: str, form: str) -> Access:
    """Read `scheme://[SECRET@]TOKEN[/MENTIONED…][?secret=SECRET]`. Raises BadUrl with the form."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise BadUrl(f"cannot be read; write {form}") from None
    # Not parts.hostname, which is in lower case.
    secret, _, token = parts.netloc.rpartition("@")
    secret = unquote(secret) or parse_qs(parts.query).get("secret", [""])[0]
    if not _TOKEN.fullmatch(token):
        raise BadUrl(f"has no token of letters, digits, - and _; write {form}")
    return Access(token, secret, tuple(filter(None, parts.path.split("/"))))


@dataclass(frozen=True, slots=True)
class Codes:
    """Where a service's answer has its code (0 is success) and words, and what the codes mean.

    Codes that are not listed are refusals that a person has to mend.
    """

    code: str
    words: str
    credentials: frozenset[int]
    rate: frozenset[int]
    passing: frozenset[int] = frozenset({-1})


@dataclass(frozen=True, slots=True, repr=False)
class Posting:
    """What is sent."""

    url: str
    document: Mapping[str, Any]


class Robot(Protocol):
    """What is special about the robots of one service."""

    @property
    def limit(self) -> int:
        """How many bytes a text may have."""

    @property
    def codes(self) -> Codes: ...

    def posting(self, text: str, access: Access, now: datetime) -> Posting: ...


class RobotChannel:
    """A notifier that lets a robot speak."""

    def __init__(
        self, name: str, robot: Robot, access: Access, workers: Workers, clock: Clock, cut: str
    ) -> None:
        self._name = name
        self._robot = robot
        self._access = access
        self._workers = workers
        self._clock = clock
        self._cut = cut

    @property
    def name(self) -> str:
        return self._name

    async def send(self, message: Message) -> None:
        text = fitted(message, self._robot.limit, self._cut)
        posting = self._robot.posting(text, self._access, self._clock.now())
        await self._workers.run(lambda line: self._post(line, posting))

    def _post(self, line: Line, posting: Posting) -> None:
        body = json.dumps(posting.document, ensure_ascii=False).encode()
        answer = line.post(posting.url, body, {"Content-Type": "application/json; charset=utf-8"})
        if refusal := _refusal(answer, self._robot.codes, self._access):
            raise refusal


def _refusal(answer: requests.Response, codes: Codes, access: Access) -> NotDelivered | None:
    """Return what the service's document says against a delivery, whatever its status was."""
    try:
        document = answer.json()
    except (ValueError, RecursionError):  # a number without end is no JSONDecodeError
        document = None
    code = document.get(codes.code) if isinstance(document, dict) else None
    if not isinstance(code, int):
        text = "what answered is not the service: its answer has no code"
        return NotDelivered(DeliveryFailure.OTHER, text)
    if code == 0:
        return None
    words = _plain(access.hidden_in(" ".join(str(document.get(codes.words, "")).split())))
    return NotDelivered(
        _reason(code, words, codes),
        f"the service says {str(code)[:_LONGEST_CODE]}: {words[:_MOST_SAID]}",
        is_permanent=code not in codes.rate | codes.passing,
    )


def _plain(words: str) -> str:
    # They end up in the log and on terminals, where control characters would act.
    return "".join(letter for letter in words if letter.isprintable())


def _reason(code: int, words: str, codes: Codes) -> DeliveryFailure:
    if code in codes.rate:
        return DeliveryFailure.RATE_LIMITED
    # DingTalk has one code for a bad signature, a missing keyword and a foreign address.
    if code in codes.credentials or "sign not match" in words:
        return DeliveryFailure.CREDENTIALS
    return DeliveryFailure.REFUSED
