"""The details of a domain at rest: not in memory, but read from its row when somebody looks."""

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from monitor.adapters.stores.outline import Outline
from monitor.core.names import DomainName
from monitor.core.resting import Resting, RestingViews, Standings
from monitor.core.tracking.record import CalmRecords, RecordKey, TrackedRecord
from monitor.core.views import Spell, View


class Details(Protocol):
    """The parts of each domain's details, as its row has them now."""

    def resolvers(self, name: str) -> Mapping[str, View]: ...

    def authorities(self, name: str) -> Mapping[str, View]: ...

    def resolver_spells(self, name: str) -> Mapping[str, Spell]: ...

    def authority_spells(self, name: str) -> Mapping[str, Spell]: ...

    def records(self, name: str) -> Mapping[RecordKey, TrackedRecord]: ...


class _Views(RestingViews):
    __slots__ = ("_details", "_name")

    def __init__(self, name: str, standings: Standings, gists: bytes, details: Details) -> None:
        super().__init__(standings, gists)
        self._name, self._details = name, details

    def is_stored(self, name: str, details: Details) -> bool:
        return self._name == name and self._details is details


class StoredResolvers(_Views):
    """What the resolvers last said of a domain."""

    __slots__ = ()

    def read(self) -> Mapping[str, View]:
        return self._details.resolvers(self._name)

    def spells(self) -> Mapping[str, Spell]:
        return self._details.resolver_spells(self._name)


class StoredAuthorities(_Views):
    """What the authorities last said of a domain."""

    __slots__ = ()

    def read(self) -> Mapping[str, View]:
        return self._details.authorities(self._name)

    def spells(self) -> Mapping[str, Spell]:
        return self._details.authority_spells(self._name)


class StoredRecords(Resting[RecordKey, TrackedRecord], CalmRecords):
    """The records of a domain, of which its outline tells until when they are looked after."""

    __slots__ = ("_details", "_domain", "_outline")

    def __init__(self, domain: DomainName, outline: Outline, details: Details) -> None:
        self._domain, self._outline, self._details = domain, outline, details

    def keys_at_hand(self) -> tuple[RecordKey, ...]:
        return self._outline.keys(self._domain)

    def read(self) -> Mapping[RecordKey, TrackedRecord]:
        return self._details.records(self._domain.text)

    def is_stored(self, name: str, details: Details) -> bool:
        return self._domain.text == name and self._details is details

    @property
    def followed_until(self) -> datetime | None:
        return self._outline.followed_until

    @property
    def ended_at(self) -> datetime | None:
        return self._outline.ended_at

    @property
    def gists_tell(self) -> bool:
        return self._outline.gists_tell


def is_stored(part: Mapping[object, object], name: str, details: Details | None) -> bool:
    """Tell whether a part of a domain is just what its row has, so that it need not be written."""
    return (
        details is not None
        and isinstance(part, _Views | StoredRecords)
        and part.is_stored(name, details)
    )
