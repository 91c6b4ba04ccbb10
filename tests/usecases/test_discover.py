from datetime import timedelta

from structlog.testing import capture_logs

from monitor.core.binding_faults import FaultPolicy
from monitor.core.inventory import Failure, FailureReason, Scope
from monitor.core.state import RoundPolicy, State
from monitor.core.status import StatusPolicy
from monitor.usecases.discover import discover, forget_accounts
from tests.core.samples import BINDING, DOMAIN, RIGHT, START
from tests.fakes.fake_inventory import FakeInventory
from tests.usecases.panel import Bench

POLICY = FaultPolicy(RoundPolicy(StatusPolicy({"a": 1.0, "b": 1.0})))


async def test_a_new_domain_is_to_be_asked_about_and_a_known_one_is_not() -> None:
    bench, inventory = Bench(), FakeInventory("shop", BINDING)
    look = (inventory, bench.ledger, bench.telemetry, bench.clock, POLICY)
    assert await discover(*look) == {DOMAIN}
    bench.resolvers_say(RIGHT, RIGHT)
    await bench.rounds.of_resolvers()
    assert await discover(*look) == frozenset()


async def test_a_failed_look_is_counted_and_the_last_known_stays_with_its_age() -> None:
    bench, inventory = Bench(), FakeInventory("shop", BINDING)
    look = (inventory, bench.ledger, bench.telemetry, bench.clock, POLICY)
    await discover(*look)
    inventory.bindings = ()
    inventory.failures = (Failure(FailureReason.UNREACHABLE, Scope.ACCOUNT),)
    bench.clock.advance(timedelta(hours=1))
    await discover(*look)
    account = bench.ledger.state.accounts["shop"]
    assert account.bindings == (BINDING,)
    assert account.last_success_at == START
    assert [listing.failures for listing in bench.telemetry.listings] == [(), inventory.failures]


async def test_what_cannot_be_read_is_said_once_and_once_that_it_can_be_again() -> None:
    bench, inventory = Bench(), FakeInventory("shop", BINDING)
    look = (inventory, bench.ledger, bench.telemetry, bench.clock, POLICY)
    denied = [Failure(FailureReason.DENIED, Scope.BUCKET, name, "no right") for name in "abc"]
    with capture_logs() as logs:
        for failures in ((), denied, denied, denied[:1], (), ()):
            inventory.failures = tuple(failures)
            await discover(*look)
    told = [line for line in logs if line["event"].startswith("inventory.")]
    assert told == [
        {
            "event": "inventory.unreadable",
            "log_level": "warning",
            "account": "shop",
            "failures": 3,
            "bucket": "a",
            "error": "no right",
        },
        {"event": "inventory.readable", "log_level": "info", "account": "shop"},
    ]


async def test_accounts_that_are_no_longer_configured_are_forgotten() -> None:
    bench, inventory = Bench(), FakeInventory("shop", BINDING)
    await discover(inventory, bench.ledger, bench.telemetry, bench.clock, POLICY)
    await forget_accounts(frozenset({"config"}), bench.ledger, bench.clock)
    assert bench.ledger.state.domains == {}
    assert bench.ledger.state.accounts == {}


async def test_a_look_that_is_no_longer_wanted_changes_nothing() -> None:
    bench, inventory = Bench(), FakeInventory("shop", BINDING)
    look = (inventory, bench.ledger, bench.telemetry, bench.clock, POLICY)
    assert await discover(*look, is_wanted=lambda: False) == frozenset()
    assert bench.ledger.state == State()


async def test_what_could_not_be_kept_of_a_look_is_brought_by_the_next() -> None:
    bench, inventory = Bench(), FakeInventory("shop", BINDING)
    look = (inventory, bench.ledger, bench.telemetry, bench.clock, POLICY)
    bench.store.is_broken = True
    assert await discover(*look) == frozenset()
    bench.store.is_broken = False
    assert await discover(*look) == {DOMAIN}
