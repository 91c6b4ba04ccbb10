from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
import structlog

from monitor.core.answers import Address, Alias, Answer, Rcode
from monitor.core.binding_faults import FaultPolicy
from monitor.core.names import DomainName
from monitor.core.serving import BucketSign, HttpAnswer, HttpSilence, SilenceReason
from monitor.core.state import Step
from monitor.core.status import Fault
from monitor.usecases.visit import Visits
from tests.core.samples import BINDING, DOMAIN, MINUTE, RIGHT, SILENT, TARGET, WRONG, pointing_to
from tests.fakes.fake_visitor import FakeVisitor
from tests.fakes.unreadable import UnreadableViews
from tests.usecases.panel import RESOLVERS, Bench

GONE = HttpAnswer(404, "AliyunOSS", "5C3D", "NoSuchBucket", "0015-00000101")


def at(*addresses: str) -> Answer:
    """Return the right answer, with other addresses."""
    return Answer(
        Rcode.NOERROR,
        aliases=(Alias(DOMAIN, TARGET.name, 60),),
        addresses=tuple(Address(TARGET.name, address, 60) for address in addresses),
    )


@dataclass(slots=True)
class Doorstep:
    """A bench with somebody who visits."""

    bench: Bench = field(default_factory=Bench)
    visitor: FakeVisitor = field(init=False)
    visits: Visits = field(init=False)

    def __post_init__(self) -> None:
        bench = self.bench
        self.visitor = FakeVisitor(bench.clock)
        self.visits = Visits(
            bench.ledger,
            self.visitor,
            RESOLVERS,
            bench.sweeper,
            FaultPolicy(bench.rounds.policy, is_http_checked=True),
            bench.clock,
            bench.telemetry,
        )

    async def answered(self, *outcomes: Answer) -> None:
        await self.bench.watch()
        self.bench.resolvers_say(*outcomes)
        await self.bench.rounds.of_resolvers()


async def test_each_domain_is_visited_where_the_resolvers_send_its_clients() -> None:
    door = Doorstep()
    await door.answered(at("203.0.113.2", "203.0.113.3"), at("203.0.113.3"))
    await door.visits.of_everybody()
    assert door.visitor.sent == [(DOMAIN.text, ("203.0.113.3", "203.0.113.2"))]
    assert door.bench.telemetry.visits == [BucketSign.SERVES]


async def test_a_domain_that_leads_elsewhere_or_nowhere_is_not_visited() -> None:
    door = Doorstep()
    await door.answered(WRONG, WRONG)
    await door.visits.of_everybody()
    door.bench.resolvers_say(SILENT, Answer(Rcode.NXDOMAIN))
    await door.bench.rounds.of_resolvers()
    await door.visits.of_everybody()
    assert door.visitor.sent == []
    assert door.bench.telemetry.visits == []


async def test_a_domain_at_another_bucket_is_visited_for_that_one_may_be_gone() -> None:
    door = Doorstep()
    other = pointing_to("other-bucket.oss-cn-shanghai.aliyuncs.com")
    await door.answered(other, other)
    door.visitor.outcomes[DOMAIN] = GONE
    await door.visits.of_everybody()
    await door.visits.of_everybody()
    assert door.bench.domain.faults == {Fault.BUCKET_MISSING}


async def test_two_looks_on_end_raise_a_fault_and_two_clear_it() -> None:
    door = Doorstep()
    await door.answered(RIGHT, RIGHT)
    door.visitor.outcomes[DOMAIN] = GONE
    await door.visits.of_everybody()
    assert door.bench.domain.faults == frozenset()
    await door.visits.of_everybody()
    assert door.bench.domain.faults == {Fault.BUCKET_MISSING}
    del door.visitor.outcomes[DOMAIN]
    await door.visits.of_everybody()
    await door.visits.of_everybody()
    assert door.bench.domain.faults == frozenset()
    told = [
        event.data["state"] for event in door.bench.telemetry.events if event.data.get("fault")
    ]
    assert told == ["raised", "cleared"]


@pytest.mark.parametrize("passed", [5 * MINUTE, -60 * MINUTE], ids=["later", "put back"])
async def test_a_domain_at_rest_is_visited_at_its_newest_addresses_and_stays_at_rest(
    passed: timedelta,
) -> None:
    door = Doorstep()
    bench = door.bench
    await door.answered(at("203.0.113.2"), at("203.0.113.2"))
    bench.clock.advance(passed)
    bench.resolvers_say(at("203.0.113.9"), at("203.0.113.9"))
    await bench.rounds.of_resolvers()
    assert bench.sweeper.sweeps[-1][0] == 1
    before = bench.domain
    await door.visits.of_everybody()
    assert door.visitor.sent == [(DOMAIN.text, ("203.0.113.9",))]
    assert bench.domain is before


async def test_a_clock_that_is_put_back_lets_nobody_wait_for_a_visit() -> None:
    door = Doorstep()
    turns = door.visits._turns([BINDING] * 4, timedelta(seconds=1))
    next(turns)
    door.bench.clock.advance(timedelta(days=-4))
    assert all(wait <= 1 for _, wait in turns)


async def test_silence_is_counted_and_changes_nothing() -> None:
    door = Doorstep()
    await door.answered(RIGHT, RIGHT)
    door.visitor.outcomes[DOMAIN] = HttpSilence(SilenceReason.TIMEOUT)
    before = door.bench.domain
    for _ in range(3):
        await door.visits.of_everybody()
    assert door.bench.telemetry.visits == [BucketSign.NO_ANSWER] * 3
    assert door.bench.domain is before


async def test_while_everybody_is_being_visited_nobody_is_visited_twice() -> None:
    door = Doorstep()
    await door.answered(RIGHT, RIGHT)
    async with door.visits.turn:
        await door.visits.of_everybody()
    assert door.visitor.sent == []
    await door.visits.of_everybody()
    assert len(door.visitor.sent) == 1


async def test_visits_that_are_no_longer_wanted_are_not_made() -> None:
    door = Doorstep()
    await door.answered(RIGHT, RIGHT)
    await replace(door.visits, is_wanted=lambda: False).of_everybody()
    assert door.visitor.sent == []


async def test_a_domain_of_which_nothing_is_known_yet_is_not_visited() -> None:
    door = Doorstep()
    await door.answered(RIGHT, RIGHT)
    other = replace(BINDING, domain=DomainName("other.shop.example"))
    await door.bench.watch(other)
    await door.visits.of_everybody()
    assert [domain for domain, _ in door.visitor.sent] == [DOMAIN.text]


async def test_what_oss_refuses_is_logged_with_the_numbers_that_its_support_asks_for() -> None:
    door = Doorstep()
    await door.answered(RIGHT, RIGHT)
    door.visitor.outcomes[DOMAIN] = HttpAnswer(403, "AliyunOSS", "5C3D", "UserDisable", "0003-1")
    with structlog.testing.capture_logs() as lines:
        await door.visits.of_everybody()
    (line,) = (line for line in lines if line["event"] == "http_check.refused")
    assert (line["code"], line["ec"], line["request_id"]) == ("UserDisable", "0003-1", "5C3D")


async def test_a_visit_waits_for_addresses_that_cannot_be_read_for_now() -> None:
    door = Doorstep()
    await door.answered(at("203.0.113.2"), at("203.0.113.2"))
    views = UnreadableViews(door.bench.domain.resolvers)
    known = replace(door.bench.domain, resolvers=views)
    await door.bench.ledger.record(lambda _: Step((known,)))
    await door.visits.of_everybody()
    assert door.visitor.sent == [(DOMAIN.text, ("203.0.113.2",))]
