"""Questions and answers of this project, to and from DNS messages."""

from collections.abc import Iterator
from ipaddress import ip_network
from typing import TypeAlias, TypeVar

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.CNAME
import dns.rdtypes.ANY.NS
import dns.rdtypes.ANY.SOA
import dns.rdtypes.ANY.TXT
import dns.rdtypes.IN.A
import dns.rdtypes.IN.AAAA
import dns.rrset

from monitor.core.answers import (
    Address,
    Alias,
    Answer,
    ExtendedError,
    NameServerRecord,
    Question,
    Rcode,
    Text,
)
from monitor.core.names import DomainName

Section: TypeAlias = list[dns.rrset.RRset]
_R = TypeVar("_R", bound=dns.rdata.Rdata)

# DNS flag day 2020: below every path's fragmentation limit. Also what most resolvers grant.
UDP_PAYLOAD = 1232

ZONEVERSION = 19  # EDNS option code, RFC 9660 §3

LONGEST_TEXT = 200  # characters of a server's free text that are kept


def message_of(
    question: Question, client_subnet: str | None = None, *, use_edns: bool = True
) -> dns.message.QueryMessage:
    """Return the question as a message with a fresh random id.

    With EDNS it asks for the server's name (NSID, RFC 5001), an authority also for its zone's
    version (RFC 9660), and may name a client subnet (RFC 7871); an empty option is the request.
    """
    message = dns.message.make_query(
        dns.name.from_text(question.name.text),
        question.record_type.value,
        use_edns=use_edns,
        payload=UDP_PAYLOAD if use_edns else None,
        options=_options(question, client_subnet) if use_edns else None,
    )
    if not question.is_recursion_desired:
        message.flags &= ~dns.flags.RD
    return message


def answer_of(message: dns.message.Message) -> Answer:
    """Return what a response says, each record where its owner put it."""
    rrsets = message.answer
    soa = next(_records([*message.answer, *message.authority], dns.rdtypes.ANY.SOA.SOA), None)
    return Answer(
        rcode=_rcode(message.rcode()),
        aliases=tuple(
            Alias(owner, _name(record.target), ttl)
            for owner, ttl, record in _records(rrsets, dns.rdtypes.ANY.CNAME.CNAME)
        ),
        addresses=_addresses(rrsets),
        name_servers=tuple(
            NameServerRecord(owner, _name(record.target), ttl)
            for section in (message.answer, message.authority)
            for owner, ttl, record in _records(section, dns.rdtypes.ANY.NS.NS)
        ),
        glue=_addresses(message.additional),
        soa_owner=soa[0] if soa else None,
        negative_ttl=min(soa[1], soa[2].minimum) if soa else None,
        serial=_zone_version(message) or (soa[2].serial if soa else None),
        is_authoritative=bool(message.flags & dns.flags.AA),
        extended_errors=tuple(
            ExtendedError(int(error.code), printable(error.text or ""))
            for error in message.extended_errors()
        ),
        nsid=_nsid(message),
        subnet_scope=_subnet_scope(message),
        texts=tuple(
            Text(owner, printable(b"".join(record.strings).decode("utf-8", "replace")), ttl)
            for owner, ttl, record in _records(rrsets, dns.rdtypes.ANY.TXT.TXT)
        ),
    )


def _options(question: Question, client_subnet: str | None) -> list[dns.edns.Option]:
    options: list[dns.edns.Option] = [dns.edns.NSIDOption(b"")]
    if not question.is_recursion_desired:
        options.append(dns.edns.GenericOption(str(ZONEVERSION), b""))
    if subnet := question.client_subnet or client_subnet:
        network = ip_network(subnet)
        options.append(dns.edns.ECSOption(str(network.network_address), network.prefixlen))
    return options


def _addresses(section: Section) -> tuple[Address, ...]:
    v4 = _records(section, dns.rdtypes.IN.A.A)
    v6 = _records(section, dns.rdtypes.IN.AAAA.AAAA)
    return tuple(
        [Address(owner, record.address, ttl) for owner, ttl, record in v4]
        + [Address(owner, record.address, ttl) for owner, ttl, record in v6]
    )


def _records(
    rrsets: list[dns.rrset.RRset], kind: type[_R]
) -> Iterator[tuple[DomainName, int, _R]]:
    for rrset in rrsets:
        if rrset.rdclass != dns.rdataclass.IN:
            continue
        for record in rrset:
            if isinstance(record, kind):
                yield _name(rrset.name), rrset.ttl, record


def _name(name: dns.name.Name) -> DomainName:
    return DomainName.seen(name.to_text())


def _rcode(code: dns.rcode.Rcode) -> Rcode:
    try:
        return Rcode(int(code))
    except ValueError:
        return Rcode.OTHER


def _nsid(message: dns.message.Message) -> str | None:
    for option in message.options:
        if isinstance(option, dns.edns.NSIDOption):
            text = option.nsid.decode("ascii", "replace")
            return text if text.isprintable() and "�" not in text else option.nsid.hex()
    return None


def _zone_version(message: dns.message.Message) -> int | None:
    """Return the serial of the zone that answered: label count, type 0, and four octets."""
    for option in message.options:
        if int(option.otype) == ZONEVERSION:
            data = option.to_wire() or b""
            if len(data) == 6 and data[1] == 0:
                return int.from_bytes(data[2:], "big")
    return None


def printable(text: str) -> str:
    """Return what is kept of a server's free text.

    It ends up in logs and on terminals, where control characters would act.
    """
    return "".join(c for c in text if c.isprintable())[:LONGEST_TEXT]


def _subnet_scope(message: dns.message.Message) -> int | None:
    scopes = (o.scopelen for o in message.options if isinstance(o, dns.edns.ECSOption))
    return next(scopes, None)
