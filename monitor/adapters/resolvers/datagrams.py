"""Datagrams to and from one server, and whether one is a response to the question."""

import socket
from dataclasses import dataclass

from monitor.adapters.resolvers.questions import HEADER_END, ID_END
from monitor.adapters.resolvers.reading import Reading
from monitor.core.servers import Transport

LARGEST_DATAGRAM = 4096  # octets; more than three times what we say that we take

_QR = 0x80  # RFC 1035 §4.1.1: a response, in the octet behind the id
_MAY_OMIT_THE_QUESTION = frozenset({1, 2, 4, 5})  # FORMERR, SERVFAIL, NOTIMP, REFUSED


@dataclass(frozen=True, slots=True)
class Response:
    """A response that belongs to the question, and the transport that brought it."""

    wire: bytes
    reading: Reading
    transport: Transport


class Garbled(Exception):
    """The time is up, and all that came were datagrams that do not answer the question."""


def connected(address: tuple[str, int]) -> socket.socket:
    """Return a socket with a port of the kernel's choice, which hears only that address.

    Raises OSError.
    """
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    made = socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
    try:
        made.connect(address)
    except OSError:
        made.close()
        raise
    return made


def is_response(wire: bytes, token: bytes, question: bytes) -> bool:
    """Tell whether the message has our id and repeats our question, octet for octet.

    A server that could not even read it may leave it out (RFC 1035 §4.1.1).
    """
    if len(wire) < HEADER_END or not wire.startswith(token) or not wire[ID_END] & _QR:
        return False
    if wire.startswith(question, HEADER_END):
        return True
    has_no_question = wire[4:6] == b"\0\0"
    return has_no_question and wire[ID_END + 1] & 0xF in _MAY_OMIT_THE_QUESTION
