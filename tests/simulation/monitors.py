"""What a monitor is, and the naive ones that all others are compared with."""

import random
from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from tests.simulation.authorities import Published
from tests.simulation.spells import BEGINNING, DAY, MINUTE
from tests.simulation.world import Shown

AUTHORITY_POLL = MINUTE
RETRY = 5 * MINUTE


class Vantage(Protocol):
    """All that a monitor gets to see of the world."""

    def ask_resolver(self, t: float) -> Shown | None: ...

    def ask_authorities(self, t: float) -> Mapping[str, Published]: ...


class Monitor(Protocol):
    """Something that asks and judges, whenever it wants to."""

    converged_at: float | None  # its first verdict
    settled_at: float | None  # the verdict that it stood by at the end
    regressions: int  # how often it took a verdict back

    def next_at(self) -> float | None:
        """Return when it wants to act next; None if never."""

    def act(self, t: float, vantage: Vantage) -> None: ...


@runtime_checkable
class Forecasting(Protocol):
    """A monitor that says beforehand how long it will take."""

    eta_at_census: float | None
    bound: float | None


class EqualAnswers:
    """Asks at a fixed pace, from long before the change; believes so many NEW in a row.

    It never looks at the authorities, so their poll, which is not counted, is left out.
    """

    def __init__(self, lots: random.Random, *, every: int, needed: int) -> None:
        self.converged_at: float | None = None
        self.settled_at: float | None = None
        self.regressions = 0
        self._every = every
        self._needed = needed
        self._streak = 0
        # Whole seconds, so that an entry fetched at one poll is over at exactly another.
        self._next = BEGINNING + lots.randrange(int(DAY))

    def next_at(self) -> float | None:
        return self._next

    def act(self, t: float, vantage: Vantage) -> None:
        self._next = t + self._every
        shown = vantage.ask_resolver(t)
        if shown is None:
            return
        self._streak = self._streak + 1 if shown.is_new else 0
        if self.settled_at is not None and not shown.is_new:
            self.regressions += 1
            self.settled_at = None
        elif self.settled_at is None and self._streak >= self._needed:
            self.settled_at = t
            self.converged_at = t if self.converged_at is None else self.converged_at


class BoundOnly:
    """Polls the authorities, sleeps until no cache may hold OLD, then asks until it hears NEW."""

    def __init__(self, lots: random.Random) -> None:
        self.converged_at: float | None = None
        self.settled_at: float | None = None
        self.regressions = 0
        self._ttls: dict[str, int | None] = {}  # by server; known once it says NEW
        self._bound: float | None = None
        self._next: float | None = -AUTHORITY_POLL + lots.randrange(int(AUTHORITY_POLL))

    def next_at(self) -> float | None:
        return self._next

    def act(self, t: float, vantage: Vantage) -> None:
        if self._bound is None:
            self._next = self._watch(t, vantage)
        else:
            self._next = self._ask(t, vantage)

    def _watch(self, t: float, vantage: Vantage) -> float:
        # A server whose answer was lost once must not be forgotten: it may be the one that lags.
        for name, said in vantage.ask_authorities(t).items():
            self._ttls[name] = said.ttl if said.is_new else None
        ttls = list(self._ttls.values())
        if not ttls or None in ttls:
            return t + AUTHORITY_POLL
        self._bound = t + max(ttl for ttl in ttls if ttl is not None)
        return self._bound

    def _ask(self, t: float, vantage: Vantage) -> float | None:
        shown = vantage.ask_resolver(t)
        if shown is None or not shown.is_new:
            return t + RETRY
        self.converged_at = self.settled_at = t
        return None
