from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from random import Random

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.query
import pytest
import pytest_asyncio
from dns.edns import ECSOption, EDECode
from dns.message import Message
from dns.rcode import Rcode
from dns.rdatatype import RdataType

from monitor.core.servers import Transport
from monitor.demo import habits
from monitor.demo.caches import Cache
from monitor.demo.habits import Habit
from monitor.demo.ports import free_port
from monitor.demo.zones import RRset
from tests.demo.questions import ask, errors, lines, nsid, question
from tests.demo.samples import NEW, OLD, Authorities, Clock, example, moved, oss

HERE = "127.0.0.1"
WWW = "www.example.test"


class World:
    """Caches with the same clock and the same authorities."""

    def __init__(self, running: AsyncExitStack) -> None:
        self.authorities = Authorities()
        self.clock = Clock()
        self._running = running

    async def cache(self, habit: Habit) -> Cache:
        place = (HERE, free_port([HERE]))
        cache = Cache(*place, habit, self.authorities, nsid="lab", rng=Random(3), clock=self.clock)
        return await self._running.enter_async_context(cache)

    def move_www(self) -> None:
        self.authorities.zones = [moved(example()), oss()]


@pytest_asyncio.fixture
async def world() -> AsyncIterator[World]:
    async with AsyncExitStack() as running:
        yield World(running)


def _first_hop(answer: Message) -> tuple[str, int]:
    cname = next(rrset for rrset in answer.answer if rrset.rdtype == RdataType.CNAME)
    return str(cname[0]), cname.ttl


async def test_an_honest_cache_counts_down_and_then_asks_again(world: World) -> None:
    cache = await world.cache(habits.honest())
    answer = await ask(cache, WWW)
    assert lines(answer.answer) == [
        f"www.example.test. 600 CNAME {OLD}",
        f"{OLD} 120 A 203.0.113.1",
    ]
    assert answer.flags & dns.flags.RA
    assert not answer.flags & dns.flags.AA
    world.move_www()
    world.clock.now += 599
    assert _first_hop(await ask(cache, WWW)) == (OLD, 1)
    world.clock.now += 1
    assert _first_hop(await ask(cache, WWW)) == (NEW, 600)


async def test_a_cache_says_what_it_is_asked_and_who_it_is(world: World) -> None:
    cache = await world.cache(habits.honest())
    answer = await ask(cache, "wWw.ExAmPlE.tEsT")
    await ask(cache, WWW, Transport.TCP)
    assert answer.question[0].name.to_text() == "wWw.ExAmPlE.tEsT."
    assert nsid(answer) == "lab"
    assert cache.queries[WWW, "A"] == 2


async def test_a_negative_answer_is_counted_down_too(world: World) -> None:
    cache = await world.cache(habits.honest())
    await ask(cache, "missing.example.test")
    world.clock.now += 40
    answer = await ask(cache, "missing.example.test")
    assert answer.rcode() == Rcode.NXDOMAIN
    assert [rrset.ttl for rrset in answer.authority] == [5]


async def test_a_pool_answers_from_several_caches(world: World) -> None:
    cache = await world.cache(habits.pool(3))
    seen: Counter[tuple[str | None, int]] = Counter()
    for _ in range(30):
        answer = await ask(cache, WWW)
        seen[nsid(answer), _first_hop(answer)[1]] += 1
        world.clock.now += 1
    # Each cache was filled at a moment of its own: expiry tells them apart as well as NSID.
    assert {name for name, _ in seen} == {"lab-1", "lab-2", "lab-3"}
    asked = [name for name, _, _ in world.authorities.asked if name == f"{WWW}."]
    assert len(asked) == 3


async def test_a_pool_shows_old_and_new_until_its_last_cache_forgets(world: World) -> None:
    cache = await world.cache(habits.pool(2))
    for _ in range(5):
        await ask(cache, WWW)
        world.clock.now += 100
    world.move_www()
    world.clock.now = 5000.25 + 600
    assert {_first_hop(await ask(cache, WWW))[0] for _ in range(20)} == {OLD, NEW}
    world.clock.now += 600
    assert {_first_hop(await ask(cache, WWW))[0] for _ in range(20)} == {NEW}


async def test_a_floor_keeps_answers_longer_than_they_should_be(world: World) -> None:
    cache = await world.cache(habits.ttl_floor(86400))
    await ask(cache, WWW)
    world.move_www()
    world.clock.now += 3600
    assert _first_hop(await ask(cache, WWW)) == (OLD, 82800)


async def test_a_cut_off_cache_serves_stale_or_fails_by_its_habit(world: World) -> None:
    stale, honest = await world.cache(habits.serve_stale()), await world.cache(habits.honest())
    for cache in (stale, honest):
        await ask(cache, WWW)
        cache.upstream_reachable = False
    world.clock.now += 700
    kept, failed = await ask(stale, WWW), await ask(honest, WWW)
    assert _first_hop(kept) == (OLD, 30)
    assert errors(kept) == [EDECode.STALE_ANSWER]
    assert failed.rcode() == Rcode.SERVFAIL
    assert errors(failed) == [EDECode.NO_REACHABLE_AUTHORITY]
    stale.upstream_reachable = True
    assert errors(await ask(stale, WWW)) == []


