import ipaddress

import dns.name
import pytest
from dns.edns import EDECode
from dns.rcode import Rcode
from dns.rdatatype import RdataType

from monitor.demo import habits
from monitor.demo.habits import Habit
from monitor.demo.recursion import MAX_HOPS, Asked, Memory, Resolved
from monitor.demo.wire import Subnet
from monitor.demo.zones import Found, RRset, Zone, with_record, without_record
from tests.demo.samples import NEW, OLD, WWW_TTL, Authorities, example, moved, oss

START = 1000.5


class Resolver:
    """A memory with its authorities and a switch between them."""

    def __init__(self, habit: Habit | None = None) -> None:
        self.authorities = Authorities()
        self.is_connected = True
        self.habit = habit or habits.honest()
        self.memory = Memory(self._ask)

    def __call__(
        self, name: str, at: float = 0.0, rdtype: str = "A", subnet: Subnet | None = None
    ) -> Resolved:
        asked = Asked(dns.name.from_text(name), RdataType.make(rdtype), subnet)
        return self.memory.resolve(asked, self.habit, START + at)

    def _ask(self, name: dns.name.Name, rdtype: RdataType, subnet: Subnet | None) -> Found | None:
        return self.authorities(name, rdtype, subnet) if self.is_connected else None

    def change(self, *zones: Zone) -> None:
        self.authorities.zones = list(zones)


def _told(resolved: Resolved) -> list[tuple[str, int, str]]:
    return [
        (rrset.owner.to_text(), rrset.ttl, str(rrset.rdatas[0])) for rrset in resolved.found.answer
    ]


def _ttls(resolved: Resolved) -> list[int]:
    return [rrset.ttl for rrset in (*resolved.found.answer, *resolved.found.authority)]


def test_a_chain_is_resolved_over_zones_and_its_ttls_fall() -> None:
    resolve = Resolver()
    assert _told(resolve("www.example.test")) == [
        ("www.example.test.", 600, OLD),
        (OLD, 120, "203.0.113.1"),
    ]
    assert _ttls(resolve("www.example.test", at=50.9)) == [549, 69]
    assert len(resolve.authorities.asked) == 2


def test_a_fresh_answer_has_its_whole_ttl_whatever_the_clock_shows() -> None:
    at = 7161.012
    assert (START + at + WWW_TTL) - (START + at) < WWW_TTL  # floats are like that
    assert _ttls(Resolver()("www.example.test", at)) == [600, 120]


def test_each_entry_of_a_chain_expires_by_itself() -> None:
    resolve = Resolver()
    resolve("www.example.test")
    assert _ttls(resolve("www.example.test", at=120)) == [480, 120]
    assert [name for name, _, _ in resolve.authorities.asked] == ["www.example.test.", OLD, OLD]


def test_the_old_target_is_told_until_its_ttl_ends_and_never_after() -> None:
    resolve = Resolver()
    resolve("www.example.test")
    resolve.change(moved(example()), oss())
    assert _told(resolve("www.example.test", at=599.99))[0] == ("www.example.test.", 0, OLD)
    assert _told(resolve("www.example.test", at=600))[0] == ("www.example.test.", 600, NEW)


def test_types_are_remembered_apart() -> None:
    resolve = Resolver()
    resolve("plain.example.test")
    resolve("plain.example.test", rdtype="AAAA")
    resolve("plain.example.test", at=10)
    assert [kind for _, kind, _ in resolve.authorities.asked] == ["A", "AAAA"]


def test_a_cname_that_was_asked_for_serves_later_questions_for_addresses() -> None:
    resolve = Resolver()
    resolve("www.example.test", rdtype="CNAME")
    assert _ttls(resolve("www.example.test", at=5)) == [595, 120]


def test_a_missing_name_is_remembered_for_all_types_and_as_long_as_the_soa_says() -> None:
    resolve = Resolver()
    assert resolve("new.example.test").found.rcode == Rcode.NXDOMAIN
    resolve.change(
        with_record(example(), RRset.of("new.example.test", "A", 60, "192.0.2.99")), oss()
    )
    other_type = resolve("new.example.test", at=44, rdtype="TXT")
    assert other_type.found.rcode == Rcode.NXDOMAIN
    assert _ttls(other_type) == [1]
    assert resolve("new.example.test", at=45).found.rcode == Rcode.NOERROR


def test_a_missing_type_is_remembered_for_this_type_alone() -> None:
    resolve = Resolver()
    assert _ttls(resolve("plain.example.test", rdtype="TXT")) == [45]
    assert _ttls(resolve("plain.example.test", rdtype="TXT", at=40)) == [5]
    assert resolve("plain.example.test", at=40).found.answer


def test_a_missing_cname_does_not_hide_the_addresses() -> None:
    resolve = Resolver()
    resolve("plain.example.test")
    assert not resolve("plain.example.test", rdtype="CNAME").found.answer
    assert _ttls(resolve("plain.example.test", at=1)) == [299]


def test_a_chain_to_nowhere_shows_its_cname_and_the_soa() -> None:
    dangling = Resolver()("dangling.example.test")
    assert dangling.found.rcode == Rcode.NXDOMAIN
    assert _told(dangling)[0][0] == "dangling.example.test."
    assert [rrset.rdtype for rrset in dangling.found.authority] == [RdataType.SOA]


