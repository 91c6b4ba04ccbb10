"""What is known of a domain at rest, held as it was packed and read when somebody looks."""

from abc import abstractmethod
from collections.abc import ItemsView, Iterator, Mapping, ValuesView
from typing import NamedTuple, TypeVar

from monitor.core.gist import GIST_SIZE, Gist
from monitor.core.views import Counted, Place, Standing, View, standings_of

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


class Standings(NamedTuple):
    """Where servers stand, up to the gists: most domains have equal ones, which are one object."""

    lineup: Lineup
    places: tuple[Place, ...]


def numbered(views: Mapping[str, View], gists: dict[Gist, int]) -> Standings:
    """Return where the servers stand; gists that have no number yet are given the next ones."""
    places: dict[Standing, int] = {}
    servers, of = list[str](), list[int]()
    for server, standing in standings_of(views):
        servers.append(server)
        of.append(places.setdefault(standing, len(places)))
    return Standings(
        Lineup(tuple(servers), tuple(of)),
        tuple(
            Place(
                place.kind,
                place.is_in_effect,
                None if place.gist is None else gists.setdefault(place.gist, len(gists)),
            )
            for place in places
        ),
    )


class RestingViews(Resting[str, View], Counted):
    """Views that can be counted and compared without being read."""

    __slots__ = ("_gists", "_standings")

    def __init__(self, standings: Standings, gists: bytes) -> None:
        """Take the standings with the domain's gists in a row, by whose numbers they name them.

        Raises ValueError when there are fewer.
        """
        for place in standings.places:
            if place.gist is not None and (place.gist + 1) * GIST_SIZE > len(gists):
                raise ValueError("a gist is missing")
        self._standings, self._gists = standings, gists

    def keys_at_hand(self) -> tuple[str, ...]:
        return self._standings.lineup.servers

    def stances(self) -> tuple[tuple[str, ...], tuple[Place, ...]]:
        (servers, of), places = self._standings
        return servers, tuple(map(places.__getitem__, of))

    def standings(self) -> Iterator[tuple[str, Standing]]:
        servers, of = self._standings.lineup
        places = tuple(map(self._with_gist, self._standings.places))
        return zip(servers, map(places.__getitem__, of), strict=True)

    def standing(self, server: str) -> Standing | None:
        return dict(self.standings()).get(server)

    def places(self) -> tuple[Place, ...]:
        return self._standings.places

    def servers_with(self, gist: Gist) -> tuple[str, ...]:
        (servers, of), places = self._standings
        if len(places) == 1:
            return servers if self._gist(places[0].gist) == gist else ()
        gists = [self._gist(number) for _, _, number in places]
        return tuple([server for server, n in zip(servers, of, strict=True) if gists[n] == gist])

    def _with_gist(self, place: Place) -> Standing:
        kind, is_in_effect, number = place
        return Standing(kind, is_in_effect, self._gist(number))

    def _gist(self, number: int | None) -> Gist | None:
        if number is None:
            return None
        return self._gists[number * GIST_SIZE : (number + 1) * GIST_SIZE]
