"""The engine against scripted servers: ids, ports, strays, losses, window and pace."""

import asyncio
import socket
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.adapters.resolvers.course import Course
from monitor.adapters.resolvers.engine import SILENCE_BEFORE_DOUBT, Lane, LaneLimits, Queries
from monitor.adapters.resolvers.memo import own_of
from monitor.adapters.resolvers.pace import Pace
from monitor.adapters.resolvers.questions import encoded
from monitor.adapters.resolvers.reading import reading_of, remembered
from monitor.adapters.resolvers.watchlist import Watchlist
from monitor.core.answers import Question
from monitor.core.names import DomainName
from monitor.core.servers import Transport
from monitor.demo.ports import free_port
from tests.adapters.resolvers.messages import RESPONSE, Message, address, alias
from tests.adapters.resolvers.scripted import HOST, Query, scripted

COUNT = 20
FLOOD = 200  # datagrams, for which a socket has room
NEVER = 60.0  # seconds: no attempt is over before the test is
BUCKET = "shop-img.oss-cn-hangzhou.aliyuncs.com"


def right(query: Query, ttl: int = 60) -> bytes:
    """Return the answer that belongs to the question, in whatever case that is."""
    found = (alias(query.name, BUCKET), address(BUCKET, "203.0.113.1"))
    return Message(query.name, found, flags=RESPONSE).wire([ttl, ttl], query.id)


class Sweeps:
    """A lane to one server with questions about as many names, and its listener."""

    def __init__(
        self,
        port: int,
        limits: LaneLimits,
        *,
        names: int = COUNT,
        per_second: float = 20_000,
        varies_case: bool = False,
        client_subnet: str | None = None,
    ) -> None:
        questions = [
            encoded(Question(DomainName(f"n{number:04}.shop.example")), client_subnet)
            for number in range(names)
        ]
        self._queries = Queries([asked.query for asked in questions], questions[0].options)
        self._varies_case = varies_case
        self.watchlist = Watchlist()
        self.watchlist.grow(names)
        self.lane = Lane(
            (HOST, port),
            limits,
            Pace(per_second),
            self.watchlist,
            self,
            varies_case=varies_case,
        )
        self.wires: dict[int, bytes] = {}
        self.silences: dict[int, int] = {}
        self.failures: dict[int, OSError] = {}

    async def run(self, names: int = COUNT, over: float = 0.0) -> None:
        """Ask about all, and forget what was told of the last time."""
        for told in (self.wires, self.silences, self.failures):
            told.clear()
        course = Course(range(names), asyncio.get_running_loop().time(), over)
        await self.lane.send(self._queries, course)
        await self.lane.be_answered()

    def heard(self, number: int, wire: bytes, sent: float, now: float) -> bool:
        reading = reading_of(wire)
        if reading is None:
            return False
        assert number not in self.wires, "each question is answered once"
        self.wires[number] = wire
        said = remembered(wire, reading, b"gist", Transport.UDP, masks_question=self._varies_case)
        self.watchlist.note(number, said, own_of(said.unpack(wire)), at=now, rtt=now - sent)
        self.lane.count(said.rcode, now - sent)
        return True

    def silent(self, number: int, strays: int, now: float) -> None:
        assert number not in self.silences
        self.silences[number] = strays

    def failed(self, number: int, error: OSError, now: float) -> None:
        assert number not in self.failures
        self.failures[number] = error

    @property
    def quiet(self) -> int:
        """How many were answered without anything being handed up."""
        return sum(self.lane.counted.codes) - len(self.wires)


PATIENT = LaneLimits(NEVER, 1, window=256, ports=4)
BRIEF = LaneLimits(0.3, 2, window=256, ports=4)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def number_of(query: Query) -> int:
    return int(query.name[1:5])


async def test_each_question_is_answered_once_by_its_own_answer() -> None:
    async with scripted(lambda query: [right(query)]) as server:
        sweeps = Sweeps(server.port, PATIENT)
        await sweeps.run()
        by_id = {query.wire[:2]: query for query in server.queries}
        assert sorted(sweeps.wires) == list(range(COUNT))
        for number, wire in sweeps.wires.items():
            assert wire == right(by_id[wire[:2]])
            assert number_of(by_id[wire[:2]]) == number
        assert (sweeps.lane.counted.sent, sweeps.lane.counted.strays) == (COUNT, 0)


