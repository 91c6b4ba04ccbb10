import ssl
from pathlib import Path

import dns.edns
import dns.message
import dns.query
import pytest
from dns.flags import AA, RA, TC
from dns.rcode import REFUSED, SERVFAIL

from monitor.core.servers import Transport
from tests.servers.certificates import issue
from tests.servers.lab import CLOUD, PARENT, WATCHED, Lab
from tests.servers.questions import ask, ask_whole, question
from tests.servers.reading import Told, has_flag, told, values
from tests.servers.zone_text import lab_zone, owners

HANGZHOU = "shop-images.oss-cn-hangzhou.aliyuncs.com."
ASSETS = "shop-assets.oss-cn-hangzhou.aliyuncs.com."
FAILURES = ("NXDOMAIN", "SERVFAIL")

# What a cache tells of a name: the targets in order, and the address or the rcode at the end.
CHAINS = [
    ("exact", HANGZHOU, "203.0.113.10"),
    ("accelerate", "shop-images.oss-accelerate.aliyuncs.com.", "203.0.113.30"),
    ("dual-stack", "shop-images.cn-hangzhou.oss.aliyuncs.com.", "203.0.113.40"),
    ("dedicated", "shop-images.cn-hangzhou.taihangcda.cn.", "203.0.113.50"),
    ("far", f"exact.shop.test. {HANGZHOU}", "203.0.113.10"),
    ("cdn", "cdn.shop.test.w.kunlunaq.com.", "203.0.113.60"),
    ("whatever.any", HANGZHOU, "203.0.113.10"),
    ("other-bucket", "shop-attic.oss-cn-hangzhou.aliyuncs.com.", "203.0.113.10"),
    ("other-region", "shop-images.oss-cn-shanghai.aliyuncs.com.", "203.0.113.20"),
    ("internal", "shop-images.oss-cn-hangzhou-internal.aliyuncs.com.", "100.118.28.10"),
    ("elsewhere", "web.hosting.test.", "198.51.100.80"),
    ("flattened", "", "203.0.113.10"),
    ("a-only", "", "198.51.100.81"),
    ("xn--bcher-kva", HANGZHOU, "203.0.113.10"),
    ("xn--wcsw84d", HANGZHOU, "203.0.113.10"),
    ("ttl-0", HANGZHOU, "203.0.113.10"),
    ("dangling", "shop-removed.oss-cn-hangzhou.aliyuncs.com.", "NXDOMAIN"),
    ("nobody", "", "NXDOMAIN"),
    ("loop-a", "", "SERVFAIL"),
]


@pytest.mark.parametrize(("label", "targets", "end"), CHAINS)
def test_a_cache_tells_the_whole_chain(lab: Lab, label: str, targets: str, end: str) -> None:
    rcode, addresses = (
        (end, frozenset[str]()) if end in FAILURES else ("NOERROR", frozenset([end]))
    )
    for cache in lab.caches:
        answer = ask(cache.endpoint, f"{label}.shop.test")
        assert told(answer) == Told(rcode, tuple(targets.split()), addresses)


def test_a_cache_gives_up_a_long_chain_or_shows_all_of_it(lab: Lab) -> None:
    """Both programs give up after 11 links, but count those alone that they must ask for."""
    for cache in lab.caches:
        answer = told(ask(cache.endpoint, "hop01.shop.test"))
        assert answer.rcode == "SERVFAIL" or len(answer.targets) == 17


def test_a_chain_goes_through_the_load_balancer_of_the_cloud(lab: Lab) -> None:
    for cache in lab.caches:
        end = told(ask(cache.endpoint, "www.shop.test"))
        assert end.targets == (ASSETS, f"{ASSETS}gds.alibabadns.com.")
        assert end.values == {"203.0.113.11", "203.0.113.12"}


def test_a_name_without_addresses_exists_all_the_same(lab: Lab) -> None:
    for cache in lab.caches:
        assert told(ask(cache.endpoint, "nodata.shop.test")) == Told("NOERROR")


def test_both_caches_agree_on_every_name_of_the_lab(lab: Lab) -> None:
    names = [name for zone in PARENT + WATCHED + CLOUD for name in owners(zone, lab_zone(zone))]
    names += ["nobody.shop.test", "x.any.shop.test", "www.lame.test", "www.example.org"]
    for name in names:
        for rdtype in ("A", "AAAA", "CNAME", "TXT"):
            by_unbound, by_bind = (ask_whole(c.endpoint, name, rdtype) for c in lab.caches)
            assert told(by_unbound) == told(by_bind), f"{name} {rdtype}"


def test_an_authority_speaks_for_its_zone_and_a_cache_does_not(lab: Lab) -> None:
    for authority in (lab.authorities.ns1, lab.authorities.ns2):
        answer = ask(authority.endpoint, "exact.shop.test", "CNAME", recursive=False)
        assert (has_flag(answer, AA), has_flag(answer, RA)) == (True, False)
        assert values(answer.answer) == {HANGZHOU}
    for cache in lab.caches:
        answer = ask(cache.endpoint, "exact.shop.test", "CNAME")
        assert (has_flag(answer, AA), has_flag(answer, RA)) == (False, True)
        assert values(answer.answer) == {HANGZHOU}


