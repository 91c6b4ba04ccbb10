from dataclasses import replace

from monitor.core.answers import Address, Question, Reply
from monitor.core.names import DomainName
from monitor.core.state import DomainState, Step
from monitor.core.status import DomainStatus, Fault
from monitor.ports import Server
from tests.core.samples import BINDING, DOMAIN, RIGHT, SILENT, START, WRONG, binding, pointing_to
from tests.usecases.panel import NS1, NS2, Bench


async def test_a_round_of_the_resolvers_becomes_a_status() -> None:
    bench = Bench()
    await bench.watch()
    bench.resolvers_say(RIGHT, RIGHT)
    await bench.rounds.of_resolvers()
    assert bench.domain.status.value is DomainStatus.IN_EFFECT
    assert bench.telemetry.rounds == ["resolvers"]
    assert (await bench.store.load()).domains[DOMAIN] == bench.domain


async def test_one_bad_round_is_not_believed() -> None:
    bench = Bench()
    await bench.watch()
    expected = [DomainStatus.IN_EFFECT, DomainStatus.IN_EFFECT, DomainStatus.BROKEN]
    for outcome, status in zip((RIGHT, WRONG, WRONG), expected, strict=True):
        bench.resolvers_say(outcome, outcome)
        await bench.rounds.of_resolvers()
        assert bench.domain.status.value is status


async def test_authorities_are_asked_without_recursion_and_leave_the_resolvers_alone() -> None:
    bench = Bench()
    await bench.watch()
    bench.authorities_say(RIGHT, WRONG)
    for _ in range(2):
        await bench.rounds.of_authorities()
    assert bench.domain.faults == {Fault.AUTHORITY_SPLIT}
    assert bench.domain.resolvers == {}
    assert (NS1.name, Question(DOMAIN, is_recursion_desired=False)) in bench.prober.asked
    assert all(not question.is_recursion_desired for _, question in bench.prober.asked)


async def test_only_the_named_domains_are_asked_about() -> None:
    bench = Bench()
    await bench.watch()
    await bench.watch(binding("other.shop.example"))
    await bench.rounds.of_resolvers(only={DOMAIN})
    assert {question.name for _, question in bench.prober.asked} == {DOMAIN}
    assert bench.telemetry.rounds == [], "a part of a round is no round"


async def test_what_is_paused_is_never_asked_about() -> None:
    bench = Bench()
    await bench.watch(binding("*.shop.example"))
    disputed = DomainState(DOMAIN, None, START)
    await bench.ledger.record(lambda _: Step((disputed,)))
    await bench.rounds.of_resolvers()
    await bench.rounds.of_authorities()
    assert bench.prober.asked == []


async def test_while_the_store_is_broken_nothing_changes_and_the_next_round_brings_it() -> None:
    bench = Bench()
    await bench.watch()
    bench.resolvers_say(RIGHT, RIGHT)
    bench.store.is_broken = True
    await bench.rounds.of_resolvers()
    assert bench.domain.resolvers == {}
    assert bench.telemetry.store_failures == 1
    bench.store.is_broken = False
    await bench.rounds.of_resolvers()
    assert bench.domain.status.value is DomainStatus.IN_EFFECT


async def test_answers_about_a_binding_that_moved_meanwhile_are_dropped() -> None:
    bench = Bench()
    await bench.watch()
    bench.resolvers_say(RIGHT, RIGHT)
    moved = replace(bench.domain, binding=binding(DOMAIN.text, "other"))
    prober = _ChangingProber(bench, Step((moved,)))
    rounds = replace(bench.rounds, panel=replace(bench.rounds.panel, prober=prober))
    await rounds.of_resolvers()
    assert bench.domain == moved


class _ChangingProber:
    """Lets something else happen while the answers are under way."""

    def __init__(self, bench: Bench, step: Step) -> None:
        self._bench = bench
        self._step = step

    async def ask(self, server: Server, question: Question) -> Reply:
        await self._bench.ledger.record(lambda _: self._step)
        return await self._bench.prober.ask(server, question)


async def test_a_domain_unbound_meanwhile_does_not_come_back() -> None:
    bench = Bench()
    await bench.watch()
    bench.resolvers_say(RIGHT, RIGHT)
    prober = _ChangingProber(bench, Step(forgotten=frozenset({DOMAIN})))
    rounds = replace(bench.rounds, panel=replace(bench.rounds.panel, prober=prober))
    await rounds.of_resolvers()
    assert bench.prober.asked
    assert bench.ledger.state.domains == {}


async def test_addresses_alone_are_compared_with_the_targets_own_from_the_same_server() -> None:
    bench = Bench()
    await bench.watch()
    flat = replace(RIGHT, aliases=(), addresses=_renamed(RIGHT.addresses, DOMAIN))
    of_target = pointing_to(BINDING.target.name, BINDING.target.name)
    bench.resolvers_say(flat, flat)
    bench.prober.answers["a", Question(BINDING.target.name)] = replace(of_target, aliases=())
    await bench.rounds.of_resolvers()
    verdicts = {name: view.verdict.kind.value for name, view in bench.domain.resolvers.items()}
    assert verdicts == {"a": "in_effect_flattened", "b": "network_error"}
    assert ("b", Question(BINDING.target.name)) in bench.prober.asked


async def test_the_target_is_not_asked_for_where_a_cname_tells() -> None:
    bench = Bench()
    await bench.watch()
    bench.resolvers_say(RIGHT, SILENT)
    await bench.rounds.of_resolvers()
    assert {question.name for _, question in bench.prober.asked} == {DOMAIN}


def _renamed(addresses: tuple[Address, ...], name: DomainName) -> tuple[Address, ...]:
    return tuple(replace(address, name=name) for address in addresses)


async def test_a_domain_whose_authorities_nobody_knows_keeps_no_other_waiting() -> None:
    bench = Bench()
    await bench.watch(binding("lost.elsewhere.example"))
    await bench.watch()
    bench.authorities_say(RIGHT, RIGHT)
    await bench.rounds.of_authorities()
    assert bench.domain.authorities.keys() == {NS1.name, NS2.name}
    assert bench.telemetry.rounds == ["authorities"]
