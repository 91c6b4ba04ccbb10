"""What every sweeper promises, as tests that each sweeper's own class takes over."""

import asyncio
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random

import pytest

from monitor.core.answers import (
    Address,
    Alias,
    Answer,
    ExtendedError,
    NoAnswer,
    NoAnswerReason,
    Outcome,
    Rcode,
    Reply,
)
from monitor.core.bindings import Binding, NameTarget
from monitor.core.chain import rebuild
from monitor.core.gist import Essence, Gist, gist_of, gist_of_essence
from monitor.core.names import DomainName
from monitor.core.servers import Resolver
from monitor.core.targets import TargetPolicy
from monitor.core.verdict import Expectation
from monitor.ports import Clock, Sweeper

BUCKET = DomainName("shop-img.oss-cn-shanghai.aliyuncs.com")
EDGE = DomainName("edge.shop.example")
SILENCE = NoAnswer(NoAnswerReason.TIMEOUT)
AT_ONCE = timedelta()
NEARLY = timedelta(seconds=1)  # a moment that is told by two clocks
ADDRESSES = ("203.0.113.1", "203.0.113.2")


def bound(name: str, target: DomainName = BUCKET) -> Binding:
    return Binding(DomainName(name), NameTarget(target))


IMG, WWW = bound("img.shop.example"), bound("www.shop.example")


def chain(
    domain: DomainName, *targets: DomainName, ttl: int = 60, addresses: Sequence[str] = ADDRESSES
) -> Answer:
    """Return the answer in which the targets follow each other, the last one with addresses."""
    path = (domain, *targets)
    links = (Alias(one, two, ttl) for one, two in itertools.pairwise(path))
    found = (Address(path[-1], text, ttl) for text in addresses)
    return Answer(Rcode.NOERROR, tuple(links), tuple(found))


RIGHT = chain(IMG.domain, EDGE, BUCKET)


@dataclass(slots=True)
class Notes:
    """An onlooker that knows what it was told last, as the ledger does."""

    known: dict[tuple[DomainName, str], Gist] = field(default_factory=dict)
    told: list[tuple[Binding, Resolver, Reply]] = field(default_factory=list)
    _heard: asyncio.Event = field(default_factory=asyncio.Event)

    def gist(self, binding: Binding, essence: Essence) -> Gist:
        return gist_of_essence(essence, binding.domain, binding.target, TargetPolicy())

    def knowing(self, binding: Binding, gist: Gist) -> list[str]:
        known = (pair for pair, of_pair in self.known.items() if of_pair == gist)
        return [resolver for domain, resolver in known if domain == binding.domain]

    def tell(self, binding: Binding, resolver: Resolver, reply: Reply) -> None:
        self.told.append((binding, resolver, reply))
        self._heard.set()
        self.learn(binding, resolver.name, reply.outcome)

    def gist_of(self, binding: Binding, outcome: Outcome) -> Gist | None:
        return gist_of(outcome, _expected(binding))

    def learn(self, binding: Binding, resolver: str, outcome: Outcome) -> None:
        gist = self.gist_of(binding, outcome)
        if gist is not None:
            self.known[binding.domain, resolver] = gist

    async def have_been_told(self, count: int) -> None:
        """Wait until so much was told in all."""
        async with asyncio.timeout(20):
            while len(self.told) < count:
                self._heard.clear()
                await self._heard.wait()

    def news(self) -> dict[tuple[DomainName, str], Outcome]:
        """Hand over what was told since the last time, each thing but once."""
        found = {(b.domain, r.name): reply.outcome for b, r, reply in self.told}
        assert len(found) == len(self.told), "nothing is told twice in one sweep"
        self.told.clear()
        return found


def _expected(binding: Binding) -> Expectation:
    return Expectation(binding.domain, binding.target, TargetPolicy())


