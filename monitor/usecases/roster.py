"""The domains in every order that was asked for: sorted once, then kept so as some change."""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from monitor.core.state import DomainState, State, Step

Key: TypeAlias = Callable[[DomainState], Any]  # no two domains have the same one
_Domains: TypeAlias = Sequence[DomainState]
_Move: TypeAlias = tuple[DomainState, DomainState]

# To find the places of so large a share takes as long as to sort all.
_MOST = 0.05
# After so many moved, nothing is kept of what was: it would hold their former states in memory.
_MANY = 10_000


@dataclass(frozen=True, slots=True)
class _Known:
    """A state and its orders; replaced as a whole, so that no thread waits for another."""

    state: State
    orders: Mapping[Key, _Domains]


_NOTHING = _Known(State(), {})


class Roster:
    """Remembers the orders of the state that was shown last, from one snapshot to the next.

    Two threads that want the same at a time both work it out, and either's will do.
    """

    def __init__(self) -> None:
        self._known = _NOTHING
        self._moved = 0

    def domains(self, state: State, key: Key) -> _Domains:
        """Return all domains of the state in the order of the key."""
        known = self._known
        if known.state is not state:
            known, self._moved = _followed(known, state), 0
        if key not in known.orders:
            ordered = sorted(state.domains.values(), key=key)
            known = replace(known, orders={**known.orders, key: ordered})
        self._known = known
        return known.orders[key]

    def note(self, step: Step) -> None:
        """Let go of the former states of many domains; for the ledger's steps."""
        self._moved += len(step.domains)
        if self._moved > _MANY:
            self._known, self._moved = _NOTHING, 0


def _followed(known: _Known, state: State) -> _Known:
    """Return the same orders of another state, unless it is as well to sort anew."""
    moved = _moved(known.state, state) if known.orders else None
    if moved is None or len(moved) > len(state.domains) * _MOST:
        return _Known(state, {})
    orders = known.orders.items()
    return _Known(state, {key: _reordered(of, key, moved) for key, of in orders})


def _moved(before: State, after: State) -> Sequence[_Move] | None:
    """Return what went and what came in its stead; None where one came or went alone.

    A state copies the one before, so that mostly each domain has kept its place. Where many have
    not, many move, and it is as well to sort anew.
    """
    if len(before.domains) != len(after.domains):
        return None
    pairs = zip(before.domains.values(), after.domains.values(), strict=True)
    return [(old, new) for old, new in pairs if old is not new]


def _reordered(domains: _Domains, key: Key, moved: Sequence[_Move]) -> _Domains:
    places = sorted([bisect_left(domains, key(old), key=key) for old, _ in moved])
    left, begin = list[DomainState](), 0
    for place in places:
        left += domains[begin:place]
        begin = place + 1
    left += domains[begin:]
    after, begin = list[DomainState](), 0
    for state in sorted([new for _, new in moved], key=key):
        place = bisect_left(left, key(state), begin, key=key)
        after += left[begin:place]
        after.append(state)
        begin = place
    return after + left[begin:]
