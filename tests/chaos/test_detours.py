"""What stands between the daemon and its name servers does what it says, and no more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random

import pytest

from monitor.adapters.clock import SystemClock
from monitor.adapters.resolvers.prober import DnsProber, Limits
from monitor.core.answers import Answer, NoAnswer, NoAnswerReason, Outcome, Question
from monitor.core.names import DomainName
from monitor.core.servers import Resolver, Transport
from monitor.demo.landscape import Place
from monitor.demo.ports import free_port
from tests.chaos.detours import Detours
from tests.chaos.garbage import KINDS, Kind, any_of_it, cut_off, instead
from tests.chaos.relay import Relay
from tests.chaos.scene import Scene, open_scene
from tests.chaos.streams import dripping_from, silent
from tests.chaos.weather import CALM, Weather, arrivals
from tests.chaos.world import AT, RIGHT, SmallWorld

NAME = DomainName("www.shop.example")
BRIEF, PATIENT = 0.6, 10.0  # seconds


def test_so_many_datagrams_are_lost_and_the_rest_come_once() -> None:
    rng, half = Random(1), Weather(loss=0.5)
    came = [arrivals(half, rng) for _ in range(1000)]
    assert {*came} == {(), (0.0,)}
    assert 400 < came.count(()) < 600
    assert arrivals(CALM, rng) == (0.0,)


def test_what_is_late_doubled_or_overtaken_still_comes() -> None:
    rng = Random(1)
    assert arrivals(Weather(delay=1.5), rng) == (1.5,)
    assert len(arrivals(Weather(duplication=1.0), rng)) == 2
    assert arrivals(Weather(reordering=1.0), rng) > (0.0,)


@asynccontextmanager
async def relayed() -> AsyncIterator[Relay]:
    """Stand before an honest cache of a small world."""
    async with SmallWorld() as world:
        cache, *_ = world.caches.values()
        async with Relay(Place(AT, free_port([AT])), Random(1)) as relay:
            relay.stand_before(Place(cache.address, cache.port))
            yield relay


async def asked(
    place: Place, timeout: float = PATIENT, transport: Transport = Transport.UDP
) -> Outcome:
    prober = DnsProber(SystemClock(), Limits(timedelta(seconds=timeout), attempts=1))
    resolver = Resolver("r", place.address, place.port, transport, max_qps=1000)
    return (await prober.ask(resolver, Question(NAME))).outcome


@pytest.mark.parametrize("transport", [Transport.UDP, Transport.TCP])
async def test_in_calm_weather_a_relay_is_as_the_server(transport: Transport) -> None:
    async with relayed() as relay:
        outcome = await asked(relay.place, transport=transport)
    assert isinstance(outcome, Answer)
    assert outcome.aliases[0].target == DomainName(RIGHT)


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS.keys())
async def test_no_nonsense_is_an_answer_and_when_it_is_over_there_are_answers(kind: Kind) -> None:
    async with relayed() as relay:
        relay.twist = instead(kind, Random(1))
        outcome = await asked(relay.place, BRIEF)
        assert isinstance(outcome, NoAnswer)
        assert outcome.reason is NoAnswerReason.MALFORMED
        relay.calm()
        assert isinstance(await asked(relay.place), Answer)


@pytest.mark.parametrize("mood", ["drips", "silent"])
async def test_whoever_is_sent_to_tcp_and_waits_there_gives_up_in_time(mood: str) -> None:
    async with relayed() as relay:
        relay.twist = instead(cut_off, Random(1))
        relay.streams.mood = silent if mood == "silent" else dripping_from(relay.server)
        outcome = await asked(relay.place, BRIEF)
        assert relay.streams.accepted == 1
    assert isinstance(outcome, NoAnswer)
    assert outcome.reason is NoAnswerReason.TIMEOUT


async def test_a_flood_hides_no_answer() -> None:
    async with relayed() as relay:
        relay.weather = Weather(delay=0.3)
        asking = asyncio.ensure_future(asked(relay.place))
        flooding = asyncio.ensure_future(relay.flood(2000, 1.0))
        assert isinstance(await asking, Answer)
        await flooding


async def test_a_relay_that_is_closed_is_a_dead_server_until_it_opens_again() -> None:
    async with relayed() as relay:
        await relay.close()
        outcome = await asked(relay.place)
        assert isinstance(outcome, NoAnswer)
        assert outcome.reason is NoAnswerReason.NETWORK_ERROR
        await relay.open()
        assert isinstance(await asked(relay.place), Answer)


async def test_one_resolvers_nonsense_pages_nobody_and_loses_nothing(tmp_path: Path) -> None:
    async with Detours() as detours, open_scene(tmp_path, change=detours.stand_between) as scene:
        with scene.fault():
            detours.resolvers["two"].twist = any_of_it(Random(1))
            await scene.until(partial(_is_unknown, scene, "two"))
            detours.resolvers["two"].calm()
        outcome = await scene.judged()
    assert outcome.kept, outcome
    assert outcome.truth == 0


async def _is_unknown(scene: Scene, resolver: str) -> bool:
    document = (await scene.runner.get(f"api/v1/domains/{NAME.text}")).json()
    said = {answer["resolver"]: answer["in_effect"] for answer in document["answers"]}
    return said[resolver] is None
