from dataclasses import replace

import pytest

from monitor.core.answers import Address, Answer, NoAnswer, Outcome, Question, Rcode
from monitor.core.names import DomainName
from monitor.core.verdict import Rule, VerdictKind
from monitor.core.views import Sighting
from tests.core.samples import BINDING, DOMAIN, RIGHT, SILENT, WRONG
from tests.usecases.panel import FIXED, NS1, NS2, RESOLVERS, Bench

TARGET = BINDING.target.name
OF_TARGET = Question(TARGET)


def addresses(name: DomainName, *found: str) -> Answer:
    records = tuple(Address(name, address, 60) for address in found)
    return Answer(Rcode.NOERROR, addresses=records, is_authoritative=True)


FLAT = addresses(DOMAIN, "203.0.113.1")


def verdicts(sightings: tuple[Sighting, ...]) -> list[VerdictKind]:
    return [sighting.verdict.kind for sighting in sightings]


async def test_every_resolver_is_asked_for_addresses_and_answers_in_its_place() -> None:
    bench = Bench()
    bench.resolvers_say(RIGHT, SILENT)
    sightings = await bench.rounds.panel.ask_resolvers(BINDING)
    assert [sighting.server for sighting in sightings] == ["a", "b"]
    assert verdicts(sightings) == [VerdictKind.IN_EFFECT, VerdictKind.TIMEOUT]
    assert bench.prober.asked == [(resolver.name, Question(DOMAIN)) for resolver in RESOLVERS]


async def test_every_authority_is_asked_without_recursion_and_owes_no_addresses() -> None:
    bench = Bench()
    bench.authorities_say(replace(RIGHT, addresses=()), WRONG)
    sightings = await bench.rounds.panel.ask_authorities(BINDING, FIXED)
    assert [sighting.server for sighting in sightings] == [NS1.name, NS2.name]
    assert verdicts(sightings) == [VerdictKind.IN_EFFECT, VerdictKind.NOT_OSS]
    question = Question(DOMAIN, is_recursion_desired=False)
    assert bench.prober.asked == [(NS1.name, question), (NS2.name, question)]


async def test_who_is_no_authority_of_the_zone_is_not_believed() -> None:
    bench = Bench()
    bench.authorities_say(RIGHT, replace(RIGHT, is_authoritative=False))
    _, lame = await bench.rounds.panel.ask_authorities(BINDING, FIXED)
    assert lame.verdict.rule is Rule.LAME_AUTHORITY


async def test_the_targets_addresses_are_those_that_the_same_resolver_gives() -> None:
    bench = Bench()
    bench.resolvers_say(FLAT, FLAT)
    bench.prober.answers["a", OF_TARGET] = addresses(TARGET, "203.0.113.1", "203.0.113.2")
    bench.prober.answers["b", OF_TARGET] = addresses(TARGET, "198.51.100.1")
    sightings = await bench.rounds.panel.ask_resolvers(BINDING)
    assert verdicts(sightings) == [VerdictKind.IN_EFFECT_FLATTENED, VerdictKind.NO_CNAME]


async def test_an_authoritys_addresses_are_compared_with_what_the_first_resolver_gives() -> None:
    bench = Bench()
    bench.authorities_say(FLAT, addresses(DOMAIN, "198.51.100.1"))
    bench.prober.answers["a", OF_TARGET] = addresses(TARGET, "203.0.113.1")
    sightings = await bench.rounds.panel.ask_authorities(BINDING, FIXED)
    assert verdicts(sightings) == [VerdictKind.IN_EFFECT_FLATTENED, VerdictKind.NO_CNAME]
    about_target = {server for server, question in bench.prober.asked if question == OF_TARGET}
    assert about_target == {"a"}


@pytest.mark.parametrize(
    ("of_target", "expected"),
    [
        (SILENT, VerdictKind.NETWORK_ERROR),
        (Answer(Rcode.SERVFAIL), VerdictKind.NETWORK_ERROR),
        (Answer(Rcode.NXDOMAIN), VerdictKind.NO_CNAME),
        (Answer(Rcode.NOERROR), VerdictKind.NO_CNAME),
        (addresses(DomainName("stranger.example"), "203.0.113.1"), VerdictKind.NO_CNAME),
    ],
)
async def test_addresses_are_held_against_a_domain_only_where_the_targets_are_known(
    of_target: Outcome, expected: VerdictKind
) -> None:
    bench = Bench()
    bench.resolvers_say(FLAT, SILENT)
    bench.prober.answers["a", OF_TARGET] = of_target
    sightings = await bench.rounds.panel.ask_resolvers(BINDING)
    assert sightings[0].verdict.kind is expected


@pytest.mark.parametrize(
    "outcome", [RIGHT, WRONG, SILENT, Answer(Rcode.NXDOMAIN), Answer(Rcode.NOERROR)]
)
async def test_the_target_is_asked_about_only_where_addresses_are_all_there_is(
    outcome: Answer | NoAnswer,
) -> None:
    bench = Bench()
    bench.resolvers_say(outcome, outcome)
    await bench.rounds.panel.ask_resolvers(BINDING)
    assert {question for _, question in bench.prober.asked} == {Question(DOMAIN)}