def test_a_cname_displaces_the_addresses_that_stood_in_its_place() -> None:
    resolve = Resolver()
    flat = with_record(example(), RRset.of("www.example.test", "A", 9000, "203.0.113.9"))
    resolve.change(flat, oss())
    resolve("www.example.test")
    resolve.change(moved(flat), oss())
    resolve("www.example.test", rdtype="CNAME")
    assert [line[2] for line in _told(resolve("www.example.test", at=1000))] == [
        NEW,
        "203.0.113.2",
    ]


def test_a_ttl_of_zero_is_told_once_and_not_kept() -> None:
    resolve = Resolver()
    resolve.change(with_record(example(), RRset.of("plain.example.test", "A", 0, "192.0.2.1")))
    assert _ttls(resolve("plain.example.test")) == [0]
    assert _ttls(resolve("plain.example.test")) == [0]
    assert len(resolve.authorities.asked) == 2


def test_a_loop_and_a_chain_without_end_come_to_an_end() -> None:
    resolve = Resolver()
    assert len(_told(resolve("loop.example.test"))) == 2
    links = [
        RRset.of(f"n{n}.example.test", "CNAME", 60, f"n{n + 1}.example.test") for n in range(40)
    ]
    resolve.change(Zone.of("example.test", links))
    assert len(_told(resolve("n0.example.test"))) == MAX_HOPS > 16


def test_an_unreachable_authority_is_a_failure_that_says_so() -> None:
    resolve = Resolver()
    resolve.is_connected = False
    failed = resolve("www.example.test")
    assert failed.found.rcode == Rcode.SERVFAIL
    assert failed.errors == (EDECode.NO_REACHABLE_AUTHORITY,)


@pytest.mark.parametrize("name", ["www.child.example.test", "www.elsewhere.test"])
def test_an_authority_that_does_not_know_is_as_good_as_none(name: str) -> None:
    assert Resolver()(name).found.rcode == Rcode.SERVFAIL


def test_an_honest_cache_forgets_even_when_no_authority_is_left() -> None:
    resolve = Resolver()
    resolve("plain.example.test")
    resolve.is_connected = False
    assert resolve("plain.example.test", at=299).found.answer
    assert resolve("plain.example.test", at=300).found.rcode == Rcode.SERVFAIL


def test_a_stale_answer_has_thirty_seconds_and_a_word_of_warning() -> None:
    resolve = Resolver(habits.serve_stale())
    resolve("www.example.test")
    resolve.is_connected = False
    stale = resolve("www.example.test", at=300)
    assert _ttls(stale) == [300, 30]
    assert stale.errors == (EDECode.STALE_ANSWER,)
    assert _ttls(resolve("www.example.test", at=90000)) == [30, 30]
    resolve.is_connected = True
    fresh = resolve("www.example.test", at=90001)
    assert (_ttls(fresh), fresh.errors) == ([600, 120], ())


def test_a_stale_missing_name_has_a_warning_of_its_own() -> None:
    resolve = Resolver(habits.serve_stale())
    resolve("missing.example.test")
    resolve.is_connected = False
    stale = resolve("missing.example.test", at=300)
    assert stale.found.rcode == Rcode.NXDOMAIN
    assert stale.errors == (EDECode.STALE_NXDOMAIN_ANSWER,)


def test_the_last_thing_known_is_what_goes_stale() -> None:
    resolve = Resolver(habits.serve_stale())
    resolve("www.example.test")
    resolve.change(without_record(example(), "www.example.test", "CNAME"))
    assert resolve("www.example.test", at=601).found.rcode == Rcode.NXDOMAIN
    resolve.is_connected = False
    assert resolve("www.example.test", at=9000).found.rcode == Rcode.NXDOMAIN


def test_a_floor_raises_small_ttls_only() -> None:
    resolve = Resolver(habits.ttl_floor(300))
    assert _ttls(resolve("www.example.test")) == [600, 300]
    resolve.change()
    assert _ttls(resolve("www.example.test", at=299)) == [301, 1]


def test_an_override_holds_for_ever_and_leads_on() -> None:
    fixed = [RRset.of("www.example.test", "CNAME", 77, OLD)]
    resolve = Resolver(habits.override(fixed, EDECode.FORGED_ANSWER))
    resolve.change(moved(example()), oss())
    for at in (0, 1_000_000):
        resolved = resolve("www.example.test", at=at)
        assert _told(resolved) == [("www.example.test.", 77, OLD), (OLD, 120, "203.0.113.1")]
        assert resolved.errors == (EDECode.FORGED_ANSWER,)


def test_an_override_has_no_other_types() -> None:
    resolve = Resolver(habits.override([RRset.of("plain.example.test", "A", 5, "192.0.2.66")]))
    other = resolve("plain.example.test", rdtype="AAAA")
    assert (other.found.rcode, other.found.answer) == (Rcode.NOERROR, ())
    assert not resolve.authorities.asked


def test_client_subnets_are_remembered_apart() -> None:
    resolve = Resolver()
    here, there = (ipaddress.ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24"))
    resolve("plain.example.test", subnet=here)
    assert _ttls(resolve("plain.example.test", at=9, subnet=there)) == [300]
    assert _ttls(resolve("plain.example.test", at=9, subnet=here)) == [291]
    assert [subnet for _, _, subnet in resolve.authorities.asked] == [here, there]


def test_a_flushed_cache_asks_again() -> None:
    resolve = Resolver()
    resolve("www.example.test")
    resolve.change(moved(example()), oss())
    resolve.memory.flush()
    assert _told(resolve("www.example.test", at=1))[0][2] == NEW


def test_any_question_gets_something_and_is_not_redirected() -> None:
    assert [line[0] for line in _told(Resolver()("www.example.test", rdtype="ANY"))] == [
        "www.example.test."
    ]
