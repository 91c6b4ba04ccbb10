"""Who is at rest is found out once, and again only when something happened."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from monitor.core.bindings import Binding
from monitor.core.hysteresis import Settled
from monitor.core.state import Step
from monitor.core.status import DomainStatus
from monitor.core.tracking.record import CalmRecords, RecordKey, TrackedRecord
from monitor.usecases.fleet import watched_in
from tests.core.samples import BINDING, DOMAIN, START, binding, pointing_to
from tests.usecases.panel import RESOLVERS, Bench

BESIDE = binding("beside.shop.example")


async def at_rest(*bindings: Binding) -> Bench:
    """Return a bench on which these were looked at once, and swept once."""
    bench = Bench()
    for one in bindings:
        await bench.watch(one)
        right = pointing_to(one.target.name, one.domain)
        bench.resolvers_say(right, right, domain=one.domain)
    await bench.rounds.of_resolvers()
    await bench.rounds.of_resolvers()
    return bench


def parted(bench: Bench) -> tuple[Sequence[Binding], Sequence[Binding]]:
    return bench.rounds.fleet.parted(bench.ledger.state, bench.clock.now())


async def test_while_nothing_happens_the_same_list_is_handed_out() -> None:
    bench = await at_rest(BINDING)
    resting, awake = parted(bench)
    assert (resting, awake) == ([BINDING], [])
    assert parted(bench)[0] is resting


async def test_a_step_about_one_domain_forgets_what_is_remembered_of_that_one() -> None:
    bench = await at_rest(BINDING, BESIDE)
    stirred = replace(bench.domain, status=Settled(DomainStatus.PROPAGATING))
    await bench.ledger.record(lambda _: Step((stirred,)))
    assert parted(bench) == ([BESIDE], [BINDING])
    assert bench.sweeper.reply(DOMAIN, RESOLVERS[0]) is None, "it may be news by now"
    assert bench.sweeper.reply(BESIDE.domain, RESOLVERS[0]) is not None


class LookedAfter(dict[RecordKey, TrackedRecord], CalmRecords):
    """No record, though one change is looked after for another hour."""

    followed_until = START + timedelta(hours=1)
    ended_at = START


async def test_a_domain_that_only_time_calms_joins_those_at_rest() -> None:
    bench = await at_rest(BINDING, BESIDE)
    settled = replace(bench.domain, records=LookedAfter())
    await bench.ledger.record(lambda _: Step((settled,)))
    assert parted(bench) == ([BESIDE], [BINDING])
    assert parted(bench) == ([BESIDE], [BINDING]), "no time has passed"
    bench.clock.advance(timedelta(hours=2))
    assert parted(bench) == ([BESIDE, BINDING], [])


async def test_what_is_no_longer_bound_is_forgotten() -> None:
    bench = await at_rest(BINDING, BESIDE)
    await bench.ledger.record(lambda _: Step(forgotten=frozenset({DOMAIN})))
    assert parted(bench) == ([BESIDE], [])
    assert bench.sweeper.reply(DOMAIN, RESOLVERS[0]) is None


async def test_a_wildcard_is_not_asked_about() -> None:
    bench = await at_rest(BINDING)
    wildcard = binding("*.shop.example")
    await bench.watch(wildcard)
    assert watched_in(bench.ledger.state) == [BINDING]
    assert watched_in(bench.ledger.state, {wildcard.domain}) == []
