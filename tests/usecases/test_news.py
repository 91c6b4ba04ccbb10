"""What a sweep tells: known by the ledger, gathered by domain, and looked at once."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from monitor.adapters.stores.sqlite import SqliteStore
from monitor.core.answers import Outcome, Reply
from monitor.core.bindings import Binding
from monitor.core.gist import Gist, essence_of, gist_of
from monitor.core.names import DomainName
from monitor.core.servers import Transport
from monitor.core.state import Step
from monitor.core.status import DomainStatus
from monitor.core.targets import TargetPolicy
from monitor.core.verdict import Expectation
from monitor.ledger import Ledger
from monitor.usecases.news import News
from tests.core.samples import (
    BINDING,
    DOMAIN,
    MINUTE,
    RIGHT,
    SILENT,
    START,
    WRONG,
    binding,
    pointing_to,
)
from tests.usecases.panel import RESOLVERS, Bench

A, B = RESOLVERS
OTHER = binding("other.shop.example")


def news_of(bench: Bench) -> News:
    return News(bench.ledger, bench.rounds.panel)


def reply(outcome: Outcome) -> Reply:
    return Reply(outcome, START + MINUTE, timedelta(milliseconds=5), Transport.UDP, b"wire")


async def after_a_look(*outcomes: Outcome) -> Bench:
    bench = Bench()
    await bench.watch()
    bench.resolvers_say(*outcomes)
    await bench.rounds.of_resolvers()
    return bench


def gist_by(news: News, outcome: Outcome, binding: Binding = BINDING) -> Gist:
    essence = essence_of(outcome, binding.domain)
    assert essence is not None
    return news.gist(binding, essence)


def is_known(news: News, resolver: str, gist: Gist, binding: Binding = BINDING) -> bool:
    return resolver in news.knowing(binding, gist)


async def test_the_gist_is_that_of_the_binding_and_of_the_policy_in_force() -> None:
    bench = Bench()
    policy = TargetPolicy(is_proxy_in_effect=False)
    rounds = replace(bench.rounds, panel=replace(bench.rounds.panel, policy=policy))
    expected = Expectation(DOMAIN, BINDING.target, policy)
    assert gist_by(News(bench.ledger, rounds.panel), RIGHT) == gist_of(RIGHT, expected)
    assert gist_by(news_of(bench), RIGHT) != gist_of(RIGHT, expected)


async def test_what_the_last_look_showed_is_known_of_each_resolver_by_itself() -> None:
    bench = await after_a_look(RIGHT, WRONG)
    news = news_of(bench)
    for resolver, said in ((A, RIGHT), (B, WRONG)):
        for outcome in (RIGHT, WRONG, SILENT):
            gist = gist_by(news, outcome)
            assert gist is not None
            assert is_known(news, resolver.name, gist) is (outcome is said)


async def test_silence_that_was_seen_is_known() -> None:
    news = news_of(await after_a_look(SILENT, RIGHT))
    gist = gist_by(news, SILENT)
    assert gist is not None
    assert is_known(news, "a", gist)
    assert not is_known(news, "b", gist)


async def test_of_strangers_nothing_is_known() -> None:
    bench = await after_a_look(RIGHT, RIGHT)
    news = news_of(bench)
    gist = gist_by(news, RIGHT)
    assert gist is not None
    assert not is_known(news, "nobody", gist)
    assert not is_known(news, "a", gist, OTHER)
    await bench.ledger.record(lambda _: Step(forgotten=frozenset({DOMAIN})))
    assert not is_known(news, "a", gist)


async def test_what_the_ledger_learns_meanwhile_counts_at_once() -> None:
    bench = await after_a_look(RIGHT, RIGHT)
    news = news_of(bench)
    gist = gist_by(news, WRONG)
    assert gist is not None
    assert not is_known(news, "a", gist)
    bench.resolvers_say(WRONG, RIGHT)
    await bench.rounds.of_resolvers()
    assert is_known(news, "a", gist)


async def test_for_another_target_nothing_that_was_seen_is_known() -> None:
    news = news_of(await after_a_look(RIGHT, RIGHT))
    moved = binding(DOMAIN.text, "another")
    gist = gist_by(news, RIGHT, moved)
    assert gist is not None
    assert not is_known(news, "a", gist, moved)


async def test_each_domain_is_handed_over_once_with_all_that_was_told_of_it() -> None:
    news = news_of(Bench())
    news.tell(BINDING, A, reply(WRONG))
    news.tell(OTHER, A, reply(SILENT))
    news.tell(BINDING, B, reply(RIGHT))
    assert news.taken() == [BINDING, OTHER]
    assert news.told(DOMAIN) == {A: reply(WRONG), B: reply(RIGHT)}
    assert news.told(OTHER.domain) == {A: reply(SILENT)}
    assert news.taken() == []


async def test_what_is_told_of_a_domain_after_it_was_looked_at_waits_for_the_next_sweep() -> None:
    news = news_of(Bench())
    news.tell(BINDING, A, reply(WRONG))
    assert news.taken() == [BINDING]
    news.tell(BINDING, B, reply(WRONG))
    assert news.taken() == []
    assert news.told(DOMAIN) == {A: reply(WRONG)}, "the look asked the others itself"
    news.tell(OTHER, B, reply(WRONG))
    assert news.taken() == [OTHER]


async def test_the_newest_of_two_replies_counts() -> None:
    news = news_of(Bench())
    news.tell(BINDING, A, reply(WRONG))
    news.tell(BINDING, A, reply(RIGHT))
    news.taken()
    assert news.told(DOMAIN) == {A: reply(RIGHT)}


async def resting_bench(*said: Outcome) -> Bench:
    """Return a bench whose domain has come to rest."""
    bench = await after_a_look(*said)
    for _ in range(2):
        await bench.rounds.of_resolvers()
    bench.prober.asked.clear()
    return bench


async def test_a_sweep_that_tells_nothing_changes_nothing() -> None:
    bench = await resting_bench(RIGHT, RIGHT)
    before = bench.domain
    for ttl in (60, 30, 10):
        said = replace(RIGHT, aliases=tuple(replace(a, ttl=ttl) for a in RIGHT.aliases))
        bench.resolvers_say(said, said)
        await bench.rounds.of_resolvers()
    assert bench.domain is before, "so that nothing is written"
    assert len(bench.prober.asked) == 3 * len(RESOLVERS)


@pytest.mark.parametrize(
    ("said", "status"),
    [
        ((WRONG, WRONG), DomainStatus.BROKEN),
        ((RIGHT, WRONG), DomainStatus.PARTIAL),
        ((SILENT, SILENT), DomainStatus.UNKNOWN),
        ((pointing_to("elsewhere.example"), pointing_to("third.example")), DomainStatus.BROKEN),
    ],
    ids=["both wrong", "one wrong", "both silent", "each wrong in its way"],
)
async def test_news_of_a_sweep_lead_where_looks_alone_would(
    said: Sequence[Outcome], status: DomainStatus
) -> None:
    """The hysteresis is not to be outwitted by who looks."""
    swept, looked_at = await resting_bench(RIGHT, RIGHT), await resting_bench(RIGHT, RIGHT)
    for bench in (swept, looked_at):
        bench.resolvers_say(*said)
    for _ in range(3):
        await swept.rounds.of_resolvers()
        await looked_at.rounds.of_resolvers(only={DOMAIN})
    for bench in (swept, looked_at):
        assert bench.domain.status.value is status
        known = {name: view.verdict.kind for name, view in bench.domain.resolvers.items()}
        assert known == {
            name: view.verdict.kind for name, view in looked_at.domain.resolvers.items()
        }


async def test_what_a_sweep_told_is_known_to_a_store_that_keeps_it_packed(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    store = SqliteStore(tmp_path_factory.mktemp("store") / "test.db")
    bench = Bench()
    ledger = Ledger(store, bench.telemetry)
    try:
        bench.resolvers_say(RIGHT, WRONG)
        await ledger.open()
        await bench.watch()
        domain = bench.domain
        await ledger.record(lambda _: Step((domain,)))
        rounds = replace(bench.rounds, ledger=ledger)
        await rounds.of_resolvers()
        news = News(ledger, rounds.panel)
        for resolver, said in ((A, RIGHT), (B, WRONG)):
            for outcome in (RIGHT, WRONG):
                gist = gist_by(news, outcome)
                assert gist is not None
                assert is_known(news, resolver.name, gist) is (outcome is said)
    finally:
        await store.close()


async def test_a_domain_told_of_under_another_name_is_another_one() -> None:
    news = news_of(await after_a_look(RIGHT, RIGHT))
    stranger = replace(BINDING, domain=DomainName("www.shop.example"))
    assert gist_by(news, RIGHT, stranger) != gist_by(news, RIGHT)
