"""Tell what becomes due though nothing happens, and what other rules make due."""

from collections.abc import Sequence
from functools import partial

from monitor.core.names import DomainName
from monitor.core.notices.deciding import (
    LookedAt,
    channels_forgotten,
    due_later,
    notices_about,
)
from monitor.core.notices.policy import NoticePolicy
from monitor.ledger import Ledger
from monitor.ports import Clock

_AT_ONCE = 500  # domains: some milliseconds, so that questions go on in between


async def remind(
    ledger: Ledger, policy: NoticePolicy, clock: Clock, is_looked_at: LookedAt
) -> None:
    """Tell of what still lasts, and of what maintenance or a hold-down kept back until now."""
    await _look_at(due_later(ledger.state, clock.now()), ledger, policy, clock, is_looked_at)


async def tell_by_other_rules(
    ledger: Ledger, policy: NoticePolicy, clock: Clock, is_looked_at: LookedAt
) -> None:
    """Let every channel know once what it wants to hear by now."""
    await ledger.record(lambda state: channels_forgotten(state, policy))
    names = tuple(ledger.state.domains) if policy.routes else ()
    await _look_at(names, ledger, policy, clock, is_looked_at)


async def _look_at(
    names: Sequence[DomainName],
    ledger: Ledger,
    policy: NoticePolicy,
    clock: Clock,
    is_looked_at: LookedAt,
) -> None:
    for begin in range(0, len(names), _AT_ONCE):
        some = names[begin : begin + _AT_ONCE]
        decide = partial(
            notices_about,
            names=some,
            policy=policy,
            now=clock.now(),
            is_looked_at=is_looked_at,
        )
        await ledger.record(decide)
