"""What an answer says, in a form that tests compare."""

from collections.abc import Sequence
from dataclasses import dataclass

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rrset


@dataclass(frozen=True, slots=True)
class Told:
    """An answer without what may differ from server to server: order, TTLs, further sections."""

    rcode: str
    targets: tuple[str, ...] = ()
    values: frozenset[str] = frozenset()


def told(answer: dns.message.Message) -> Told:
    """Return the chain and where it ends; of a failure only that it failed.

    Some programs show how far they came before they failed, and others do not.
    """
    if answer.rcode() is dns.rcode.SERVFAIL:
        return Told("SERVFAIL")
    if not isinstance(answer, dns.message.QueryMessage):
        raise TypeError(f"not an answer to a question: {answer}")
    chain = answer.resolve_chaining()
    targets = tuple(str(hop[0].target) for hop in chain.cnames)
    end = chain.answer
    return Told(dns.rcode.to_text(answer.rcode()), targets, values([end] if end else []))


def values(section: Sequence[dns.rrset.RRset]) -> frozenset[str]:
    """Return the data of all records of a section, whatever their names and types."""
    return frozenset(str(rdata) for rrset in section for rdata in rrset)


def has_flag(answer: dns.message.Message, flag: dns.flags.Flag) -> bool:
    return bool(answer.flags & flag)


def is_stale(answer: dns.message.Message) -> bool:
    """True when the answer itself says so (RFC 8914 section 4.4)."""
    return any(error.code is dns.edns.EDECode.STALE_ANSWER for error in answer.extended_errors())