async def test_what_is_as_remembered_is_not_handed_up_but_its_ttl_and_time_are_noted() -> None:
    ttl = 60
    async with scripted(lambda query: [right(query, ttl)]) as server:
        sweeps = Sweeps(server.port, PATIENT)
        await sweeps.run()
        before = list(sweeps.watchlist.at)
        sweeps.lane.counted_anew()
        ttl = 17
        await sweeps.run()
        assert (sweeps.wires, sweeps.quiet) == ({}, COUNT)
        assert set(sweeps.watchlist.ttls(range(COUNT))) == {17}
        assert all(now > then for now, then in zip(sweeps.watchlist.at, before, strict=True))
        assert sum(sweeps.lane.counted.rtts) == COUNT


async def test_no_id_is_used_twice_at_a_time_on_one_socket() -> None:
    """So many questions hardly ever get ids that all differ by chance."""
    async with scripted(lambda _: []) as server:
        count, limits = 2000, LaneLimits(NEVER, 1, window=2000, ports=1)
        sweeps = Sweeps(server.port, limits, names=count, per_second=4000)
        sweep = asyncio.ensure_future(sweeps.run(count))
        await server.has_heard(count)
        assert len({query.port for query in server.queries}) == 1
        assert len({query.id for query in server.queries}) == count
        sweep.cancel()


async def test_ids_are_random() -> None:
    async with scripted(lambda _: []) as server:
        limits = LaneLimits(NEVER, 1, window=1000)
        sweeps = Sweeps(server.port, limits, names=1000, per_second=4000)
        sweep = asyncio.ensure_future(sweeps.run(1000))
        await server.has_heard(1000)
        ids = [query.id for query in server.queries]
        for bit in range(16):
            assert 300 < sum(one >> bit & 1 for one in ids) < 700
        steps = Counter((two - one) % 65536 for one, two in pairwise(ids))
        assert max(steps.values()) < 10, "nor does one follow from the other"
        sweep.cancel()


async def test_each_sweep_asks_from_several_fresh_ports() -> None:
    async with scripted(lambda query: [right(query)]) as server:
        sweeps = Sweeps(server.port, LaneLimits(NEVER, 1, ports=8), names=200)
        used: list[frozenset[int]] = []
        for _ in range(3):
            server.queries.clear()
            await sweeps.run(200)
            used.append(frozenset(query.port for query in server.queries))
            share = Counter(query.port for query in server.queries)
            assert max(share.values()) <= 200 / 8 + 8, "and from each about as many"
        assert [len(ports) for ports in used] == [8, 8, 8]
        assert len(set(used)) == 3


def wrong_id(query: Query) -> bytes:
    wire = right(query)
    return bytes((wire[0], wire[1] ^ 1)) + wire[2:]


def wrong_question(query: Query) -> bytes:
    return right(query).replace(b"\5" + query.name[:1].encode(), b"\5m", 1)


def wrong_type(query: Query) -> bytes:
    wire, end = right(query), query.question_end
    return wire[: end - 3] + b"\x1c" + wire[end - 2 :]


def wrong_case(query: Query) -> bytes:
    wire = right(query)
    return wire[:13] + bytes((wire[13] ^ 0x20,)) + wire[14:]


def question(query: Query) -> bytes:
    return query.wire


def no_response(query: Query) -> bytes:
    wire = right(query)
    return wire[:2] + bytes((wire[2] & 0x7F,)) + wire[3:]


def without_question(query: Query) -> bytes:
    return query.wire[:2] + b"\x81\x80" + bytes(8)


def header(query: Query) -> bytes:
    return right(query)[:11]


def cut_short(query: Query) -> bytes:
    return right(query)[:-3]


def nothing(query: Query) -> bytes:
    return b""


def gibberish(query: Query) -> bytes:
    return query.wire[:2] + bytes(40)


FORGERIES = (
    wrong_id,
    wrong_question,
    wrong_type,
    wrong_case,
    question,
    no_response,
    without_question,
    header,
    cut_short,
    nothing,
    gibberish,
)


@pytest.mark.parametrize("varies_case", [False, True])
@pytest.mark.parametrize("forged", FORGERIES, ids=lambda forged: str(forged.__name__))
async def test_a_forgery_is_a_stray_and_the_answer_behind_it_counts(
    forged: Callable[[Query], bytes], *, varies_case: bool
) -> None:
    async with scripted(lambda query: [forged(query), right(query)]) as server:
        sweeps = Sweeps(server.port, PATIENT, varies_case=varies_case)
        await sweeps.run()
        assert sorted(sweeps.wires) == list(range(COUNT))
        assert {wire.lower() for wire in sweeps.wires.values()} <= {
            right(query).lower() for query in server.queries
        }
        assert sweeps.lane.counted.strays == COUNT
        await sweeps.run()
        assert sweeps.wires == {}, "also where the answer is known already"
        assert sweeps.lane.counted.strays == 2 * COUNT


