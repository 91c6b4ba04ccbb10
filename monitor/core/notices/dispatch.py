"""Which notices a channel is handed next, alone or as one digest, and when it is tried again."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from monitor.core.names import DomainName
from monitor.core.told import Handed, Letter
from monitor.core.tracking.changes import change_id

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a channel can bear, and how long we try.

    Above `digest_above` domains in a minute they are told in one message.
    """

    per_minute: int = 20
    digest_above: int = 10
    timeout: timedelta = timedelta(seconds=30)
    first_pause: timedelta = timedelta(seconds=5)
    longest_pause: timedelta = timedelta(minutes=10)
    give_up_after: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Parcel:
    """What is handed over as one message; the same `key` means that it may be a repetition."""

    letters: tuple[Letter, ...]
    bundle: str | None = None

    @property
    def key(self) -> str:
        return self.bundle or self.letters[0].notice.key


@dataclass(frozen=True, slots=True)
class Pause:
    """When to look again; one that `is_full` gets nothing earlier, whatever comes meanwhile."""

    until: datetime
    is_full: bool = False


def next_parcel(
    waiting: Sequence[Letter], handed: Sequence[Handed], limits: Limits, now: datetime
) -> Parcel | Pause | None:
    """Return what one channel gets now, when to look again, or None where nothing waits.

    `waiting` is in the order of decision, which stays that of each domain's messages; `handed`
    is what the channel took in the last minute.
    """
    if not waiting:
        return None
    # What seems to be taken later than now was taken before somebody put the clock back.
    handed = [one for one in handed if one.at <= now]
    free_at = _free_at(handed, limits)
    if free_at is not None and free_at > now:
        return Pause(free_at, is_full=True)
    ready = [letter for letter in _heads(waiting) if _is_due(letter, limits, now)]
    if not ready:
        return Pause(min(letter.next_at for letter in _heads(waiting)))
    begun = next((letter for letter in ready if letter.bundle), None)
    if begun is not None:
        return Parcel(tuple(one for one in waiting if one.bundle == begun.bundle), begun.bundle)
    return _loose(waiting, ready, handed, limits, now)


def _loose(
    waiting: Sequence[Letter],
    ready: Sequence[Letter],
    handed: Sequence[Handed],
    limits: Limits,
    now: datetime,
) -> Parcel | Pause:
    """Return the oldest alone; where there would be a flood, all that is ready as a digest."""
    names = {letter.notice.domain for letter in ready}
    alone = {one.domain for one in handed if one.bundle is None}
    digests = [one.at for one in handed if one.bundle is not None]
    if digests:
        # What comes meanwhile makes the next one.
        return Pause(max(digests) + MINUTE, is_full=True)
    if len(names | alone) <= limits.digest_above:
        return Parcel((min(ready, key=lambda letter: letter.next_at),))
    if len(alone) >= limits.digest_above:
        return Pause(min(one.at for one in handed) + MINUTE, is_full=True)
    rest = tuple(one for one in waiting if one.notice.domain in names and one.bundle is None)
    keys = (letter.notice.key for letter in rest)
    return Parcel(rest, change_id(now, *keys))


def _free_at(handed: Sequence[Handed], limits: Limits) -> datetime | None:
    """Return when the channel may be handed a message again; None for now."""
    messages = sorted({one.bundle or (one.domain, one.at): one.at for one in handed}.values())
    full = messages[-limits.per_minute :]
    return full[0] + MINUTE if len(full) == limits.per_minute else None


def _heads(waiting: Sequence[Letter]) -> list[Letter]:
    """Return the oldest letter of each domain: a later one must not overtake it."""
    heads = dict[DomainName, Letter]()
    for letter in waiting:
        heads.setdefault(letter.notice.domain, letter)
    return list(heads.values())


def _is_due(letter: Letter, limits: Limits, now: datetime) -> bool:
    # No pause is longer than the longest: if one seems to be, somebody has put the clock back.
    return letter.next_at <= now or letter.next_at > now + limits.longest_pause


def pause_after(failures: int, limits: Limits, *lots: str) -> timedelta:
    """Return how long to rest after so many failures on end: exponential, with full jitter.

    The jitter follows from `lots`: the same ones give the same pause.
    """
    steps = min(failures - 1, 30)
    most = min(limits.first_pause * (1 << steps), limits.longest_pause)
    digest = hashlib.sha256("\n".join((str(failures), *lots)).encode()).digest()
    share = int.from_bytes(digest[:4], "big") / 2**32
    return max(most * share, timedelta(seconds=1))
