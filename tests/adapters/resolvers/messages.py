"""Responses of many shapes, drawn and built by dnspython, and the damage that is done to them."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from random import Random
from typing import TypeAlias

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rrset
from hypothesis import strategies as st

from monitor.adapters.resolvers.wire import answer_of
from monitor.core.answers import Answer

RESPONSE = int(dns.flags.QR | dns.flags.RD | dns.flags.RA)
MOST_TTL = 2**31 - 1  # RFC 2181 §8: whatever is above counts as 0
NSID, ECS, EDE, ZONEVERSION = 3, 8, 15, 19

# Names of equal lengths with equal tails, and some that end in another one of them.
NAMES = (
    *(f"{label}.shop.example" for label in ("a", "b", "c", "www.a", "a.a")),
    *(f"{bucket}.oss-cn-hangzhou.aliyuncs.com" for bucket in ("shop-a", "shop-b")),
    "shop.example",
    "a.example",
)


@dataclass(frozen=True, slots=True)
class Written:
    """One record; where it `is_compressed`, pointers stand for what its names repeat."""

    owner: str
    kind: str
    data: str
    is_compressed: bool = True

    def rrset(self, ttl: int) -> dns.rrset.RRset:
        return dns.rrset.from_text(f"{self.owner}.", ttl, "IN", self.kind, self.data)


@dataclass(frozen=True, slots=True)
class Message:
    """A response: the records of its three sections, and the options of its OPT if it has one."""

    question: str
    answer: tuple[Written, ...] = ()
    authority: tuple[Written, ...] = ()
    additional: tuple[Written, ...] = ()
    flags: int = RESPONSE
    options: tuple[tuple[int, bytes], ...] | None = ()

    @property
    def records(self) -> tuple[Written, ...]:
        return (*self.answer, *self.authority, *self.additional)

    def wire(self, ttls: Sequence[int] = (), message_id: int = 7) -> bytes:
        """Return it with TTLs in the order of its records, 60 where none is given."""
        opt = _opt(self.options)
        additional = len(self.additional) + (opt is not None)
        counts = (self.flags, 1, len(self.answer), len(self.authority), additional)
        file = BytesIO(b"".join(number.to_bytes(2) for number in (message_id, *counts)))
        file.seek(0, 2)
        compress: dict[dns.name.Name, int] = {}
        dns.name.from_text(f"{self.question}.").to_wire(file, compress)
        file.write(b"\0\1\0\1")
        filled = [*ttls, *[60] * (len(self.records) - len(ttls))]
        for record, ttl in zip(self.records, filled, strict=True):
            # dnspython knows no TTL above; then its four octets are written over.
            start = record.rrset(min(ttl, MOST_TTL))
            before = file.tell()
            start.to_wire(file, compress if record.is_compressed else None)
            _overwrite_ttl(file, before, ttl)
        if opt is not None:
            opt.to_wire(file)
        return file.getvalue()


def _overwrite_ttl(file: BytesIO, start: int, ttl: int) -> None:
    wire = file.getvalue()
    at = start
    while 0 < wire[at] < 64:
        at += 1 + wire[at]
    at += 2 if wire[at] else 1
    file.seek(at + 4)
    file.write(ttl.to_bytes(4))
    file.seek(0, 2)


def _opt(options: Sequence[tuple[int, bytes]] | None) -> dns.rrset.RRset | None:
    if options is None:
        return None
    holder = dns.message.Message()
    generic: list[dns.edns.Option] = [dns.edns.GenericOption(str(o), data) for o, data in options]
    holder.use_edns(0, 0, 1232, options=generic)
    return holder.opt


def alias(owner: str, target: str) -> Written:
    return Written(owner, "CNAME", f"{target}.")


def address(owner: str, text: str) -> Written:
    return Written(owner, "AAAA" if ":" in text else "A", text)


def understood(wire: bytes) -> Answer | None:
    """Return what dnspython reads, each record by itself; None where it reads nothing."""
    try:
        found = dns.message.from_wire(wire, one_rr_per_rrset=True, ignore_trailing=True)
        return answer_of(found)
    except (dns.exception.DNSException, ValueError):
        return None


def but_for_ttls(answer: Answer | None) -> Answer | None:
    if answer is None:
        return None
    return replace(
        answer,
        aliases=tuple(replace(record, ttl=0) for record in answer.aliases),
        addresses=tuple(replace(record, ttl=0) for record in answer.addresses),
        name_servers=tuple(replace(record, ttl=0) for record in answer.name_servers),
        glue=tuple(replace(record, ttl=0) for record in answer.glue),
        texts=tuple(replace(record, ttl=0) for record in answer.texts),
        negative_ttl=None,  # the least of a TTL and a number that stays
    )


def but_for_addresses(answer: Answer | None) -> Answer | None:
    if answer is None:
        return None
    return replace(
        answer,
        addresses=tuple(replace(record, address="") for record in answer.addresses),
        glue=tuple(replace(record, address="") for record in answer.glue),
    )


TTLS = st.sampled_from([0, 1, 60, 2**16, MOST_TTL, 2**31, 2**32 - 1]) | st.integers(0, 2**32 - 1)
SEEDED = st.randoms(use_true_random=False)
_NAMES = st.sampled_from(NAMES)
OTHER_DATA = {
    "A": st.sampled_from(["192.0.2.1", "203.0.113.9"]),
    "AAAA": st.sampled_from(["2001:db8::1", "2001:db8::2"]),
    "CNAME": st.builds("{}.".format, _NAMES),
    "NS": st.builds("{}.".format, _NAMES),
    "SOA": st.builds("{0}. root.{0}. 1 2 3 4 {1}".format, _NAMES, st.sampled_from([0, 60, 2**31])),
    "TXT": st.just("text"),
    "MX": st.builds("1 {}.".format, _NAMES),
}
OPTIONS = st.lists(
    st.sampled_from(
        [(NSID, b"n1"), (NSID, b"n2"), (EDE, b"\0\3"), (EDE, b"\0\x1f"), (ECS, b"\0\1\0\0")]
    ),
    max_size=2,
).map(tuple)


def _records(kinds: str, most: int) -> st.SearchStrategy[list[Written]]:
    kind = st.sampled_from(kinds.split())
    one = kind.flatmap(
        lambda k: st.builds(Written, _NAMES, st.just(k), OTHER_DATA[k], st.booleans())
    )
    return st.lists(one, max_size=most)


@st.composite
def messages(draw: st.DrawFn) -> Message:
    """Draw what a resolver may say: a chain of some links, whatever else, in any order."""
    path = draw(st.lists(_NAMES, min_size=1, max_size=4, unique=True))
    links = [
        Written(_in_some_case(draw, owner), "CNAME", f"{target}.", draw(st.booleans()))
        for owner, target in itertools.pairwise(path)
    ]
    found = draw(st.lists(st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::1"]), max_size=3))
    ends = [replace(address(path[-1], one), is_compressed=draw(st.booleans())) for one in found]
    more = [r for r in draw(_records("A CNAME SOA TXT MX", 1)) if r.owner != path[0]]
    return Message(
        _in_some_case(draw, path[0]),
        tuple(draw(st.permutations([*links, *ends, *more]))),
        tuple(draw(_records("SOA NS", 2))),
        tuple(draw(_records("A AAAA", 2))),
        RESPONSE | draw(st.sampled_from([0, 0, 0, 2, 3, 5])) | draw(st.sampled_from([0, 0x400])),
        draw(st.none() | OPTIONS),
    )


def _in_some_case(draw: st.DrawFn, name: str) -> str:
    return draw(st.sampled_from([name, name, name.upper(), name.title()]))


Damage: TypeAlias = Callable[[bytearray, Random], None]


def _flip(wire: bytearray, random: Random) -> None:
    wire[random.randrange(len(wire))] ^= 1 << random.randrange(8)


def _put(wire: bytearray, random: Random) -> None:
    wire[random.randrange(len(wire))] = random.choice([0, 1, 2, 5, 6, 28, 41, 63, 64, 192])


def _insert(wire: bytearray, random: Random) -> None:
    at = random.randrange(len(wire))
    wire[at:at] = random.randbytes(random.randint(1, 4))


def _delete(wire: bytearray, random: Random) -> None:
    at = random.randrange(len(wire))
    del wire[at : at + random.randint(1, 4)]


def _cut(wire: bytearray, random: Random) -> None:
    del wire[random.randrange(len(wire)) :]


def _append(wire: bytearray, random: Random) -> None:
    wire += random.randbytes(random.randint(1, 4))


def _point(wire: bytearray, random: Random) -> None:
    """Let a pointer, or what was none, lead anywhere."""
    pointers = [at for at, octet in enumerate(wire) if octet >= 192]
    at = random.choice(pointers) if pointers else random.randrange(len(wire))
    wire[at : at + 2] = (0xC000 | random.randrange(len(wire))).to_bytes(2)


DAMAGES: tuple[Damage, ...] = (_flip, _put, _insert, _delete, _cut, _append, _point)


def damaged(wire: bytes, damages: Sequence[Damage], random: Random) -> bytes:
    other = bytearray(wire)
    for damage in damages:
        if other:
            damage(other, random)
    return bytes(other)
