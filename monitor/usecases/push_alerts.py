"""Let Alertmanagers know what is open."""

from collections.abc import Callable, Iterable

from monitor.core.alert import Alert
from monitor.core.state import State
from monitor.ledger import Ledger
from monitor.ports import AlertPush, Clock


async def push_alerts(
    push: AlertPush,
    alerts_of: Callable[[State], Iterable[Alert]],
    ledger: Ledger,
    clock: Clock,
) -> None:
    """Push what was last committed; whoever is pushed to hears only what is news or due."""
    await push.push(tuple(alerts_of(ledger.state)), clock.now())