async def test_an_override_answers_the_same_for_ever(world: World) -> None:
    fixed = [RRset.of(WWW, "A", 60, "198.51.100.66")]
    cache = await world.cache(habits.override(fixed, EDECode.FILTERED))
    for _ in range(2):
        answer = await ask(cache, WWW)
        assert lines(answer.answer) == ["www.example.test. 60 A 198.51.100.66"]
        assert errors(answer) == [EDECode.FILTERED]
        world.clock.now += 45


@pytest.mark.parametrize(
    ("habit", "rcode", "codes"),
    [
        (habits.refusing(), Rcode.REFUSED, []),
        (habits.refusing(EDECode.PROHIBITED), Rcode.REFUSED, [18]),
        (habits.servfail(), Rcode.SERVFAIL, [22]),
        (habits.rate_limited(), Rcode.REFUSED, [31]),
    ],
    ids=["refusing", "prohibiting", "servfail", "rate limited"],
)
async def test_a_failing_server_says_why_to_those_who_speak_edns(
    world: World, habit: Habit, rcode: Rcode, codes: list[int]
) -> None:
    cache = await world.cache(habit)
    with_edns = await ask(cache, WWW)
    without = await ask(cache, question(WWW, payload=0))
    assert (with_edns.rcode(), errors(with_edns)) == (rcode, codes)
    assert (without.rcode(), without.edns) == (rcode, -1)
    assert not world.authorities.asked


@pytest.mark.parametrize(
    ("habit", "fault"),
    [
        (habits.garbage(), dns.exception.DNSException),
        (habits.wrong_id(), dns.query.BadResponse),
        (habits.wrong_question(), dns.query.BadResponse),
    ],
    ids=["garbage", "wrong id", "wrong question"],
)
@pytest.mark.parametrize("transport", [Transport.UDP, Transport.TCP])
async def test_a_client_sees_through_answers_that_are_none(
    world: World, habit: Habit, fault: type[Exception], transport: Transport
) -> None:
    cache = await world.cache(habit)
    with pytest.raises(fault):
        await ask(cache, WWW, transport)


async def test_a_dead_server_reads_and_never_answers(world: World) -> None:
    cache = await world.cache(habits.dead())
    with pytest.raises(dns.exception.Timeout):
        await dns.asyncquery.udp(question(WWW), HERE, timeout=0.2, port=cache.port)
    assert cache.queries[WWW, "A"] == 1


async def test_a_truncating_server_sends_everybody_to_tcp(world: World) -> None:
    cache = await world.cache(habits.truncating())
    short, whole = await ask(cache, WWW), await ask(cache, WWW, Transport.TCP)
    assert (bool(short.flags & dns.flags.TC), short.answer) == (True, [])
    assert not whole.flags & dns.flags.TC
    assert _first_hop(whole)[0] == OLD


async def test_a_slow_server_answers_later_and_serves_others_meanwhile(world: World) -> None:
    cache = await world.cache(habits.slow(timedelta(seconds=0.3)))
    with pytest.raises(dns.exception.Timeout):
        await dns.asyncquery.udp(question(WWW), HERE, timeout=0.1, port=cache.port)
    assert _first_hop(await ask(cache, WWW))[0] == OLD


async def test_a_shuffling_server_puts_addresses_before_the_cnames(world: World) -> None:
    cache = await world.cache(habits.shuffled())
    orders: set[tuple[str, ...]] = set()
    for _ in range(40):
        answer = await ask(cache, "alias.example.test")
        orders.add(tuple(line.split()[-1] for line in lines(answer.answer)))
        assert answer.answer[0].rdtype == RdataType.A
        assert isinstance(answer, dns.message.QueryMessage)
        assert str(answer.resolve_chaining().canonical_name) == "plain.example.test."
    # Two addresses in either order, then two CNAMEs in either order.
    assert len(orders) == 4


async def test_a_client_subnet_reaches_the_authority_and_comes_back_with_its_scope(
    world: World,
) -> None:
    cache = await world.cache(habits.honest())
    answer = await ask(cache, question(WWW, "A", ECSOption("192.0.2.77", 24)))
    assert {str(subnet) for _, _, subnet in world.authorities.asked} == {"192.0.2.0/24"}
    (echoed,) = (option for option in answer.options if isinstance(option, ECSOption))
    assert (echoed.address, echoed.srclen, echoed.scopelen) == ("192.0.2.0", 24, 24)


async def test_a_flushed_pool_forgets_everywhere(world: World) -> None:
    cache = await world.cache(habits.pool(4))
    for _ in range(20):
        await ask(cache, WWW)
    world.move_www()
    cache.flush()
    assert {_first_hop(await ask(cache, WWW))[0] for _ in range(20)} == {NEW}


async def test_a_habit_can_be_exchanged_while_the_server_runs(world: World) -> None:
    cache = await world.cache(habits.honest())
    await ask(cache, WWW)
    cache.habit = replace(cache.habit, serves_stale=True)
    cache.upstream_reachable = False
    world.clock.now += 601
    assert errors(await ask(cache, WWW)) == [EDECode.STALE_ANSWER]
