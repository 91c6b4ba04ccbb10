from monitor.core.names import DomainName
from monitor.core.state import DomainState, State
from monitor.core.status import DomainStatus
from monitor.usecases.check import Check
from tests.core.samples import BINDING, DOMAIN, RIGHT, START, WRONG, binding
from tests.usecases.panel import NS1, NS2, Bench

OTHER = DomainName("other.shop.example")
LOST = DomainName("lost.elsewhere.example")


def check_of(bench: Bench, abreast: int = 100) -> Check:
    rounds = bench.rounds
    return Check(rounds.panel, rounds.delegator, rounds.policy, bench.clock, abreast)


def state_of(domain: DomainName) -> DomainState:
    return DomainState(domain, binding(domain.text), START)


def ignore() -> None:
    pass


async def test_one_look_is_believed_and_nothing_of_it_is_kept() -> None:
    bench = Bench()
    bench.resolvers_say(WRONG, WRONG)
    bench.authorities_say(WRONG, RIGHT)
    domain = DomainState(DOMAIN, BINDING, START)
    seen = (await check_of(bench).run([domain], ignore)).domains[DOMAIN]
    assert seen.status.value is DomainStatus.BROKEN
    assert seen.resolvers.keys() == {"a", "b"}
    assert seen.authorities.keys() == {NS1.name, NS2.name}
    assert bench.ledger.state == await bench.store.load() == State()


async def test_the_authorities_are_asked_before_any_cache_is() -> None:
    bench = Bench()
    await check_of(bench).run([state_of(DOMAIN)], ignore)
    servers = [server for server, _ in bench.prober.asked]
    assert servers == [NS1.name, NS2.name, "a", "b"]


async def test_what_the_authorities_serve_tells_late_caches_from_a_wrong_record() -> None:
    bench = Bench()
    bench.resolvers_say(RIGHT, WRONG)
    bench.authorities_say(RIGHT, RIGHT)
    seen = await check_of(bench).run([state_of(DOMAIN)], ignore)
    assert seen.domains[DOMAIN].status.value is DomainStatus.PROPAGATING


async def test_resolvers_are_asked_also_where_nobody_knows_the_authorities() -> None:
    bench = Bench()
    seen = (await check_of(bench).run([state_of(LOST)], ignore)).domains[LOST]
    assert seen.resolvers.keys() == {"a", "b"}
    assert seen.authorities == {}


async def test_what_is_paused_is_shown_unasked() -> None:
    bench = Bench()
    wildcard = state_of(DomainName("*.shop.example"))
    disputed = DomainState(DOMAIN, None, START)
    seen = await check_of(bench).run([wildcard, disputed], ignore)
    assert seen.domains == {wildcard.domain: wildcard, DOMAIN: disputed}
    assert bench.prober.asked == []


async def test_every_domain_advances_the_display_by_one() -> None:
    bench, done = Bench(), list[int]()
    domains = [state_of(name) for name in (DOMAIN, OTHER, LOST)]
    seen = await check_of(bench, abreast=2).run(domains, lambda: done.append(len(done)))
    assert seen.domains.keys() == {DOMAIN, OTHER, LOST}
    assert done == [0, 1, 2]


async def test_no_more_domains_are_asked_about_at_a_time_than_were_allowed() -> None:
    bench = Bench()
    await check_of(bench, abreast=1).run([state_of(DOMAIN), state_of(OTHER)], ignore)
    assert [question.name for _, question in bench.prober.asked] == [DOMAIN] * 4 + [OTHER] * 4
