"""Ports that questions share: who may, for how long, and what one does to the others."""

import asyncio
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pytest

from monitor.adapters.resolvers.datagrams import Garbled, Response
from monitor.adapters.resolvers.questions import Encoded, encoded
from monitor.adapters.resolvers.sharing import SharedPorts, Unmatched
from monitor.core.answers import Question, Rcode
from monitor.core.names import DomainName
from monitor.demo.ports import free_port
from tests.adapters.resolvers.scripted import HOST, Query, Server, scripted

LONG, SHORT = 20.0, 0.1  # seconds


def question(number: int) -> Encoded:
    return encoded(Question(DomainName(f"img-{number}.shop.example")), None)


def ports_to(port: int, timeout: float = LONG) -> SharedPorts:
    return SharedPorts((HOST, port), timeout, varies_case=False)


def silence(_: Query) -> Iterable[bytes]:
    return ()


def at_once(query: Query) -> Iterable[bytes]:
    yield query.answered()


def open_files() -> int:
    return len(list(Path("/dev/fd").iterdir()))


async def answered(server: Server, asking: "Iterable[asyncio.Task[Response]]") -> None:
    """Answer all at last, the last one first."""
    for query in reversed(server.queries):
        server.send(query.answered(), query.port)
    await asyncio.gather(*asking)


async def test_questions_that_are_under_way_together_share_a_few_ports() -> None:
    async with scripted(silence) as server, asyncio.TaskGroup() as group:
        ports, opened = ports_to(server.port), open_files()
        asking = [group.create_task(ports.ask(question(n))) for n in range(16)]
        await server.has_heard(16)
        assert sorted(Counter(query.port for query in server.queries).values()) == [8, 8]
        assert len({(query.port, query.id) for query in server.queries}) == 16
        await answered(server, asking)
        assert open_files() == opened


async def test_no_question_leaves_a_port_twice() -> None:
    async with scripted(silence) as server, asyncio.TaskGroup() as group:
        ports = ports_to(server.port)
        asking = [group.create_task(ports.ask(question(0))) for _ in range(5)]
        await server.has_heard(5)
        assert len({query.port for query in server.queries}) == 5
        await answered(server, asking)


async def test_a_port_is_not_used_again_once_nobody_waits() -> None:
    async with scripted(at_once) as server:
        ports = ports_to(server.port)
        for number in range(5):
            await ports.ask(question(number))
    assert len({query.port for query in server.queries}) == 5


async def test_each_question_gets_its_own_answer_in_whatever_order_they_come() -> None:
    async with scripted(silence) as server, asyncio.TaskGroup() as group:
        ports = ports_to(server.port)
        asking = [group.create_task(ports.ask(question(n))) for n in range(8)]
        await server.has_heard(8)
        await answered(server, asking)
    for number, task in enumerate(asking):
        assert question(number).question in task.result().wire


async def test_an_answer_with_the_id_of_another_question_is_none() -> None:
    async with scripted(silence) as server:
        ports = ports_to(server.port, SHORT)
        asking = [asyncio.ensure_future(ports.ask(question(n))) for n in range(2)]
        await server.has_heard(2)
        first, second = server.queries
        server.send(first.wire[:2] + second.answered()[2:], first.port)
        server.send(second.wire[:2] + first.answered()[2:], second.port)
        found = await asyncio.gather(*asking, return_exceptions=True)
    assert [type(error) for error in found] == [Garbled, Garbled]


async def test_an_answer_to_a_question_given_up_is_not_held_against_the_others() -> None:
    async with scripted(silence) as server:
        ports = ports_to(server.port, SHORT)
        given_up, waiting = (asyncio.ensure_future(ports.ask(question(n))) for n in range(2))
        await server.has_heard(2)
        given_up.cancel()
        await asyncio.wait([given_up])
        server.send(server.queries[0].answered(), server.queries[0].port)
        with pytest.raises(TimeoutError):
            await waiting
    assert server.queries[0].port == server.queries[1].port


async def test_when_nobody_listens_all_who_share_the_port_are_told_at_once() -> None:
    ports = ports_to(free_port([HOST]))
    found = await asyncio.gather(
        *(ports.ask(question(n)) for n in range(3)), return_exceptions=True
    )
    assert all(isinstance(error, OSError) for error in found)
    assert not any(isinstance(error, TimeoutError) for error in found)


async def test_a_flood_of_strays_leaves_the_loop_to_others_in_between() -> None:
    def flood(query: Query) -> Iterable[bytes]:
        yield from (b"stray" for _ in range(200))
        yield query.answered()

    async with scripted(flood) as server:
        asking = asyncio.ensure_future(ports_to(server.port).ask(question(1)))
        await server.has_heard(1)
        turns = 0
        while not asking.done():
            await asyncio.sleep(0)
            turns += 1
    assert turns >= 200 // 32
    assert (await asking).reading.answer.rcode is Rcode.NOERROR


async def test_what_answers_no_open_question_is_counted_once_and_by_what_it_is() -> None:
    async with scripted(silence) as server:
        ports = ports_to(server.port)
        given_up, first, last = (asyncio.ensure_future(ports.ask(question(n))) for n in range(3))
        await server.has_heard(3)
        abandoned, query, other = server.queries
        given_up.cancel()
        await asyncio.wait([given_up])
        forged = query.wire[:2] + other.answered()[2:]  # the id of one, the question of another
        sent = (abandoned.answered(), forged, b"nothing", query.answered(), query.answered())
        for wire in sent:
            server.send(wire, query.port)
        await first
        server.send(other.answered(), other.port)
        await last
        assert ports.unmatched_anew() == Unmatched(late=1, stray=3)
        assert ports.unmatched_anew() == Unmatched()
