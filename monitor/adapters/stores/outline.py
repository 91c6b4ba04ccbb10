"""What can be told of a domain without its details: of a fleet, most say the same."""

import zlib
from datetime import datetime
from functools import lru_cache
from typing import Annotated, NamedTuple, TypeAlias

from pydantic import BeforeValidator, PlainSerializer, TypeAdapter

from monitor.core.bindings import Binding
from monitor.core.gist import Gist
from monitor.core.hysteresis import Settled
from monitor.core.names import DomainName
from monitor.core.resting import Standings, numbered
from monitor.core.state import DomainState, Doubt
from monitor.core.status import DomainStatus, Fault
from monitor.core.tracking.record import (
    RecordKey,
    ended_at,
    followed_until,
    gists_tell,
    is_calm,
)

# Octets unpacked: more than an outline has where a thousand resolvers all stand elsewhere.
MOST_UNPACKED = 16 << 20

_Faults: TypeAlias = Annotated[
    frozenset[Fault], PlainSerializer(lambda faults: sorted(fault.value for fault in faults))
]
_Doubts: TypeAlias = Annotated[
    frozenset[Doubt],
    PlainSerializer(lambda doubts: sorted((doubt.fault.value, doubt.looks) for doubt in doubts)),
    BeforeValidator(lambda pairs: [{"fault": fault, "looks": looks} for fault, looks in pairs]),
]
_Record: TypeAlias = tuple[str | None, str]  # no owner: the domain itself


class Outline(NamedTuple):
    """Everything but names, instants and gists; the last instants are those of calm records."""

    rivals: tuple[Binding, ...]
    status: Settled[DomainStatus]
    split: Settled[bool]
    faults: _Faults
    resolvers: Standings
    authorities: Standings
    records: tuple[_Record, ...]
    is_calm: bool
    followed_until: datetime | None
    ended_at: datetime | None
    doubts: _Doubts = frozenset()  # absent in what earlier releases stored, as is what follows
    gists_tell: bool = False

    def keys(self, domain: DomainName) -> tuple[RecordKey, ...]:
        """Return the keys of the domain's records."""
        return tuple(
            RecordKey(domain if owner is None else DomainName(owner), view)
            for owner, view in self.records
        )


_OUTLINE = TypeAdapter(Outline)


def drawn(state: DomainState) -> tuple[bytes, str]:
    """Return the outline of a domain, packed, and the text of its gists."""
    gists: dict[Gist, int] = {}
    calm = is_calm(state.records)
    outline = Outline(
        state.rivals,
        state.status,
        state.split,
        state.faults,
        numbered(state.resolvers, gists),
        numbered(state.authorities, gists),
        tuple(
            (None if key.owner == state.domain else key.owner.text, key.view)
            for key in state.records
        ),
        calm,
        followed_until(state.records) if calm else None,
        ended_at(state.records) if calm else None,
        state.doubts,
        gists_tell(state.records) if calm else False,
    )
    return packed_outline(_OUTLINE.dump_json(outline)), " ".join(gist.hex() for gist in gists)


@lru_cache(maxsize=1024)
def packed_outline(text: bytes) -> bytes:
    return zlib.compress(text)


@lru_cache(maxsize=1024)
def outline_of(packed: bytes) -> Outline:
    """Return the outline, the same object for the same octets. Raises ValueError."""
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(packed, MOST_UNPACKED + 1)
        if len(text) > MOST_UNPACKED:
            raise ValueError(f"a packed outline has more than {MOST_UNPACKED} octets")
        if not unpacker.eof:
            raise ValueError("a packed outline is cut off")
        return _OUTLINE.validate_json(text)
    except (zlib.error, TypeError) as error:
        raise ValueError(f"an outline is damaged: {error}") from error


def gists_of(text: str) -> bytes:
    """Return the gists in a row. Raises ValueError."""
    return bytes.fromhex(text)
