"""Sweeps of real sockets: no two names share an answer, and no server can spoil the others'."""

import asyncio
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random

import dns.flags
import dns.message
import dns.rcode
import pytest

from monitor.adapters.clock import SystemClock
from monitor.adapters.resolvers.prober import DnsProber, Limits
from monitor.adapters.resolvers.sweeper import DnsSweeper
from monitor.core.answers import Answer, NoAnswer, NoAnswerReason, Question, Rcode
from monitor.core.bindings import Binding
from monitor.core.names import DomainName
from monitor.core.servers import Resolver, Transport
from monitor.demo import habits
from monitor.demo.authority import Authority, one_of
from monitor.demo.caches import Cache
from monitor.demo.ports import free_port
from monitor.demo.zones import RRset, Zone
from monitor.ports import Swept
from tests.adapters.resolvers.messages import (
    NSID,
    RESPONSE,
    Message,
    Written,
    address,
    alias,
    understood,
)
from tests.adapters.resolvers.scripted import HOST, Query, Server, scripted
from tests.contracts.sweeper_contract import AT_ONCE, BUCKET, IMG, Notes, bound
from tests.fakes.recording_telemetry import RecordingTelemetry

BINDINGS = tuple(bound(f"n{number:02}.shop.example") for number in range(20))


class CountingTelemetry(RecordingTelemetry):
    """Keeps what each resolver did, added up."""

    def __init__(self) -> None:
        super().__init__()
        self.sums: Counter[tuple[str, str]] = Counter()
        self.last: dict[str, Swept] = {}

    def swept(self, resolver: Resolver, swept: Swept) -> None:
        super().swept(resolver, swept)
        self.last[resolver.name] = swept
        for what in ("late", "stray", "shed"):
            self.sums[resolver.name, what] += getattr(swept, what)
        self.sums[resolver.name, "rtts"] += sum(swept.rtts)


class Bench:
    """A sweeper of its own, with an onlooker."""

    def __init__(self, timeout: float = 2.0, attempts: int = 2, in_flight: int = 100) -> None:
        clock = SystemClock()
        limits = Limits(timedelta(seconds=timeout), attempts, per_server=in_flight)
        self.telemetry = CountingTelemetry()
        self.notes = Notes()
        self.prober = DnsProber(clock, limits)
        self.sweeper = DnsSweeper(self.prober, clock, self.telemetry)

    async def sweep(
        self,
        *resolvers: Resolver,
        bindings: Iterable[Binding] = BINDINGS,
        over: timedelta = AT_ONCE,
    ) -> None:
        await self.sweeper.sweep(tuple(bindings), resolvers, over, self.notes)

    def answers(self) -> dict[tuple[DomainName, str], Answer | NoAnswer]:
        """Hand over the news, an outcome for each domain and resolver."""
        return self.notes.news()


def at(server: Server | Cache, name: str = "a") -> Resolver:
    return Resolver(name, HOST, server.port, max_qps=20_000)


def right(query: Query) -> list[bytes]:
    """Say what everybody should."""
    name = query.name
    found = (alias(name, BUCKET.text), address(BUCKET.text, "203.0.113.1"))
    return [Message(name, found).wire(message_id=query.id)]


def open_sockets() -> int:
    links = Path("/proc/self/fd").iterdir()
    return sum("socket:" in str(link.readlink()) for link in links if link.is_symlink())


NAMES = tuple(bound(f"n{number:03}.shop.example") for number in range(300))


