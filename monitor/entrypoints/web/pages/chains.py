"""Each distinct answer of a domain's resolvers as a chain to draw."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from monitor.core.answers import Answer
from monitor.core.servers import Resolver
from monitor.core.state import DomainState
from monitor.core.verdict import Verdict
from monitor.core.views import View
from monitor.usecases.snapshot import Snapshot, wrong_first


@dataclass(frozen=True, slots=True)
class Hop:
    """One name of a chain, by records of which time to live it was reached."""

    name: str
    ttl: str
    is_deciding: bool


@dataclass(frozen=True, slots=True)
class Drawn:
    """What some resolvers say alike, and who they are."""

    verdict: Verdict
    oldest: View
    sayers: tuple[Resolver, ...]
    hops: tuple[Hop, ...]
    addresses: tuple[str, ...]
    address_ttl: str

    @property
    def are_addresses_deciding(self) -> bool:
        """True where the verdict was made by the addresses, for want of a CNAME."""
        return bool(self.addresses) and not any(hop.is_deciding for hop in self.hops)


def drawn(snapshot: Snapshot, domain: DomainState) -> tuple[Drawn, ...]:
    """Join the resolvers that say the same, whatever time is left to live; wrong ones first."""
    groups: dict[object, list[tuple[Resolver, View]]] = {}
    for resolver, view in snapshot.views(domain):
        verdict, chain = view.verdict, view.verdict.chain
        key = (verdict.rule, verdict.kind, verdict.seen, chain.targets, chain.addresses)
        groups.setdefault(key, []).append((resolver, view))
    found = [_drawn(said) for said in groups.values()]
    return tuple(sorted(found, key=lambda one: wrong_first(one.verdict)))


def own_ttl(view: View) -> str:
    """Return for how many seconds what stands at the domain itself may be kept, if it shows."""
    first = view.verdict.chain.first_ttl
    return _range(_address_ttls(view)) if first is None else str(first)


def _drawn(said: Sequence[tuple[Resolver, View]]) -> Drawn:
    views = [view for _, view in said]
    verdict = views[0].verdict
    chain = verdict.chain
    ttls = zip(*([link.ttl for link in view.verdict.chain.links] for view in views), strict=True)
    steps = [(chain.domain, ""), *zip(chain.targets, map(_range, ttls), strict=True)]
    return Drawn(
        verdict,
        min(views, key=lambda view: view.since),
        tuple(resolver for resolver, _ in said),
        tuple(Hop(name.text, ttl, name.text == verdict.seen) for name, ttl in steps),
        chain.addresses,
        _range(ttl for view in views for ttl in _address_ttls(view)),
    )


def _address_ttls(view: View) -> Iterable[int]:
    outcome, end = view.reply.outcome, view.verdict.chain.end
    found = outcome.addresses if isinstance(outcome, Answer) else ()
    return (address.ttl for address in found if address.name == end)


def _range(ttls: Iterable[int]) -> str:
    found = sorted(set(ttls))
    return "–".join(str(ttl) for ttl in dict.fromkeys([*found[:1], *found[-1:]]))
