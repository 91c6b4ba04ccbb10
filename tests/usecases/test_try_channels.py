from dataclasses import replace

from monitor.ports import DeliveryFailure, NotDelivered
from monitor.usecases.try_channels import Trial, try_channels
from tests.contracts.notifier_contract import MESSAGE
from tests.fakes.notifiers import ListNotifier


async def test_each_channel_is_tried_whatever_becomes_of_the_others() -> None:
    failure = NotDelivered(DeliveryFailure.TIMEOUT, "too slow")
    good, bad = ListNotifier("good"), ListNotifier("bad", failure)
    other = replace(MESSAGE, key="other")

    trials = await try_channels([(bad, MESSAGE), (good, other)])

    assert trials == (Trial("bad", failure), Trial("good", None))
    assert good.messages == [other]
