"""The daemon's own way to ask, judge and find authorities, against servers that the world runs."""

from datetime import UTC, datetime, timedelta

import pytest

from monitor.adapters.clock import SystemClock
from monitor.adapters.resolvers.prober import DnsProber, Limits
from monitor.core.answers import Answer, NoAnswer, NoAnswerReason, Question, Rcode
from monitor.core.bindings import Binding, BucketTarget
from monitor.core.names import DomainName
from monitor.core.servers import Authority, Delegation, Resolver, Transport
from monitor.core.targets import TargetPolicy
from monitor.core.verdict import Verdict, VerdictKind
from monitor.usecases.ask import Panel
from monitor.usecases.delegate import DelegationPolicy, Delegator
from tests.servers.certificates import Certificate, issue
from tests.servers.lab import Lab

HANGZHOU = DomainName("oss-cn-hangzhou.aliyuncs.com")
POLICY = TargetPolicy(dedicated_suffixes=("taihangcda.cn",), proxy_suffixes=("kunlun*.com",))
NOW = datetime(2026, 1, 1, tzinfo=UTC)

EXPECTED = {
    "exact": VerdictKind.IN_EFFECT,
    "far": VerdictKind.IN_EFFECT,
    "accelerate": VerdictKind.IN_EFFECT,
    "dual-stack": VerdictKind.IN_EFFECT,
    "dedicated": VerdictKind.IN_EFFECT,
    "name.any": VerdictKind.IN_EFFECT,
    "bücher": VerdictKind.IN_EFFECT,
    "图片": VerdictKind.IN_EFFECT,
    "ttl-0": VerdictKind.IN_EFFECT,
    "cdn": VerdictKind.VIA_PROXY,
    "flattened": VerdictKind.IN_EFFECT_FLATTENED,
    "other-bucket": VerdictKind.OTHER_BUCKET,
    "other-region": VerdictKind.OTHER_ENDPOINT,
    "internal": VerdictKind.INTERNAL_ENDPOINT,
    "elsewhere": VerdictKind.NOT_OSS,
    "a-only": VerdictKind.NO_CNAME,
    "large": VerdictKind.NO_CNAME,
    "huge": VerdictKind.NO_CNAME,
    "nodata": VerdictKind.NO_DATA,
    "dangling": VerdictKind.NXDOMAIN,
    "never-was": VerdictKind.NXDOMAIN,
    # Both programs give up after 11 links of their own accord.
    "loop-a": VerdictKind.SERVFAIL,
    "hop01": VerdictKind.SERVFAIL,  # or too long, where later links were cached meanwhile
}

WAYS = [
    ("unbound", Transport.UDP),
    ("unbound", Transport.TCP),
    ("unbound", Transport.DOT),
    ("unbound", Transport.DOH),
    ("bind", Transport.UDP),
    ("bind", Transport.TCP),
]


@pytest.fixture
def prober() -> DnsProber:
    return DnsProber(SystemClock(), Limits(timedelta(seconds=3), attempts=2))


@pytest.fixture(params=WAYS, ids=[f"{name}-{way.value}" for name, way in WAYS])
def resolver(request: pytest.FixtureRequest, lab: Lab) -> Resolver:
    name, transport = request.param
    return {"unbound": lab.unbound, "bind": lab.bind}[name].resolver(transport)


def _possible(label: str) -> set[VerdictKind]:
    """Unbound gives up after eleven links, but counts those alone that it must ask for."""
    also = {VerdictKind.CHAIN_TOO_LONG} if label == "hop01" else set()
    return {EXPECTED[label], *also}


@pytest.mark.parametrize("label", EXPECTED)
async def test_every_name_of_the_lab_gets_its_verdict_over_every_transport(
    label: str, resolver: Resolver, prober: DnsProber
) -> None:
    (sighting,) = await _panel(prober, resolver).ask_resolvers(_binding(label))
    assert sighting.verdict.kind in _possible(label), sighting.verdict


async def test_an_answer_shows_the_chain_its_ttl_and_how_it_came(
    resolver: Resolver, prober: DnsProber
) -> None:
    reply = await prober.ask(resolver, Question(DomainName("exact.shop.test")))
    assert reply.transport is resolver.transport
    assert reply.rtt > timedelta(0)
    assert isinstance(reply.outcome, Answer)
    assert 0 < reply.outcome.aliases[0].ttl <= 300
    assert reply.wire[2] & 0x80, "the wire that is kept as evidence is a response"


async def test_an_answer_cut_off_over_udp_is_asked_for_again_over_tcp(
    lab: Lab, prober: DnsProber
) -> None:
    reply = await prober.ask(lab.unbound.resolver(), Question(DomainName("huge.shop.test")))
    assert reply.transport is Transport.TCP
    assert isinstance(reply.outcome, Answer)
    assert len(reply.outcome.addresses) == 100


@pytest.mark.parametrize("transport", [Transport.DOT, Transport.DOH])
async def test_a_certificate_of_a_foreign_authority_is_a_network_error(
    transport: Transport, lab: Lab, prober: DnsProber, foreign: Certificate
) -> None:
    known = lab.unbound.resolver(transport)
    stranger = Resolver(
        "stranger",
        known.address,
        known.port,
        transport,
        server_name=known.server_name,
        ca_file=str(foreign.ca_file),
    )
    reply = await prober.ask(stranger, Question(DomainName("exact.shop.test")))
    assert isinstance(reply.outcome, NoAnswer)
    assert reply.outcome.reason is NoAnswerReason.NETWORK_ERROR
    assert "certificate" in reply.outcome.detail.lower()


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return issue(tmp_path_factory.mktemp("foreign"))


