"""What is known of a domain at rest, held as it was packed and read when somebody looks."""

from abc import abstractmethod
from collections.abc import ItemsView, Iterator, Mapping, ValuesView
from typing import NamedTuple, TypeVar

from monitor.core.gist import Gist
from monitor.core.status import Counted, Standing, View

K = TypeVar("K")
V = TypeVar("V")


class Resting(Mapping[K, V]):
    """A mapping whose values are read at each look, while its keys are at hand."""

    __slots__ = ()

    @abstractmethod
    def keys_at_hand(self) -> tuple[K, ...]:
        """Return the keys in their order, without a look."""

    @abstractmethod
    def read(self) -> Mapping[K, V]:
        """Return all of it; nobody may change what is returned."""

    def __getitem__(self, key: K) -> V:
        return self.read()[key]

    def __contains__(self, key: object) -> bool:
        return key in self.keys_at_hand()

    def __iter__(self) -> Iterator[K]:
        return iter(self.keys_at_hand())

    def __len__(self) -> int:
        return len(self.keys_at_hand())

    def items(self) -> ItemsView[K, V]:
        return self._all().items()

    def values(self) -> ValuesView[V]:
        return self._all().values()

    def _all(self) -> Mapping[K, V]:
        return self.read() if self.keys_at_hand() else {}

    def __eq__(self, other: object) -> bool:
        return self.read() == (other.read() if isinstance(other, Resting) else other)

    __hash__ = None  # type: ignore[assignment]  # equal to a dict, and no more hashable


class Lineup(NamedTuple):
    """Servers, and for each the number of the place where it stands: a fleet has few of these."""

    servers: tuple[str, ...] = ()
    of: tuple[int, ...] = ()


class RestingViews(Resting[str, View], Counted):
    """Views that can be counted and compared without being read."""

    __slots__ = ("_lineup", "_places")

    def __init__(self, lineup: Lineup, places: tuple[Standing, ...]) -> None:
        """Take the places by their numbers in the line-up."""
        self._lineup, self._places = lineup, places

    def keys_at_hand(self) -> tuple[str, ...]:
        return self._lineup.servers

    def stances(self) -> tuple[tuple[str, ...], tuple[Standing, ...]]:
        servers, of = self._lineup
        return servers, tuple(map(self._places.__getitem__, of))

    def standing(self, server: str) -> Standing | None:
        try:
            number = self._lineup.of[self._lineup.servers.index(server)]
        except ValueError:
            return None
        return self._places[number]

    def places(self) -> tuple[Standing, ...]:
        return self._places

    def servers_with(self, gist: Gist) -> tuple[str, ...]:
        servers, of = self._lineup
        gists = [place.gist for place in self._places]
        if gists == [gist]:
            return servers
        return tuple([server for server, n in zip(servers, of, strict=True) if gists[n] == gist])