@dataclass(slots=True)
class World:
    """A sweeper, whom it asks, and how to make them say something else, or nothing."""

    sweeper: Sweeper
    resolvers: tuple[Resolver, ...]
    clock: Clock
    say: Callable[[Resolver, DomainName, Outcome], None]
    time_passes: Callable[[], None] = lambda: None
    notes: Notes = field(default_factory=Notes)

    def all_say(self, binding: Binding, outcome: Outcome) -> None:
        for resolver in self.resolvers:
            self.say(resolver, binding.domain, outcome)

    async def sweep(self, *bindings: Binding) -> dict[tuple[DomainName, str], Outcome]:
        """Sweep, and return the news."""
        await self.sweeper.sweep(bindings or (IMG,), self.resolvers, AT_ONCE, self.notes)
        return self.notes.news()

    def shown(self, binding: Binding = IMG) -> list[Outcome | None]:
        """What each resolver last said without saying anything new."""
        replies = (self.sweeper.reply(binding.domain, r) for r in self.resolvers)
        return [None if reply is None else is_plain(reply.outcome) for reply in replies]

    def ttl(self, domain: DomainName, resolver: Resolver) -> int | None:
        ((ttl,),) = self.sweeper.ttls([domain], [resolver])
        return ttl


def is_plain(outcome: Outcome) -> Outcome:
    """Return the outcome without the words for people, which are not part of the contract."""
    return NoAnswer(outcome.reason) if isinstance(outcome, NoAnswer) else outcome


def plain(news: dict[tuple[DomainName, str], Outcome]) -> dict[tuple[DomainName, str], Outcome]:
    return {pair: is_plain(outcome) for pair, outcome in news.items()}


def from_all(world: World, outcome: Outcome, *bindings: Binding) -> dict[object, Outcome]:
    return {(b.domain, r.name): outcome for b in bindings or (IMG,) for r in world.resolvers}


SAME_TO_US: dict[str, Answer] = {
    "another TTL": chain(IMG.domain, EDGE, BUCKET, ttl=7),
    "links in another order": replace(RIGHT, aliases=RIGHT.aliases[::-1]),
    "addresses in another order": replace(RIGHT, addresses=RIGHT.addresses[::-1]),
    "other addresses": chain(IMG.domain, EDGE, BUCKET, addresses=("203.0.113.8", "203.0.113.9")),
    "fewer addresses": chain(IMG.domain, EDGE, BUCKET, addresses=("203.0.113.2",)),
    "another node": replace(RIGHT, nsid="fra2"),
}
OTHER_TO_US: dict[str, Outcome] = {
    "another target": chain(IMG.domain, EDGE, DomainName("shop-old.oss-cn-shanghai.aliyuncs.com")),
    "another link": chain(IMG.domain, DomainName("node.shop.example"), BUCKET),
    "one link less": chain(IMG.domain, BUCKET),
    "no address at its end": chain(IMG.domain, EDGE, BUCKET, addresses=()),
    "no such name": Answer(Rcode.NXDOMAIN),
    "nothing": Answer(Rcode.NOERROR),
    "a dangling chain": replace(RIGHT, rcode=Rcode.NXDOMAIN, addresses=()),
    "a failure": Answer(Rcode.SERVFAIL),
    "another reason for it": Answer(Rcode.SERVFAIL, extended_errors=(ExtendedError(22),)),
    "addresses alone": Answer(Rcode.NOERROR, addresses=(Address(IMG.domain, "192.0.2.1", 60),)),
}


