"""What is known of a domain at rest, held as it was packed and read when somebody looks."""

from abc import abstractmethod
from collections.abc import ItemsView, Iterator, Mapping, ValuesView
from datetime import datetime
from typing import TypeVar

from monitor.core.status import Counted, Standing, View
from monitor.core.tracking.record import CalmRecords, RecordKey, TrackedRecord

K = TypeVar("K")
V = TypeVar("V")


class Resting(Mapping[K, V]):
    """A mapping whose values are read at each look, while its keys are at hand."""

    __slots__ = ("_keys",)

    def __init__(self, keys: tuple[K, ...]) -> None:
        self._keys = keys

    @abstractmethod
    def read(self) -> Mapping[K, V]:
        """Return all of it; nobody may change what is returned."""

    def __getitem__(self, key: K) -> V:
        return self.read()[key]

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def __iter__(self) -> Iterator[K]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)

    def items(self) -> ItemsView[K, V]:
        return self._all().items()

    def values(self) -> ValuesView[V]:
        return self._all().values()

    def _all(self) -> Mapping[K, V]:
        return self.read() if self._keys else {}

    def __eq__(self, other: object) -> bool:
        return self.read() == (other.read() if isinstance(other, Resting) else other)

    __hash__ = None  # type: ignore[assignment]  # equal to a dict, and no more hashable


class RestingViews(Resting[str, View], Counted):
    """Views that can be counted and compared without being read."""

    __slots__ = ("_standings",)

    def __init__(self, servers: tuple[str, ...], standings: tuple[Standing, ...]) -> None:
        """Take the standings in the order of the servers."""
        super().__init__(servers)
        self._standings = standings

    def stances(self) -> tuple[tuple[str, ...], tuple[Standing, ...]]:
        return self._keys, self._standings

    def standing(self, server: str) -> Standing | None:
        try:
            return self._standings[self._keys.index(server)]
        except ValueError:
            return None


class RestingRecords(Resting[RecordKey, TrackedRecord], CalmRecords):
    """Records of which it is known, without a look, until when a change is looked after."""

    __slots__ = ("_ended_at", "_followed_until")

    def __init__(
        self,
        keys: tuple[RecordKey, ...],
        followed_until: datetime | None,
        ended_at: datetime | None,
    ) -> None:
        super().__init__(keys)
        self._followed_until = followed_until
        self._ended_at = ended_at

    @property
    def followed_until(self) -> datetime | None:
        return self._followed_until

    @property
    def ended_at(self) -> datetime | None:
        return self._ended_at