@pytest.mark.parametrize("forged", FORGERIES, ids=lambda forged: str(forged.__name__))
async def test_a_forgery_alone_is_never_taken_for_an_answer(
    forged: Callable[[Query], bytes],
) -> None:
    async with scripted(lambda query: [right(query)]) as server:
        sweeps = Sweeps(server.port, LaneLimits(0.3, 1))
        await sweeps.run()
        server.script = lambda query: [forged(query)]
        await sweeps.run()
        assert sweeps.wires == {}
        assert sorted(sweeps.silences) == list(range(COUNT))
        assert sweeps.lane.counted.strays == COUNT


@pytest.mark.parametrize("varies_case", [False, True])
@pytest.mark.parametrize("rcode", [1, 2, 4, 5])
async def test_a_server_that_could_not_read_the_question_need_not_repeat_it(
    rcode: int, *, varies_case: bool
) -> None:
    """RFC 1035 asks nothing else of it than the id."""

    def refused(query: Query) -> list[bytes]:
        return [query.wire[:2] + bytes((0x81, 0x80 | rcode)) + bytes(8)]

    async with scripted(refused) as server:
        sweeps = Sweeps(server.port, PATIENT, varies_case=varies_case)
        await sweeps.run()
        assert sorted(sweeps.wires) == list(range(COUNT))
        assert sweeps.lane.counted.codes[rcode] == COUNT


async def test_a_second_answer_is_a_stray() -> None:
    def script(query: Query) -> list[bytes]:
        if number_of(query) < COUNT - 1:
            return [right(query), right(query)]
        # The last one keeps the sweep going until the others' second answers have been heard.
        loop = asyncio.get_running_loop()
        loop.call_later(0.05, server.send, right(query), query.port)
        return []

    async with scripted(script) as server:
        sweeps = Sweeps(server.port, PATIENT)
        for _ in range(2):
            await sweeps.run()
            assert sweeps.lane.counted_anew().strays == COUNT - 1


async def test_a_flood_of_strays_leaves_the_loop_to_others_in_between() -> None:
    def script(query: Query) -> Iterable[bytes]:
        yield from (bytes(12) for _ in range(FLOOD))
        yield right(query)

    async with scripted(script) as server:
        sweeps = Sweeps(server.port, LaneLimits(NEVER, 1, ports=1), names=1)
        sweep = asyncio.ensure_future(sweeps.run(names=1))
        counts = [0]
        while not sweep.done():  # a turn of the loop each
            counts.append(sweeps.lane.counted.strays)
            await asyncio.sleep(0)
    assert sweeps.lane.counted.strays == FLOOD
    assert max(after - before for before, after in pairwise(counts)) <= FLOOD / 4


async def test_an_answer_from_another_address_is_not_even_heard() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.9", 0))

        def script(query: Query) -> list[bytes]:
            stranger.sendto(right(query), (HOST, query.port))
            return []

        async with scripted(script) as server:
            sweeps = Sweeps(server.port, LaneLimits(0.1, 1))
            await sweeps.run()
    assert sweeps.wires == {}
    assert sweeps.silences == dict.fromkeys(range(COUNT), 0)


async def test_a_wrong_question_is_told_from_silence() -> None:
    async with scripted(lambda query: [gibberish(query)] * 2) as server:
        sweeps = Sweeps(server.port, LaneLimits(0.1, 1))
        await sweeps.run()
        assert sweeps.silences == dict.fromkeys(range(COUNT), 2)


async def test_an_answer_to_an_attempt_that_was_given_up_is_late_and_not_taken() -> None:
    waiting: dict[int, Query] = {}

    def script(query: Query) -> list[bytes]:
        first = waiting.setdefault(number_of(query), query)
        if first is query:
            return []
        server.send(right(first, ttl=1), first.port)
        return [right(query, ttl=2)]

    async with scripted(script) as server:
        sweeps = Sweeps(server.port, BRIEF)
        await sweeps.run()
        assert sorted(sweeps.wires) == list(range(COUNT))
        assert sweeps.silences == {}
        assert set(sweeps.watchlist.ttls(range(COUNT))) == {2}
        # Those that come from another socket than the last answer may find it closed.
        assert 0 < sweeps.lane.counted.late <= COUNT
        assert sweeps.lane.counted.strays == 0