class SweeperContract:
    """A sweeper's own tests say in which world it is: a fixture `world`."""

    @pytest.fixture
    def patience(self) -> timedelta:
        """Return how long who says nothing is waited for: longer than a busy machine is away."""
        return timedelta(milliseconds=300)

    async def test_at_first_all_that_is_said_is_news(self, world: World) -> None:
        world.all_say(IMG, RIGHT)
        world.all_say(WWW, chain(WWW.domain, BUCKET))
        expected = {
            **from_all(world, RIGHT, IMG),
            **from_all(world, chain(WWW.domain, BUCKET), WWW),
        }
        assert await world.sweep(IMG, WWW) == expected

    async def test_what_is_known_is_not_told_again(self, world: World) -> None:
        world.all_say(IMG, RIGHT)
        await world.sweep()
        for _ in range(3):
            assert await world.sweep() == {}

    async def test_what_was_known_before_the_first_sweep_is_not_told_either(
        self, world: World
    ) -> None:
        world.all_say(IMG, RIGHT)
        for resolver in world.resolvers:
            world.notes.learn(IMG, resolver.name, RIGHT)
        assert await world.sweep() == {}
        assert world.shown() == [RIGHT] * len(world.resolvers)

    @pytest.mark.parametrize("said", SAME_TO_US.values(), ids=SAME_TO_US)
    async def test_what_changes_no_verdict_is_no_news(self, world: World, said: Answer) -> None:
        world.all_say(IMG, RIGHT)
        await world.sweep()
        await world.sweep()
        world.all_say(IMG, said)
        for _ in range(2):
            assert await world.sweep() == {}
            assert world.shown() == [said] * len(world.resolvers), "but it is shown"

    @pytest.mark.parametrize("said", OTHER_TO_US.values(), ids=OTHER_TO_US)
    async def test_what_may_change_a_verdict_is_told_once(
        self, world: World, said: Answer
    ) -> None:
        first, *others = world.resolvers
        world.all_say(IMG, RIGHT)
        await world.sweep()
        await world.sweep()
        world.say(first, IMG.domain, said)
        assert await world.sweep() == {(IMG.domain, first.name): said}
        is_decided = world.notes.gist_of(IMG, said) is not None
        assert await world.sweep() == ({} if is_decided else {(IMG.domain, first.name): said})
        shown = said if is_decided else None
        assert world.shown() == [shown, *[RIGHT] * len(others)]

    async def test_what_was_said_before_is_news_when_it_comes_back(self, world: World) -> None:
        world.all_say(IMG, RIGHT)
        await world.sweep()
        await world.sweep()
        other = chain(IMG.domain, BUCKET)
        for said in (other, RIGHT, other, RIGHT):
            world.all_say(IMG, said)
            assert await world.sweep() == from_all(world, said)
            assert await world.sweep() == {}
            assert world.shown() == [said] * len(world.resolvers)

    async def test_after_somebody_else_has_learnt_something_the_domain_is_looked_at_anew(
        self, world: World
    ) -> None:
        first = world.resolvers[0]
        world.all_say(IMG, RIGHT)
        world.all_say(WWW, chain(WWW.domain, BUCKET))
        await world.sweep(IMG, WWW)
        await world.sweep(IMG, WWW)
        world.notes.learn(IMG, first.name, chain(IMG.domain, BUCKET))
        world.sweeper.forget(IMG.domain)
        assert world.shown() == [None] * len(world.resolvers)
        assert world.ttl(IMG.domain, first) is None
        assert world.shown(WWW) == [chain(WWW.domain, BUCKET)] * len(world.resolvers)
        assert await world.sweep(IMG, WWW) == {(IMG.domain, first.name): RIGHT}
        assert await world.sweep(IMG, WWW) == {}
        assert world.shown() == [RIGHT] * len(world.resolvers)

    async def test_whoever_was_never_asked_showed_no_ttl_however_many_they_are(
        self, world: World
    ) -> None:
        world.all_say(IMG, RIGHT)
        await world.sweep(IMG)
        strangers = [Resolver(name, "192.0.2.1") for name in ("one", "two", "three")]
        found = world.sweeper.ttls([IMG.domain, WWW.domain], strangers)
        assert [list(ttls) for ttls in found] == [[None] * 3] * 2

    async def test_ttls_are_in_the_order_that_was_asked_for_and_of_nobody_else(
        self, world: World
    ) -> None:
        first, second = world.resolvers
        world.say(first, IMG.domain, chain(IMG.domain, BUCKET, ttl=11))
        world.say(second, IMG.domain, chain(IMG.domain, BUCKET, ttl=22))
        for _ in range(2):
            await world.sweep()
        strange = replace(second, name="never-asked")
        domains, resolvers = [WWW.domain, IMG.domain], [second, strange, first]
        found = [list(ttls) for ttls in world.sweeper.ttls(domains, resolvers)]
        assert found == [[None, None, None], [22, None, 11]]
        assert [list(ttls) for ttls in world.sweeper.ttls(domains, [])] == [[], []]

    async def test_what_nobody_knows_any_more_is_news_again(self, world: World) -> None:
        world.all_say(IMG, RIGHT)
        await world.sweep()
        await world.sweep()
        world.notes.known.clear()
        world.sweeper.forget(IMG.domain)
        world.sweeper.forget(WWW.domain)  # of which it never heard
        assert await world.sweep() == from_all(world, RIGHT)

    async def test_what_one_says_is_not_shown_of_another_before_it_says_so(
        self, world: World
    ) -> None:
        first, second = world.resolvers
        world.all_say(IMG, RIGHT)
        await world.sweep()
        world.sweeper.forget(IMG.domain)
        for said in (RIGHT, replace(RIGHT, nsid="fra1"), chain(IMG.domain, EDGE, BUCKET, ttl=5)):
            world.say(first, IMG.domain, said)
            await world.sweeper.sweep((IMG,), (first,), AT_ONCE, world.notes)
            assert world.shown() == [said, None]
            assert world.ttl(IMG.domain, second) is None
        world.say(second, IMG.domain, SILENCE)
        assert plain(await world.sweep()) == {(IMG.domain, second.name): SILENCE}
        assert world.shown()[1] is None

    async def test_what_one_says_does_not_change_what_is_shown_of_another(
        self, world: World
    ) -> None:
        first, second = world.resolvers
        world.all_say(IMG, RIGHT)
        for _ in range(2):
            await world.sweep()
        for said in (replace(RIGHT, nsid="fra1"), chain(IMG.domain, EDGE, BUCKET, ttl=5)):
            world.say(first, IMG.domain, said)
            await world.sweeper.sweep((IMG,), (first,), AT_ONCE, world.notes)
            assert world.shown() == [said, RIGHT]
            assert world.ttl(IMG.domain, second) == 60
        assert world.notes.news() == {}

    async def test_new_silence_is_told_and_known_silence_is_not(self, world: World) -> None:
        first = world.resolvers[0]
        world.all_say(IMG, RIGHT)
        await world.sweep()
        world.say(first, IMG.domain, SILENCE)
        assert plain(await world.sweep()) == {(IMG.domain, first.name): SILENCE}
        assert await world.sweep() == {}
        assert world.shown()[0] == SILENCE
        assert world.ttl(IMG.domain, first) is None
        world.say(first, IMG.domain, RIGHT)
        assert await world.sweep() == {(IMG.domain, first.name): RIGHT}

    async def test_addresses_without_a_chain_are_told_each_time(self, world: World) -> None:
        flat = chain(IMG.domain)
        world.all_say(IMG, flat)
        for _ in range(3):
            assert await world.sweep() == from_all(world, flat)
            assert world.shown() == [None] * len(world.resolvers)

    async def test_two_targets_at_one_name_decide_by_themselves(self, world: World) -> None:
        torn = replace(RIGHT, aliases=(*RIGHT.aliases, Alias(IMG.domain, BUCKET, 60)))
        world.all_say(IMG, torn)
        assert await world.sweep() == from_all(world, torn)
        assert await world.sweep() == {}

    async def test_before_a_quiet_answer_nothing_is_shown(self, world: World) -> None:
        world.all_say(IMG, RIGHT)
        assert world.shown() == [None] * len(world.resolvers)
        await world.sweep()
        assert world.shown() == [None] * len(world.resolvers), "it was told, to whom it concerns"
        assert world.ttl(IMG.domain, world.resolvers[0]) is None

    async def test_the_newest_quiet_answer_is_shown_with_its_time_and_its_ttl(
        self, world: World
    ) -> None:
        resolver = world.resolvers[0]
        world.all_say(IMG, RIGHT)
        await world.sweep()
        for ttl in (59, 58, 600):
            world.time_passes()
            said = chain(IMG.domain, EDGE, BUCKET, ttl=ttl)
            world.all_say(IMG, said)
            before = world.clock.now()
            await world.sweep()
            reply = world.sweeper.reply(IMG.domain, resolver)
            assert reply is not None
            assert reply.outcome == said
            assert before - NEARLY <= reply.at <= world.clock.now()
            assert world.ttl(IMG.domain, resolver) == ttl
            assert rebuild(IMG.domain, said).first_ttl == ttl

    async def test_news_bear_the_time_at_which_they_came(self, world: World) -> None:
        world.all_say(IMG, RIGHT)
        before = world.clock.now()
        await world.sweeper.sweep((IMG,), world.resolvers, AT_ONCE, world.notes)
        for binding, resolver, reply in world.notes.told:
            assert binding == IMG
            assert before <= reply.at <= world.clock.now()
            assert reply.transport is resolver.transport
            assert reply.rtt >= timedelta()

    async def test_whom_nobody_asked_says_nothing(self, world: World) -> None:
        stranger = Resolver("stranger", "192.0.2.1")
        world.all_say(IMG, RIGHT)
        for _ in range(2):
            await world.sweep()
        for domain, resolver in ((IMG.domain, stranger), (WWW.domain, world.resolvers[0])):
            assert world.sweeper.reply(domain, resolver) is None
            assert world.ttl(domain, resolver) is None

    async def test_only_the_named_resolvers_and_domains_are_swept(self, world: World) -> None:
        first, *others = world.resolvers
        world.all_say(IMG, RIGHT)
        world.all_say(WWW, RIGHT)
        await world.sweeper.sweep((IMG,), (first,), AT_ONCE, world.notes)
        assert world.notes.news().keys() == {(IMG.domain, first.name)}
        await world.sweeper.sweep((IMG,), (), AT_ONCE, world.notes)
        await world.sweeper.sweep((), world.resolvers, AT_ONCE, world.notes)
        assert world.notes.news() == {}
        assert (await world.sweep()).keys() == {(IMG.domain, r.name) for r in others}

    async def test_another_target_makes_the_same_answer_news(self, world: World) -> None:
        world.all_say(IMG, RIGHT)
        for _ in range(2):
            await world.sweep()
        moved = replace(IMG, target=NameTarget(DomainName("other.example")))
        assert await world.sweep(moved) == from_all(world, RIGHT)
        assert await world.sweep(moved) == {}
        assert await world.sweep(IMG) == from_all(world, RIGHT)

    async def test_a_binding_read_anew_is_no_news(self, world: World) -> None:
        world.all_say(IMG, RIGHT)
        await world.sweep()
        assert await world.sweep(replace(IMG, labels=(("team", "web"),))) == {}

    async def test_what_is_forgotten_is_shown_no_more_and_the_rest_is(self, world: World) -> None:
        world.all_say(IMG, RIGHT)
        world.all_say(WWW, chain(WWW.domain, BUCKET))
        for _ in range(2):
            await world.sweep(IMG, WWW)
        world.sweeper.forget_all_but({WWW.domain})
        assert world.shown(IMG) == [None] * len(world.resolvers)
        assert world.ttl(IMG.domain, world.resolvers[0]) is None
        assert world.shown(WWW) == [chain(WWW.domain, BUCKET)] * len(world.resolvers)

    async def test_nothing_of_a_forgotten_name_shows_under_the_next_one(
        self, world: World
    ) -> None:
        """A sweeper may give its place to the next name."""
        world.all_say(IMG, RIGHT)
        world.all_say(WWW, chain(WWW.domain, EDGE, BUCKET))
        for _ in range(2):
            await world.sweep()
        world.sweeper.forget_all_but(())
        await world.sweep(WWW)
        world.sweeper.forget_all_but(())
        other = bound("xyz.shop.example")
        said = chain(other.domain, EDGE, BUCKET)
        world.all_say(other, said)
        await world.sweep(other)
        assert world.shown(IMG) == [None] * len(world.resolvers)
        assert await world.sweep(other, IMG) == {}, "what is known of it, the onlooker says"
        assert world.shown(other) == [said] * len(world.resolvers)
        assert world.shown(IMG) == [RIGHT] * len(world.resolvers)

    async def test_a_name_that_comes_back_is_asked_anew(self, world: World) -> None:
        world.all_say(IMG, RIGHT)
        for _ in range(2):
            await world.sweep()
        world.sweeper.forget_all_but(())
        world.notes.known.clear()
        assert world.shown() == [None] * len(world.resolvers)
        assert await world.sweep() == from_all(world, RIGHT)

    async def test_sweeps_at_one_time_tell_each_its_own_onlooker(self, world: World) -> None:
        world.all_say(IMG, RIGHT)
        world.all_say(WWW, chain(WWW.domain, BUCKET))
        notes = Notes(), Notes()
        async with asyncio.TaskGroup() as group:
            for binding, onlooker in zip((IMG, WWW), notes, strict=True):
                group.create_task(
                    world.sweeper.sweep((binding,), world.resolvers, AT_ONCE, onlooker)
                )
        assert notes[0].news() == from_all(world, RIGHT, IMG)
        assert notes[1].news() == from_all(world, chain(WWW.domain, BUCKET), WWW)

    async def test_a_name_that_nobody_can_ask_for_keeps_no_other_waiting(
        self, world: World
    ) -> None:
        world.all_say(IMG, RIGHT)
        unspeakable = bound(".".join(["a" * 60] * 5))
        news = await world.sweep(unspeakable, IMG)
        for resolver in world.resolvers:
            assert isinstance(news[unspeakable.domain, resolver.name], NoAnswer)
            assert news[IMG.domain, resolver.name] == RIGHT

    @pytest.mark.parametrize("patience", [timedelta(seconds=10)], ids=["patient"])
    async def test_many_names_and_answers_are_never_mixed_up(
        self, patience: timedelta, world: World
    ) -> None:
        random = Random(7)
        bindings = [bound(f"n{number:02}.shop.example") for number in range(24)]
        said: dict[tuple[DomainName, str], Outcome] = {}
        expected: dict[tuple[DomainName, str], Gist | None] = {}
        for _ in range(4):
            for binding, resolver in ((b, r) for b in bindings for r in world.resolvers):
                pair = binding.domain, resolver.name
                if pair not in said or random.random() < 0.3:
                    said[pair] = _any_answer(binding.domain, random)
                    world.say(resolver, binding.domain, said[pair])
            news = await world.sweep(*bindings)
            gists = {
                (b.domain, r.name): world.notes.gist_of(b, said[b.domain, r.name])
                for b in bindings
                for r in world.resolvers
            }
            changed = {p: said[p] for p, g in gists.items() if g is None or g != expected.get(p)}
            assert news == changed
            expected |= {pair: gist for pair, gist in gists.items() if gist is not None}
            for binding, resolver in ((b, r) for b in bindings for r in world.resolvers):
                pair = binding.domain, resolver.name
                reply = world.sweeper.reply(binding.domain, resolver)
                assert (reply.outcome if reply else None) == (
                    None if pair in changed else said[pair]
                )


def _any_answer(domain: DomainName, random: Random) -> Answer:
    """Return one of some answers, many of them alike but for a letter or a TTL."""
    targets = random.choice([(BUCKET,), (EDGE, BUCKET), (), (DomainName("edgy.shop.example"),)])
    addresses = random.sample(["203.0.113.1", "203.0.113.2", "203.0.113.3"], random.randint(0, 2))
    answer = chain(domain, *targets, ttl=random.randint(0, 600), addresses=addresses)
    return replace(
        answer,
        rcode=random.choice([*[Rcode.NOERROR] * 6, Rcode.SERVFAIL]),
        aliases=tuple(random.sample(answer.aliases, len(answer.aliases))),
        nsid=random.choice([None, "a1", "a2"]),
    )
