"""The frame of all that goes over the broker: a version, a head in JSON, and octets, packed.

Pure, and total: whatever comes, opening it gives a frame or a refusal, at a bounded cost.
"""

import json
import zlib
from enum import Enum
from typing import NamedTuple

MOST_WIRE = 900_000  # octets; NATS takes 1 MiB at most unless configured otherwise
MOST_UNPACKED = 16_000_000
VERSION = b"OCV3"  # another layout gets another number, and old ones refuse it

_HEAD_SIZE = 4
_LEVEL = 1  # most of it is zeros and repetition, and time matters more


class Refusal(Enum):
    """Why something that came was not taken."""

    VERSION = "version"  # of another layout
    SIZE = "size"
    FORMAT = "format"


class Frame(NamedTuple):
    head: dict[str, object]
    body: bytes


def sealed(head: dict[str, object], body: bytes = b"") -> bytes:
    text = json.dumps(head, separators=(",", ":"), ensure_ascii=True).encode()
    packed = zlib.compress(len(text).to_bytes(_HEAD_SIZE, "little") + text + body, _LEVEL)
    return VERSION + packed


def opened(wire: bytes) -> Frame | Refusal:
    """Return what was sealed. Never raises."""
    if len(wire) > MOST_WIRE:
        return Refusal.SIZE
    if wire[: len(VERSION)] != VERSION:
        return Refusal.VERSION
    plain = _unpacked(wire[len(VERSION) :])
    return plain if isinstance(plain, Refusal) else _parted(plain)


def _unpacked(packed: bytes) -> bytes | Refusal:
    unpacking = zlib.decompressobj()
    try:
        plain = unpacking.decompress(packed, MOST_UNPACKED)
    except zlib.error:
        return Refusal.FORMAT
    if unpacking.unconsumed_tail:
        return Refusal.SIZE
    return plain if unpacking.eof and not unpacking.unused_data else Refusal.FORMAT


def _parted(plain: bytes) -> Frame | Refusal:
    end = _HEAD_SIZE + int.from_bytes(plain[:_HEAD_SIZE], "little")
    if not _HEAD_SIZE < end <= len(plain):
        return Refusal.FORMAT
    try:
        head = json.loads(plain[_HEAD_SIZE:end])
    except (ValueError, RecursionError):
        return Refusal.FORMAT
    return Frame(head, plain[end:]) if isinstance(head, dict) else Refusal.FORMAT
