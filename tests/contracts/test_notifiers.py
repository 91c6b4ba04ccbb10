"""The channels that keep the contract, each against a server that acts as its service."""

import base64
import hashlib
import hmac
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from email import message_from_string, policy
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import trustme

from monitor.adapters.notifiers.apprise_channel import AppriseChannel
from monitor.adapters.notifiers.dingtalk import DingTalk
from monitor.adapters.notifiers.feishu import LARK, Feishu
from monitor.adapters.notifiers.line import Place, Terms
from monitor.adapters.notifiers.robot import Robot, RobotChannel, access_of
from monitor.adapters.notifiers.webhook import WebhookChannel, hook_of
from monitor.adapters.notifiers.wecom import WeCom
from monitor.adapters.notifiers.workers import Workers
from monitor.ports import NotDelivered, Notifier
from tests.contracts.notifier_contract import (
    CANARY,
    FAILURES,
    Fate,
    NotifierContract,
    Surroundings,
)
from tests.fakes.clock import FakeClock
from tests.fakes.notifiers import ListNotifier
from tests.servers.endpoints import Endpoint
from tests.servers.http_service import (
    Hangs,
    HttpService,
    Reaction,
    Resets,
    Says,
    Seen,
    http_service,
)
from tests.servers.smtp_service import MailHabit, mail_service

HOSTS = (
    "oapi.dingtalk.com",
    "qyapi.weixin.qq.com",
    "open.feishu.cn",
    "open.larksuite.com",
    "hooks.slack.com",
    "hook.test",
    "mail.test",
)
CUT = "… {count} more lines"

Make: TypeAlias = Callable[[Workers], Notifier]


@dataclass(frozen=True, slots=True)
class Trust:
    """An authority of the tests; who has a certificate of it, and who has another one."""

    ca_file: Path
    known: ssl.SSLContext
    unknown: ssl.SSLContext


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    authority = trustme.CA()
    ca_file = tmp_path_factory.mktemp("trust") / "ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    return Trust(ca_file, _context(authority), _context(trustme.CA()))


def _context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*HOSTS).configure_cert(context)
    return context


class Town:
    """Where the hosts are: all at one server, which may become another, or nowhere."""

    def __init__(self, at: Endpoint) -> None:
        self.at: Endpoint | None = at

    async def find(self, host: str, _port: int) -> Sequence[Place]:
        assert host in HOSTS
        if self.at is None:
            raise OSError(f"no address is known of {host}")
        return [(self.at.address, self.at.port)]

    def workers(self, trust: Trust, deadline: float) -> Workers:
        return Workers(self.find, Terms(str(trust.ca_file)), deadline=deadline)


def _channels(make: Make, town: Town, trust: Trust) -> tuple[Notifier, Notifier]:
    """Return one that has time, and one that has little."""
    return make(town.workers(trust, 30.0)), make(town.workers(trust, 0.3))


@dataclass(frozen=True, slots=True)
class Vendor:
    """A service: how its channel is made, what it answers, and how it reads a request.

    `refuses` gives the words for a fate, which repeat what was sent, as real ones may.
    """

    make: Make
    takes: Says
    refuses: Callable[[Fate, Seen], Says]
    text: Callable[[Seen], str]

    def reaction(self, fate: Fate, seen: Seen) -> Reaction:
        match fate:
            case Fate.HANGING:
                return Hangs()
            case Fate.TORN_DOWN:
                return Resets()
            case Fate.BROKEN_SERVICE:
                return Says(500, f"oops: {seen.target} {seen.body.decode()}")
            case Fate.TAKEN:
                return self.takes
            case _:
                return self.refuses(fate, seen)


@contextmanager
def _surroundings(vendor: Vendor, trust: Trust) -> Iterator[Surroundings]:
    taken: list[Seen] = []
    fates = [Fate.TAKEN]

    def script(seen: Seen) -> Reaction:
        reaction = vendor.reaction(fates[-1], seen)
        if reaction == vendor.takes:
            taken.append(seen)
        return reaction

    with ExitStack() as stack:
        serving = partial(_serving, stack, script)
        known, unknown = serving(trust.known), serving(trust.unknown)
        town = Town(known.at)

        def decide(fate: Fate) -> None:
            fates.append(fate)
            places = {Fate.NO_ADDRESS: None, Fate.UNTRUSTED: unknown.at}
            town.at = places.get(fate, known.at)

        yield Surroundings(
            *_channels(vendor.make, town, trust),
            decide,
            lambda: [vendor.text(seen) for seen in taken],
        )


