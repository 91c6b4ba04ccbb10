"""Where channels find their hosts: at bootstrap resolvers, in memory, last on this machine."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
import structlog

from monitor.adapters.clock import SystemClock
from monitor.adapters.notifiers.addresses import Addresses
from monitor.adapters.notifiers.line import Place, Terms
from monitor.adapters.notifiers.webhook import WebhookChannel, hook_of
from monitor.adapters.notifiers.workers import Workers
from monitor.adapters.resolvers.prober import DnsProber, Limits
from monitor.core.answers import Address, Answer, Outcome, Question, Rcode, RecordType
from monitor.core.names import DomainName
from monitor.core.servers import Resolver
from monitor.ports import NotDelivered
from tests.contracts.notifier_contract import MESSAGE
from tests.fakes.clock import FakeClock
from tests.fakes.fake_prober import SILENCE, FakeProber
from tests.servers.http_service import Says, http_service
from tests.servers.unbound import Unbound

HOST = "hooks.example.com"
A, B = Resolver("a", "192.0.2.1"), Resolver("b", "192.0.2.2")
DENIAL = Answer(Rcode.NXDOMAIN)


class World:
    """Two resolvers and a machine; the machine knows everybody at 192.0.2.99."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.prober = FakeProber(self.clock)
        self.of_system: list[str] = []
        self.addresses = Addresses(self.prober, (A, B), self.clock, self.system, patience=5.0)

    async def system(self, host: str, port: int) -> Sequence[Place]:
        self.of_system.append(host)
        return [("192.0.2.99", port)]

    def says(self, resolver: Resolver, outcome: Outcome, *, v6: Outcome = DENIAL) -> None:
        for kind, said in ((RecordType.A, outcome), (RecordType.AAAA, v6)):
            self.prober.answers[resolver.name, Question(DomainName(HOST), kind)] = said

    async def found(self, host: str = HOST) -> list[str]:
        places = await self.addresses.find(host, 443)
        assert all(port == 443 for _, port in places)
        return [address for address, _ in places]


def at(*addresses: str, ttl: int = 300) -> Answer:
    name = DomainName(HOST)
    return Answer(Rcode.NOERROR, addresses=tuple(Address(name, a, ttl) for a in addresses))


async def test_a_host_is_where_a_bootstrap_resolver_says_v4_first() -> None:
    world = World()
    world.says(A, at("203.0.113.1", "203.0.113.2"), v6=at("2001:db8::1"))

    assert await world.found() == ["203.0.113.1", "203.0.113.2", "2001:db8::1"]
    assert not world.of_system


async def test_one_resolver_that_knows_is_enough() -> None:
    world = World()
    world.says(A, DENIAL)
    world.says(B, at("203.0.113.1"))

    assert await world.found() == ["203.0.113.1"]


async def test_a_host_is_not_looked_up_again_within_its_ttl() -> None:
    world = World()
    world.says(A, at("203.0.113.1", ttl=300))
    await world.found()
    world.says(A, at("203.0.113.7", ttl=300))

    world.clock.advance(timedelta(seconds=299))
    assert await world.found() == ["203.0.113.1"]
    world.clock.advance(timedelta(seconds=1))
    assert await world.found() == ["203.0.113.7"]


async def test_what_was_known_outlives_its_ttl_when_nobody_answers_and_the_log_says_so() -> None:
    world = World()
    world.says(A, at("203.0.113.1"))
    await world.found()
    world.says(A, SILENCE, v6=SILENCE)
    world.clock.advance(timedelta(days=40))

    with structlog.testing.capture_logs() as lines:
        assert await world.found() == ["203.0.113.1"]
        world.clock.advance(timedelta(hours=1))
        assert await world.found() == ["203.0.113.1"]

    assert [(line["event"], line["host"]) for line in lines] == [("channel.address_kept", HOST)]
    assert not world.of_system


async def test_after_silence_the_resolvers_are_asked_again_soon() -> None:
    world = World()
    world.says(A, at("203.0.113.1"))
    await world.found()
    world.says(A, SILENCE, v6=SILENCE)
    world.clock.advance(timedelta(minutes=6))
    await world.found()
    world.says(A, at("203.0.113.7"))

    world.clock.advance(timedelta(seconds=30))
    assert await world.found() == ["203.0.113.7"]


async def test_with_nothing_known_the_machine_has_the_last_word_and_the_log_says_so() -> None:
    world = World()

    with structlog.testing.capture_logs() as lines:
        assert await world.found() == ["192.0.2.99"]

    assert [(line["event"], line["host"]) for line in lines] == [
        ("channel.address_by_system", HOST)
    ]


async def test_what_all_resolvers_deny_they_are_not_asked_about_each_time() -> None:
    world = World()
    world.says(A, DENIAL)
    world.says(B, DENIAL)
    await world.found()
    asked = len(world.prober.asked)

    world.clock.advance(timedelta(minutes=9))
    assert await world.found() == ["192.0.2.99"]
    assert len(world.prober.asked) == asked
    world.clock.advance(timedelta(minutes=1))
    await world.found()
    assert len(world.prober.asked) > asked


async def test_a_clock_that_was_put_back_does_not_keep_an_address_for_ever() -> None:
    world = World()
    world.says(A, at("203.0.113.1"))
    await world.found()
    world.says(A, at("203.0.113.7"))
    world.clock.advance(-timedelta(days=30))

    assert await world.found() == ["203.0.113.7"]


@pytest.mark.parametrize("host", ["alertmanager", "printer.local", "a_b"])
async def test_what_only_this_machine_can_know_nobody_else_is_asked(host: str) -> None:
    world = World()

    assert await world.found(host) == ["192.0.2.99"]
    assert not world.prober.asked


@pytest.mark.parametrize(
    ("host", "addresses"),
    [
        ("203.0.113.9", ["203.0.113.9"]),
        ("2001:db8::9", ["2001:db8::9"]),
        ("LocalHost", ["127.0.0.1", "::1"]),
    ],
)
async def test_addresses_and_localhost_need_no_lookup(host: str, addresses: list[str]) -> None:
    world = World()

    assert await world.found(host) == addresses
    assert not (world.prober.asked or world.of_system)


async def test_a_channel_reaches_its_service_through_a_real_resolver_and_after_its_end() -> None:
    """The machine's own resolver knows nothing of the name, and is not asked."""

    async def system(host: str, port: int) -> Sequence[Place]:
        raise OSError(f"the machine was asked for {host}")

    record = "hook.example.com. 0 IN A 127.0.0.1"
    with (
        http_service(lambda _: Says(200)) as service,
        Unbound({}, overrides=[record]).running() as (unbound),
    ):
        limits = Limits(timedelta(seconds=1), attempts=2)
        clock = SystemClock()
        prober = DnsProber(clock, limits)
        addresses = Addresses(prober, [unbound.resolver()], clock, system)
        workers = Workers(addresses.find, Terms())
        hook = WebhookChannel(
            "hook", hook_of(f"webhook://hook.example.com:{service.at.port}/"), workers, clock
        )
        unknown = WebhookChannel("unknown", hook_of("webhook://no.example.com/"), workers, clock)

        await hook.send(MESSAGE)
        with pytest.raises(NotDelivered, match=r"no address was found for no\.example\.com"):
            await unknown.send(MESSAGE)
        with unbound.silent():
            clock.follow_wall(timedelta(hours=2))
            await hook.send(MESSAGE)

        assert [seen.headers["Host"] for seen in service.seen] == [
            f"hook.example.com:{service.at.port}"
        ] * 2
