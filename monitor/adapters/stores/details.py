"""What is known of a domain beyond its status, in parts, packed to be small on the disk."""

import zlib
from collections.abc import Iterable, Mapping
from importlib import resources

from pydantic import ConfigDict, TypeAdapter

from monitor.core.tracking.record import RecordKey, TrackedRecord

# Octets of what is known of one domain, unpacked: more than a thousand resolvers can have said.
MOST_UNPACKED = 128 << 20
_LEVEL = 3  # zlib's; the best one saves a tenth, for twice the work

# What is usual need not be stored with each domain. A part of the format: never to be changed.
_USUAL = (resources.files("monitor.adapters.stores") / "details_sample.json").read_bytes()

AS_JSON = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")
_RECORDS: TypeAdapter[tuple[TrackedRecord, ...]] = TypeAdapter(
    tuple[TrackedRecord, ...], config=AS_JSON
)

NOTHING = b""  # is not worth a packing


def packed_records(records: Iterable[TrackedRecord]) -> bytes:
    known = tuple(records)
    return zipped(_RECORDS.dump_json(known)) if known else NOTHING


def records_of(packed: bytes) -> Mapping[RecordKey, TrackedRecord]:
    """Return the records by their keys. Raises ValueError."""
    records = _RECORDS.validate_json(unzipped(packed)) if packed else ()
    return {record.key: record for record in records}


def zipped(text: bytes | str, usual: bytes = _USUAL) -> bytes:
    """Return JSON in which much is as usual, packed."""
    packer = zlib.compressobj(_LEVEL, zdict=usual)
    return packer.compress(text.encode() if isinstance(text, str) else text) + packer.flush()


def unzipped(packed: bytes) -> bytes:
    """Return what was packed. Raises ValueError."""
    text, _ = first_unzipped(packed)
    return text


def first_unzipped(packed: bytes, usual: bytes = _USUAL) -> tuple[bytes, bytes]:
    """Return what was packed first, and what is packed behind it. Raises ValueError."""
    try:
        unpacker = zlib.decompressobj(zdict=usual)
        text = unpacker.decompress(packed, MOST_UNPACKED + 1)
        if len(text) > MOST_UNPACKED:
            raise ValueError(f"packed details have more than {MOST_UNPACKED} octets")
        if not unpacker.eof:
            raise ValueError("packed details are cut off")
    except zlib.error as error:
        raise ValueError(f"packed details are damaged: {error}") from error
    return text, unpacker.unused_data
