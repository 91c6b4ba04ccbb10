"""What is known of a domain beyond its status, packed to be small on disk and in memory."""

import zlib
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from importlib import resources
from typing import NamedTuple, TypeAlias

from pydantic import ConfigDict, TypeAdapter

from monitor.core.names import DomainName
from monitor.core.resting import RestingRecords, RestingViews
from monitor.core.state import DomainState
from monitor.core.status import Standing, View, standings_of
from monitor.core.tracking.record import (
    RecordKey,
    TrackedRecord,
    ended_at,
    followed_until,
    is_calm,
)
from monitor.core.verdict import VerdictKind

_LEVEL = 3  # zlib's; the best one saves a tenth, for twice the work

# What is usual need not be stored with each domain. A part of the format: never to be changed.
_USUAL = (resources.files("monitor.adapters.stores") / "details_sample.json").read_bytes()

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
    """What can be told of the details without unpacking them; the instants as of calm records."""

    resolvers: StoredStandings
    authorities: StoredStandings
    records: tuple[tuple[str, str], ...]
    is_calm: bool
    followed_until: datetime | None
    ended_at: datetime | None


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
        followed_until(state.records) if calm else None,
        ended_at(state.records) if calm else None,
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
    packer = zlib.compressobj(_LEVEL, zdict=_USUAL)
    return packer.compress(text.encode() if isinstance(text, str) else text) + packer.flush()


def unpacked(details: bytes) -> Opened:
    """Return the details. Raises ValueError."""
    resolvers, authorities, records = _DETAILS.validate_json(_unzipped(details))
    return Opened(
        {view.sighting.server: view for view in resolvers},
        {view.sighting.server: view for view in authorities},
        {record.key: record for record in records},
    )


Look: TypeAlias = Callable[[str], Opened]


def at_rest(domain: DomainName, summary: Summary, look: Look) -> Opened:
    """Return details that are read by `look` each time that somebody wants them."""
    keys = (RecordKey(_name(owner, domain), view) for owner, view in summary.records)
    return Opened(
        _Resolvers(domain.text, summary.resolvers, look),
        _Authorities(domain.text, summary.authorities, look),
        _Records(domain.text, tuple(keys), summary, look),
    )


class _Resolvers(RestingViews):
    __slots__ = ("_look", "_name")

    def __init__(self, name: str, stored: StoredStandings, look: Look) -> None:
        super().__init__(_same(stored.servers), _standings(stored))
        self._name, self._look = name, look

    def read(self) -> Mapping[str, View]:
        return self._look(self._name).resolvers


class _Authorities(RestingViews):
    __slots__ = ("_look", "_name")

    def __init__(self, name: str, stored: StoredStandings, look: Look) -> None:
        super().__init__(_same(stored.servers), _standings(stored))
        self._name, self._look = name, look

    def read(self) -> Mapping[str, View]:
        return self._look(self._name).authorities


class _Records(RestingRecords):
    __slots__ = ("_look", "_name")

    def __init__(
        self, name: str, keys: tuple[RecordKey, ...], summary: Summary, look: Look
    ) -> None:
        super().__init__(keys, summary.followed_until, summary.ended_at)
        self._name, self._look = name, look

    def read(self) -> Mapping[RecordKey, TrackedRecord]:
        return self._look(self._name).records


def _unzipped(details: bytes) -> bytes:
    try:
        unpacker = zlib.decompressobj(zdict=_USUAL)
        text = unpacker.decompress(details)
        if not unpacker.eof:
            raise ValueError("packed details are cut off")
    except zlib.error as error:
        raise ValueError(f"packed details are damaged: {error}") from error
    return text


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
    if len(places) == 1:
        return (places[0],) * len(stored.of)
    return tuple([places[number] for number in stored.of])


@lru_cache(maxsize=1024)
def _same(servers: tuple[str, ...]) -> tuple[str, ...]:
    """Return the first tuple of all that are equal: a fleet has few panels."""
    return servers


def _name(owner: str, domain: DomainName) -> DomainName:
    return domain if owner == domain.text else DomainName(owner)
