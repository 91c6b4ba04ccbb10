"""A small fleet as it might look on a working day, judged by the real rules."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

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
from monitor.core.bindings import CONFIGURED, Binding, BucketTarget
from monitor.core.events import GENESIS, Event, EventType, Json, Record, seal
from monitor.core.hysteresis import Settled
from monitor.core.inventory import AccountInventory, Failure, FailureReason, Scope
from monitor.core.names import DomainName
from monitor.core.servers import Authority, Resolver, Transport
from monitor.core.state import DomainState, State
from monitor.core.status import DomainStatus, Fault
from monitor.core.targets import TargetPolicy
from monitor.core.verdict import Expectation, judge
from monitor.core.views import Sighting, View
from monitor.usecases.snapshot import Snapshot

NOW = datetime(2026, 3, 14, 9, 26, 53, tzinfo=UTC)
ENDPOINT = DomainName("oss-cn-hangzhou.aliyuncs.com")
OSS_ADDRESS = "203.0.113.80"
POLICY = TargetPolicy(proxy_suffixes=("kunlunaq.com",))

TELECOM = Resolver("telecom", "192.0.2.1", group="cn-telecom", shared=True)
UNICOM = Resolver("unicom", "192.0.2.2", group="cn-unicom", shared=True)
MOBILE = Resolver("mobile", "192.0.2.3", group="cn-mobile", client_subnet="198.51.100.0/24")
OFFICE = Resolver("office", "2001:db8::53", transport=Transport.TCP, group="office", weight=0.5)
GLOBAL = Resolver(
    "global", "https://dns.example/dns-query", 443, Transport.DOH, group="intl", shared=True
)
DEAD = Resolver("branch", "192.0.2.99", 853, Transport.DOT, group="office")
RESOLVERS = (TELECOM, UNICOM, MOBILE, OFFICE, GLOBAL, DEAD)

IMG, STATIC, CDN, SHOP, OLD, FOREIGN, WILDCARD, TWICE = (
    DomainName.parse(name)
    for name in (
        "img.shop.example",
        "static.shop.example",
        "cdn.shop.example",
        "shop.example",
        "old.shop.example",
        "图片.商店.example",
        "*.media.shop.example",
        "twice.shop.example",
    )
)
TIMEOUT = NoAnswer(NoAnswerReason.TIMEOUT, "3 attempts of 2 s each")


def sample_snapshot() -> Snapshot:
    """Eight domains, from in effect to disputed, as six resolvers show them."""
    domains = (_in_effect(), _proxied(), _propagating(), _partial(), _broken(), _unknown())
    all_domains = (*domains, _wildcard(), _twice())
    state = State(
        accounts={account.account: account for account in _accounts(all_domains)},
        domains={domain.domain: domain for domain in all_domains},
    )
    return Snapshot(NOW, state, RESOLVERS, muted_until=_maintenance)


def _maintenance(name: DomainName, now: datetime) -> datetime | None:
    return now + timedelta(hours=1) if name in {SHOP, FOREIGN} else None


def sample_history(domain: DomainName) -> tuple[Record, ...]:
    """How a domain was bound, moved, found split, and came into effect; newest first."""
    start = NOW - timedelta(hours=5)
    bound: dict[str, Json] = {"account": "shop", "target": "shop-img.oss-cn-hangzhou.aliyuncs.com"}
    moved: dict[str, Json] = {**bound, "target": "shop-cdn.oss-cn-hangzhou.aliyuncs.com"}
    counted: dict[str, Json] = {"in_effect": 5.0, "answering": 5.0, "asked": 6.0}
    told = (
        Event(EventType.BINDING_ADDED, start, domain, data=bound),
        Event(EventType.BINDING_MOVED, start, domain, data={"from": bound, "to": moved}),
        Event(
            EventType.FAULT, start, domain, data={"fault": "authority_split", "state": "raised"}
        ),
        Event(EventType.FAULT, NOW, domain, data={"fault": "authority_split", "state": "cleared"}),
        Event(
            EventType.STATUS, NOW, domain, data={"from": "unknown", "to": "in_effect", **counted}
        ),
    )
    records: list[Record] = []
    for seq, event in enumerate(told, start=1):
        records.append(seal(event, seq, records[-1].hash if records else GENESIS))
    return tuple(reversed(records))


def with_answer(domain: DomainState, resolver: Resolver, outcome: Outcome) -> DomainState:
    """Return the domain as it stands when the resolver says this of it."""
    assert domain.binding is not None
    return replace(
        domain,
        resolvers={**domain.resolvers, resolver.name: _view(domain.binding, resolver, outcome)},
    )


def chain(domain: DomainName, *names: str, ttl: int = 600, nsid: str | None = None) -> Answer:
    """Return the answer whose chain runs over these names to an address."""
    targets = [DomainName(name) for name in names]
    owners = [domain, *targets]
    return Answer(
        Rcode.NOERROR,
        aliases=tuple(Alias(o, t, ttl) for o, t in zip(owners, targets, strict=False)),
        addresses=(Address(owners[-1], OSS_ADDRESS, 60),),
        nsid=nsid,
    )


def _in_effect() -> DomainState:
    binding, target = _bound(IMG, "shop-img"), "shop-img.oss-cn-hangzhou.aliyuncs.com"
    said: dict[Resolver, Outcome] = {
        r: chain(IMG, target, ttl=600 - 97 * n) for n, r in enumerate(RESOLVERS)
    }
    said[GLOBAL] = chain(IMG, target, ttl=38, nsid="hkg04.dns.example")
    state = _domain(binding, DomainStatus.IN_EFFECT, said | {DEAD: TIMEOUT})
    return _with_authorities(state, _of_authority(IMG, target), _of_authority(IMG, target))


def _proxied() -> DomainState:
    proxy = "static.shop.example.w.kunlunaq.com"
    said: dict[Resolver, Outcome] = dict.fromkeys(RESOLVERS, chain(STATIC, proxy, ttl=300))
    return _domain(_bound(STATIC, "shop-www"), DomainStatus.IN_EFFECT, said | {DEAD: TIMEOUT})


def _propagating() -> DomainState:
    target, before = (f"{bucket}.{ENDPOINT}" for bucket in ("shop-cdn", "shop-cdn-2019"))
    said: dict[Resolver, Outcome] = dict.fromkeys(RESOLVERS, chain(CDN, target))
    said |= {UNICOM: chain(CDN, before, ttl=412), GLOBAL: chain(CDN, before, ttl=35)}
    state = _domain(_bound(CDN, "shop-cdn"), DomainStatus.PROPAGATING, said | {DEAD: TIMEOUT})
    return _with_authorities(state, _of_authority(CDN, target), _of_authority(CDN, target))


def _partial() -> DomainState:
    flat = Answer(Rcode.NOERROR, addresses=(Address(SHOP, OSS_ADDRESS, 120),))
    elsewhere = Answer(Rcode.NOERROR, addresses=(Address(SHOP, "198.51.100.7", 120),))
    said: dict[Resolver, Outcome] = dict.fromkeys(RESOLVERS, flat)
    said |= {MOBILE: elsewhere, OFFICE: elsewhere, DEAD: TIMEOUT}
    state = _domain(_bound(SHOP, "shop-www"), DomainStatus.PARTIAL, said)
    split = replace(state, faults=frozenset({Fault.AUTHORITY_SPLIT}))
    return _with_authorities(split, flat, elsewhere)


def _broken() -> DomainState:
    gone = DomainName("legacy.gone.example")
    dangling = Answer(Rcode.NXDOMAIN, aliases=(Alias(OLD, gone, 3600),), negative_ttl=300)
    said: dict[Resolver, Outcome] = dict.fromkeys(RESOLVERS, dangling)
    state = _domain(_bound(OLD, "shop-archive"), DomainStatus.BROKEN, said | {DEAD: TIMEOUT})
    disabled = replace(state, faults=frozenset({Fault.BINDING_DISABLED}))
    alias = Answer(Rcode.NOERROR, aliases=dangling.aliases, is_authoritative=True)
    return _with_authorities(disabled, alias, alias)


def _unknown() -> DomainState:
    bogus = Answer(
        Rcode.SERVFAIL, extended_errors=(ExtendedError(6, "signature of shop.example is expired"),)
    )
    said: dict[Resolver, Outcome] = dict.fromkeys(RESOLVERS, bogus)
    said |= {OFFICE: Answer(Rcode.REFUSED), DEAD: TIMEOUT}
    said[MOBILE] = NoAnswer(NoAnswerReason.NETWORK_ERROR, "no route to host")
    return _domain(_bound(FOREIGN, "shop-cn"), DomainStatus.UNKNOWN, said)


def _wildcard() -> DomainState:
    state = _domain(_bound(WILDCARD, "shop-media"), DomainStatus.PAUSED, {})
    return replace(state, faults=frozenset({Fault.WILDCARD}))


def _twice() -> DomainState:
    rivals = _bound(TWICE, "shop-a"), _bound(TWICE, "shop-b", account=CONFIGURED)
    since = NOW - timedelta(days=2)
    return DomainState(
        TWICE,
        None,
        since,
        rivals,
        Settled(DomainStatus.PAUSED),
        faults=frozenset({Fault.BOUND_TWICE}),
    )


def _bound(domain: DomainName, bucket: str, account: str = "shop") -> Binding:
    labels = (("team", "web"),) if domain == CDN else ()
    return Binding(domain, BucketTarget(bucket, ENDPOINT), account, labels)


def _domain(
    binding: Binding, status: DomainStatus, said: Mapping[Resolver, Outcome]
) -> DomainState:
    since = NOW - timedelta(hours=3, minutes=7)
    views = {server.name: _view(binding, server, outcome) for server, outcome in said.items()}
    settled = Settled(status)
    return DomainState(binding.domain, binding, since, status=settled, resolvers=views)


def _with_authorities(domain: DomainState, *said: Outcome) -> DomainState:
    assert domain.binding is not None
    zone = DomainName("shop.example")
    views = {}
    for number, outcome in enumerate(said, start=1):
        server = Authority(zone, DomainName(f"ns{number}.shop.example"), f"192.0.2.20{number}")
        views[server.name] = _view(domain.binding, server, outcome)
    return replace(domain, authorities=views)


def _of_authority(domain: DomainName, target: str) -> Answer:
    alias = Alias(domain, DomainName(target), 600)
    return Answer(Rcode.NOERROR, aliases=(alias,), is_authoritative=True)


def _view(binding: Binding, server: Resolver | Authority, outcome: Outcome) -> View:
    is_authority = isinstance(server, Authority)
    if is_authority and isinstance(outcome, Answer):
        outcome = replace(outcome, is_authoritative=True)
    verdict = judge(
        outcome,
        Expectation(binding.domain, binding.target, POLICY),
        target_addresses=frozenset({OSS_ADDRESS}),
        asked_authority=is_authority,
    )
    reply = Reply(outcome, NOW - timedelta(seconds=42), _rtt(server, outcome), _transport(server))
    return View(Sighting(server.name, reply, verdict), NOW - timedelta(minutes=26))


def _rtt(server: Resolver | Authority, outcome: Outcome) -> timedelta:
    if isinstance(outcome, NoAnswer):
        return timedelta(seconds=2)
    return timedelta(milliseconds=4 + 7.3 * (len(server.name) % 5))


def _transport(server: Resolver | Authority) -> Transport:
    return server.transport if isinstance(server, Resolver) else Transport.UDP


def _accounts(domains: tuple[DomainState, ...]) -> tuple[AccountInventory, ...]:
    claimed = [d.binding for d in domains if d.binding] + list(domains[-1].rivals)
    denied = Failure(
        FailureReason.DENIED, Scope.BUCKET, "shop-finance", "oss:ListCname is not granted"
    )
    return (
        AccountInventory(
            "shop",
            tuple(binding for binding in claimed if binding.account == "shop"),
            NOW - timedelta(minutes=51),
            (denied,),
        ),
        AccountInventory(CONFIGURED, tuple(b for b in claimed if b.account == CONFIGURED), NOW),
        AccountInventory("new", failures=(Failure(FailureReason.CREDENTIALS, Scope.ACCOUNT),)),
    )
