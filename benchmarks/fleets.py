"""A fleet of any size as a daemon would know it, without a question asked."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from monitor.adapters.resolvers.memo import TTL_SIZE, Remembered, layout_of
from monitor.adapters.resolvers.watchlist import Watchlist
from monitor.adapters.stores.rows import domain_row, resting
from monitor.core.answers import Address, Alias, Answer, NoAnswer, NoAnswerReason, Rcode, Reply
from monitor.core.bindings import Binding, BucketTarget
from monitor.core.chain import Chain, rebuild
from monitor.core.hysteresis import Settled
from monitor.core.names import DomainName
from monitor.core.servers import Resolver, Transport
from monitor.core.state import DomainState, State
from monitor.core.status import DomainStatus
from monitor.core.tracking.record import RecordKey, TrackedRecord
from monitor.core.verdict import Rule, Verdict, VerdictKind
from monitor.core.views import Sighting, Spell, View
from monitor.usecases.snapshot import Snapshot

AT = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
ENDPOINT = DomainName("oss-cn-hangzhou.aliyuncs.com")


def fleet(domains: int, resolvers: int) -> Snapshot:
    """Return a fleet of which most is in effect, each pair with objects and a TTL of its own."""
    asked = tuple(Resolver(f"resolver-{n}", f"192.0.2.{n % 250}") for n in range(resolvers))
    chance = Random(1)  # noqa: S311  # the same fleet each time
    states = {}
    latest = _Latest({}, {resolver: Watchlist() for resolver in asked})
    for number in range(domains):
        state = _domain(number, asked, chance)
        latest.note(number, state)
        states[state.domain] = resting(state, domain_row(state), _Unread())
    return Snapshot(AT, State(domains=states), asked, latest=latest)


class _Unread:
    """Details that a scrape must do without: the standings are at hand."""

    def resolvers(self, name: str) -> Mapping[str, View]:
        raise AssertionError(f"the resolvers of {name} are read")

    def authorities(self, name: str) -> Mapping[str, View]:
        raise AssertionError(f"the authorities of {name} are read")

    def resolver_spells(self, name: str) -> Mapping[str, Spell]:
        raise AssertionError(f"the past of the resolvers of {name} is read")

    def authority_spells(self, name: str) -> Mapping[str, Spell]:
        raise AssertionError(f"the past of the authorities of {name} is read")

    def records(self, name: str) -> Mapping[RecordKey, TrackedRecord]:
        raise AssertionError(f"the records of {name} are read")


@dataclass(frozen=True, slots=True)
class _Latest:
    """The newest answers as a sweeper keeps them, of which a scrape wants the TTLs alone."""

    numbers: dict[DomainName, int]
    watchlists: Mapping[Resolver, Watchlist]

    def note(self, number: int, state: DomainState) -> None:
        """Have the answers that the domain's views show."""
        self.numbers[state.domain] = number
        for resolver, watchlist in self.watchlists.items():
            watchlist.grow(number + 1)
            ttl = state.resolvers[resolver.name].verdict.chain.first_ttl
            if ttl is not None:
                own = bytes(_TTL_AT) + ttl.to_bytes(TTL_SIZE)
                watchlist.note(number, _ALIAS, own, at=1.0, rtt=0.009)

    def reply(self, domain: DomainName, resolver: Resolver) -> Reply | None:
        """A scrape never asks."""
        raise NotImplementedError

    def ttls(
        self, domains: Sequence[DomainName], resolvers: Sequence[Resolver]
    ) -> Iterable[Sequence[int | None]]:
        numbers = [self.numbers[domain] for domain in domains]
        columns = [self.watchlists[resolver].ttls(numbers) for resolver in resolvers]
        return [ttls for _, *ttls in zip(numbers, *columns, strict=True)]


_TTL_AT = 2  # behind the id
_ALIAS = Remembered(
    layout_of(80, 40, ((52, TTL_SIZE),), masks_question=False), b"", ttl_at=_TTL_AT
)


def _domain(number: int, resolvers: Sequence[Resolver], chance: Random) -> DomainState:
    domain = DomainName(f"www.site-{number:06}.shop.example")
    binding = Binding(domain, BucketTarget(f"bucket-{number % 97}", ENDPOINT), "shop")
    views = {resolver.name: _view(binding, resolver, chance) for resolver in resolvers}
    authorities = {f"ns{n}": _view(binding, resolvers[0], chance) for n in range(2)}
    status = Settled(DomainStatus.IN_EFFECT)
    return DomainState(
        domain, binding, AT, status=status, resolvers=views, authorities=authorities
    )


def _view(binding: Binding, resolver: Resolver, chance: Random) -> View:
    domain = binding.domain
    if chance.random() < 0.02:
        silence = NoAnswer(NoAnswerReason.TIMEOUT)
        verdict = Verdict(VerdictKind.TIMEOUT, Rule.NO_REPLY, Chain(domain), is_in_effect=None)
        return _seen(resolver, Reply(silence, AT, timedelta(seconds=2), Transport.UDP), verdict)
    alias = Alias(domain, binding.target.name, chance.randrange(600))
    answer = Answer(Rcode.NOERROR, (alias,), (Address(alias.target, "203.0.113.80", 60),))
    is_right = chance.random() < 0.975
    kind, rule = (
        (VerdictKind.IN_EFFECT, Rule.EXACT_TARGET)
        if is_right
        else (VerdictKind.OTHER_BUCKET, Rule.BUCKET_DIFFERS)
    )
    verdict = Verdict(kind, rule, rebuild(domain, answer), is_right)
    return _seen(resolver, Reply(answer, AT, timedelta(milliseconds=9), Transport.UDP), verdict)


def _seen(resolver: Resolver, reply: Reply, verdict: Verdict) -> View:
    return View(Sighting(resolver.name, reply, verdict), AT)
