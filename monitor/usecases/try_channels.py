"""Send one message to each channel, to see whether it arrives."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from monitor.core.message import Message
from monitor.ports import NotDelivered, Notifier


@dataclass(frozen=True, slots=True)
class Trial:
    """What became of a channel's message; `failure` is None where it was taken."""

    channel: str
    failure: NotDelivered | None


async def try_channels(messages: Iterable[tuple[Notifier, Message]]) -> tuple[Trial, ...]:
    """Return what became of each message, in the order given; all are sent at once."""
    return tuple(await asyncio.gather(*(_try(notifier, m) for notifier, m in messages)))


async def _try(notifier: Notifier, message: Message) -> Trial:
    try:
        await notifier.send(message)
    except NotDelivered as failure:
        return Trial(notifier.name, failure)
    return Trial(notifier.name, None)
