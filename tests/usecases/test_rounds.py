from dataclasses import replace
from datetime import timedelta

from monitor.core.answers import Question, Reply
from monitor.core.names import DomainName
from monitor.core.state import DomainState, State, Step
from monitor.core.status import DomainStatus, Fault
from monitor.ledger import Ledger
from monitor.ports import Server
from monitor.usecases.together import MOST_OF_ONE_RECORD
from tests.core.samples import DOMAIN, MINUTE, RIGHT, START, WRONG, binding
from tests.fakes.unreadable import UnreadableRecords
from tests.usecases.panel import NS1, NS2, RESOLVERS, Bench


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


async def test_a_round_of_the_authorities_leaves_what_the_resolvers_said_as_it_was() -> None:
    bench = Bench()
    await bench.watch()
    bench.resolvers_say(WRONG, RIGHT)
    await bench.rounds.of_resolvers()
    before = bench.domain
    bench.authorities_say(RIGHT, RIGHT)
    await bench.rounds.of_authorities()
    assert (bench.domain.resolvers, bench.domain.status) == (before.resolvers, before.status)
    assert bench.domain.authorities.keys() == {NS1.name, NS2.name}


async def test_a_bad_round_before_a_restart_counts_with_the_one_after_it() -> None:
    bench = Bench()
    await bench.watch()
    for outcome in (RIGHT, WRONG):
        bench.resolvers_say(outcome, outcome)
        await bench.rounds.of_resolvers()
    ledger = Ledger(bench.store, bench.telemetry)
    await ledger.open()
    await replace(bench.rounds, ledger=ledger).of_resolvers()
    assert ledger.state.domains[DOMAIN].status.value is DomainStatus.BROKEN


async def test_a_round_whose_settings_are_no_longer_in_force_changes_nothing() -> None:
    bench = Bench()
    await bench.watch()
    bench.resolvers_say(RIGHT, RIGHT)
    before = bench.domain
    await replace(bench.rounds, is_wanted=lambda: False).of_resolvers()
    assert bench.prober.asked
    assert bench.domain == before


async def test_a_sweep_whose_settings_are_no_longer_in_force_is_given_up() -> None:
    bench = Bench()
    await bench.watch()
    bench.resolvers_say(RIGHT, RIGHT)
    await bench.rounds.of_resolvers()
    asked = len(bench.prober.asked)
    await replace(bench.rounds, is_wanted=lambda: False).of_resolvers(over=MINUTE)
    assert len(bench.prober.asked) == asked


async def test_a_domain_at_rest_is_swept_and_nothing_is_written() -> None:
    bench = Bench()
    await bench.watch()
    bench.resolvers_say(RIGHT, RIGHT)
    await bench.rounds.of_resolvers()
    before = bench.domain
    await bench.rounds.of_resolvers(over=MINUTE)
    assert bench.sweeper.sweeps == [(1, MINUTE)]
    assert bench.domain is before, "nothing was committed"


async def test_what_a_sweep_finds_changed_is_looked_at_as_a_whole_in_the_same_round() -> None:
    bench = Bench()
    await bench.watch()
    bench.resolvers_say(RIGHT, RIGHT)
    await bench.rounds.of_resolvers()
    bench.resolvers_say(WRONG, WRONG)
    await bench.rounds.of_resolvers()
    assert bench.domain.status.contradicted == 1, "one round, however many resolvers told"
    assert {view.verdict.is_in_effect for view in bench.domain.resolvers.values()} == {False}
    await bench.rounds.of_resolvers()
    assert bench.domain.status.value is DomainStatus.BROKEN


async def test_a_domain_counts_as_looked_at_once_its_resolvers_are_recorded() -> None:
    bench, told = Bench(), list[bool]()

    def beside(_: State, step: Step) -> Step:
        told.append(DOMAIN in bench.rounds.looked_at)
        return step

    await bench.watch()
    await bench.watch(binding("other.shop.example"))
    bench.resolvers_say(RIGHT, RIGHT)
    await bench.rounds.of_authorities()
    assert DOMAIN not in bench.rounds.looked_at
    await replace(bench.rounds, is_wanted=lambda: False).of_resolvers({DOMAIN})
    assert DOMAIN not in bench.rounds.looked_at
    bench.ledger.accompany(beside)
    await bench.rounds.of_resolvers({DOMAIN})
    assert DOMAIN in bench.rounds.looked_at
    assert DomainName("other.shop.example") not in bench.rounds.looked_at
    assert told == [True], "whoever decides with the step who is told, knows"