async def test_a_dot_server_under_another_name_is_a_network_error(
    lab: Lab, prober: DnsProber
) -> None:
    known = lab.unbound.resolver(Transport.DOT)
    renamed = Resolver(
        "renamed",
        known.address,
        known.port,
        Transport.DOT,
        server_name="other.test",
        ca_file=known.ca_file,
    )
    reply = await prober.ask(renamed, Question(DomainName("exact.shop.test")))
    assert isinstance(reply.outcome, NoAnswer)
    assert reply.outcome.reason is NoAnswerReason.NETWORK_ERROR


async def test_a_silent_resolver_times_out(own_lab: Lab) -> None:
    prober = DnsProber(SystemClock(), Limits(timedelta(milliseconds=200), attempts=2))
    with own_lab.unbound.silent():
        reply = await prober.ask(own_lab.unbound.resolver(), Question(DomainName("x.shop.test")))
    assert isinstance(reply.outcome, NoAnswer)
    assert reply.outcome.reason is NoAnswerReason.TIMEOUT


async def test_both_authorities_are_found_at_parent_and_child_and_asked_directly(
    lab: Lab, prober: DnsProber
) -> None:
    delegation = await _delegation("exact", lab, prober)
    assert delegation.is_consistent
    assert {a.address for a in delegation.authorities} == {"127.0.0.11", "127.0.0.12"}
    sightings = await _panel(prober, lab.bind.resolver()).ask_authorities(
        _binding("exact"), delegation
    )
    assert [s.verdict.kind for s in sightings] == [VerdictKind.IN_EFFECT] * 2
    assert all(s.verdict.chain.first_ttl == 300 for s in sightings)


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("other-bucket", VerdictKind.OTHER_BUCKET),
        ("internal", VerdictKind.INTERNAL_ENDPOINT),
        ("nodata", VerdictKind.NO_DATA),
        ("never-was", VerdictKind.NXDOMAIN),
        ("loop-a", VerdictKind.CHAIN_LOOP),
        ("flattened", VerdictKind.IN_EFFECT_FLATTENED),
        ("a-only", VerdictKind.NO_CNAME),
    ],
)
async def test_an_authority_is_judged_by_what_its_zone_says(
    label: str, expected: VerdictKind, lab: Lab, prober: DnsProber
) -> None:
    delegation = await _delegation(label, lab, prober)
    panel = _panel(prober, lab.unbound.resolver())
    sightings = await panel.ask_authorities(_binding(label), delegation)
    assert {s.verdict.kind for s in sightings} == {expected}


async def test_an_authority_that_shows_all_17_links_shows_a_chain_too_long(
    lab: Lab, prober: DnsProber
) -> None:
    # NSD follows the whole chain inside its zone; Knot stops after a few links.
    verdicts = await _authority_verdicts("hop01", lab, prober)
    assert VerdictKind.CHAIN_TOO_LONG in {verdict.kind for verdict in verdicts.values()}


async def test_a_parent_that_names_other_servers_than_the_zone_is_a_mismatch(
    lab: Lab, prober: DnsProber
) -> None:
    delegator = _delegator(lab, prober)
    delegation = await delegator.find(DomainName("www.mismatch.test"), NOW)
    assert not delegation.is_consistent
    assert delegation.at_parent is not None
    assert delegation.at_child is not None
    assert _labels(delegation.at_parent) == ["ns1", "ns2"]
    assert _labels(delegation.at_child) == ["ns1", "ns3"]


async def test_a_lame_authority_is_unknown_not_wrong(lab: Lab, prober: DnsProber) -> None:
    zone, server = DomainName("lame.test"), DomainName("ns1.lame.test")
    address, port = lab.authorities.ns1.address, lab.authorities.port
    delegation = Delegation(zone, None, frozenset(), (Authority(zone, server, address, port),))
    binding = Binding(DomainName("www.lame.test"), BucketTarget("shop-images", HANGZHOU))
    panel = _panel(prober, lab.unbound.resolver())
    (sighting,) = await panel.ask_authorities(binding, delegation)
    assert sighting.verdict.kind is VerdictKind.REFUSED
    assert sighting.verdict.is_in_effect is None


async def test_a_failure_keeps_the_extended_error_that_explains_it(
    lab: Lab, prober: DnsProber
) -> None:
    reply = await prober.ask(lab.bind.resolver(), Question(DomainName("loop-a.shop.test")))
    assert isinstance(reply.outcome, Answer)
    assert reply.outcome.rcode is Rcode.SERVFAIL
    assert reply.outcome.extended_errors, "BIND explains the loop by an extended error"


def _binding(label: str) -> Binding:
    domain = DomainName.parse(f"{label}.shop.test")
    return Binding(domain, BucketTarget("shop-images", HANGZHOU))


def _panel(prober: DnsProber, resolver: Resolver) -> Panel:
    return Panel(prober, (resolver,), POLICY)


def _delegator(lab: Lab, prober: DnsProber) -> Delegator:
    bootstrap = (lab.unbound.resolver(), lab.bind.resolver())
    return Delegator(prober, DelegationPolicy(bootstrap, port=lab.authorities.port))


async def _delegation(label: str, lab: Lab, prober: DnsProber) -> Delegation:
    return await _delegator(lab, prober).find(DomainName.parse(f"{label}.shop.test"), NOW)


async def _authority_verdicts(label: str, lab: Lab, prober: DnsProber) -> dict[str, Verdict]:
    delegation = await _delegation(label, lab, prober)
    panel = _panel(prober, lab.unbound.resolver())
    return {s.server: s.verdict for s in await panel.ask_authorities(_binding(label), delegation)}


def _labels(servers: frozenset[DomainName]) -> list[str]:
    return sorted(server.text.partition(".")[0] for server in servers)
