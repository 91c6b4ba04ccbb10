"""Read the common shape of a response fast, and leave every other one to dnspython.

A compression pointer counts only where it leads to a label of an earlier name, as servers write
them: so no name loops, and none reads an octet of a TTL.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from struct import Struct, error
from typing import TypeAlias

import dns.exception
import dns.ipv4
import dns.ipv6
import dns.message

from monitor.adapters.resolvers.walking import (
    CNAME,
    HEADER_END,
    NS,
    OPT,
    POINTER,
    SOA,
    Odd,
    header,
    past_labels,
    record,
)
from monitor.adapters.resolvers.wire import answer_of
from monitor.core.answers import Address, Alias, Answer, NameServerRecord, Rcode
from monitor.core.names import MAX_NAME, DomainName

_pointed_record = Struct(">HHHIH").unpack_from  # the same behind a pointer to its owner
_soa_numbers = Struct(">IIIII").unpack_from  # RFC 1035 §3.3.13, behind the names

_IN = 1
_MOST_TTL = 0x7FFFFFFF  # RFC 2181 §8: any above counts as 0

_SHAPE, _RESPONSE = 0xFA00, 0x8000  # of QR, opcode and TC: answers a query and is not cut off
_AA = 0x0400

PLAIN = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
LOWERED = bytes(ord(chr(c).lower()) if c in PLAIN else ord(".") for c in range(256))
MISTAKABLE = ord("-")  # the least length octet that is also a character of a plain label
MOST_DOTS = 15  # dnspython follows 16 pointers in a row; a label stands before all but the first

_A, _AAAA = 1, 28


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a response says, and where its TTLs stand: of all records in order, OPT apart."""

    answer: Answer
    question_end: int
    ttl_offsets: tuple[int, ...]


def parse(wire: bytes) -> Parsed | None:
    """Return what dnspython and `answer_of` would, or None for any but the common shape.

    Never raises. Other octets at the TTLs' offsets change nothing of the answer but its TTLs.
    """
    try:
        return _parse(wire)
    except (LookupError, ValueError, error, dns.exception.DNSException):
        return None


def _parse(wire: bytes) -> Parsed:
    flags, questions, answers, authorities, additionals = header(wire, 2)
    if flags & _SHAPE != _RESPONSE or questions != 1:
        raise Odd
    message = _Message(wire)
    _, at = message.name(HEADER_END)
    question_end = at + 4
    if wire[at + 2 : question_end] != b"\0\1":
        raise Odd
    at = message.section(question_end, answers, _ANSWER)
    addresses = message.take_addresses()
    at = message.section(at, authorities, _AUTHORITY)
    at = message.section(at, additionals, _ADDITIONAL)
    if at > len(wire):
        raise Odd
    opt = message.opt
    soa_owner, negative_ttl, serial = message.soa
    answer = Answer(  # by position: keywords take half a microsecond
        _RCODES.get(flags & 0xF, _OTHER) if opt.rcode is _NOERROR else _OTHER,
        tuple(message.aliases),
        addresses,
        tuple(message.name_servers),
        message.take_addresses(),
        soa_owner,
        negative_ttl,
        opt.serial or serial,
        flags & _AA != 0,
        opt.extended_errors,
        opt.nsid,
        opt.subnet_scope,
    )
    return Parsed(answer, question_end, tuple(message.ttl_offsets))