async def test_what_is_lost_is_asked_again_from_anew() -> None:
    seen = Counter[int]()

    def script(query: Query) -> list[bytes]:
        seen[number_of(query)] += 1
        return [] if seen[number_of(query)] == 1 else [right(query)]

    async with scripted(script) as server:
        sweeps = Sweeps(server.port, BRIEF)
        await sweeps.run()
        assert sorted(sweeps.wires) == list(range(COUNT))
        assert set(seen.values()) == {2}
        assert sweeps.lane.counted.lost == 0


async def test_a_silent_server_is_asked_so_often_and_no_more() -> None:
    async with scripted(lambda _: []) as server:
        few = SILENCE_BEFORE_DOUBT - 1
        sweeps = Sweeps(server.port, LaneLimits(0.05, 3), names=few)
        await sweeps.run(few)
        assert Counter(map(number_of, server.queries)) == dict.fromkeys(range(few), 3)
        assert sweeps.silences == dict.fromkeys(range(few), 0)
        assert sweeps.lane.counted.lost == few


async def test_a_dead_server_is_asked_once_a_question_until_it_answers_again() -> None:
    async with scripted(lambda _: []) as server:
        limits = LaneLimits(0.1, 3, window=1)
        sweeps = Sweeps(server.port, limits, names=10)
        await sweeps.run(10)
        asked = Counter(map(number_of, server.queries))
        assert [asked[number] for number in range(10)] == [
            *[3] * SILENCE_BEFORE_DOUBT,
            *[1] * (10 - SILENCE_BEFORE_DOUBT),
        ]
        server.script, deaf = lambda query: [right(query)], server.script
        await sweeps.run(1)
        assert sorted(sweeps.wires) == [0]
        server.script = deaf
        server.queries.clear()
        await sweeps.run(2)
        assert Counter(map(number_of, server.queries)) == {0: 3, 1: 3}


async def test_nobody_listening_is_a_failure_of_the_network_at_once() -> None:
    sweeps = Sweeps(free_port([HOST]), LaneLimits(NEVER, 2, window=50))
    async with asyncio.timeout(20):
        await sweeps.run()
    assert sweeps.silences == {}
    assert sorted(sweeps.failures) == list(range(COUNT))
    assert all(isinstance(error, ConnectionRefusedError) for error in sweeps.failures.values())


async def test_no_more_wait_at_a_time_than_the_window_allows() -> None:
    waiting = most = 0

    def script(query: Query) -> list[bytes]:
        nonlocal waiting, most
        waiting += 1
        most = max(most, waiting)
        asyncio.get_running_loop().call_later(0.005, answer, query)
        return []

    def answer(query: Query) -> None:
        nonlocal waiting
        waiting -= 1
        server.send(right(query), query.port)

    async with scripted(script) as server:
        sweeps = Sweeps(server.port, LaneLimits(NEVER, 1, window=7, ports=3), names=100)
        await sweeps.run(100)
        assert len(sweeps.wires) == 100
        assert most == 7


async def test_a_window_full_of_silence_lets_nothing_more_out() -> None:
    async with scripted(lambda _: []) as server:
        sweeps = Sweeps(server.port, LaneLimits(NEVER, 3, window=5))
        sweep = asyncio.ensure_future(sweeps.run())
        await server.has_heard(5)
        await asyncio.sleep(0.05)
        assert (len(server.queries), sweeps.lane.in_flight) == (5, 5)
        server.send(right(server.queries[0]), server.queries[0].port)
        await server.has_heard(6)
        await asyncio.sleep(0.05)
        assert (len(server.queries), sweeps.lane.in_flight) == (6, 5)
        sweep.cancel()


async def test_a_full_window_holds_back_what_is_asked_again_too() -> None:
    waiting = most = 0
    seen = Counter[int]()

    def script(query: Query) -> list[bytes]:
        nonlocal waiting, most
        seen[number_of(query)] += 1
        if seen[number_of(query)] == 1:
            return []
        waiting += 1
        most = max(most, waiting)
        asyncio.get_running_loop().call_later(0.005, answer, query)
        return []

    def answer(query: Query) -> None:
        nonlocal waiting
        waiting -= 1
        server.send(right(query), query.port)

    async with scripted(script) as server:
        sweeps = Sweeps(server.port, LaneLimits(0.1, 3, window=6, ports=3))
        await sweeps.run()
        assert len(sweeps.wires) == COUNT
        assert most <= 6


