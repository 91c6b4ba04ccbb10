import asyncio
from dataclasses import replace
from datetime import timedelta

from monitor.core.answers import Answer, Outcome, Question, Rcode, RecordType, Reply
from monitor.core.names import DomainName
from monitor.core.servers import Authority, Delegation
from monitor.ports import Server
from monitor.usecases.serials import Serials
from tests.core.samples import SILENT
from tests.fakes.clock import FakeClock
from tests.fakes.fake_prober import FakeProber
from tests.usecases.panel import FIXED, NS1, NS2, ZONE

KEEP_FOR = timedelta(seconds=5)
SOA = Question(ZONE, RecordType.SOA, is_recursion_desired=False)


def serial(number: int | None) -> Answer:
    return Answer(Rcode.NOERROR, soa_owner=ZONE, serial=number, is_authoritative=True)


def prober_of(first: Outcome, second: Outcome, clock: FakeClock | None = None) -> FakeProber:
    table = {(NS1.name, SOA): first, (NS2.name, SOA): second}
    return FakeProber(clock or FakeClock(), table)


async def test_each_server_of_the_zone_tells_its_serial() -> None:
    clock = FakeClock()
    prober = prober_of(serial(7), serial(8), clock)
    found = await Serials(prober, KEEP_FOR).of(FIXED, clock.now())
    assert found == {NS1.name: 7, NS2.name: 8}
    assert sorted(prober.asked) == sorted([(NS1.name, SOA), (NS2.name, SOA)])


async def test_a_server_that_tells_none_is_left_out() -> None:
    lame = replace(serial(6), is_authoritative=False)
    for outcome in (SILENT, Answer(Rcode.REFUSED), lame, serial(None)):
        clock = FakeClock()
        serials = Serials(prober_of(serial(7), outcome, clock), KEEP_FOR)
        assert await serials.of(FIXED, clock.now()) == {NS1.name: 7}


async def test_a_serial_of_zero_is_one() -> None:
    clock = FakeClock()
    serials = Serials(prober_of(serial(0), serial(0), clock), KEEP_FOR)
    assert await serials.of(FIXED, clock.now()) == {NS1.name: 0, NS2.name: 0}


async def test_a_zone_is_asked_once_for_a_while_and_then_again() -> None:
    clock = FakeClock()
    prober = prober_of(serial(7), serial(7), clock)
    serials = Serials(prober, KEEP_FOR)
    await serials.of(FIXED, clock.now())
    clock.advance(KEEP_FOR - timedelta(seconds=1))
    prober.answers[NS1.name, SOA] = serial(8)
    assert await serials.of(FIXED, clock.now()) == {NS1.name: 7, NS2.name: 7}
    assert len(prober.asked) == 2
    clock.advance(timedelta(seconds=1))
    assert await serials.of(FIXED, clock.now()) == {NS1.name: 8, NS2.name: 7}
    assert len(prober.asked) == 4


async def test_a_clock_that_was_put_back_does_not_freeze_what_is_known() -> None:
    clock = FakeClock()
    prober = prober_of(serial(7), serial(7), clock)
    serials = Serials(prober, KEEP_FOR)
    await serials.of(FIXED, clock.now())
    clock.advance(-timedelta(hours=1))
    await serials.of(FIXED, clock.now())
    assert len(prober.asked) == 4


async def test_a_server_that_falls_silent_has_no_serial_any_more() -> None:
    clock = FakeClock()
    prober = prober_of(serial(7), serial(7), clock)
    serials = Serials(prober, KEEP_FOR)
    await serials.of(FIXED, clock.now())
    prober.answers[NS2.name, SOA] = SILENT
    clock.advance(KEEP_FOR)
    assert await serials.of(FIXED, clock.now()) == {NS1.name: 7}


async def test_zones_are_told_apart() -> None:
    clock = FakeClock()
    other_zone = DomainName("other.example")
    other = Authority(other_zone, None, NS1.address)
    prober = prober_of(serial(7), serial(7), clock)
    prober.answers[other.name, replace(SOA, name=other_zone)] = serial(99)
    serials = Serials(prober, KEEP_FOR)
    await serials.of(FIXED, clock.now())
    of_other = Delegation(other_zone, None, None, (other,))
    assert await serials.of(of_other, clock.now()) == {other.name: 99}


class SlowProber(FakeProber):
    async def ask(self, server: Server, question: Question) -> Reply:
        await asyncio.sleep(0.001)
        return await super().ask(server, question)


async def test_many_domains_of_one_zone_at_once_cost_one_question_to_each_server() -> None:
    clock = FakeClock()
    prober = SlowProber(clock, {(NS1.name, SOA): serial(7), (NS2.name, SOA): serial(7)})
    serials = Serials(prober, KEEP_FOR)
    found = await asyncio.gather(*(serials.of(FIXED, clock.now()) for _ in range(50)))
    assert len(prober.asked) == 2
    assert all(one == {NS1.name: 7, NS2.name: 7} for one in found)
