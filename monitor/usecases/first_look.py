"""Look at everything for the first time, and do not wait for it without end."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import timedelta

import structlog

from monitor.ports import Telemetry

log = structlog.get_logger()


async def first_look(
    looks: Mapping[str, Coroutine[None, None, None]],
    patience: timedelta,
    go_on: Callable[[], Awaitable[None]],
    telemetry: Telemetry,
) -> None:
    """Take all these looks, named by what they look at, and `go_on` when they are over.

    Where that takes longer than the patience, go on without those that are under way still, and
    once more when they are over; none of them is given up.
    """
    telemetry.first_look_lasts(is_too_long=False)
    async with asyncio.TaskGroup() as group:
        under_way = {group.create_task(look): what for what, look in looks.items()}
        _, late = await asyncio.wait(under_way, timeout=patience.total_seconds())
        if late:
            telemetry.first_look_lasts(is_too_long=True)
            log.warning(
                "first_look.overdue",
                waits_for=[what for look, what in under_way.items() if look in late],
                seconds=patience.total_seconds(),
            )
            await go_on()
    if late:
        telemetry.first_look_lasts(is_too_long=False)
        log.info("first_look.over")
    await go_on()