async def test_no_more_questions_leave_in_a_time_than_the_pace_allows() -> None:
    loop, rate = asyncio.get_running_loop(), 200
    async with scripted(lambda query: [right(query)]) as server:
        sweeps = Sweeps(server.port, PATIENT, per_second=rate, names=60)
        started = loop.time()
        await sweeps.run(60)
        for earlier, query in enumerate(server.queries):
            assert earlier <= (query.at - started + 0.05) * rate + 1


async def test_what_is_asked_again_keeps_to_the_pace_too() -> None:
    loop, rate = asyncio.get_running_loop(), 200
    async with scripted(lambda _: []) as server:
        sweeps = Sweeps(
            server.port, LaneLimits(0.02, 10), per_second=rate, names=SILENCE_BEFORE_DOUBT - 1
        )
        started = loop.time()
        await sweeps.run(SILENCE_BEFORE_DOUBT - 1)
        assert len(server.queries) == 10 * (SILENCE_BEFORE_DOUBT - 1)
        for earlier, query in enumerate(server.queries):
            assert earlier <= (query.at - started + 0.05) * rate + 1


async def test_a_sweep_over_a_time_is_spread_over_it() -> None:
    loop, over = asyncio.get_running_loop(), 0.4
    async with scripted(lambda query: [right(query)]) as server:
        sweeps = Sweeps(server.port, PATIENT, names=40)
        started = loop.time()
        await sweeps.run(40, over)
        assert loop.time() - started >= over
        assert sorted(map(number_of, server.queries)) == list(range(40))
        for place, query in enumerate(server.queries, start=1):
            assert query.at - started >= over * place / 40 - 1e-6


async def test_a_sweep_of_nothing_is_over_at_once() -> None:
    sweeps = Sweeps(free_port([HOST]), PATIENT)
    async with asyncio.timeout(20):
        await sweeps.run(0)
        await sweeps.run(0, over=30)


async def test_many_sweeps_on_end_leave_no_more_to_do_than_one() -> None:
    async with scripted(lambda query: [right(query)]) as server:
        sweeps = Sweeps(server.port, PATIENT)
        for _ in range(30):
            await sweeps.run()
        planned = vars(asyncio.get_running_loop())["_scheduled"]
        beats = [handle for handle in planned if not handle.cancelled()]
        assert len(beats) <= 2, "each sweep's beat ends with it"


async def test_after_a_sweep_nothing_is_in_flight_and_no_socket_is_open() -> None:
    async with scripted(lambda query: [right(query)] if number_of(query) % 2 else []) as server:
        before = open_files()
        sweeps = Sweeps(server.port, LaneLimits(0.1, 1))
        await sweeps.run()
        assert sweeps.lane.in_flight == 0
        assert sweeps.lane.room.left == LaneLimits().window
        assert open_files() == before


async def test_who_waits_for_a_last_answer_keeps_no_more_sockets_open_than_that_needs() -> None:
    def script(query: Query) -> list[bytes]:
        return [] if number_of(query) == 0 else [right(query)]

    before = open_files()
    async with scripted(script) as server:
        own = open_files() - before
        sweeps = Sweeps(server.port, LaneLimits(0.3, 1000, ports=16))
        sweep = asyncio.ensure_future(sweeps.run())
        await server.has_heard(COUNT)
        async with asyncio.timeout(20):
            while open_files() > before + own + 4:  # noqa: ASYNC110 - nobody can tell us
                await asyncio.sleep(0.02)
        assert sweeps.lane.in_flight == 1
        server.script = lambda query: [right(query)]
        await asyncio.wait_for(sweep, 20)
        assert len(sweeps.wires) == COUNT
        assert open_files() == before + own


async def test_after_a_cancelled_sweep_the_next_one_begins_anew() -> None:
    async with scripted(lambda _: []) as server:
        before = open_files()
        sweeps = Sweeps(server.port, LaneLimits(NEVER, 3, window=5))
        sweep = asyncio.ensure_future(sweeps.run())
        await server.has_heard(5)
        sweep.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sweep
        assert (sweeps.lane.in_flight, sweeps.lane.room.left) == (0, 5)
        assert open_files() == before
        server.script = lambda query: [right(query)]
        await sweeps.run()
        assert sorted(sweeps.wires) == list(range(COUNT))


