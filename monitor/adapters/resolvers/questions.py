"""Questions in the form in which they travel, all but the id."""

import os
import string
from dataclasses import dataclass
from functools import lru_cache

import dns.exception
import dns.name

from monitor.adapters.resolvers.wire import message_of
from monitor.core.answers import Question, RecordType
from monitor.core.names import DomainName

ID_END, HEADER_END = 2, 12  # offsets in a message, RFC 1035 §4.1.1
_TYPE_AND_CLASS = 4  # octets, RFC 1035 §4.1.2
_LONGEST_NAME = 255  # octets, RFC 1035 §3.1
_LETTERS = frozenset(string.ascii_letters.encode())  # no length octet is one: those are below 64
_PLAIN = (string.ascii_lowercase + string.digits + "-_.*").encode()
_LONGEST_LABEL = 63  # octets, RFC 1035 §3.1
_LENGTHS = {length: bytes((length,)) for length in range(1, _LONGEST_LABEL + 1)}


class Unaskable(ValueError):
    """A name that no question can hold; the message says why."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A query without its id, of which the last octets are `options`, not the question."""

    query: bytes
    options: int

    @property
    def question(self) -> bytes:
        """The question section, which a response has to repeat."""
        return self.query[HEADER_END - ID_END : len(self.query) - self.options]


@dataclass(frozen=True, slots=True)
class Form:
    """What all questions of one kind have before and behind the name, but for the id.

    The last octets, `options`, are not the question.
    """

    head: bytes
    tail: bytes
    options: int

    def query(self, name: str) -> bytes:
        """Return the question about a name, less the id. Raises Unaskable."""
        return self.head + name_on_wire(name) + self.tail


@lru_cache(maxsize=256)
def form_of(
    record_type: RecordType = RecordType.A,
    is_recursion_desired: bool = True,  # noqa: FBT001, FBT002 - a cache's key
    client_subnet: str | None = None,
    use_edns: bool = True,  # noqa: FBT001, FBT002
) -> Form:
    """Return the form in which `message_of` makes such questions."""
    of_root = Question(DomainName("."), record_type, is_recursion_desired, client_subnet)
    wire = message_of(of_root, use_edns=use_edns).to_wire()
    options = len(wire) - HEADER_END - len(name_on_wire(".")) - _TYPE_AND_CLASS
    return Form(wire[ID_END:HEADER_END], wire[HEADER_END + 1 :], options)


def encoded(question: Question, client_subnet: str | None, *, use_edns: bool = True) -> Encoded:
    """Return the question as `message_of` makes it, less the random id. Raises Unaskable."""
    form = form_of(
        question.record_type,
        question.is_recursion_desired,
        question.client_subnet or client_subnet,
        use_edns,
    )
    return Encoded(form.query(question.name.text), form.options)


def in_varied_case(asked: Encoded) -> Encoded:
    """Return the question with each letter of its name in a case by lot.

    A forger has to guess that too (draft-vixie-dnsext-dns0x20).
    """
    start, end = HEADER_END - ID_END, len(asked.query) - asked.options - _TYPE_AND_CLASS
    name = asked.query[start:end]
    lots = os.urandom(len(name))
    varied = bytes(
        octet ^ 0x20 if lot & 1 and octet in _LETTERS else octet
        for octet, lot in zip(name, lots, strict=True)
    )
    return Encoded(asked.query[:start] + varied + asked.query[end:], asked.options)


def name_on_wire(text: str) -> bytes:
    """Return the uncompressed name (RFC 1035 §3.1). Raises Unaskable for one that is none."""
    if text == ".":
        return b"\0"
    octets = text.encode()
    if octets.translate(None, _PLAIN):
        return _by_dnspython(text)
    try:
        wire = b"".join([_LENGTHS[len(label)] + label for label in octets.split(b".")]) + b"\0"
    except KeyError:  # a label is empty or too long
        return _by_dnspython(text)
    if len(wire) > _LONGEST_NAME:
        raise Unaskable(f"{text!r} cannot be asked for: longer than {_LONGEST_NAME} octets")
    return wire


def _by_dnspython(text: str) -> bytes:
    try:
        wire = dns.name.from_text(text).to_wire()
    except dns.exception.DNSException as error:
        raise Unaskable(f"{text!r} cannot be asked for: {error}") from error
    assert wire is not None, "without a file it is returned"
    return wire
