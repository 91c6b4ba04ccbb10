"""What is remembered of what a channel knows, after it was told or was not."""

from dataclasses import replace
from datetime import datetime

from monitor.core.notices.due import Look, Patience
from monitor.core.told import Concern, Reason, Told, ToldState


def told_after(look: Look, reason: Reason, patience: Patience) -> Told | None:
    """Return what the channel knows now; None where nothing needs to be remembered."""
    told, concern = look.told, look.concern
    if told is None:
        return None if concern is None else _begun(look, concern, reason, patience)
    match reason:
        case Reason.NOTHING:
            return _after_nothing(told, look.now, patience)
        case Reason.UNCLEAR:
            return (
                told if told.look_at > look.now else _looked(told, look.now + patience.hold_down)
            )
        case Reason.MUTED | Reason.HELD:
            return _after_waiting(told, look, patience)
        case Reason.OVER:
            return replace(
                told,
                state=ToldState.OVER,
                since=look.now,
                told_at=look.now,
                look_at=look.now + patience.memory,
                gone_since=None,
            )
        case _:
            return (
                told if concern is None else _while_it_lasts(told, concern, look, reason, patience)
            )


def _begun(look: Look, concern: Concern, reason: Reason, patience: Patience) -> Told:
    """Return the first entry: of what is told, or of what maintenance holds back."""
    now, is_told = look.now, reason is Reason.FIRST
    return Told(
        look.channel,
        look.domain,
        ToldState.OPEN if is_told else ToldState.HELD,
        concern,
        since=now,
        look_at=now + patience.remind if is_told else look.muted_until or now,
        told_at=now if is_told else None,
        times=int(is_told),
    )


def _while_it_lasts(
    told: Told, concern: Concern, look: Look, reason: Reason, patience: Patience
) -> Told:
    told = _present(told)
    if reason is Reason.KNOWN:
        return _looked(told, (told.told_at or look.now) + patience.remind)
    if reason is Reason.FIRST:
        flaps = told.flaps + (told.state is ToldState.OVER)
        told = replace(told, state=ToldState.OPEN, since=look.now, flaps=flaps)
    # A reminder of something milder forgets nothing of what was told already.
    is_news = reason is not Reason.REMINDER
    return replace(
        told,
        concern=concern if is_news else _graver(told.concern, concern),
        told_at=look.now,
        times=told.times + 1,
        look_at=look.now + patience.remind,
    )


def _after_nothing(told: Told, now: datetime, patience: Patience) -> Told | None:
    if told.state is ToldState.HELD and told.times:
        return replace(told, state=ToldState.OVER, look_at=now + patience.memory)
    is_forgotten = not told.times or now >= told.look_at
    return None if is_forgotten else told


def _after_waiting(told: Told, look: Look, patience: Patience) -> Told:
    concern = look.concern
    if concern is None:  # it has gone, which is not told yet
        gone_since = told.gone_since or look.now
        until = look.muted_until or gone_since + patience.steady(told.flaps)
        return _looked(replace(told, gone_since=gone_since), until)
    if told.state is ToldState.OPEN:
        told_at = told.told_at or look.now
        until = look.muted_until or told_at + patience.between(told.flaps)
        return _looked(_present(told), until)
    until = look.muted_until or told.since + patience.hold_down
    flaps = told.flaps + (told.state is ToldState.OVER)
    worst = _graver(told.concern, concern)
    return _looked(replace(told, state=ToldState.HELD, flaps=flaps, concern=worst), until)


def _present(told: Told) -> Told:
    """Return it with the concern there: if it had gone meanwhile, that was to and fro."""
    came_back = told.gone_since is not None
    return replace(told, flaps=told.flaps + came_back, gone_since=None) if came_back else told


def _looked(told: Told, until: datetime) -> Told:
    return told if told.look_at == until else replace(told, look_at=until)


def _graver(one: Concern, other: Concern) -> Concern:
    return max(one, other, key=lambda concern: concern.gravity)