class _Message:
    """One message on its way through the reader; what has another shape makes it raise."""

    def __init__(self, wire: bytes) -> None:
        self.wire = wire
        self._text = wire.translate(LOWERED).decode("latin-1")
        self._labels: dict[int, int] = {}
        self._names: dict[int, DomainName] = {}
        self._v4: list[Address] = []
        self._v6: list[Address] = []
        self.aliases: list[Alias] = []
        self.name_servers: list[NameServerRecord] = []
        self.opt = _NO_OPT
        self.soa: tuple[DomainName | None, int | None, int | None] = (None, None, None)
        self.ttl_offsets: list[int] = []

    def section(self, at: int, count: int, readers: "Mapping[int, _Reader]") -> int:
        wire, names = self.wire, self._names
        for _ in range(count):
            if wire[at] == 0:  # only OPT belongs to the root
                at = self._edns(at, readers)
                continue
            pointer, kind, rdclass, ttl, length = _pointed_record(wire, at)
            owner = names.get(pointer - POINTER)
            at += 2
            if owner is None:
                owner, at = self.name(at - 2)
                kind, rdclass, ttl, length = record(wire, at)
            if rdclass != _IN:
                raise Odd
            self.ttl_offsets.append(at + 4)
            at += 10
            readers[kind](self, owner, ttl if ttl <= _MOST_TTL else 0, at, at + length)
            at += length
        return at

    def name(self, start: int) -> tuple[DomainName, int]:
        """Return the name that starts there, and where it ends."""
        wire, labels = self.wire, self._labels
        before = len(labels)
        at = past_labels(wire, start, labels)
        if at == start:
            return (self._pointed(at), at + 2) if wire[at] else (_ROOT, at + 1)
        text = self._text[start + 1 : at]
        if at - start > MISTAKABLE:
            text = ".".join(self._text[o + 1 : o + 1 + wire[o]] for o in list(labels)[before:])
        if text.count(".") != len(labels) - before - 1:
            raise Odd
        if wire[at]:
            text = f"{text}.{self._pointed(at).text}"
            at += 1
        if len(text) > MAX_NAME or text.count(".") > MOST_DOTS:
            raise Odd
        name = self._names[start] = DomainName(text)
        return name, at + 1

    def take_addresses(self) -> tuple[Address, ...]:
        found = (*self._v4, *self._v6)
        self._v4, self._v6 = [], []
        return found

    def read_a(self, owner: DomainName, ttl: int, at: int, end: int) -> None:
        self._v4.append(Address(owner, _ipv4(self.wire[at:end]), ttl))

    def read_aaaa(self, owner: DomainName, ttl: int, at: int, end: int) -> None:
        self._v6.append(Address(owner, _ipv6(self.wire[at:end]), ttl))

    def read_cname(self, owner: DomainName, ttl: int, at: int, end: int) -> None:
        self.aliases.append(Alias(owner, self._only_name(at, end), ttl))

    def read_ns(self, owner: DomainName, ttl: int, at: int, end: int) -> None:
        self.name_servers.append(NameServerRecord(owner, self._only_name(at, end), ttl))

    def read_soa(self, owner: DomainName, ttl: int, at: int, end: int) -> None:
        _, at = self.name(at)
        _, at = self.name(at)
        serial, _, _, _, minimum = _soa_numbers(self.wire, at)
        if at + 20 != end:
            raise Odd
        if self.soa[0] is None:
            self.soa = (owner, min(ttl, minimum), serial)

    def _only_name(self, at: int, end: int) -> DomainName:
        name, behind = self.name(at)
        if behind != end:
            raise Odd
        return name

    def _pointed(self, at: int) -> DomainName:
        offset = int.from_bytes(self.wire[at : at + 2], "big") - POINTER
        name = self._names.get(offset)
        if name is None:
            start = self._labels[offset]
            text = self._names[start].text[offset - start :]
            name = self._names[offset] = DomainName(text)
        return name

    def _edns(self, at: int, readers: "Mapping[int, _Reader]") -> int:
        kind, _, _, length = record(self.wire, at + 1)
        if kind != OPT or readers is not _ADDITIONAL or self.opt is not _NO_OPT:
            raise Odd
        end: int = at + 11 + length
        self.opt = opt_alone(self.wire[at:end])
        return end


@lru_cache(maxsize=1024)  # a server sends the same one with most of its answers
def opt_alone(record: bytes) -> Answer:
    """Return what dnspython finds in a message that holds nothing else."""
    return answer_of(dns.message.from_wire(_ONE_ADDITIONAL + record))


_ONE_ADDITIONAL = b"\0\0\x80\0" + b"\0\0" * 3 + b"\0\1"
_NO_OPT = Answer(Rcode.NOERROR)
_NOERROR, _OTHER = Rcode.NOERROR, Rcode.OTHER  # reading a member of an Enum takes time
_RCODES = {code.value: code for code in Rcode}
_ROOT = DomainName("")

_ipv4 = lru_cache(maxsize=4096)(dns.ipv4.inet_ntoa)
_ipv6 = lru_cache(maxsize=4096)(dns.ipv6.inet_ntoa)

_Reader: TypeAlias = Callable[[_Message, DomainName, int, int, int], None]
_AUTHORITY: dict[int, _Reader] = {NS: _Message.read_ns, SOA: _Message.read_soa}
_ADDITIONAL: dict[int, _Reader] = {_A: _Message.read_a, _AAAA: _Message.read_aaaa}
_ANSWER = {CNAME: _Message.read_cname, **_AUTHORITY, **_ADDITIONAL}