async def test_the_case_of_each_question_is_by_lot_and_a_steady_answer_is_known_all_the_same() -> (
    None
):
    async with scripted(lambda query: [right(query)]) as server:
        sweeps = Sweeps(server.port, PATIENT, varies_case=True)
        await sweeps.run()
        sweeps.lane.counted_anew()
        await sweeps.run()
        assert (sweeps.wires, sweeps.quiet) == ({}, COUNT)
        names = [query.name for query in server.queries]
        assert len(set(names)) > COUNT
        assert {name.lower() for name in names} == {f"n{n:04}.shop.example" for n in range(COUNT)}


async def test_a_client_subnet_is_in_every_query() -> None:
    async with scripted(lambda query: [right(query)]) as server:
        sweeps = Sweeps(server.port, PATIENT, client_subnet="192.0.2.0/24", varies_case=True)
        await sweeps.run()
        for query in server.queries:
            assert any("192.0.2.0/24" in str(option) for option in query.message.options)


async def test_two_lanes_do_not_hear_each_other() -> None:
    async with (
        scripted(lambda query: [right(query, 1)]) as one,
        scripted(lambda query: [right(query, 2)]) as two,
    ):
        lanes = [Sweeps(server.port, PATIENT) for server in (one, two)]
        async with asyncio.TaskGroup() as group:
            for sweeps in lanes:
                group.create_task(sweeps.run())
        for sweeps, ttl in zip(lanes, (1, 2), strict=True):
            assert len(sweeps.wires) == COUNT
            assert set(sweeps.watchlist.ttls(range(COUNT))) == {ttl}


TIMES = st.lists(st.floats(0, 0.2), min_size=1, max_size=60).map(lambda gaps: [*accumulate(gaps)])


@given(TIMES, st.floats(1, 5000), st.data())
def test_a_pace_gives_no_more_than_its_rate_in_any_span(
    times: Sequence[float], rate: float, data: st.DataObject
) -> None:
    pace = Pace(rate)
    taken = [pace.take(1000 + now, data.draw(st.integers(0, 200))) for now in times]
    for first in range(len(times)):
        for last in range(first, len(times)):
            span = times[last] - times[first] + 0.05
            assert sum(taken[first : last + 1]) <= span * rate + 1.001


@given(st.floats(1, 5000), st.lists(st.floats(0, 0.02), min_size=1, max_size=100))
def test_a_pace_that_is_looked_at_often_loses_nothing(rate: float, gaps: Iterable[float]) -> None:
    pace, times = Pace(rate), [1000 + now for now in accumulate(gaps)]
    taken = sum(pace.take(now, 10**6) for now in times)
    assert taken >= (times[-1] - times[0]) * rate - 1


async def test_who_waits_for_a_moment_comes_before_who_takes_what_is_left() -> None:
    pace, loop = Pace(100), asyncio.get_running_loop()
    async with asyncio.TaskGroup() as group:
        for _ in range(5):
            group.create_task(pace.wait())
        await asyncio.sleep(0)
        assert pace.take(loop.time(), 100) == 0


@given(st.integers(1, 300), st.floats(0.1, 100), TIMES)
def test_a_course_is_never_ahead_of_its_time_and_ends_with_it(
    count: int, over: float, times: Sequence[float]
) -> None:
    course = Course(range(count), 1000.0, over)
    asked: list[int] = []
    for now in times:
        asked += course.take(course.due(1000 + now))
        assert len(asked) <= count * now / over + 1e-6
        assert len(asked) >= min(count, count * now / over) - 1 - 1e-6, "nor behind it"
    asked += course.take(course.due(1001 + over))
    assert asked == list(range(count))
    assert course.is_over(1001 + over)
    assert list(course.left) == []


@given(st.integers(1, 300), st.integers(0, 300))
def test_what_a_course_has_no_time_for_is_left(count: int, taken: int) -> None:
    course = Course(range(count), 1000.0, 10.0, 1012.0)
    asked = list(course.take(taken))
    assert course.due(1012.0) == 0
    assert course.is_over(1012.0)
    assert [*asked, *course.left] == list(range(count))


def test_all_of_a_course_without_a_time_is_due_at_once() -> None:
    assert Course(range(7), 1000.0).due(1000.0) == 7
