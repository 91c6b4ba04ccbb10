"""Questions and answers as DNS messages."""

import ipaddress
from dataclasses import dataclass
from typing import TypeAlias

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.rrset
from dns.edns import EDECode, OptionType
from dns.message import Message, QueryMessage
from dns.name import Name
from dns.opcode import Opcode
from dns.rcode import Rcode
from dns.rdataclass import RdataClass
from dns.rdatatype import RdataType

from monitor.core.servers import Transport
from monitor.demo.zones import Found, RRset

Subnet: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network

PAYLOAD = 1232  # DNS flag day 2020: what passes nearly every path without fragments
_PLAIN_PAYLOAD = 512  # RFC 1035 §4.2.1
_HEADER = 12
_TRANSFERS = (RdataType.AXFR, RdataType.IXFR)


@dataclass(frozen=True, slots=True)
class Question:
    """A question that a server can answer."""

    message: QueryMessage
    name: Name
    rdtype: RdataType
    client_subnet: Subnet | None

    @property
    def key(self) -> tuple[str, str]:
        """The name in lower case without the final dot, and the type: what servers count by."""
        return self.name.to_text(omit_final_dot=True).lower(), self.rdtype.name

    @property
    def wants_nsid(self) -> bool:
        return any(option.otype == OptionType.NSID for option in self.message.options)


@dataclass(frozen=True, slots=True)
class Rejected:
    """A message that no zone and no cache is asked for; None where silence is due."""

    reply: bytes | None


@dataclass(frozen=True, slots=True)
class Speaker:
    """How a server presents itself."""

    nsid: str = ""
    is_recursive: bool = False


def read(wire: bytes) -> Question | Rejected:
    """Return the question that a client sent, or the error that the message deserves."""
    try:
        message = dns.message.from_wire(wire)
    except (dns.exception.DNSException, ValueError):
        return Rejected(_format_error(wire))
    if message.flags & dns.flags.QR:
        return Rejected(None)  # answering answers makes loops
    rcode = _objection(message)
    if rcode is not None or not isinstance(message, QueryMessage):
        return Rejected(_short_reply(message, rcode or Rcode.NOTIMP))
    asked = message.question[0]
    return Question(message, asked.name, asked.rdtype, _client_subnet(message))


def reply(
    question: Question, found: Found, speaker: Speaker, errors: tuple[EDECode, ...] = ()
) -> Message:
    """Return the message that says what was found; EDNS answers EDNS only (RFC 6891 §7)."""
    query = question.message
    response = dns.message.make_response(query, recursion_available=speaker.is_recursive)
    response.set_rcode(found.rcode)
    if found.is_authoritative:
        response.flags |= dns.flags.AA
    response.answer = [_rrset(rrset) for rrset in found.answer]
    response.authority = [_rrset(rrset) for rrset in found.authority]
    response.additional = [_rrset(rrset) for rrset in found.additional]
    if query.edns >= 0:
        flags = query.ednsflags & dns.flags.DO | response.ednsflags
        options = _options(question, speaker, errors)
        response.use_edns(0, flags, PAYLOAD, query.payload, options)
    return response


def pack(response: Message, question: Question, transport: Transport) -> bytes:
    """Return the wire of a response, cut short with TC where a datagram cannot hold it."""
    limit = 65535 if transport is Transport.TCP else _datagram_limit(question.message)
    return response.to_wire(max_size=limit, prefer_truncation=True, want_shuffle=False)


def truncated(response: Message) -> Message:
    """Return the response emptied and marked: ask again over TCP (RFC 2181 §9)."""
    response.flags |= dns.flags.TC
    response.answer, response.authority, response.additional = [], [], []
    return response


def _format_error(wire: bytes) -> bytes | None:
    if len(wire) < _HEADER or wire[2] & 0x80:
        return None
    opcode_and_rd = wire[2] & 0x79
    return bytes([*wire[:2], 0x80 | opcode_and_rd, Rcode.FORMERR]) + bytes(_HEADER - 4)


def _objection(message: Message) -> Rcode | None:
    if message.opcode() != Opcode.QUERY:
        return Rcode.NOTIMP
    if len(message.question) != 1:
        return Rcode.FORMERR
    if message.edns > 0:
        return Rcode.BADVERS
    asked = message.question[0]
    if asked.rdclass != RdataClass.IN or asked.rdtype in _TRANSFERS:
        return Rcode.REFUSED
    return None


def _short_reply(message: Message, rcode: Rcode) -> bytes:
    response = Message(message.id)
    response.flags = dns.flags.QR | (message.flags & dns.flags.RD)
    response.set_opcode(message.opcode())
    response.question = list(message.question)
    if message.edns >= 0:
        response.use_edns(0, payload=PAYLOAD)
    response.set_rcode(rcode)
    return response.to_wire()


def _client_subnet(message: Message) -> Subnet | None:
    for option in message.options:
        if isinstance(option, dns.edns.ECSOption):
            return ipaddress.ip_network((option.address, option.srclen), strict=False)
    return None


def _rrset(rrset: RRset) -> dns.rrset.RRset:
    return dns.rrset.from_rdata_list(rrset.owner, rrset.ttl, rrset.rdatas)


def _options(
    question: Question, speaker: Speaker, errors: tuple[EDECode, ...]
) -> list[dns.edns.Option]:
    options: list[dns.edns.Option] = [dns.edns.EDEOption(code) for code in errors]
    if question.wants_nsid and speaker.nsid:
        options.append(dns.edns.NSIDOption(speaker.nsid.encode()))
    if question.client_subnet and speaker.is_recursive:
        # RFC 7871 §7.2.1: the scope says for which clients the answer holds; these caches
        # keep one memory per subnet.
        subnet, length = question.client_subnet, question.client_subnet.prefixlen
        options.append(dns.edns.ECSOption(str(subnet.network_address), length, length))
    return options


def _datagram_limit(query: Message) -> int:
    offered = query.payload if query.edns >= 0 else _PLAIN_PAYLOAD
    return max(_PLAIN_PAYLOAD, min(offered, PAYLOAD))