def _serving(
    stack: ExitStack, script: Callable[[Seen], Reaction], context: ssl.SSLContext
) -> HttpService:
    return stack.enter_context(http_service(script, context))


def by_status(fate: Fate, seen: Seen) -> Says:
    """A service that says it all by status."""
    status = {Fate.REFUSED: 422, Fate.UNKNOWN_TO_SERVICE: 401, Fate.TOO_MANY: 429}[fate]
    text = f"no: {seen.target} {dict(seen.headers)} {seen.body.decode()}"
    return Says(status, text, {"Retry-After": "30"})


def by_code(name: str, words: str, codes: dict[Fate, tuple[int, str]]) -> Any:
    """A service that says it all in a document, with status 200."""

    def refuses(fate: Fate, seen: Seen) -> Says:
        code, text = codes[fate]
        return Says(200, {name: code, words: f"{text} {seen.target} {seen.body.decode()}"})

    return refuses


def _robot(robot: Robot, url: str) -> Make:
    return lambda workers: RobotChannel(
        "chat", robot, access_of(url, "FORM"), workers, FakeClock(), CUT
    )


def _apprise(url: str) -> Make:
    return lambda workers: AppriseChannel("apprise", url, workers)


def dingtalk_text(seen: Seen) -> str:
    """Read a request as the vendor describes it, its signature first."""
    assert (seen.path, seen.query["access_token"]) == ("/robot/send", f"tok{CANARY}")
    signed = f"{seen.query['timestamp']}\nSEC{CANARY}".encode()
    expected = hmac.new(f"SEC{CANARY}".encode(), signed, hashlib.sha256).digest()
    assert base64.b64decode(seen.query["sign"]) == expected
    assert seen.document["at"]["atMobiles"] == ["13800000000"]
    return str(seen.document["text"]["content"])


def feishu_text(seen: Seen) -> str:
    """Read a request as the vendor describes it, its signature first."""
    assert seen.path == f"/open-apis/bot/v2/hook/tok{CANARY}"
    key = f"{seen.document['timestamp']}\nSEC{CANARY}".encode()
    assert base64.b64decode(seen.document["sign"]) == hmac.new(key, b"", hashlib.sha256).digest()
    return str(seen.document["content"]["text"])


def webhook_text(seen: Seen) -> str:
    signed = seen.headers["X-Oss-Cname-Timestamp"].encode() + b"." + seen.body
    expected = hmac.new(CANARY.encode(), signed, hashlib.sha256).hexdigest()
    assert seen.headers["X-Oss-Cname-Signature"] == f"sha256={expected}"
    document = seen.document
    assert seen.headers["Idempotency-Key"] == document["key"]
    assert (document["version"], document["severity"], document["is_over"]) == (
        1,
        "critical",
        False,
    )
    return "\n".join((document["title"], document["body"], document["link"]))


def json_text(seen: Seen) -> str:
    assert seen.document["type"] == "failure"
    return f"{seen.document['title']}\n{seen.document['message']}"