def test_both_authorities_of_a_zone_serve_the_same(lab: Lab) -> None:
    servers = (lab.authorities.ns1, lab.authorities.ns2)
    for zone in WATCHED:
        for name in owners(zone, lab_zone(zone)):
            at_ns1, at_ns2 = (ask_whole(s.endpoint, name, "CNAME") for s in servers)
            assert at_ns1.answer == at_ns2.answer


def test_authorities_follow_a_long_chain_as_far_as_they_please(lab: Lab) -> None:
    by_nsd, by_knot = (
        ask(server.endpoint, "hop01.shop.test", recursive=False).answer
        for server in (lab.authorities.ns1, lab.authorities.ns2)
    )
    assert len(by_nsd) == 17
    assert 1 <= len(by_knot) < 17


def test_the_parent_refers_and_the_child_knows(lab: Lab) -> None:
    referral = ask(lab.authorities.parent.endpoint, "shop.test", "NS", recursive=False)
    assert not has_flag(referral, AA)
    assert not referral.answer
    assert values(referral.authority) == {"ns1.shop.test.", "ns2.shop.test."}
    assert values(referral.additional) == {"127.0.0.11", "127.0.0.12"}
    known = ask(lab.authorities.ns1.endpoint, "shop.test", "NS", recursive=False)
    assert has_flag(known, AA)
    assert values(known.answer) == values(referral.authority)


def test_parent_and_child_may_name_different_servers(lab: Lab) -> None:
    referral = ask(lab.authorities.parent.endpoint, "mismatch.test", "NS", recursive=False)
    known = ask(lab.authorities.ns2.endpoint, "mismatch.test", "NS", recursive=False)
    assert values(referral.authority) == {"ns1.mismatch.test.", "ns2.mismatch.test."}
    assert values(known.answer) == {"ns1.mismatch.test.", "ns3.mismatch.test."}


def test_a_lame_delegation_ends_at_a_server_that_refuses(lab: Lab) -> None:
    referral = ask(lab.authorities.parent.endpoint, "lame.test", "NS", recursive=False)
    assert values(referral.additional) == {lab.authorities.ns1.address}
    refusal = ask(lab.authorities.ns1.endpoint, "lame.test", recursive=False)
    assert refusal.rcode() is REFUSED
    for cache in lab.caches:
        assert ask(cache.endpoint, "lame.test").rcode() is SERVFAIL


@pytest.mark.parametrize(
    ("label", "payload", "is_cut", "count"),
    [("large", 512, True, 40), ("large", 1232, False, 40), ("huge", 1232, True, 100)],
)
def test_an_answer_too_large_for_a_datagram_is_whole_over_tcp(
    lab: Lab, label: str, payload: int, *, is_cut: bool, count: int
) -> None:
    name = f"{label}.shop.test"
    for server in (*lab.caches, lab.authorities.ns1, lab.authorities.ns2):
        assert has_flag(ask(server.endpoint, name, payload=payload), TC) is is_cut
        assert len(values(ask_whole(server.endpoint, name).answer)) == count


def test_unbound_answers_over_tls_and_https_too(lab: Lab) -> None:
    query = question("exact.shop.test")
    dot, doh = (lab.unbound.resolver(transport) for transport in (Transport.DOT, Transport.DOH))
    trust = ssl.create_default_context(cafile=dot.ca_file)
    by_tls = dns.query.tls(
        query, dot.address, 5, dot.port, server_hostname=dot.server_name, ssl_context=trust
    )
    by_https = dns.query.https(query, doh.address, 5, verify=trust)
    expected = Told("NOERROR", (HANGZHOU,), frozenset(["203.0.113.10"]))
    assert told(by_tls) == told(by_https) == expected


def test_an_encrypted_cache_is_trusted_by_its_own_authority_only(lab: Lab, tmp_path: Path) -> None:
    stranger = issue(tmp_path).ca_file
    dot = lab.unbound.resolver(Transport.DOT)
    with pytest.raises(ssl.SSLCertVerificationError):
        dns.query.tls(question("exact.shop.test"), dot.address, 5, dot.port, verify=str(stranger))


def test_a_cache_says_where_it_does_not_listen(lab: Lab) -> None:
    assert lab.bind.resolver().port == lab.bind.endpoint.port
    with pytest.raises(ValueError, match="bind does not listen for dot"):
        lab.bind.resolver(Transport.DOT)


def test_every_program_tells_who_it_is_when_asked(lab: Lab) -> None:
    servers = (lab.authorities.ns1, lab.authorities.ns2, lab.unbound, lab.bind)
    query = dns.message.make_query("shop.test", "SOA", options=[dns.edns.NSIDOption(b"")])
    told_ids = [
        option.nsid
        for at in (server.endpoint for server in servers)
        for option in dns.query.udp(query, at.address, 5, at.port).options
        if isinstance(option, dns.edns.NSIDOption)
    ]
    assert told_ids == [b"nsd.test", b"knot.test", b"unbound.test", b"bind.test"]
