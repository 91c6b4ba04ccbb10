"""As many domains and resolvers as a test wants, most of them in effect."""

from dataclasses import replace

from monitor.core.answers import NoAnswer, NoAnswerReason
from monitor.core.bindings import Binding, BucketTarget
from monitor.core.hysteresis import Settled
from monitor.core.names import DomainName
from monitor.core.servers import Resolver
from monitor.core.state import DomainState, State
from monitor.core.status import DomainStatus
from monitor.usecases.snapshot import Snapshot
from tests.entrypoints.sample import ENDPOINT, NOW, chain, with_answer


def fleet(domains: int, resolvers: int) -> Snapshot:
    """Return a snapshot in which some answers are missing, and some wrong, also of authorities."""
    asked = tuple(Resolver(f"r{n}", "192.0.2.1", weight=1 + n % 3) for n in range(resolvers))
    states = [_domain(number, asked) for number in range(domains)]
    return Snapshot(NOW, State(domains={state.domain: state for state in states}), asked)


def _domain(number: int, resolvers: tuple[Resolver, ...]) -> DomainState:
    domain = DomainName(f"d{number}.shop.example")
    binding = Binding(domain, BucketTarget(f"bucket-{number % 7}", ENDPOINT), "shop")
    state = DomainState(domain, binding, NOW, status=Settled(DomainStatus.PARTIAL))
    for n, resolver in enumerate(resolvers):
        kind, target = (number + n) % 11, f"bucket-{number % 7}.{ENDPOINT}"
        said = chain(domain, "elsewhere.example" if kind == 1 else target, ttl=number % 600)
        outcome = NoAnswer(NoAnswerReason.TIMEOUT) if kind == 0 else said
        state = with_answer(state, resolver, outcome)
    return replace(state, authorities=dict(list(state.resolvers.items())[:2]))
