"""Notice when somebody sets the clock, and keep what remains of every wait as it was."""

from dataclasses import replace
from datetime import timedelta

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
    now = clock.now()

    def decide(state: State) -> Step:
        followed = (domain for domain in state.domains.values() if domain.records)
        step = joined(track_clock(domain, by, followers, now + by) for domain in followed)
        return replace(step, told=told_moved(state, by))

    log.warning("clock.stepped", seconds=round(by.total_seconds(), 3))
    if not await ledger.record(decide):
        return False  # the next look takes it up
    clock.follow_wall(by)
    return True
