"""What is known of a domain beyond its status, packed to be small on disk and in memory."""

import zlib
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from pydantic import ConfigDict, TypeAdapter

from monitor.core.names import DomainName
from monitor.core.resting import RestingRecords, RestingViews
from monitor.core.state import DomainState
from monitor.core.status import Standing, View, standings_of
from monitor.core.tracking.record import RecordKey, TrackedRecord, is_calm, over_at
from monitor.core.verdict import VerdictKind

_LOOKED_AT = 512  # domains that stay unpacked for a while: looks come in clusters
_FASTEST = 1  # zlib's level; the best one saves a tenth, for three times the work

_Details: TypeAlias = tuple[tuple[View, ...], tuple[View, ...], tuple[TrackedRecord, ...]]
_AS_JSON = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")
_DETAILS: TypeAdapter[_Details] = TypeAdapter(_Details, config=_AS_JSON)

_Place: TypeAlias = tuple[VerdictKind, bool | None, str | None]


class StoredStandings(NamedTuple):
    """Servers, the different places where they stand, and for each server which that is."""

    servers: tuple[str, ...] = ()
    places: tuple[_Place, ...] = ()
    of: tuple[int, ...] = ()


class Summary(NamedTuple):
    """What can be told of the details without unpacking them; `over_at` as of calm records."""

    resolvers: StoredStandings
    authorities: StoredStandings
    records: tuple[tuple[str, str], ...]
    is_calm: bool
    over_at: datetime | None


class Opened(NamedTuple):
    """Details as the core knows them."""

    resolvers: Mapping[str, View]
    authorities: Mapping[str, View]
    records: Mapping[RecordKey, TrackedRecord]


def summary_of(state: DomainState) -> Summary:
    calm = is_calm(state.records)
    return Summary(
        _stored(state.resolvers),
        _stored(state.authorities),
        tuple((key.owner.text, key.view) for key in state.records),
        calm,
        over_at(state.records) if calm else None,
    )


def packed(state: DomainState) -> bytes:
    details = (
        tuple(state.resolvers.values()),
        tuple(state.authorities.values()),
        tuple(state.records.values()),
    )
    return zipped(_DETAILS.dump_json(details))


def zipped(text: bytes | str) -> bytes:
    """Return the details, as JSON, packed."""
    return zlib.compress(text.encode() if isinstance(text, str) else text, _FASTEST)


@lru_cache(maxsize=_LOOKED_AT)
def unpacked(details: bytes) -> Opened:
    """Return the details; nobody may change them. Raises ValueError."""
    resolvers, authorities, records = _DETAILS.validate_json(_unzipped(details))
    return Opened(
        {view.sighting.server: view for view in resolvers},
        {view.sighting.server: view for view in authorities},
        {record.key: record for record in records},
    )


def opened(domain: DomainName, summary: Summary, details: bytes) -> Opened:
    """Return what rests as packed, or what does not rest as it is. Raises ValueError."""
    if not summary.is_calm:
        return unpacked(details)
    _unzipped(details)  # damage shows now, with the remedy, and not when somebody looks
    keys = (RecordKey(_name(owner, domain), view) for owner, view in summary.records)
    return Opened(
        _Resolvers(details, summary.resolvers),
        _Authorities(details, summary.authorities),
        _Records(details, tuple(keys), summary.over_at),
    )


def _unzipped(details: bytes) -> bytes:
    try:
        return zlib.decompress(details)
    except zlib.error as error:
        raise ValueError(f"packed details are damaged: {error}") from error


class _Resolvers(RestingViews):
    __slots__ = ("_details",)

    def __init__(self, details: bytes, stored: StoredStandings) -> None:
        super().__init__(_same(stored.servers), _standings(stored))
        self._details = details

    def read(self) -> Mapping[str, View]:
        return unpacked(self._details).resolvers


class _Authorities(RestingViews):
    __slots__ = ("_details",)

    def __init__(self, details: bytes, stored: StoredStandings) -> None:
        super().__init__(_same(stored.servers), _standings(stored))
        self._details = details

    def read(self) -> Mapping[str, View]:
        return unpacked(self._details).authorities


class _Records(RestingRecords):
    __slots__ = ("_details",)

    def __init__(
        self, details: bytes, keys: tuple[RecordKey, ...], over_at: datetime | None
    ) -> None:
        super().__init__(keys, over_at)
        self._details = details

    def read(self) -> Mapping[RecordKey, TrackedRecord]:
        return unpacked(self._details).records


def _stored(views: Mapping[str, View]) -> StoredStandings:
    places: dict[Standing, int] = {}
    found = dict(standings_of(views))
    of = tuple(places.setdefault(standing, len(places)) for standing in found.values())
    return StoredStandings(tuple(found), tuple(map(_place, places)), of)


def _place(standing: Standing) -> _Place:
    return standing.kind, standing.is_in_effect, standing.gist.hex() if standing.gist else None


def _standings(stored: StoredStandings) -> tuple[Standing, ...]:
    places = [
        Standing(kind, is_in_effect, bytes.fromhex(gist) if gist else None)
        for kind, is_in_effect, gist in stored.places
    ]
    return tuple(places[number] for number in stored.of)


@lru_cache(maxsize=1024)
def _same(servers: tuple[str, ...]) -> tuple[str, ...]:
    """Return the first tuple of all that are equal: a fleet has few panels."""
    return servers


def _name(owner: str, domain: DomainName) -> DomainName:
    return domain if owner == domain.text else DomainName(owner)
