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
_LONGEST_NAME = 255  # octets, RFC 1035 §3.1
_LETTERS = frozenset(string.ascii_letters.encode())  # no length octet is one: those are below 64
_PLAIN = (string.ascii_lowercase + string.digits + "-_.*").encode()
_LONGEST_LABEL = 63  # octets, RFC 1035 §3.1
_LENGTHS = tuple(bytes((length,)) for length in range(_LONGEST_LABEL + 1))


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


def encoded(question: Question, client_subnet: str | None, *, use_edns: bool = True) -> Encoded:
    """Return the question as `message_of` makes it, less the random id."""
    return _encoded(
        question.name.text,
        question.record_type,
        question.is_recursion_desired,
        question.client_subnet or client_subnet,
        use_edns,
    )


# All resolvers are asked for one name at a time.
@lru_cache(maxsize=1024)
def _encoded(
    name: str,
    record_type: RecordType,
    is_recursion_desired: bool,  # noqa: FBT001 - a cache's key
    client_subnet: str | None,
    use_edns: bool,  # noqa: FBT001
) -> Encoded:
    head, type_and_class, options = _frame(
        record_type, is_recursion_desired, client_subnet, use_edns
    )
    return Encoded(head + name_on_wire(name) + type_and_class + options, len(options))


def in_varied_case(asked: Encoded) -> Encoded:
    """Return the question with each letter of its name in a case by lot.

    A forger has to guess that too (draft-vixie-dnsext-dns0x20).
    """
    start, end = HEADER_END - ID_END, len(asked.query) - asked.options - 4  # 4: type and class
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
    labels = octets.split(b".")
    if (
        octets.translate(None, _PLAIN)
        or b"" in labels
        or len(max(labels, key=len)) > _LONGEST_LABEL
    ):
        return _by_dnspython(text)
    wire = b"".join([_LENGTHS[len(label)] + label for label in labels]) + b"\0"
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


@lru_cache(maxsize=256)
def _frame(
    record_type: RecordType,
    is_recursion_desired: bool,  # noqa: FBT001 - a cache's key
    client_subnet: str | None,
    use_edns: bool,  # noqa: FBT001
) -> tuple[bytes, bytes, bytes]:
    """Return what all such questions have before and behind the name, and behind the class."""
    of_root = Question(DomainName("."), record_type, is_recursion_desired, client_subnet)
    wire = message_of(of_root, use_edns=use_edns).to_wire()
    name_end = HEADER_END + 1
    return wire[ID_END:HEADER_END], wire[name_end : name_end + 4], wire[name_end + 4 :]
