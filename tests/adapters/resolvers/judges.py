"""What the fast readers say of a message, held against what dnspython says of it."""

from collections.abc import Sequence
from random import Random
from typing import NamedTuple

import dns.exception
import dns.update

from monitor.adapters.resolvers import memo
from monitor.adapters.resolvers.glance import Shapes
from monitor.adapters.resolvers.memo import Remembered, own_of
from monitor.adapters.resolvers.plain import parse
from monitor.adapters.resolvers.reading import read, reading_of, remembered
from monitor.adapters.resolvers.walking import ttl_offsets
from monitor.adapters.resolvers.wire import answer_of
from monitor.core.bindings import BucketTarget
from monitor.core.gist import Gist, essence_of, gist_of_essence
from monitor.core.names import DomainName
from monitor.core.servers import Transport
from monitor.core.targets import TargetPolicy
from tests.adapters.resolvers.messages import (
    MOST_TTL,
    but_for_addresses,
    but_for_ttls,
    understood,
)


def is_read_alike(wire: bytes) -> bool:
    """Tell whether the fast reader reads it; what it says must then be what dnspython says."""
    if (parsed := parse(wire)) is None:
        return False
    assert parsed.answer == answer_of(read(wire))
    assert parsed.question_end == wire.index(b"\0", 12) + 5
    assert parsed.ttl_offsets == ttl_offsets(wire)
    return True


def is_read_by_dnspython(wire: bytes) -> bool:
    try:
        return not isinstance(read(wire), dns.update.UpdateMessage)  # its records may lack TTLs
    except (dns.exception.DNSException, ValueError):
        return False


def has_only_ttls_at(wire: bytes, offsets: Sequence[int], random: Random) -> bool:
    """Tell whether other octets at the offsets make other TTLs, and nothing else."""
    ttls = [random.choice([0, 1, MOST_TTL, 2**31, random.getrandbits(32)]) for _ in offsets]
    other = bytearray(wire)
    for offset, ttl in zip(offsets, ttls, strict=True):
        other[offset : offset + 4] = ttl.to_bytes(4)
    expected = [ttl if ttl <= MOST_TTL else 0 for ttl in ttls]
    return _meaning(bytes(other)) == (_meaning(wire)[0], expected)


def _meaning(wire: bytes) -> tuple[list[object], list[int]]:
    """Return all that is in a message but its TTLs, and them."""
    found = read(wire)
    rrsets = [rrset for section in found.sections[1:] for rrset in section]
    records = [(r.name.to_text(), r.rdclass, r.rdtype, [d.to_wire() for d in r]) for r in rrsets]
    counts = [len(section) for section in found.sections]
    header = [found.id, found.flags, found.ednsflags, found.options, found.question, counts]
    return [*header, *records], [rrset.ttl for rrset in rrsets]


class Way(NamedTuple):
    """How an answer is remembered."""

    gist: Gist | None = b"gist"
    masks_question: bool = False


USUAL = Way()


def known(wire: bytes, way: Way = USUAL) -> Remembered:
    reading = reading_of(wire)
    assert reading is not None
    masks = way.masks_question
    return remembered(wire, reading, way.gist, Transport.UDP, masks_question=masks)


def recognised(variants: Sequence[Remembered], wire: bytes) -> tuple[Remembered, bytes] | None:
    """Let each check apart what it leaves out, as the engine does."""
    for said in variants:
        masks = said.layout.masks_question
        if found := memo.recognised((said,), wire, masks_question=masks):
            return found
    return None


def means_the_same(wire: bytes, other: bytes, gist: Gist | None) -> bool:
    one, two = but_for_ttls(understood(wire)), but_for_ttls(understood(other))
    assert one is not None
    if gist is not None and one.aliases:
        return but_for_addresses(one) == but_for_addresses(two)
    return one == two


def question_of(wire: bytes) -> bytes:
    return wire[12 : wire.index(b"\0", 12) + 5]


def is_seen_as_read(wire: bytes, domain: str, shapes: Shapes | None = None) -> bool:
    """Tell whether it is seen; what is remembered of it must then be what reading remembers.

    So it must be whatever shapes were seen before.
    """
    shapes = shapes or Shapes()
    ways = [_is_seen(wire, domain, shapes, masks) for masks in (False, True)]
    assert ways[0] is ways[1]
    return ways[0]


def _is_seen(wire: bytes, domain: str, shapes: Shapes, masks: bool) -> bool:
    seen = shapes.glance(wire, domain, masks_question=masks)
    if seen is None:
        return False
    essence, said, own = seen
    reading = reading_of(wire)
    assert reading is not None
    assert essence == essence_of(reading.answer, DomainName(domain))
    said.gist = _gist_for(domain, essence)
    of_read = remembered(wire, reading, said.gist, Transport.UDP, masks_question=masks)
    assert _parts(said) == _parts(of_read)
    assert own == own_of(of_read.unpack(wire))
    return True


def _gist_for(domain: str, essence: str) -> Gist:
    target = BucketTarget("shop-a", DomainName("oss-cn-hangzhou.aliyuncs.com"))
    return gist_of_essence(essence, DomainName(domain), target, TargetPolicy())


def _parts(said: Remembered) -> dict[str, object]:
    return {name: getattr(said, name) for name in Remembered.__slots__}
