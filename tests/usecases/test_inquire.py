import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

from monitor.core.domain_tracking import Followers
from monitor.core.inventory import FailureReason
from monitor.core.names import DomainName
from monitor.core.provider import ProviderFailure, ProviderListing, ProviderRecord
from monitor.core.state import DomainState
from monitor.core.tracking.changes import Change, ChangeState, Source
from monitor.core.tracking.policy import TrackingPolicy
from monitor.core.tracking.record import RecordKey
from monitor.usecases.inquire import Inquire
from tests.core.samples import DOMAIN, RIGHT, WRONG
from tests.usecases.panel import RESOLVERS, Bench

MINUTE = timedelta(minutes=1)


@dataclass(slots=True)
class FakeProvider:
    listing: ProviderListing
    account: str = "config"
    asked: list[DomainName] = field(default_factory=list)

    async def look(self, owner: DomainName) -> ProviderListing:
        self.asked.append(owner)
        return self.listing


async def changed(bench: Bench, provider: FakeProvider) -> DomainState:
    """Let the authorities change over while the provider can be asked."""
    await bench.watch()
    followers = Followers(TrackingPolicy(), {r.name: r for r in RESOLVERS})
    providers = {provider.account: provider}
    inquire = Inquire(bench.ledger, providers, followers, bench.clock, bench.telemetry)
    asking = asyncio.ensure_future(inquire.run())
    await asyncio.sleep(0)
    for outcome in (WRONG, WRONG, RIGHT, RIGHT):
        bench.authorities_say(outcome, outcome)
        bench.clock.advance(MINUTE)
        await bench.rounds.of_authorities()
        await asyncio.sleep(0.01)
    asking.cancel()
    return bench.domain


def change_of(domain: DomainState) -> Change:
    change = domain.records[RecordKey(DOMAIN)].change
    assert change is not None
    return change


def record(bench: Bench, target: str, age: timedelta) -> ProviderRecord:
    edited_at = bench.clock.now() + age
    return ProviderRecord(DOMAIN, "CNAME", target, 600, "cn_telecom", True, edited_at)


async def test_the_provider_says_when_the_record_was_edited_and_for_whom() -> None:
    bench = Bench()
    target = bench_target()
    listing = ProviderListing("config", (record(bench, target, 2.5 * MINUTE),))
    change = change_of(await changed(bench, FakeProvider(listing)))
    assert change.source is Source.ALIDNS
    assert change.lines == ("telecom",)
    assert change.edited_at == listing.records[0].updated_at
    assert change.state is ChangeState.PROPAGATING


async def test_it_is_asked_when_a_change_is_seen_and_when_all_agree_and_not_at_every_round() -> (
    None
):
    provider = FakeProvider(ProviderListing("config", ()))
    await changed(Bench(), provider)
    assert provider.asked == [DOMAIN, DOMAIN]


async def test_a_refusal_is_counted_and_changes_nothing() -> None:
    bench = Bench()
    failure = ProviderFailure(FailureReason.DENIED, "needs alidns:DescribeDomainRecords")
    change = change_of(await changed(bench, FakeProvider(ProviderListing("config", (), failure))))
    assert change.source is Source.OBSERVED and change.edited_at is None
    assert set(bench.telemetry.provider_failures) == {("config", "denied")}


async def test_an_account_without_the_api_is_not_asked() -> None:
    provider = FakeProvider(ProviderListing("other", ()), account="other")
    await changed(Bench(), provider)
    assert provider.asked == []


def bench_target() -> str:
    return RIGHT.aliases[0].target.text
