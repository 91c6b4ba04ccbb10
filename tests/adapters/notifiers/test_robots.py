"""What the answers of chat services mean, whatever their status is."""

from collections.abc import Iterator, Sequence

import pytest

from monitor.adapters.notifiers.dingtalk import DingTalk
from monitor.adapters.notifiers.feishu import Feishu
from monitor.adapters.notifiers.line import Place, Terms
from monitor.adapters.notifiers.robot import Access, Posting, Robot, RobotChannel
from monitor.adapters.notifiers.wecom import WeCom
from monitor.adapters.notifiers.workers import Workers
from monitor.ports import DeliveryFailure, NotDelivered
from tests.contracts.notifier_contract import MESSAGE
from tests.core.samples import START
from tests.fakes.clock import FakeClock
from tests.servers.http_service import HttpService, Says, http_service

TOKEN = "t0ken"


class Unencrypted:
    """A robot whose service is asked without TLS, since what it says is the matter here."""

    def __init__(self, robot: Robot) -> None:
        self.limit, self.codes = robot.limit, robot.codes
        self._robot = robot

    def posting(self, text: str, access: Access, now: object) -> Posting:
        posting = self._robot.posting(text, access, START)
        return Posting(posting.url.replace("https:", "http:"), posting.document)


@pytest.fixture
def service() -> Iterator[HttpService]:
    with http_service(lambda _: Says(200)) as running:
        yield running


async def failure_of(robot: Robot, service: HttpService, answer: Says) -> NotDelivered:
    async def find(_host: str, _port: int) -> Sequence[Place]:
        return [(service.at.address, service.at.port)]

    service.script = lambda _: answer
    channel = RobotChannel(
        "chat", Unencrypted(robot), Access(TOKEN), Workers(find, Terms()), FakeClock(), "{count}"
    )
    with pytest.raises(NotDelivered) as raised:
        await channel.send(MESSAGE)
    return raised.value


@pytest.mark.parametrize("robot", [DingTalk(), WeCom(), Feishu()], ids=lambda r: type(r).__name__)
@pytest.mark.parametrize(
    "document",
    [
        *("<html>log in first</html>", "", "[]", {}, {"errcode": "0", "code": None}),
        *("[" * 5000, '{"errcode": 1' + "0" * 5000 + "}"),
    ],
    ids=lambda document: f"{document!s:.12}",
)
async def test_an_answer_that_is_not_the_services_is_no_success(
    service: HttpService, robot: Robot, document: object
) -> None:
    failure = await failure_of(robot, service, Says(200, document))

    assert (failure.reason, failure.is_permanent) == (DeliveryFailure.OTHER, False)


@pytest.mark.parametrize(
    ("code", "words", "reason", "is_permanent"),
    [
        (-1, "system busy", DeliveryFailure.REFUSED, False),
        (300005, "token is not exist", DeliveryFailure.CREDENTIALS, True),
        (310000, "sign not match", DeliveryFailure.CREDENTIALS, True),
        (310000, "ip 203.0.113.1 not in whitelist", DeliveryFailure.REFUSED, True),
        (410100, "too fast", DeliveryFailure.RATE_LIMITED, False),
        (987654, "news", DeliveryFailure.REFUSED, True),
    ],
)
async def test_a_code_means_a_reason(
    service: HttpService, code: int, words: str, reason: DeliveryFailure, is_permanent: bool
) -> None:
    answer = Says(200, {"errcode": code, "errmsg": words})
    failure = await failure_of(DingTalk(), service, answer)

    assert (failure.reason, failure.is_permanent) == (reason, is_permanent)
    assert str(failure) == f"the service says {code}: {words}"


async def test_what_a_service_says_is_told_in_one_short_line_without_the_token(
    service: HttpService,
) -> None:
    answer = Says(200, {"errcode": 1, "errmsg": f"no\n\n{TOKEN}\tis {'x' * 1000}"})
    failure = await failure_of(WeCom(), service, answer)

    text = str(failure)
    assert text.startswith("the service says 1: no ******** is xxx")
    assert len(text) < 200


async def test_a_status_counts_before_the_document(service: HttpService) -> None:
    failure = await failure_of(WeCom(), service, Says(429, {"errcode": 0}, {"Retry-After": "7"}))

    assert failure.reason is DeliveryFailure.RATE_LIMITED
    assert "asks for 7 s" in str(failure)


async def test_what_a_service_says_acts_on_no_terminal_and_can_be_kept(
    service: HttpService,
) -> None:
    answer = Says(200, {"errcode": 1, "errmsg": "\x1b[31m\ud800\u202e bad"})
    failure = await failure_of(DingTalk(), service, answer)

    assert str(failure) == "the service says 1: [31m bad"


async def test_a_code_of_many_digits_is_cut(service: HttpService) -> None:
    failure = await failure_of(DingTalk(), service, Says(200, '{"errcode": ' + "9" * 4000 + "}"))

    assert len(str(failure)) < 100
