"""Who is told, by the given settings: decided with each step, delivered beside it."""

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import structlog

from monitor.adapters.telemetry.counters import PrometheusTelemetry
from monitor.assembly.notices import calendar_of, composer_of, notice_policy_of, pushed_of
from monitor.assembly.notifying import alertmanager_of, channels_of
from monitor.assembly.parts import Surroundings
from monitor.config import Settings
from monitor.core.notices.deciding import LookedAt, with_notices
from monitor.core.notices.policy import NoticePolicy
from monitor.core.state import State, Step
from monitor.ledger import Ledger
from monitor.ports import AlertPush, Clock, Notifier, Outbox, StoreError
from monitor.usecases.deliver import Deliver
from monitor.usecases.push_alerts import push_alerts
from monitor.usecases.remind import remind, tell_by_other_rules

log = structlog.get_logger()

# By the settings; both raise NotAvailable.
Channels: TypeAlias = Callable[[Settings, Surroundings], Sequence[Notifier]]
Alertmanagers: TypeAlias = Callable[
    [Settings, Surroundings, PrometheusTelemetry], AlertPush | None
]
Job: TypeAlias = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Outlets:
    """How messages and alerts leave the daemon."""

    channels: Channels = channels_of
    alertmanagers: Alertmanagers = alertmanager_of


@dataclass(frozen=True, slots=True)
class Telling:
    """Decides with each step who is told, and does what becomes due in between."""

    settings: Settings
    policy: NoticePolicy
    deliver: Deliver
    push: AlertPush | None
    ledger: Ledger
    clock: Clock

    def accompany(self, state: State, step: Step, is_looked_at: LookedAt) -> Step:
        """Return the step with what people are told on its account."""
        try:
            return with_notices(state, step, self.policy, self.clock.now(), is_looked_at)
        except StoreError:  # the whole step waits, or fails
            raise
        except Exception:  # a mistake there must not keep what was seen from being recorded
            log.exception("notices.undecided")
            return step

    async def take_up(self, is_looked_at: LookedAt) -> None:
        """Tell what these settings make due, which may be others than before."""
        await tell_by_other_rules(self.ledger, self.policy, self.clock, is_looked_at)

    def jobs(self, is_looked_at: LookedAt) -> Iterator[tuple[str, Job]]:
        """Yield what is to be called every few seconds, by name."""
        yield "notices", partial(remind, self.ledger, self.policy, self.clock, is_looked_at)
        if self.push is not None:
            found = pushed_of(self.settings)
            yield "alerts", partial(push_alerts, self.push, found, self.ledger, self.clock)


def telling_of(
    settings: Settings,
    around: Surroundings,
    ledger: Ledger,
    outbox: Outbox,
    telemetry: PrometheusTelemetry,
    outlets: Outlets,
) -> Telling:
    """Return who is told, and how. Raises NotAvailable."""
    clock = around.clock
    notifiers = {one.name: one for one in outlets.channels(settings, around)}
    push = outlets.alertmanagers(settings, around, telemetry)
    policy = notice_policy_of(
        settings, calendar_of(settings), notifiers, has_push=push is not None
    )
    compose = composer_of(settings)
    deliver = Deliver(ledger, outbox, notifiers, compose, clock, telemetry)
    return Telling(settings, policy, deliver, push, ledger, clock)
