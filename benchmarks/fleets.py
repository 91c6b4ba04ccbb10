"""A fleet of any size as a daemon would know it, without a question asked."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random

from monitor.core.answers import Address, Alias, Answer, NoAnswer, NoAnswerReason, Rcode, Reply
from monitor.core.bindings import Binding, BucketTarget
from monitor.core.chain import Chain, rebuild
from monitor.core.hysteresis import Settled
from monitor.core.names import DomainName
from monitor.core.servers import Resolver, Transport
from monitor.core.state import DomainState, State
from monitor.core.status import DomainStatus, Sighting, View
from monitor.core.verdict import Rule, Verdict, VerdictKind
from monitor.usecases.snapshot import Snapshot

AT = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
ENDPOINT = DomainName("oss-cn-hangzhou.aliyuncs.com")


def fleet(domains: int, resolvers: int) -> Snapshot:
    """Return a fleet of which most is in effect, each pair with objects and a TTL of its own."""
    asked = tuple(Resolver(f"resolver-{n}", f"192.0.2.{n % 250}") for n in range(resolvers))
    chance = Random(1)  # noqa: S311  # the same fleet each time
    states = (_domain(number, asked, chance) for number in range(domains))
    return Snapshot(AT, State(domains={state.domain: state for state in states}), asked)


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
