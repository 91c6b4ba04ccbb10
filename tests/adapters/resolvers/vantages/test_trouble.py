"""What goes wrong between coordinator and workers, and that nothing is lost or made up by it."""

import asyncio
from datetime import timedelta

import nats

from monitor.adapters.resolvers.vantages.broker import BrokerAddress
from monitor.adapters.resolvers.vantages.office import LOST_AFTER
from monitor.core.answers import Answer, NoAnswer, NoAnswerReason, Question
from monitor.core.servers import Resolver
from tests.adapters.resolvers.scripted import HOST, Query, scripted
from tests.adapters.resolvers.vantages.distributed import office, true_soon, worker
from tests.chaos.tap import open_tap
from tests.contracts.sweeper_contract import IMG, RIGHT, WWW, Notes, bound, chain
from tests.contracts.test_sweepers import Told
from tests.servers.endpoints import free_endpoint
from tests.servers.nats import nats_server, nats_server_in
from tests.servers.process import aside, home

AT_ONCE = timedelta()


class Hesitant(Told):
    """Notes what it was asked, and says nothing until it may."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.may_speak = True

    def datagrams(self, query: Query) -> list[bytes]:
        self.asked += 1
        return super().datagrams(query) if self.may_speak else []


def saying_right() -> Hesitant:
    said = Hesitant()
    said.outcomes[IMG.domain.text] = RIGHT
    said.outcomes[WWW.domain.text] = chain(WWW.domain, *[link.target for link in RIGHT.aliases])
    return said


async def test_a_batch_of_a_worker_that_dies_is_taken_over_by_another() -> None:
    said = saying_right()
    said.may_speak = False
    async with (
        aside(nats_server()) as broker,
        scripted(said.datagrams) as server,
        office(address := BrokerAddress(broker.url), ["x"]) as afar,
    ):
        first = afar.hire(worker(address, "x", "first"))
        resolver = Resolver("r", HOST, server.port, max_qps=1e4, vantage="x")
        notes = Notes()
        sweeper = afar.sweeper(timeout=30)
        sweeping = asyncio.ensure_future(sweeper.sweep((IMG,), (resolver,), AT_ONCE, notes))
        await true_soon(lambda: said.asked)
        first.cancel()
        said.may_speak = True
        afar.hire(worker(address, "x", "second"))
        await asyncio.wait_for(sweeping, LOST_AFTER)
        assert notes.news() == {(IMG.domain, "r"): RIGHT}
        assert afar.seen.counts["x", "answered"] == 1


async def test_a_broker_that_is_away_for_a_while_loses_nothing() -> None:
    said, at = saying_right(), free_endpoint()
    said.may_speak = False
    with home("nats") as folder:
        async with scripted(said.datagrams) as server:
            stack = aside(nats_server_in(folder, at))
            broker = await stack.__aenter__()
            address = BrokerAddress(broker.url)
            async with office(address, ["x"]) as afar:
                afar.hire(worker(address, "x"))
                resolver = Resolver("r", HOST, server.port, max_qps=1e4, vantage="x")
                notes, sweeper = Notes(), afar.sweeper(timeout=10)
                sweeping = asyncio.ensure_future(
                    sweeper.sweep((IMG,), (resolver,), AT_ONCE, notes)
                )
                await true_soon(lambda: said.asked)
                broker.process.child.kill()
                await stack.__aexit__(None, None, None)
                said.may_speak = True
                async with aside(nats_server_in(folder, at)):
                    await asyncio.wait_for(sweeping, 60)
                    assert notes.news() == {(IMG.domain, "r"): RIGHT}


async def test_a_broker_that_lost_all_it_kept_gets_its_streams_again() -> None:
    said, at = saying_right(), free_endpoint()
    async with scripted(said.datagrams) as server:
        stack = aside(nats_server(at=at))
        broker = await stack.__aenter__()
        address = BrokerAddress(broker.url)
        async with office(address, ["x"]) as afar:
            afar.hire(worker(address, "x"))
            resolver = Resolver("r", HOST, server.port, vantage="x")
            prober = afar.prober(timeout=2)
            assert (await prober.ask(resolver, Question(IMG.domain))).outcome == RIGHT
            await stack.__aexit__(None, None, None)
            async with aside(nats_server(at=at)):  # on a store directory of its own
                async with asyncio.timeout(60):
                    while (await prober.ask(resolver, Question(IMG.domain))).outcome != RIGHT:
                        continue  # each question waits for a while by itself


async def test_a_worker_whose_connection_the_broker_ends_comes_back() -> None:
    said = saying_right()
    async with (
        aside(nats_server()) as broker,
        open_tap(broker.at) as tap,
        scripted(said.datagrams) as server,
        office(BrokerAddress(broker.url), ["x"]) as afar,
    ):
        afar.hire(worker(BrokerAddress(f"nats://{tap.at}"), "x"))
        resolver, prober = Resolver("r", HOST, server.port, vantage="x"), afar.prober(timeout=2)
        assert (await prober.ask(resolver, Question(IMG.domain))).outcome == RIGHT
        tap.say(b"-ERR 'maximum connections exceeded'\r\n")
        await true_soon(lambda: not tap.clients)
        await true_soon(lambda: tap.clients)
        assert (await prober.ask(resolver, Question(IMG.domain))).outcome == RIGHT


async def test_without_a_worker_every_answer_is_missing_and_none_is_made_up() -> None:
    nobody = NoAnswer(NoAnswerReason.NO_VANTAGE, "no worker at x")
    async with (
        aside(nats_server()) as broker,
        office(BrokerAddress(broker.url), ["x"]) as afar,
    ):
        resolver = Resolver("r", HOST, 9, vantage="x")
        notes, sweeper = Notes(), afar.sweeper()
        await sweeper.sweep((IMG, WWW), (resolver,), AT_ONCE, notes)
        assert notes.news() == dict.fromkeys([(IMG.domain, "r"), (WWW.domain, "r")], nobody)
        await sweeper.sweep((IMG, WWW), (resolver,), AT_ONCE, notes)
        assert notes.news() == {}, "it is known by now"
        reply = await afar.prober().ask(resolver, Question(IMG.domain))
        assert reply.outcome == nobody


async def test_a_worker_that_is_gone_ends_what_waits_for_it() -> None:
    said = saying_right()
    said.may_speak = False
    async with (
        aside(nats_server()) as broker,
        scripted(said.datagrams) as server,
        office(address := BrokerAddress(broker.url), ["x"]) as afar,
    ):
        only = afar.hire(worker(address, "x"))
        resolver = Resolver("r", HOST, server.port, vantage="x")
        asking = asyncio.ensure_future(afar.prober(timeout=60).ask(resolver, Question(IMG.domain)))
        await true_soon(lambda: said.asked)
        only.cancel()
        reply = await asyncio.wait_for(asking, LOST_AFTER + 5)
        assert isinstance(reply.outcome, NoAnswer)
        assert reply.outcome.reason is NoAnswerReason.NO_VANTAGE
        assert afar.seen.seen["x"] == (0, 0)


async def test_a_queue_that_is_full_holds_back_who_puts_in() -> None:
    said = saying_right()
    names = [bound(f"n{number}.shop.example") for number in range(24)]
    for binding in names:
        said.outcomes[binding.domain.text] = chain(binding.domain, IMG.domain)
    async with (
        aside(nats_server()) as broker,
        scripted(said.datagrams) as server,
        office(address := BrokerAddress(broker.url), ["x"]) as afar,
    ):
        await true_soon(lambda: afar.office.is_connected)
        client = await nats.connect(broker.url)
        jobs = client.jetstream()
        info = await jobs.stream_info("OCM_JOBS_x")
        await jobs.update_stream(info.config.evolve(max_bytes=900))
        afar.hire(worker(address, "x"))
        resolver = Resolver("r", HOST, server.port, max_qps=1.6, vantage="x")  # batches are small
        notes = Notes()
        await afar.sweeper().sweep(names, (resolver,), AT_ONCE, notes)
        await client.close()
        assert len(notes.news()) == len(names)
        assert afar.seen.counts["x", "held_back"] > 0


async def test_a_worker_of_another_release_is_counted_apart_and_its_clock_is_shown() -> None:
    async with (
        aside(nats_server()) as broker,
        office(address := BrokerAddress(broker.url), ["x"]) as afar,
    ):
        afar.hire(worker(address, "x", "new"))
        afar.hire(worker(address, "x", "old", release="0.9"))
        await true_soon(lambda: afar.seen.seen.get("x") == (1, 1))
        assert abs(afar.seen.skews["x"]) < 5


async def test_an_urgent_question_does_not_wait_behind_a_sweep() -> None:
    said = saying_right()
    async with (
        aside(nats_server()) as broker,
        scripted(said.datagrams) as server,
        office(address := BrokerAddress(broker.url), ["x"]) as afar,
    ):
        afar.hire(worker(address, "x"))
        slow = Resolver("slow", HOST, server.port, max_qps=1.0, vantage="x")
        quick = Resolver("quick", HOST, server.port, max_qps=1e4, vantage="x")
        names = [bound(f"n{number}.shop.example") for number in range(20)]
        sweeping = asyncio.ensure_future(afar.sweeper().sweep(names, (slow,), AT_ONCE, Notes()))
        await true_soon(lambda: said.asked)
        reply = await asyncio.wait_for(afar.prober().ask(quick, Question(IMG.domain)), 3)
        assert isinstance(reply.outcome, Answer)
        assert not sweeping.done()
        sweeping.cancel()
