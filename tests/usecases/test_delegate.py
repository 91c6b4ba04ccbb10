from datetime import timedelta

import pytest

from monitor.core.answers import Address, Answer, Outcome, Question, Rcode
from monitor.core.names import DomainName
from monitor.core.servers import Delegation
from monitor.usecases.delegate import DelegationPolicy, Delegator, NotDelegated
from tests.core.samples import DOMAIN, START
from tests.fakes.clock import FakeClock
from tests.fakes.fake_prober import FakeProber
from tests.usecases.panel import FIXED, NS, RESOLVERS, SOA, ZONE, named, of_zone

PARENT = DomainName("example")
ADDRESSES = {"ns1.shop.example": "127.0.0.11", "ns2.shop.example": "127.0.0.12"}
POLICY = DelegationPolicy(RESOLVERS, port=5353)


def answers(at_parent: Outcome | None) -> dict[tuple[str, Question], Outcome]:
    """Return what the first resolver and the parent's server say of the zone."""
    servers = tuple(ADDRESSES)
    known: dict[Question, Outcome] = {
        Question(DOMAIN, SOA): of_zone(ZONE),
        Question(PARENT, SOA): of_zone(PARENT),
        Question(ZONE, NS): named(ZONE, *servers),
        Question(PARENT, NS): named(PARENT, "ns.example"),
        Question(DomainName("ns.example")): _address("ns.example", "127.0.0.9"),
        **{Question(DomainName(n)): _address(n, a) for n, a in ADDRESSES.items()},
    }
    table = {("a", question): outcome for question, outcome in known.items()}
    if at_parent is not None:
        asked = Question(ZONE, NS, is_recursion_desired=False)
        table["ns.example (127.0.0.9:5353)", asked] = at_parent
    return table


def _address(name: str, address: str) -> Answer:
    return Answer(Rcode.NOERROR, addresses=(Address(DomainName(name), address, 60),))


def delegator(table: dict[tuple[str, Question], Outcome]) -> tuple[Delegator, FakeProber]:
    prober = FakeProber(FakeClock(), table)
    return Delegator(prober, POLICY), prober


async def test_servers_are_found_at_the_zone_and_at_its_parent() -> None:
    found, _ = delegator(answers(named(ZONE, *ADDRESSES)))
    delegation = await found.find(DOMAIN, START)
    assert delegation.zone == ZONE
    assert delegation.is_consistent
    assert {a.address for a in delegation.authorities} == set(ADDRESSES.values())
    assert {a.port for a in delegation.authorities} == {5353}


async def test_a_parent_that_names_other_servers_is_a_mismatch() -> None:
    found, _ = delegator(answers(named(ZONE, "ns1.shop.example")))
    assert (await found.find(DOMAIN, START)).is_consistent is False


async def test_a_zone_whose_name_servers_nobody_tells_is_not_a_mismatch() -> None:
    table = answers(named(ZONE, *ADDRESSES))
    del table["a", Question(ZONE, NS)]
    found, _ = delegator(table)
    delegation = await found.find(DOMAIN, START)
    assert (delegation.at_child, delegation.is_consistent) == (None, None)
    assert {a.address for a in delegation.authorities} == set(ADDRESSES.values())


async def test_a_parent_that_cannot_be_asked_is_not_a_mismatch() -> None:
    found, _ = delegator(answers(None))
    delegation = await found.find(DOMAIN, START)
    assert delegation.at_parent is None
    assert delegation.is_consistent is None


async def test_the_next_server_of_the_parent_is_asked_where_the_first_is_silent() -> None:
    table = answers(named(ZONE, *ADDRESSES))
    table["a", Question(PARENT, NS)] = named(PARENT, "dead.example", "ns.example")
    table["a", Question(DomainName("dead.example"))] = _address("dead.example", "127.0.0.8")
    found, prober = delegator(table)
    assert (await found.find(DOMAIN, START)).is_consistent
    asked = Question(ZONE, NS, is_recursion_desired=False)
    assert ("dead.example (127.0.0.8:5353)", asked) in prober.asked


async def test_nobody_stands_above_a_top_level_domain() -> None:
    table = answers(None)
    found, _ = delegator(table)
    delegation = await found.find(PARENT, START)
    assert (delegation.zone, delegation.at_parent) == (PARENT, None)


async def test_behind_a_cname_the_zone_of_the_domain_counts_not_the_targets() -> None:
    table = answers(named(ZONE, *ADDRESSES))
    table["a", Question(DOMAIN, SOA)] = of_zone(DomainName("aliyuncs.com"))
    table["a", Question(ZONE, SOA)] = of_zone(ZONE)
    found, _ = delegator(table)
    assert (await found.find(DOMAIN, START)).zone == ZONE


async def test_another_resolver_is_asked_where_the_first_is_silent() -> None:
    table = {("b", q): o for (name, q), o in answers(None).items() if name == "a"}
    found, _ = delegator(table)
    assert (await found.find(DOMAIN, START)).zone == ZONE


async def test_what_was_found_is_remembered_for_a_quarter_of_an_hour() -> None:
    found, prober = delegator(answers(named(ZONE, *ADDRESSES)))
    first = await found.find(DOMAIN, START)
    prober.asked.clear()
    assert await found.find(DOMAIN, START + timedelta(minutes=14)) == first
    assert prober.asked == []
    await found.find(DOMAIN, START + timedelta(minutes=15))
    assert prober.asked


async def test_what_was_found_stays_when_a_later_search_fails() -> None:
    found, prober = delegator(answers(named(ZONE, *ADDRESSES)))
    first = await found.find(DOMAIN, START)
    prober.answers.clear()
    assert await found.find(DOMAIN, START + timedelta(hours=1)) == first


async def test_a_failure_is_repeated_without_a_search_for_a_minute() -> None:
    found, prober = delegator({})
    with pytest.raises(NotDelegated, match="could name the zone"):
        await found.find(DOMAIN, START)
    prober.asked.clear()
    with pytest.raises(NotDelegated):
        await found.find(DOMAIN, START + timedelta(seconds=59))
    assert prober.asked == []
    prober.answers.update(answers(None))
    assert (await found.find(DOMAIN, START + timedelta(seconds=60))).zone == ZONE


async def test_a_zone_whose_servers_have_no_address_is_a_failure() -> None:
    table = answers(None)
    for name in ADDRESSES:
        del table["a", Question(DomainName(name))]
    found, _ = delegator(table)
    with pytest.raises(NotDelegated, match="no address was found"):
        await found.find(DOMAIN, START)


async def test_the_configuration_overrules_the_search_and_the_nearest_zone_wins() -> None:
    inner = Delegation(DomainName("img.shop.example"), None, frozenset(), FIXED.authorities[:1])
    prober = FakeProber(FakeClock())
    fixed = Delegator(prober, DelegationPolicy(RESOLVERS, (FIXED, inner)))
    assert await fixed.find(DOMAIN, START) == inner
    assert await fixed.find(DomainName("www.shop.example"), START) == FIXED
    assert prober.asked == []
