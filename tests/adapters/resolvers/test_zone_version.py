"""The serial of a zone, as an authority tells it beside an answer (RFC 9660) or in its SOA."""

import dns.edns
import dns.message
import dns.rrset

from monitor.adapters.resolvers.wire import ZONEVERSION, answer_of, message_of
from monitor.core.answers import Question
from monitor.core.names import DomainName

NAME = DomainName("img.shop.example")


def answered(*options: dns.edns.Option, soa: str = "") -> int | None:
    query = dns.message.make_query(NAME.text, "A", use_edns=0, options=list(options))
    response = dns.message.make_response(query)
    response.use_edns(0, options=list(options))
    if soa:
        response.authority.append(dns.rrset.from_text("shop.example.", 60, "IN", "SOA", soa))
    return answer_of(response).serial


def option(data: bytes) -> dns.edns.Option:
    return dns.edns.GenericOption(str(ZONEVERSION), data)


def test_an_authority_is_asked_for_it_and_a_resolver_is_not() -> None:
    for is_recursive in (True, False):
        message = message_of(Question(NAME, is_recursion_desired=is_recursive))
        asked = [int(o.otype) for o in message.options]
        assert (ZONEVERSION in asked) is not is_recursive


def test_the_zone_version_is_the_serial() -> None:
    assert answered(option(b"\x02\x00" + (2026112401).to_bytes(4, "big"))) == 2026112401


def test_otherwise_it_is_that_of_the_soa() -> None:
    soa = "ns1.shop.example. root.shop.example. 7 3600 600 86400 60"
    assert answered(soa=soa) == 7
    assert answered() is None


def test_a_version_of_another_kind_or_length_is_none() -> None:
    for data in (b"", b"\x02", b"\x02\x01\x00\x00\x00\x01", b"\x02\x00\x00\x01"):
        assert answered(option(data)) is None, data


def test_a_subnet_of_the_question_goes_before_that_of_the_server() -> None:
    message = message_of(Question(NAME, client_subnet="198.51.100.0/24"), "192.0.2.0/24")
    (subnet,) = (o for o in message.options if isinstance(o, dns.edns.ECSOption))
    assert (subnet.address, subnet.srclen) == ("198.51.100.0", 24)