DINGTALK = Vendor(
    _robot(DingTalk(), f"dingtalk://SEC{CANARY}@tok{CANARY}/13800000000"),
    Says(200, {"errcode": 0, "errmsg": "ok"}),
    by_code(
        "errcode",
        "errmsg",
        {
            Fate.REFUSED: (310000, "keywords not in content"),
            Fate.UNKNOWN_TO_SERVICE: (310000, "sign not match"),
            Fate.TOO_MANY: (130101, "send too fast, exceed 20 times per minute"),
        },
    ),
    dingtalk_text,
)
FEISHU = Vendor(
    _robot(Feishu(), f"feishu://tok{CANARY}/?secret=SEC{CANARY}"),
    Says(200, {"StatusCode": 0, "StatusMessage": "success", "code": 0, "msg": "success"}),
    by_code(
        "code",
        "msg",
        {
            Fate.REFUSED: (19024, "Key Words Not Found"),
            Fate.UNKNOWN_TO_SERVICE: (19021, "sign match fail"),
            Fate.TOO_MANY: (11232, "frequency limited"),
        },
    ),
    feishu_text,
)
LARK_VENDOR = replace(FEISHU, make=_robot(LARK, f"lark://tok{CANARY}/?secret=SEC{CANARY}"))
WECOM = Vendor(
    _robot(WeCom(), f"wecombot://tok{CANARY}/"),
    Says(200, {"errcode": 0, "errmsg": "ok"}),
    by_code(
        "errcode",
        "errmsg",
        {
            Fate.REFUSED: (40058, "text exceed max length 2048"),
            Fate.UNKNOWN_TO_SERVICE: (93000, "invalid webhook url"),
            Fate.TOO_MANY: (45009, "api freq out of limit"),
        },
    ),
    lambda seen: str(seen.document["text"]["content"]),
)
WEBHOOK = Vendor(
    lambda workers: WebhookChannel(
        "hook", hook_of(f"webhooks://{CANARY}@hook.test/in?team={CANARY}"), workers, FakeClock()
    ),
    Says(204),
    by_status,
    webhook_text,
)
SLACK = Vendor(
    _apprise(f"slack://T1JJ3T3L2/A1BRTD4JD/{CANARY}/%23ops"),
    Says(200, "ok"),
    by_status,
    lambda seen: str(seen.document),
)
JSONS = Vendor(
    _apprise(f"jsons://user:{CANARY}@hook.test/{CANARY}?+X-Token={CANARY}"),
    Says(200, "taken"),
    by_status,
    json_text,
)
VENDORS = {
    "dingtalk": DINGTALK,
    "wecom": WECOM,
    "feishu": FEISHU,
    "lark": LARK_VENDOR,
    "webhook": WEBHOOK,
    "slack": SLACK,
    "json": JSONS,
}


class TestServices(NotifierContract):
    @pytest.fixture(params=VENDORS)
    def around(self, request: pytest.FixtureRequest, trust: Trust) -> Iterator[Surroundings]:
        with _surroundings(VENDORS[request.param], trust) as around:
            yield around


class TestMail(NotifierContract):
    # RFC 5321 has no reply that says "too many".
    fates = frozenset(FAILURES) - {Fate.TOO_MANY}

    @pytest.fixture(params=["starttls", "ssl"])
    def around(self, request: pytest.FixtureRequest, trust: Trust) -> Iterator[Surroundings]:
        mode = request.param
        serving = partial(mail_service, is_tls_first=mode == "ssl")
        with serving(trust.known) as known, serving(trust.unknown) as unknown:
            town = Town(known.at)
            places = {Fate.NO_ADDRESS: None, Fate.UNTRUSTED: unknown.at}

            def decide(fate: Fate) -> None:
                town.at = places.get(fate, known.at)
                known.habit = _MAIL_HABITS.get(fate, MailHabit.TAKES)

            addresses = "from=ops@mail.test&to=me@mail.test"
            make = _apprise(f"mailtos://ops:{CANARY}@mail.test?{addresses}&mode={mode}")
            yield Surroundings(
                *_channels(make, town, trust),
                decide,
                lambda: [_letter(text) for text in known.letters],
            )
            assert all(login == ("ops", CANARY) for login in known.logins)


_MAIL_HABITS = {
    Fate.TAKEN: MailHabit.TAKES,
    Fate.REFUSED: MailHabit.KNOWS_NO_RECIPIENT,
    Fate.UNKNOWN_TO_SERVICE: MailHabit.KNOWS_NO_PASSWORD,
    Fate.BROKEN_SERVICE: MailHabit.IS_BUSY,
    Fate.TORN_DOWN: MailHabit.HANGS_UP,
    Fate.HANGING: MailHabit.HANGS,
}


def _letter(text: str) -> str:
    letter = message_from_string(text, policy=policy.default)
    body = letter.get_body(("plain",))
    assert body is not None
    return f"{letter['Subject']}\n{body.get_content()}"


class TestFakeNotifier(NotifierContract):
    @pytest.fixture
    def around(self) -> Surroundings:
        fake = ListNotifier()

        def decide(fate: Fate) -> None:
            fake.failures.clear()
            if fate in FAILURES:
                reason, is_permanent = FAILURES[fate]
                fake.failures.append(NotDelivered(reason, fate.name, is_permanent=is_permanent))

        return Surroundings(
            fake, fake, decide, lambda: [f"{m.title}\n{m.body}\n{m.link}" for m in fake.messages]
        )
