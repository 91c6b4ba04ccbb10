"""Whether a channel is told now, and why."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.core.names import DomainName
from monitor.core.notices.concerns import Standing
from monitor.core.told import Concern, Reason, Told, ToldState, is_graver

TO_AND_FRO = 2  # times


@dataclass(frozen=True, slots=True)
class Patience:
    """How long until a reminder, and for how long a thing must hold that goes to and fro."""

    remind: timedelta = timedelta(hours=24)
    hold_down: timedelta = timedelta(minutes=15)

    @property
    def memory(self) -> timedelta:
        """How long after its end a thing that comes back is the same again."""
        return self.hold_down * 4

    def between(self, flaps: int) -> timedelta:
        """Return how long another change of the same domain waits for its turn."""
        return max(self.hold_down, self.steady(flaps))

    def steady(self, flaps: int) -> timedelta:
        """Return for how long a thing that came back so often must be gone to be over.

        What comes back once may be another thing; what comes back twice goes to and fro.
        """
        return self.hold_down * (1 << min(flaps - 1, 3)) if flaps >= TO_AND_FRO else timedelta()


@dataclass(frozen=True, slots=True)
class Look:
    """One channel, one domain: what there is to tell, and what was told before."""

    channel: str
    domain: DomainName
    standing: Standing
    told: Told | None
    now: datetime
    muted_until: datetime | None = None

    @property
    def concern(self) -> Concern | None:
        return self.standing.concern


def due(look: Look, patience: Patience) -> Reason:
    """Return why the channel is told now, or why not."""
    told, concern = look.told, look.concern
    if concern is None and not look.standing.is_clear:
        return Reason.UNCLEAR
    if told is None or told.state is not ToldState.OPEN:
        return _while_closed(look, patience)
    if look.muted_until is not None:
        return Reason.MUTED
    if concern is None:
        return _when_gone(told, patience, look.now)
    return _while_it_lasts(concern, told, patience, look.now)


def _while_closed(look: Look, patience: Patience) -> Reason:
    if look.concern is None:
        return Reason.NOTHING
    if look.muted_until is not None:
        return Reason.MUTED
    return Reason.HELD if _is_the_same_again(look, look.concern, patience) else Reason.FIRST


def _is_the_same_again(look: Look, concern: Concern, patience: Patience) -> bool:
    """Tell whether it came back too soon after its end, and no graver."""
    told = look.told
    if told is None or not told.times:
        return False
    is_news = is_graver(concern.severity, told.concern.severity)
    return not is_news and look.now < told.since + patience.hold_down


def _when_gone(told: Told, patience: Patience, now: datetime) -> Reason:
    is_steady = now >= (told.gone_since or now) + patience.steady(told.flaps)
    return Reason.OVER if is_steady else Reason.HELD


def _while_it_lasts(concern: Concern, told: Told, patience: Patience, now: datetime) -> Reason:
    told_at = told.told_at or now
    if is_graver(concern.severity, told.concern.severity):
        return Reason.WORSE
    if _is_another_change(concern, told):
        return Reason.OTHER if now >= told_at + patience.between(told.flaps) else Reason.HELD
    return Reason.REMINDER if now >= told_at + patience.remind else Reason.KNOWN


def _is_another_change(concern: Concern, told: Told) -> bool:
    """Tell whether the concern belongs to a change that began after the last word."""
    if concern.change in {None, told.concern.change} or concern.began_at is None:
        return False
    return told.told_at is not None and concern.began_at > told.told_at
