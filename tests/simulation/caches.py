"""One cache: what it holds, who asks it, and until when it could answer OLD.

Clients come by a Poisson process. It has no memory, so of all of them only the next one that
makes the cache fetch is drawn, which makes days of a busy cache as cheap as its fetches.
"""

import math
import random
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from tests.simulation.authorities import Authorities
from tests.simulation.habits import STALE_ANSWER, Expired, Habit
from tests.simulation.spells import AT_NO_TIME, BEGINNING, Spell

# A cache left alone for so many of its cycles has forgotten how they began.
_CYCLES_TO_FORGET = 12


@dataclass(frozen=True)
class Setting:
    """What a cache cannot choose: the servers, and when it or they cannot be reached."""

    authorities: Authorities
    cut_off: Spell = AT_NO_TIME  # no server is reached
    down: Spell = AT_NO_TIME  # nobody gets an answer

    @cached_property
    def restless(self) -> tuple[float, float]:
        """Before the first and after the last of these instants, all stays as it is."""
        edges = set(self.authorities.flips)
        for spell in (self.cut_off, self.down):
            edges |= {spell.start, spell.end} if spell != AT_NO_TIME else set()
        return min(edges), max(edges)


@dataclass(frozen=True, slots=True)
class Entry:
    """A value as it was fetched."""

    is_new: bool
    fetched_at: float
    expires_at: float


@dataclass(frozen=True, slots=True)
class Said:
    """What a cache answers."""

    is_new: bool
    ttl: int
    extended_errors: tuple[int, ...] = ()


class Cache:
    """A member of a resolver; ask it in the order of time."""

    def __init__(
        self, habit: Habit, setting: Setting, clients_per_second: float, lots: random.Random
    ) -> None:
        self.entry: Entry | None = None
        self._habit = habit
        self._setting = setting
        self._rate = clients_per_second
        self._lots = lots
        self._unchanged_since = BEGINNING
        self._old_until = -math.inf
        self._next_fetch = math.inf  # by a client
        self._begin(BEGINNING, is_new=False)

    def ask(self, t: float) -> Said | None:
        """Answer one more client; that may make the cache fetch."""
        self.advance(t)
        if self._setting.down.covers(t):
            return None
        if self._habit.is_pinned:
            return Said(is_new=False, ttl=self._habit.shown_ttl(self._habit.keeps))
        known = self._from_memory(t)
        if self._is_due(t):
            self._fetch(t)
        return known or self._from_memory(t) or self._from_the_dead(t)

    def advance(self, t: float) -> None:
        """Let the clients come who come until then."""
        while self._next_fetch <= t:
            idle_until = self._same_until(self._next_fetch, t)
            if idle_until - self._next_fetch > _CYCLES_TO_FORGET * self._cycle():
                self._begin(idle_until, is_new=self.entry is not None and self.entry.is_new)
            else:
                self._fetch(self._next_fetch)

    def old_chance(self, t: float) -> float:
        """Return the chance that somebody who asks now is told OLD."""
        if self._setting.down.covers(t):
            return 0.0
        if self._habit.is_pinned:
            return 1.0
        entry, expired = self.entry, self._habit.gives_expired
        if entry and (t < entry.expires_at or expired is Expired.ALWAYS):
            return float(not entry.is_new)
        if self._setting.cut_off.covers(t):
            holds_old = entry is not None and not entry.is_new
            return float(holds_old and expired is Expired.WHILE_CUT_OFF)
        return self._setting.authorities.old_share(t)

    def old_until(self) -> float:
        """Return the instant after which nobody can be told OLD, if nobody else comes.

        It is minus infinity if that was so before any server changed.
        """
        return max(self._old_until, self._last_old(self._unchanged_since, math.inf))

    def _from_memory(self, t: float) -> Said | None:
        entry, habit = self.entry, self._habit
        if entry is None:
            return None
        if t < entry.expires_at:
            # Rounded first, lest 600 be shown as 599 for a last bit of the clock's float.
            left = math.floor(round(entry.expires_at - t, 6))
            return Said(entry.is_new, habit.shown_ttl(left))
        if habit.gives_expired is Expired.ALWAYS:
            return Said(entry.is_new, habit.expired_ttl)
        return None

    def _from_the_dead(self, t: float) -> Said | None:
        if self.entry and self._habit.gives_expired is Expired.WHILE_CUT_OFF:
            return Said(self.entry.is_new, self._habit.expired_ttl, (STALE_ANSWER,))
        return None

    def _is_due(self, t: float) -> bool:
        return self.entry is None or t >= self._due(self.entry.fetched_at)

    def _due(self, fetched_at: float) -> float:
        """From this instant the next question makes the cache fetch."""
        return fetched_at + self._habit.keeps * self._habit.fresh_share

    def _fetch(self, t: float) -> None:
        for closed in (self._setting.down, self._setting.cut_off):
            if closed.covers(t):
                self._next_fetch = closed.end + self._wait()
                return
        self._replace(t, is_new=self._setting.authorities.fetch(t, self._lots), fetched_at=t)
        self._next_fetch = self._due(t) + self._wait()

    def _replace(self, t: float, *, is_new: bool, fetched_at: float) -> None:
        self._old_until = max(self._old_until, self._last_old(self._unchanged_since, t))
        self._unchanged_since = t
        self.entry = Entry(is_new, fetched_at, fetched_at + self._habit.keeps)

    def _wait(self) -> float:
        return self._lots.expovariate(self._rate) if self._rate else math.inf

    def _cycle(self) -> float:
        """The mean time between two fetches, if only clients ask."""
        return self._habit.keeps + 1 / self._rate

    def _begin(self, t: float, *, is_new: bool) -> None:
        """Draw what clients who have always come have left behind, all told the same."""
        if not self._rate or self._habit.is_pinned:
            return
        fresh = self._habit.keeps * self._habit.fresh_share
        if self._lots.random() * (fresh + 1 / self._rate) < fresh:
            fetched_at = t - self._lots.random() * fresh
            self._next_fetch = self._due(fetched_at) + self._wait()
        else:
            fetched_at = t - fresh - self._wait()
            self._next_fetch = t + self._wait()
        self._replace(t, is_new=is_new, fetched_at=fetched_at)

    def _same_until(self, since: float, t: float) -> float:
        """Return how long the servers go on as they are: saying all the same, and in reach."""
        first_edge, last_edge = self._setting.restless
        if since < first_edge:
            return min(t, first_edge)
        knows_all = self.entry is not None and self.entry.is_new
        return t if since >= last_edge and knows_all else since

    def _last_old(self, start: float, end: float) -> float:
        """Return the last instant of a span without a fetch at which OLD could be answered."""
        setting = self._setting
        is_new = self.entry is not None and self.entry.is_new
        if end <= setting.authorities.first_new or (
            is_new and start >= setting.authorities.all_new
        ):
            return -math.inf
        edges = {start, end, *self._edges(start, end)}
        for left, right in reversed(list(pairwise(sorted(edges)))):
            if self.old_chance(left):
                return right
        return -math.inf

    def _edges(self, start: float, end: float) -> list[float]:
        """Between these instants the chance of OLD stays the same while nobody fetches."""
        setting = self._setting
        edges = [*setting.authorities.flips]
        for spell in (setting.cut_off, setting.down):
            edges += [spell.start, spell.end]
        if self.entry:
            edges.append(self.entry.expires_at)
        return [edge for edge in edges if start < edge < end]
