"""What every channel promises, whoever stands behind it."""

import asyncio
import traceback
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto

import pytest

from monitor.core.message import Message, NoticeSeverity
from monitor.ports import DeliveryFailure, NotDelivered, Notifier
from tests.core.samples import START

CANARY = "canary0secret1of2channel"  # 24 letters, as Slack has them

MESSAGE = Message(
    key="shop.example.com/broken/7",
    title="broken: shop.example.com",
    body="The chain holds no OSS endpoint.\nChange the CNAME of shop.example.com.",
    severity=NoticeSeverity.CRITICAL,
    is_over=False,
    at=START,
    link="https://monitor.example.com/domains/shop.example.com",
)


class Fate(Enum):
    """What becomes of a message."""

    TAKEN = auto()
    REFUSED = auto()
    UNKNOWN_TO_SERVICE = auto()
    TOO_MANY = auto()
    BROKEN_SERVICE = auto()
    TORN_DOWN = auto()
    UNTRUSTED = auto()
    NO_ADDRESS = auto()
    HANGING = auto()


# Why a message was not delivered, and whether that is for good.
FAILURES = {
    Fate.REFUSED: (DeliveryFailure.REFUSED, True),
    Fate.UNKNOWN_TO_SERVICE: (DeliveryFailure.CREDENTIALS, True),
    Fate.TOO_MANY: (DeliveryFailure.RATE_LIMITED, False),
    Fate.BROKEN_SERVICE: (DeliveryFailure.REFUSED, False),
    Fate.TORN_DOWN: (DeliveryFailure.UNREACHABLE, False),
    Fate.UNTRUSTED: (DeliveryFailure.UNREACHABLE, False),
    Fate.NO_ADDRESS: (DeliveryFailure.UNREACHABLE, False),
    Fate.HANGING: (DeliveryFailure.TIMEOUT, False),
}


@dataclass(frozen=True, slots=True)
class Surroundings:
    """A notifier, and what stands behind it.

    `decide` says what becomes of messages from now on; `arrived` returns the texts that were
    taken. `impatient` is the same channel with little time.
    """

    notifier: Notifier
    impatient: Notifier
    decide: Callable[[Fate], None]
    arrived: Callable[[], Sequence[str]]


class NotifierContract:
    fates: Collection[Fate] = FAILURES

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "fate" in metafunc.fixturenames:
            # In one order: processes that share the tests have to find the same ones.
            fates = sorted(self.fates, key=lambda fate: fate.name)
            metafunc.parametrize("fate", fates, ids=lambda fate: fate.name)

    @pytest.fixture
    def around(self) -> Surroundings:
        raise NotImplementedError

    async def test_a_message_arrives_once_with_all_that_it_says(
        self, around: Surroundings
    ) -> None:
        await around.notifier.send(MESSAGE)

        (text,) = around.arrived()
        assert MESSAGE.title in text
        assert all(line in text for line in MESSAGE.body.split("\n"))
        assert MESSAGE.link and MESSAGE.link in text

    async def test_chinese_arrives_as_it_was_written(self, around: Surroundings) -> None:
        await around.notifier.send(replace(MESSAGE, title="异常：shop.example.com"))

        (text,) = around.arrived()
        assert "异常：shop.example.com" in text

    async def test_messages_at_the_same_time_do_not_mix(self, around: Surroundings) -> None:
        titles = {f"notice {number}" for number in range(6)}

        await asyncio.gather(
            *(around.notifier.send(replace(MESSAGE, title=title)) for title in titles)
        )

        assert len(around.arrived()) == len(titles)
        assert all(any(title in text for text in around.arrived()) for title in titles)

    async def test_a_failure_tells_why_and_whether_it_is_for_good(
        self, around: Surroundings, fate: Fate
    ) -> None:
        failure = await _failure(around, fate)

        assert (failure.reason, failure.is_permanent) == FAILURES[fate]
        assert str(failure)
        assert not around.arrived()

    async def test_no_failure_tells_a_secret(
        self, around: Surroundings, fate: Fate, caplog: pytest.LogCaptureFixture
    ) -> None:
        failure = await _failure(around, fate)

        assert not caplog.text
        assert CANARY not in repr(failure)
        assert CANARY not in "".join(traceback.format_exception(failure))

    def test_a_channel_does_not_show_its_secret(self, around: Surroundings) -> None:
        assert CANARY not in repr(around.notifier)

    async def test_after_a_failure_the_next_message_arrives(
        self, around: Surroundings, fate: Fate
    ) -> None:
        await _failure(around, fate)
        around.decide(Fate.TAKEN)

        await around.notifier.send(MESSAGE)

        assert len(around.arrived()) == 1


async def _failure(around: Surroundings, fate: Fate) -> NotDelivered:
    around.decide(fate)
    notifier = around.impatient if fate is Fate.HANGING else around.notifier
    with pytest.raises(NotDelivered) as raised:
        await notifier.send(MESSAGE)
    return raised.value
