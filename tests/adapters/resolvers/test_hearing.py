import dns.flags
import dns.message
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.adapters.resolvers.hearing import heard
from monitor.core.names import DomainName
from tests.core.properties import REPEATABLE


def wire(*, to_authority: bool = False) -> bytes:
    message = dns.message.make_response(dns.message.make_query("IMG.shop.example.", "A"))
    message.answer = [
        dns.rrset.from_text("img.shop.example.", 60, "IN", "CNAME", "a.example."),
        dns.rrset.from_text("a.example.", 5, "IN", "A", "192.0.2.1", "192.0.2.2"),
    ]
    soa = "ns.shop.example. who.shop.example. 1 2 3 4 5"
    message.authority = [dns.rrset.from_text("shop.example.", 300, "IN", "SOA", soa)]
    if to_authority:
        message.flags &= ~dns.flags.RD
    return message.to_wire()


def test_a_stored_message_tells_what_was_asked_and_answered() -> None:
    found = heard(wire())
    assert found is not None
    assert found.question == DomainName("img.shop.example")
    assert found.rcode == "NOERROR"
    first, *rest = found.records
    assert first.lower() == "img.shop.example. 60 cname a.example."
    assert sorted(rest) == ["a.example. 5 A 192.0.2.1", "a.example. 5 A 192.0.2.2"]
    assert found.authority == (
        "shop.example. 300 SOA ns.shop.example. who.shop.example. 1 2 3 4 5",
    )
    assert [alias.target.text for alias in found.answer.aliases] == ["a.example"]


@pytest.mark.parametrize("to_authority", [True, False])
def test_whether_recursion_was_asked_for_is_told_by_the_message(to_authority: bool) -> None:
    found = heard(wire(to_authority=to_authority))
    assert found is not None
    assert found.is_recursion_desired is not to_authority


@pytest.mark.parametrize("odd", [b"", b"\0", b"\0" * 12, b"no DNS at all"])
def test_what_makes_no_sense_is_not_heard(odd: bytes) -> None:
    assert heard(odd) is None


@REPEATABLE
@given(st.binary(max_size=100), st.integers(0, 200))
def test_nothing_is_too_odd_to_be_read(octets: bytes, at: int) -> None:
    whole = wire()
    heard(octets)
    heard(whole[:at] + octets + whole[at + 1 :])
