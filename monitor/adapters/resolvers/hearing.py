"""Read a message that was stored."""

import dns.exception
import dns.flags
import dns.rcode
import dns.rdatatype
import dns.rrset

from monitor.adapters.resolvers.reading import read
from monitor.adapters.resolvers.wire import answer_of
from monitor.core.names import DomainName
from monitor.core.replay import Heard


def heard(wire: bytes) -> Heard | None:
    """Return what was asked and answered; None where the message makes no sense. Never raises."""
    try:
        message = read(wire)
        (asked,) = message.question
        return Heard(
            question=DomainName.seen(asked.name.to_text()),
            is_recursion_desired=bool(message.flags & dns.flags.RD),
            rcode=dns.rcode.to_text(message.rcode()),
            records=_lines(message.answer),
            authority=_lines(message.authority),
            answer=answer_of(message),
        )
    except (dns.exception.DNSException, ValueError):
        return None


def _lines(section: list[dns.rrset.RRset]) -> tuple[str, ...]:
    return tuple(
        f"{rrset.name} {rrset.ttl} {dns.rdatatype.to_text(rrset.rdtype)} {record}"
        for rrset in section
        for record in rrset
    )
