from monitor.core.answers import Answer, Rcode, Text
from monitor.core.names import DomainName
from monitor.core.ownership import CnameToken, Proof
from monitor.usecases.delegate import DelegationPolicy, Delegator
from monitor.usecases.prove import Prove
from tests.fakes.clock import FakeClock
from tests.fakes.fake_prober import FakeProber
from tests.usecases.panel import FIXED, NS1, NS2, RESOLVERS, ZONE

TOKEN = CnameToken(DomainName("img.shop.example"), "photos", "shop", "be1d49d863dea9ff")
HAS_IT = Answer(Rcode.NOERROR, texts=(Text(TOKEN.owner, TOKEN.value, 60),), is_authoritative=True)
HAS_NONE = Answer(Rcode.NXDOMAIN, soa_owner=ZONE, negative_ttl=45, is_authoritative=True)


def proving(prober: FakeProber, clock: FakeClock, *, is_delegated: bool = True) -> Prove:
    policy = DelegationPolicy(RESOLVERS, (FIXED,) if is_delegated else ())
    return Prove(prober, RESOLVERS, Delegator(prober, policy), clock)


def table(prober: FakeProber, ns1: Answer, ns2: Answer, resolvers: Answer) -> None:
    iterative = TOKEN.question(is_recursion_desired=False)
    recursive = TOKEN.question(is_recursion_desired=True)
    prober.answers |= {(NS1.name, iterative): ns1, (NS2.name, iterative): ns2}
    prober.answers |= {(resolver.name, recursive): resolvers for resolver in RESOLVERS}


async def test_while_no_authority_has_the_record_no_resolver_learns_that_there_is_none() -> None:
    clock = FakeClock()
    prober = FakeProber(clock)
    table(prober, HAS_NONE, HAS_NONE, HAS_NONE)
    sights = await proving(prober, clock).look(TOKEN)
    assert (sights.zone, sights.resolvers) == (ZONE, ())
    assert [sight.proof for sight in sights.authorities] == [Proof.ABSENT, Proof.ABSENT]
    assert {server for server, _ in prober.asked} == {NS1.name, NS2.name}


async def test_once_an_authority_has_it_everybody_is_asked() -> None:
    clock = FakeClock()
    prober = FakeProber(clock)
    table(prober, HAS_IT, HAS_NONE, HAS_IT)
    sights = await proving(prober, clock).look(TOKEN)
    assert [sight.proof for sight in sights.resolvers] == [Proof.VISIBLE, Proof.VISIBLE]
    assert sights.is_visible is False
    table(prober, HAS_IT, HAS_IT, HAS_IT)
    assert (await proving(prober, clock).look(TOKEN)).is_visible is True


async def test_where_no_authority_is_found_the_resolvers_are_asked_all_the_same() -> None:
    clock = FakeClock()
    prober = FakeProber(clock)
    table(prober, HAS_IT, HAS_IT, HAS_IT)
    sights = await proving(prober, clock, is_delegated=False).look(TOKEN)
    assert (sights.zone, sights.authorities) == (None, ())
    assert sights.is_visible is True
