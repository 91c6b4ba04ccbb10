import dns.name
import pytest
from dns.rcode import Rcode
from dns.rdatatype import RdataType

from monitor.core.names import DomainName
from monitor.demo.zones import Found, RRset, Zone, lookup, with_record, without_record
from tests.demo.samples import OLD, example, moved, oss

ZONES = (example(), oss())


def _ask(name: str, rdtype: str = "A", zones: tuple[Zone, ...] = ZONES) -> Found:
    return lookup(zones, dns.name.from_text(name), RdataType.make(rdtype))


def _owners(rrsets: tuple[RRset, ...]) -> list[str]:
    return [f"{rrset.owner} {rrset.rdtype.name}" for rrset in rrsets]


def test_a_chain_is_followed_over_all_zones_of_the_server() -> None:
    found = _ask("www.example.test")
    assert _owners(found.answer) == ["www.example.test. CNAME", f"{OLD} A"]
    assert found.rcode == Rcode.NOERROR
    assert found.is_authoritative


def test_a_chain_that_leaves_the_zones_ends_with_its_cname() -> None:
    found = _ask("www.example.test", zones=(example(),))
    assert _owners(found.answer) == ["www.example.test. CNAME"]
    assert found.rcode == Rcode.NOERROR
    assert not found.authority


def test_a_question_for_the_cname_is_not_redirected() -> None:
    assert _owners(_ask("alias.example.test", "CNAME").answer) == ["alias.example.test. CNAME"]


def test_a_name_in_no_zone_is_refused() -> None:
    found = _ask("www.elsewhere.test")
    assert found.rcode == Rcode.REFUSED
    assert not found.is_authoritative


def test_a_missing_name_carries_the_soa_with_the_negative_ttl() -> None:
    found = _ask("missing.example.test")
    assert found.rcode == Rcode.NXDOMAIN
    assert [(rrset.rdtype, rrset.ttl) for rrset in found.authority] == [(RdataType.SOA, 45)]


def test_a_missing_type_is_no_data() -> None:
    found = _ask("plain.example.test", "AAAA")
    assert (found.rcode, found.answer) == (Rcode.NOERROR, ())
    assert _owners(found.authority) == ["example.test. SOA"]


def test_an_empty_non_terminal_exists() -> None:
    assert _ask("deep.example.test").rcode == Rcode.NOERROR
    assert _ask("shallow.example.test").rcode == Rcode.NXDOMAIN


def test_a_dangling_chain_says_that_its_last_name_is_missing() -> None:
    found = _ask("dangling.example.test")
    assert found.rcode == Rcode.NXDOMAIN
    assert _owners(found.answer) == ["dangling.example.test. CNAME"]
    assert _owners(found.authority) == ["example.test. SOA"]


def test_a_wildcard_answers_for_names_that_do_not_exist() -> None:
    assert _owners(_ask("x.y.wild.example.test").answer) == ["x.y.wild.example.test. A"]
    assert _ask("x.wild.example.test", "TXT").rcode == Rcode.NOERROR


def test_a_wildcard_does_not_answer_for_names_that_exist() -> None:
    own = _ask("own.wild.example.test")
    assert (own.rcode, own.answer) == (Rcode.NOERROR, ())
    assert _ask("below.own.wild.example.test").rcode == Rcode.NXDOMAIN


def test_a_wildcard_cname_is_followed() -> None:
    found = _ask("any.also.example.test")
    assert _owners(found.answer) == ["any.also.example.test. CNAME", "plain.example.test. A"]


@pytest.mark.parametrize("name", ["child", "www.child", "ns.child", "a.b.child"])
def test_below_a_delegation_there_is_only_a_referral_with_glue(name: str) -> None:
    found = _ask(f"{name}.example.test")
    assert not found.is_authoritative
    assert not found.answer
    assert _owners(found.authority) == ["child.example.test. NS"]
    assert _owners(found.additional) == ["ns.child.example.test. A", "ns.child.example.test. AAAA"]


def test_a_server_of_parent_and_child_answers_from_the_child() -> None:
    child = Zone.of(
        "child.example.test", [RRset.of("www.child.example.test", "A", 60, "192.0.2.50")]
    )
    found = _ask("www.child.example.test", zones=(example(), child))
    assert found.is_authoritative
    assert _owners(found.answer) == ["www.child.example.test. A"]


def test_a_loop_is_shown_once_around() -> None:
    found = _ask("loop.example.test")
    assert _owners(found.answer) == ["loop.example.test. CNAME", "pool.example.test. CNAME"]


def test_names_match_in_any_letter_case() -> None:
    assert (
        _ask("PLAIN.Example.TEST").answer[0].rdatas == _ask("plain.example.test").answer[0].rdatas
    )


def test_a_change_replaces_the_record_and_raises_the_serial() -> None:
    before, after = example(), moved(example())
    assert (before.serial, after.serial) == (7, 8)
    assert _ask("www.example.test", zones=(before,)) != _ask("www.example.test", zones=(after,))
    assert len(before.rrsets) == len(after.rrsets)


def test_a_serial_turns_around_at_its_end() -> None:
    last = Zone.of("example.test", (), serial=2**32 - 1)
    assert with_record(last, RRset.of("example.test", "A", 60, "192.0.2.1")).serial == 0


def test_a_cname_and_other_records_displace_each_other() -> None:
    flattened = with_record(example(), RRset.of("www.example.test", "A", 60, "203.0.113.9"))
    assert _owners(_ask("www.example.test", zones=(flattened,)).answer) == ["www.example.test. A"]
    again = moved(flattened)
    assert _owners(_ask("www.example.test", zones=(again,)).answer) == ["www.example.test. CNAME"]


def test_a_removed_record_leaves_no_name_behind() -> None:
    without = without_record(example(), DomainName("www.example.test"), "CNAME")
    assert without.serial == 8
    assert _ask("www.example.test", zones=(without,)).rcode == Rcode.NXDOMAIN


def test_a_record_outside_the_zone_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="is not in the zone"):
        Zone.of("example.test", [RRset.of("www.other.test", "A", 60, "192.0.2.1")])
