from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from monitor.core.answers import Answer, NoAnswer, Rcode
from monitor.core.hysteresis import Settled
from monitor.core.names import DomainName
from monitor.core.servers import Resolver
from monitor.core.state import DomainState, State
from monitor.core.status import DomainStatus, Remedy
from monitor.usecases.snapshot import BY_URGENCY, Snapshot
from tests.core.samples import BINDING, DOMAIN, RIGHT, SILENT, START, WRONG, view
from tests.core.test_resting import Drawer, Shelf

FAST = Resolver("fast", "127.0.0.1", weight=3.0)
SLOW, IDLE = Resolver("slow", "127.0.0.2"), Resolver("idle", "127.0.0.3")
OTHER = DomainName("a.shop.example")


def domain_of(**said: Answer | NoAnswer) -> DomainState:
    views = {server: view(outcome) for server, outcome in said.items()}
    return DomainState(DOMAIN, BINDING, START, resolvers=views)


def snapshot_of(*domains: DomainState) -> Snapshot:
    state = State(domains={domain.domain: domain for domain in domains})
    return Snapshot(START, state, (FAST, SLOW, IDLE))


def test_domains_are_shown_by_name_and_found_by_name() -> None:
    last, first = domain_of(), replace(domain_of(), domain=OTHER)
    shown = snapshot_of(last, first)
    assert list(shown.domains) == [first, last]
    assert shown.domain(OTHER) == first
    assert shown.domain(DomainName("nobody.example")) is None


def test_answers_are_shown_in_the_configured_order_and_only_of_who_was_asked() -> None:
    domain = domain_of(slow=RIGHT, fast=WRONG, dismissed=RIGHT)
    assert [resolver for resolver, _ in snapshot_of(domain).views(domain)] == [FAST, SLOW]


def test_only_configured_resolvers_are_counted_each_by_its_weight() -> None:
    domain = domain_of(fast=RIGHT, slow=WRONG, dismissed=WRONG)
    counted = snapshot_of(domain).tally(domain)
    assert (counted.asked, counted.answering, counted.in_effect) == (4.0, 4.0, 3.0)


@pytest.mark.parametrize(("hours", "expected"), [(1, Remedy.WAIT), (3, Remedy.CACHE)])
def test_how_late_an_answer_is_is_measured_at_the_moment_that_is_shown(
    hours: int, expected: Remedy
) -> None:
    domain = replace(domain_of(fast=WRONG), authorities={"ns": view(RIGHT)})
    shown = replace(
        snapshot_of(domain), at=START + timedelta(hours=hours), window=timedelta(hours=2)
    )
    assert shown.remedy(domain, domain.resolvers["fast"]) is expected


@pytest.mark.parametrize(
    ("looked_after_until", "expected"),
    [
        (START + timedelta(hours=1), [60, None, None]),
        (START, [None] * 3),
        (None, [None] * 3),
    ],
)
def test_of_what_is_packed_the_ttls_are_read_where_no_sweep_shows_them(
    looked_after_until: datetime | None, expected: list[int | None]
) -> None:
    shelf = Shelf({"fast": view(RIGHT), "slow": view(SILENT)})
    domain = replace(domain_of(), resolvers=shelf, records=Drawer(looked_after_until))
    assert [list(ttls) for ttls in snapshot_of(domain).ttls([domain])] == [expected]
    assert bool(shelf.reads) is any(expected), "reading all of a fleet at rest takes too long"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ([], None),
        ([SILENT], False),
        ([SILENT, WRONG], True),
        ([Answer(Rcode.REFUSED)], True),
    ],
)
def test_a_resolver_is_up_when_it_said_anything_about_any_domain(
    said: list[Answer | NoAnswer], *, expected: bool | None
) -> None:
    domains = (
        replace(domain_of(fast=outcome), domain=DomainName(f"d{number}.example"))
        for number, outcome in enumerate(said)
    )
    assert snapshot_of(*domains, domain_of(slow=RIGHT)).is_up(FAST) is expected


def test_the_worst_is_what_needs_somebody_first() -> None:
    assert snapshot_of().worst is None
    domains: list[DomainState] = []
    for number, status in enumerate(reversed(BY_URGENCY)):
        name = DomainName(f"d{number}.example")
        domains.append(DomainState(name, BINDING, START, status=Settled(status)))
        assert snapshot_of(*domains).worst is status


def test_every_status_has_its_urgency() -> None:
    assert sorted(BY_URGENCY, key=str) == sorted(DomainStatus, key=str)
