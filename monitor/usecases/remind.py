"""Tell what becomes due though nothing happens, and what other rules make due."""

from functools import partial

from monitor.core.notices.deciding import (
    LookedAt,
    channels_forgotten,
    notices_by_other_rules,
    notices_later,
)
from monitor.core.notices.policy import NoticePolicy
from monitor.ledger import Ledger
from monitor.ports import Clock

_AT_ONCE = 500  # domains: some milliseconds, so that questions go on in between


async def remind(
    ledger: Ledger, policy: NoticePolicy, clock: Clock, is_looked_at: LookedAt
) -> None:
    """Tell of what still lasts, and of what maintenance or a hold-down kept back until now."""
    await ledger.record(lambda state: notices_later(state, policy, clock.now(), is_looked_at))


async def tell_by_other_rules(
    ledger: Ledger, policy: NoticePolicy, clock: Clock, is_looked_at: LookedAt
) -> None:
    """Let every channel know once what it wants to hear by now."""
    await ledger.record(lambda state: channels_forgotten(state, policy))
    names = list(ledger.state.domains) if policy.routes else []
    for begin in range(0, len(names), _AT_ONCE):
        some = names[begin : begin + _AT_ONCE]
        decide = partial(
            notices_by_other_rules,
            names=some,
            policy=policy,
            now=clock.now(),
            is_looked_at=is_looked_at,
        )
        await ledger.record(decide)
