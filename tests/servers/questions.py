"""Questions that tests put to a server directly, not through the daemon."""

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rcode

from tests.servers.endpoints import Endpoint


def ask(
    at: Endpoint,
    name: str,
    rdtype: str = "A",
    *,
    recursive: bool = True,
    payload: int = 1232,
    timeout: float = 5.0,
) -> dns.message.Message:
    """Return the answer over UDP as it came, even one that is cut off."""
    query = question(name, rdtype, recursive=recursive, payload=payload)
    return dns.query.udp(query, at.address, port=at.port, timeout=timeout)


def ask_whole(
    at: Endpoint, name: str, rdtype: str = "A", *, recursive: bool = True, timeout: float = 5.0
) -> dns.message.Message:
    """Return the answer, over TCP where it does not fit a datagram (RFC 7766 section 5)."""
    query = question(name, rdtype, recursive=recursive)
    answer, _ = dns.query.udp_with_fallback(query, at.address, port=at.port, timeout=timeout)
    return answer


def question(
    name: str, rdtype: str = "A", *, recursive: bool = True, payload: int = 1232
) -> dns.message.QueryMessage:
    """Return a question with EDNS, and with RD unless it is meant for an authority."""
    flags = dns.flags.RD if recursive else dns.flags.Flag(0)
    return dns.message.make_query(name, rdtype, use_edns=0, payload=payload, flags=int(flags))


def answers(at: Endpoint, name: str, rdtype: str = "SOA", *, wait: float = 0.05) -> bool:
    """True when anything answers, whatever it says; it never waits longer than `wait`."""
    try:
        ask(at, name, rdtype, recursive=False, timeout=wait)
    except (dns.exception.DNSException, OSError):
        return False
    return True
