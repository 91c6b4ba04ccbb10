"""The domains in every order that was asked for: sorted once, then kept so as some change."""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from monitor.core.names import DomainName
from monitor.core.state import DomainState, State, Step

Key: TypeAlias = Callable[[DomainState], Any]  # no two domains have the same one
_Domains: TypeAlias = Sequence[DomainState]

# To find the places of so large a share takes as long as to sort all.
_MOST = 0.1
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
    """Return the same orders of another state, unless most is to be sorted anew."""
    gone, come = _differences(known.state.domains, state.domains) if known.orders else ((), ())
    if len(gone) + len(come) > len(state.domains) * _MOST:
        return _Known(state, {})
    orders = known.orders.items()
    return _Known(state, {key: _reordered(of, key, gone, come) for key, of in orders})


def _differences(
    before: Mapping[DomainName, DomainState], after: Mapping[DomainName, DomainState]
) -> tuple[_Domains, _Domains]:
    """Return the states that are not in both, the same object that is."""
    if len(before) == len(after):
        # A state copies the one before: where no domain came or went, each has kept its place.
        pairs = zip(before.values(), after.values(), strict=True)
        moved = [(old, new) for old, new in pairs if old is not new]
        if all(old.domain.text == new.domain.text for old, new in moved):
            return [old for old, _ in moved], [new for _, new in moved]
    return _missing(before, after), _missing(after, before)


def _missing(
    these: Mapping[DomainName, DomainState], those: Mapping[DomainName, DomainState]
) -> _Domains:
    return [state for name, state in these.items() if those.get(name) is not state]


def _reordered(domains: _Domains, key: Key, gone: _Domains, come: _Domains) -> _Domains:
    places = sorted([bisect_left(domains, key(state), key=key) for state in gone])
    left, begin = list[DomainState](), 0
    for place in places:
        left += domains[begin:place]
        begin = place + 1
    left += domains[begin:]
    after, begin = list[DomainState](), 0
    for state in sorted(come, key=key):
        place = bisect_left(left, key(state), begin, key=key)
        after += left[begin:place]
        after.append(state)
        begin = place
    return after + left[begin:]