class Oracle:
    """A server whose answers all differ by a letter, and which keeps each as it was sent."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._shapes: dict[str, tuple[Written, ...]] = {}
        self._options: dict[str, tuple[tuple[int, bytes], ...]] = {}
        self.sent: dict[str, bytes] = {}

    def script(self, query: Query) -> list[bytes]:
        random, name = self._random, query.name.lower()
        if name not in self._shapes:
            self.change(name)
        records = list(self._shapes[name])
        if random.random() < 0.3:
            random.shuffle(records)
        wire = Message(
            query.name, tuple(records), flags=RESPONSE, options=self._options[name]
        ).wire([random.randint(0, 2**31) for _ in records], query.id)
        self.sent[name] = wire
        return [wire]

    def change(self, name: str) -> None:
        """Give the name another chain of the same length in octets."""
        random = self._random
        edge, bucket = (
            f"e{random.randrange(1000):03}.{one}" for one in ("shop.example", "aliyuncs.com")
        )
        addresses = [f"203.0.113.{random.randint(1, 254)}" for _ in range(random.randint(1, 2))]
        self._shapes[name] = (
            alias(name, edge),
            alias(edge, bucket),
            *(address(bucket, one) for one in addresses),
        )
        self._options[name] = random.choice([(), ((NSID, b"n1"),)])

    def rotate(self, name: str) -> None:
        """Let the chain lead to other addresses."""
        self._shapes[name] = tuple(
            replace(record, data=f"198.51.100.{self._random.randint(1, 254)}")
            if record.kind == "A"
            else record
            for record in self._shapes[name]
        )

    def answer(self, domain: DomainName) -> Answer:
        """Return what dnspython reads of the last message that was sent about it."""
        found = understood(self.sent[domain.text])
        assert found is not None
        return found


@pytest.mark.parametrize("varies_case", [False, True])
async def test_every_pairs_answer_is_what_an_independent_parser_reads(
    *, varies_case: bool
) -> None:
    oracles = {name: Oracle(seed) for seed, name in enumerate("abc")}
    bench, random = Bench(), Random(9)
    async with (
        scripted(oracles["a"].script) as a,
        scripted(oracles["b"].script) as b,
        scripted(oracles["c"].script) as c,
    ):
        resolvers = [
            replace(at(server, name), varies_case=varies_case)
            for server, name in ((a, "a"), (b, "b"), (c, "c"))
        ]
        await bench.sweep(*resolvers, bindings=NAMES)
        assert bench.answers() == _all(oracles, NAMES), "at first all is news"
        for _ in range(2):
            changed = _changed(oracles, random)
            await bench.sweep(*resolvers, bindings=NAMES)
            assert bench.answers() == {
                (domain, name): oracles[name].answer(domain) for domain, name in changed
            }
            for binding in NAMES:
                for resolver in resolvers:
                    _is_shown_as_sent(bench, binding.domain, resolver, oracles, changed)


def _all(
    oracles: Mapping[str, Oracle], bindings: Iterable[Binding]
) -> dict[tuple[DomainName, str], Answer]:
    return {
        (b.domain, name): oracle.answer(b.domain)
        for b in bindings
        for name, oracle in oracles.items()
    }


def _changed(oracles: Mapping[str, Oracle], random: Random) -> set[tuple[DomainName, str]]:
    """Change some answers, and rotate the addresses of others."""
    pairs = [(b.domain, name) for b in NAMES for name in oracles]
    for domain, name in random.sample(pairs, 200):
        oracles[name].rotate(domain.text)
    changed = set(random.sample(pairs, 50))
    for domain, name in changed:
        oracles[name].change(domain.text)
    return changed


def _is_shown_as_sent(
    bench: Bench,
    domain: DomainName,
    resolver: Resolver,
    oracles: Mapping[str, Oracle],
    changed: set[tuple[DomainName, str]],
) -> None:
    reply = bench.sweeper.reply(domain, resolver)
    if (domain, resolver.name) in changed:
        assert reply is None
        return
    oracle, sent = oracles[resolver.name], oracles[resolver.name].sent[domain.text]
    assert reply is not None
    assert reply.outcome == oracle.answer(domain)
    assert reply.wire.lower() == sent.lower() if resolver.varies_case else reply.wire == sent
    (own,) = {link.ttl for link in oracle.answer(domain).aliases if link.name == domain}
    assert list(bench.sweeper.ttls([domain], [resolver])) == [[own]]


async def test_an_answer_that_came_over_tcp_is_not_taken_for_one_over_udp() -> None:
    bench = Bench()
    async with scripted(right) as server:
        server.over_tcp = lambda query: right(query)[0]
        streamed = replace(at(server, "tcp"), transport=Transport.TCP)
        for _ in range(2):
            await bench.sweep(streamed, bindings=[IMG])
        await bench.sweep(at(server, "udp"), bindings=[IMG])
        assert [reply.transport for _, _, reply in bench.notes.told] == [
            Transport.TCP,
            Transport.UDP,
        ]
        await bench.sweep(at(server, "udp"), streamed, bindings=[IMG])
        for resolver in (at(server, "udp"), streamed):
            reply = bench.sweeper.reply(IMG.domain, resolver)
            assert reply is not None
            assert reply.transport is resolver.transport


async def test_an_answer_that_is_cut_off_no_longer_is_said_to_have_come_over_udp() -> None:
    bench = Bench()

    def cut_off(query: Query) -> list[bytes]:
        return [Message(query.name, flags=RESPONSE | int(dns.flags.TC)).wire(message_id=query.id)]

    async with scripted(cut_off) as server:
        server.over_tcp = lambda query: right(query)[0]
        for script, transport in ((cut_off, Transport.TCP), (right, Transport.UDP)) * 2:
            server.script = script
            for _ in range(2):
                await bench.sweep(at(server), bindings=[IMG])
            reply = bench.sweeper.reply(IMG.domain, at(server))
            assert reply is not None
            assert reply.transport is transport


async def test_whom_case_is_varied_for_does_not_make_others_trust_any_question() -> None:
    """Where one resolver's case is checked apart, another's question still has to be right."""
    bench, lies = Bench(timeout=0.3), False

    def script(query: Query) -> list[bytes]:
        (wire,) = right(query)
        return [wire.replace(b"\3img\4", b"\3gmi\4", 1) if lies else wire]

    async with scripted(right) as honest, scripted(script) as server:
        varied = replace(at(honest, "varied"), varies_case=True)
        for _ in range(2):
            await bench.sweep(varied, bindings=[IMG])
            await bench.sweep(at(server), bindings=[IMG])
        assert bench.sweeper.reply(IMG.domain, at(server)) is not None
        bench.answers()
        lies = True
        await bench.sweep(at(server), bindings=[IMG])
        (outcome,) = bench.answers().values()
        assert isinstance(outcome, NoAnswer)
        assert outcome.reason is NoAnswerReason.MALFORMED


async def test_what_is_cut_off_comes_whole_over_tcp_and_is_then_no_news() -> None:
    bench = Bench()

    def cut_off(query: Query) -> list[bytes]:
        return [Message(query.name, flags=RESPONSE | int(dns.flags.TC)).wire(message_id=query.id)]

    async with scripted(cut_off) as server:
        server.over_tcp = lambda query: right(query)[0]
        await bench.sweep(at(server))
        assert {reply.transport for _, _, reply in bench.notes.told} == {Transport.TCP}
        news = bench.answers()
        assert len(news) == len(BINDINGS)
        assert all(isinstance(found, Answer) and found.aliases for found in news.values())
        await bench.sweep(at(server))
        assert bench.answers() == {}
        reply = bench.sweeper.reply(BINDINGS[0].domain, at(server))
        assert reply is not None
        assert (reply.transport, reply.outcome) == (
            Transport.TCP,
            news[BINDINGS[0].domain, "a"],
        )


async def test_who_cuts_off_all_and_is_silent_over_tcp_does_not_make_a_sweep_longer() -> None:
    bench = Bench(timeout=0.4, attempts=1, in_flight=2)

    def cut_off(query: Query) -> list[bytes]:
        return [Message(query.name, flags=RESPONSE | int(dns.flags.TC)).wire(message_id=query.id)]

    async with scripted(cut_off) as server:
        await bench.sweep(at(server), bindings=NAMES[:40], over=timedelta(seconds=0.5))
        asked = {domain for domain, _ in bench.answers()}
        # Two at a time, in waves: what begins before 0.6 s is waited for.
        assert 0 < len(asked) <= 4
        assert bench.telemetry.sums["a", "shed"] == 40 - len(asked)
        server.script = right
        server.queries.clear()
        await bench.sweep(at(server), bindings=NAMES[:40])
    first_of_all = {DomainName(query.name) for query in server.queries[: 40 - len(asked)]}
    assert first_of_all.isdisjoint(asked)


async def test_a_server_that_knows_no_edns_is_asked_without() -> None:
    bench = Bench()

    def old(query: Query) -> list[bytes]:
        return right(query) if query.message.edns < 0 else [query.answered(Rcode.FORMERR)]

    async with scripted(old) as server:
        await bench.sweep(at(server))
        news = bench.answers()
        assert len(news) == len(BINDINGS)
        assert all(isinstance(found, Answer) and found.aliases for found in news.values())
        await bench.sweep(at(server))
        assert bench.answers() == {}


async def test_a_server_that_refuses_any_format_is_asked_without_edns_again_each_time() -> None:
    bench, is_mended = Bench(), False

    def old(query: Query) -> list[bytes]:
        understands = is_mended and query.message.edns < 0
        return right(query) if understands else [query.answered(Rcode.FORMERR)]

    async with scripted(old) as server:
        for _ in range(2):
            await bench.sweep(at(server), bindings=[IMG])
        (found,) = bench.answers().values()
        assert isinstance(found, Answer)
        assert found.rcode is Rcode.FORMERR
        is_mended = True
        await bench.sweep(at(server), bindings=[IMG])
        (found,) = bench.answers().values()
        assert isinstance(found, Answer)
        assert found.aliases


async def test_nobody_listening_is_a_network_error_for_every_name() -> None:
    bench = Bench()
    closed = Resolver("closed", HOST, free_port([HOST]), max_qps=20_000)
    await bench.sweep(closed)
    found = bench.answers()
    assert len(found) == len(BINDINGS)
    assert {o.reason if isinstance(o, NoAnswer) else o.rcode for o in found.values()} == {
        NoAnswerReason.NETWORK_ERROR
    }
    await bench.sweep(closed)
    assert bench.answers() == {}


async def test_where_no_socket_can_be_opened_the_others_are_swept_all_the_same() -> None:
    bench = Bench()
    # Linux lets nobody connect to a broadcast address without being asked to.
    unreachable = Resolver("unreachable", "127.255.255.255", 53, max_qps=20_000)
    async with scripted(right) as server:
        await bench.sweep(unreachable, at(server))
    found = bench.answers()
    for binding in BINDINGS:
        assert isinstance(found[binding.domain, "a"], Answer)
        outcome = found[binding.domain, "unreachable"]
        assert isinstance(outcome, NoAnswer)
        assert outcome.reason is NoAnswerReason.NETWORK_ERROR


async def test_a_dead_server_does_not_hold_up_the_others() -> None:
    bench = Bench(timeout=60)
    async with scripted(lambda _: []) as dead, scripted(right) as alive, asyncio.TaskGroup() as g:
        sweep = g.create_task(bench.sweep(at(dead, "dead"), at(alive, "alive")))
        await alive.has_heard(len(BINDINGS))
        await bench.notes.have_been_told(len(BINDINGS))
        assert {resolver.name for _, resolver, _ in bench.notes.told} == {"alive"}
        assert not sweep.done()
        sweep.cancel()


async def test_no_socket_stays_open_and_nothing_in_flight_after_a_sweep() -> None:
    bench = Bench(timeout=0.1, attempts=1)
    async with scripted(right) as server, scripted(lambda _: []) as dead:
        before = open_sockets()
        for _ in range(2):
            await bench.sweep(at(server), at(dead, "dead"))
        assert open_sockets() == before
        assert [swept.in_flight for swept in bench.telemetry.last.values()] == [0, 0]


async def test_no_socket_stays_open_and_nothing_in_flight_after_a_cancelled_sweep() -> None:
    bench = Bench(timeout=60)
    async with scripted(lambda _: []) as server:
        before = open_sockets()
        sweep = asyncio.ensure_future(bench.sweep(at(server)))
        await server.has_heard(len(BINDINGS))
        assert open_sockets() > before
        sweep.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sweep
        assert open_sockets() == before
        assert bench.telemetry.last["a"].in_flight == 0
        server.script = right
        await bench.sweep(at(server))
        assert len(bench.answers()) == len(BINDINGS), "the next sweep is none the worse"


async def test_a_name_forgotten_while_it_is_asked_for_is_not_told_of_the_next_one() -> None:
    for varies_case in (False, True):
        bench = Bench(timeout=0.3, attempts=1)
        async with scripted(lambda _: []) as server:
            resolver = replace(at(server), varies_case=varies_case)
            sweep = asyncio.ensure_future(bench.sweep(resolver, bindings=[IMG]))
            await server.has_heard(1)
            other = bound("gmi.shop.example")
            bench.sweeper.forget_all_but([other.domain])
            next_sweep = asyncio.ensure_future(bench.sweep(resolver, bindings=[other]))
            await asyncio.sleep(0)  # it takes its number now
            server.script = right
            (query,) = server.queries
            (wire,) = right(query)
            server.send(wire, query.port)
            await sweep
            await next_sweep
            for binding, _, reply in bench.notes.told:
                if isinstance(reply.outcome, Answer):
                    assert reply.outcome.aliases[0].name == binding.domain
            shown = bench.sweeper.reply(other.domain, resolver)
            assert shown is None or understood(shown.wire) == shown.outcome


async def test_each_outcome_is_counted_once_and_each_answers_time() -> None:
    bench = Bench(timeout=0.3, attempts=2)

    def some(query: Query) -> list[bytes]:
        number = int(query.name[1:3])
        if number < 5:
            return []
        return right(query) if number < 15 else [query.answered(Rcode.SERVFAIL)]

    async with scripted(some) as server:
        for _ in range(2):
            bench.telemetry.probes.clear()
            bench.telemetry.sums.clear()
            await bench.sweep(at(server))
            outcomes = Counter(outcome for _, outcome in bench.telemetry.probes)
            assert outcomes == {"noerror": 10, "servfail": 5, "timeout": 5}
            assert bench.telemetry.sums["a", "rtts"] == 15
            assert bench.telemetry.sums["a", "stray"] == 0


async def test_a_code_that_only_edns_can_tell_is_counted_as_another_one() -> None:
    bench = Bench()

    def unversed(query: Query) -> list[bytes]:
        response = dns.message.make_response(query.message)
        response.set_rcode(dns.rcode.BADVERS)  # sixteen: beyond the header's four bits
        return [response.to_wire()]

    async with scripted(unversed) as server:
        for _ in range(2):
            bench.telemetry.probes.clear()
            await bench.sweep(at(server))
            outcomes = Counter(outcome for _, outcome in bench.telemetry.probes)
            assert outcomes == {"other": len(BINDINGS)}


async def test_a_name_that_no_question_can_hold_is_named_as_the_prober_names_it() -> None:
    bench, unspeakable = Bench(), bound(".".join(["a" * 60] * 5))
    async with scripted(right) as server:
        for varies_case in (False, True):
            resolver = replace(at(server), varies_case=varies_case)
            probed = await bench.prober.ask(resolver, Question(unspeakable.domain))
            server.queries.clear()
            await bench.sweep(resolver, bindings=[unspeakable, IMG])
            assert {query.name.lower() for query in server.queries} == {IMG.domain.text}
            outcome = bench.answers()[unspeakable.domain, resolver.name]
            gists = {bench.notes.gist_of(unspeakable, one) for one in (outcome, probed.outcome)}
            assert len(gists) == 1
            await bench.sweep(resolver, bindings=[unspeakable, IMG])
            assert bench.answers() == {}
            bench.notes.known.clear()


async def test_an_answer_over_tcp_after_a_cut_off_one_is_counted_once() -> None:
    bench = Bench()

    def cut_off(query: Query) -> list[bytes]:
        return [Message(query.name, flags=RESPONSE | int(dns.flags.TC)).wire(message_id=query.id)]

    async with scripted(cut_off) as server:
        server.over_tcp = lambda query: right(query)[0]
        for _ in range(2):
            bench.telemetry.probes.clear()
            await bench.sweep(at(server))
            assert Counter(outcome for _, outcome in bench.telemetry.probes) == {
                "noerror": len(BINDINGS)
            }


async def test_what_there_was_no_time_for_comes_first_the_next_time() -> None:
    bench, names = Bench(), NAMES[:100]
    async with scripted(right) as server:
        slow = replace(at(server), max_qps=200)
        asked: list[set[str]] = []
        for _ in range(2):
            server.queries.clear()
            await bench.sweep(slow, bindings=names, over=timedelta(seconds=0.1))
            asked.append({query.name for query in server.queries})
            assert 0 < len(asked[-1]) < 50, "its pace allows no more"
            await bench.sweep(slow, bindings=names[:1])
        assert not asked[0] & asked[1], "nor does a sweep over one name change who comes first"
        assert bench.telemetry.sums["a", "shed"] == 200 - len(asked[0]) - len(asked[1])
        server.queries.clear()
        await bench.sweep(slow, bindings=names)
        assert {query.name for query in server.queries} == {b.domain.text for b in names}
        assert bench.answers().keys() == {(b.domain, "a") for b in names}


@pytest.mark.parametrize("transport", [Transport.UDP, Transport.TCP])
async def test_a_sweep_over_a_time_is_spread_over_it_whatever_the_transport(
    transport: Transport,
) -> None:
    bench, over = Bench(), 1.5  # long enough that a busy machine has time for all of them
    came: list[float] = []
    loop = asyncio.get_running_loop()

    def over_tcp(query: Query) -> bytes:
        came.append(query.at)
        return right(query)[0]

    async with scripted(right) as server:
        server.over_tcp = over_tcp
        started = loop.time()
        resolver = replace(at(server), transport=transport)
        await bench.sweep(resolver, over=timedelta(seconds=over))
        came += [query.at for query in server.queries]
        assert len(came) == len(bench.answers()) == len(BINDINGS)
        for place, moment in enumerate(came, start=1):
            assert moment - started >= over * place / len(BINDINGS) - 1e-3


ZONES = (
    Zone.of(
        "shop.example",
        [RRset.of(b.domain.text, "CNAME", 60, f"{BUCKET}.") for b in BINDINGS],
    ),
    Zone.of("aliyuncs.com", [RRset.of(BUCKET.text, "A", 60, "203.0.113.1", "203.0.113.2")]),
)


HABITS = (
    habits.honest(),
    habits.shuffled(),
    habits.truncating(),
    habits.pool(3),
    habits.refusing(),
    habits.rate_limited(),
    habits.servfail(),
    habits.wrong_id(),
    habits.wrong_question(),
    habits.garbage(),
    habits.dead(),
)


@pytest.mark.parametrize("habit", HABITS, ids=lambda habit: f"{habit.manner.value}")
async def test_a_server_of_any_habit_is_named_as_the_prober_names_it_and_then_quiet(
    habit: habits.Habit,
) -> None:
    """Else a look by the one would be news to the other, in turn and for ever."""
    bench, port = Bench(timeout=0.5), free_port([HOST])
    upstream = one_of([Authority(HOST, port, ZONES)], Random(1))
    async with Cache(HOST, port, habit, upstream, nsid="fra", rng=Random(1)) as server:
        probed = await bench.prober.ask(at(server), Question(BINDINGS[0].domain))
        await bench.sweep(at(server))
        told = bench.notes.told[:]
        assert len(bench.answers()) == len(BINDINGS)
        assert {reply.transport for _, _, reply in told} == {probed.transport}
        for binding, _, reply in told:
            if binding == BINDINGS[0]:
                gist = bench.notes.gist_of(binding, reply.outcome)
                assert gist == bench.notes.gist_of(binding, probed.outcome)
        for _ in range(2):
            await bench.sweep(at(server))
            assert bench.answers() == {}
        shown = [bench.sweeper.reply(b.domain, at(server)) for b in BINDINGS]
        assert all(reply and bool(reply.wire) is bool(probed.wire) for reply in shown)
