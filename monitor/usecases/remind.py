"""Tell what becomes due though nothing happens, and what other rules make due."""

from monitor.core.notices.deciding import notices_by_other_rules, notices_later
from monitor.core.notices.policy import NoticePolicy
from monitor.ledger import Ledger
from monitor.ports import Clock


async def remind(ledger: Ledger, policy: NoticePolicy, clock: Clock) -> None:
    """Tell of what still lasts, and of what maintenance or a hold-down kept back until now."""
    await ledger.record(lambda state: notices_later(state, policy, clock.now()))


async def tell_by_other_rules(ledger: Ledger, policy: NoticePolicy, clock: Clock) -> None:
    """Let every channel know once what it wants to hear by now."""
    await ledger.record(lambda state: notices_by_other_rules(state, policy, clock.now()))