async def test_after_everybody_was_asked_about_everything_each_domain_is_looked_at() -> None:
    bench = Bench()
    await bench.watch()
    bench.resolvers_say(RIGHT, RIGHT)
    await bench.rounds.of_resolvers()
    unwanted = replace(bench.rounds, is_wanted=lambda: False)
    await unwanted.of_everybody()
    assert DOMAIN not in unwanted.looked_at
    later = replace(bench.rounds, abreast=2)
    await later.of_everybody()
    assert bench.sweeper.sweeps[-1] == (1, timedelta()), "it rests, and nothing is news"
    assert DOMAIN in later.looked_at


async def test_continued_rounds_know_who_rests_and_are_told_apart() -> None:
    bench = Bench()
    await bench.watch()
    bench.resolvers_say(RIGHT, RIGHT)
    for _ in range(2):
        await bench.rounds.of_resolvers()
    assert bench.sweeper.reply(DOMAIN, RESOLVERS[0]) is not None
    later = bench.rounds.continued()
    assert later.panel is not bench.rounds.panel
    resting, awake = later.fleet.parted(bench.ledger.state, bench.clock.now())
    assert ([one.domain for one in resting], awake) == ([DOMAIN], [])
    assert bench.sweeper.reply(DOMAIN, RESOLVERS[0]) is not None, "it was not forgotten"


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


async def test_a_domain_whose_authorities_nobody_knows_keeps_no_other_waiting() -> None:
    bench = Bench()
    await bench.watch(binding("lost.elsewhere.example"))
    await bench.watch()
    bench.authorities_say(RIGHT, RIGHT)
    await bench.rounds.of_authorities()
    assert bench.domain.authorities.keys() == {NS1.name, NS2.name}
    assert bench.telemetry.rounds == ["authorities"]


async def test_a_round_waits_for_details_that_cannot_be_read_for_now() -> None:
    bench = Bench()
    await bench.watch()
    bench.authorities_say(RIGHT, RIGHT)
    await bench.rounds.of_authorities()
    records = UnreadableRecords(bench.domain.records, looks=2)
    await bench.ledger.record(lambda _: Step((replace(bench.domain, records=records),)))
    bench.prober.asked.clear()
    await bench.rounds.of_authorities()
    assert (NS1.name, Question(DOMAIN, is_recursion_desired=False)) in bench.prober.asked
    assert (records.looks, bench.telemetry.store_failures) == (0, 1)


async def test_a_poll_of_what_is_known_reads_no_records() -> None:
    bench = Bench()
    await bench.watch()
    bench.authorities_say(RIGHT, RIGHT)
    for _ in range(3):
        await bench.rounds.of_authorities()
    records = UnreadableRecords(bench.domain.records, looks=0)
    await bench.ledger.record(lambda _: Step((replace(bench.domain, records=records),)))
    await bench.rounds.of_authorities()
    records.looks = 1
    await bench.rounds.of_authorities()
    assert records.looks == 1, "nobody looked"


async def test_what_many_domains_say_is_kept_in_parts_so_that_others_have_their_turn() -> None:
    bench = Bench()
    names = [DomainName(f"d{number}.shop.example") for number in range(MOST_OF_ONE_RECORD + 1)]
    for name in names:
        await bench.watch(binding(name.text))
        bench.authorities_say(RIGHT, RIGHT, domain=name)
    kept: list[int] = []
    bench.ledger.listen(lambda step: kept.append(len(step.domains)))
    bench.rounds.abreast = len(names)
    await bench.rounds.of_authorities()
    assert sum(kept) == len(names)
    assert max(kept) <= MOST_OF_ONE_RECORD
