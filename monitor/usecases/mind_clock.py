"""Notice when somebody sets the clock, and keep what remains of every wait as it was."""

from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from monitor.core.domain_tracking import Followers, track_clock
from monitor.core.notices.deciding import told_moved
from monitor.core.state import State, Step, joined
from monitor.ledger import Ledger
from monitor.ports import Clock

log = structlog.get_logger()

# Less is what a synchronized clock corrects in passing; nothing here is that exact.
NOTABLE = timedelta(seconds=2)


async def mind_clock(ledger: Ledger, followers: Followers, clock: Clock) -> bool:
    """Take over how far the wall has moved; beyond a trifle, stored instants move with it.

    Returns whether they did: then whoever plans by the wall has to plan anew.
    """
    by = clock.drift()
    if abs(by) <= NOTABLE:
        clock.follow_wall(by)
        return False

    def decide(state: State) -> Step:
        return _moved(state, by, followers, clock.now() + by)

    log.warning("clock.stepped", seconds=round(by.total_seconds(), 3))
    # Whoever decides next sees the moved instants and the moved clock, and never one of the two:
    # a window would seem to be over by days. Where it was not kept, the next look takes it up.
    return await ledger.record(decide, sequel=lambda: clock.follow_wall(by))


async def mind_former_clock(
    ledger: Ledger, last_known: datetime | None, followers: Followers, clock: Clock
) -> None:
    """Move what is stored back where the clock was put back while no daemon ran.

    It shows by a log whose newest record, `last_known`, is yet to come. A clock that was put
    forward meanwhile cannot be told from the time that has passed.
    """
    now = clock.now()
    if last_known is None or last_known - now <= NOTABLE:
        return
    by = now - last_known
    log.warning("clock.stepped", seconds=round(by.total_seconds(), 3))
    await ledger.record(lambda state: _moved(state, by, followers, now))


def _moved(state: State, by: timedelta, followers: Followers, now: datetime) -> Step:
    followed = (domain for domain in state.domains.values() if domain.records)
    step = joined(track_clock(domain, by, followers, now) for domain in followed)
    return replace(step, told=told_moved(state, by))
