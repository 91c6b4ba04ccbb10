"""What Knot Resolver does in the lab that is its own; `test_truth.py` has what caches share."""

from collections.abc import Iterator

import dns.edns
import dns.exception
import dns.message
import dns.query
import pytest
from dns.flags import AA, RA, TC
from dns.rcode import SERVFAIL

from tests.servers.cache_server import CacheServer
from tests.servers.knot_resolver import KnotResolver
from tests.servers.lab import WATCHED, Authorities, Lab
from tests.servers.process import ServerFailed, came_true
from tests.servers.questions import answers, ask, ask_whole
from tests.servers.reading import has_flag, is_stale, told, values
from tests.servers.truth import held
from tests.servers.zone_text import lab_zone, owners

LIMIT = 30.0


@pytest.fixture(scope="module")
def cache(lab: Lab) -> Iterator[CacheServer]:
    with KnotResolver(lab.authorities.stubs).running() as running:
        yield running


def test_it_agrees_with_unbound_on_every_name_under_watch(lab: Lab, cache: CacheServer) -> None:
    names = [name for zone in WATCHED for name in owners(zone, lab_zone(zone))]
    # Of a chain that is too long it follows two aliases more.
    names = [name for name in names if not name.startswith("hop")]
    names += ["nobody.shop.test", "x.any.shop.test", "www.lame.test", "www.example.org"]
    for name in names:
        for rdtype in ("A", "AAAA", "CNAME"):
            by_it, by_unbound = (
                ask_whole(at.endpoint, name, rdtype) for at in (cache, lab.unbound)
            )
            assert told(by_it) == told(by_unbound), f"{name} {rdtype}"


@pytest.mark.parametrize(("label", "is_too_long"), [("hop05", True), ("hop06", False)])
def test_it_gives_up_a_long_chain(cache: CacheServer, label: str, *, is_too_long: bool) -> None:
    assert (ask(cache.endpoint, f"{label}.shop.test").rcode() is SERVFAIL) is is_too_long


def test_it_answers_as_a_cache_does(cache: CacheServer) -> None:
    answer = ask(cache.endpoint, "exact.shop.test")
    assert (has_flag(answer, AA), has_flag(answer, RA)) == (False, True)


def test_it_fails_for_names_below_no_stub(lab: Lab) -> None:
    stubs = {"shop.test": lab.authorities.stubs["shop.test"]}
    with KnotResolver(stubs).running() as cache:
        assert ask(cache.endpoint, "www.example.org").rcode() is SERVFAIL
        assert values(ask(cache.endpoint, "a-only.shop.test").answer) == {"198.51.100.81"}


def test_it_asks_again_over_tcp_for_what_fits_no_datagram(cache: CacheServer) -> None:
    assert has_flag(ask(cache.endpoint, "huge.shop.test"), TC)
    assert len(values(ask_whole(cache.endpoint, "huge.shop.test").answer)) == 100


def test_it_tells_who_it_is(cache: CacheServer) -> None:
    query = dns.message.make_query("shop.test", "SOA", options=[dns.edns.NSIDOption(b"")])
    at = cache.resolver()
    answer = dns.query.udp(query, at.address, 5, at.port)
    told_ids = [o.nsid for o in answer.options if isinstance(o, dns.edns.NSIDOption)]
    assert told_ids == [b"knot-resolver.test"]


def test_it_tells_stale_records_only_after_waiting(own_authorities: Authorities) -> None:
    with KnotResolver(own_authorities.stubs, serves_stale=True).running() as cache:
        ask(cache.endpoint, "ttl-0.shop.test", "CNAME")
        with own_authorities.ns1.silent(), own_authorities.ns2.silent():
            assert came_true(lambda: held(cache, "ttl-0.shop.test") is None, LIMIT)
            with pytest.raises(dns.exception.Timeout):
                ask(cache.endpoint, "ttl-0.shop.test", "CNAME", timeout=1.0)
            assert is_stale(ask(cache.endpoint, "ttl-0.shop.test", "CNAME", timeout=LIMIT))


def test_it_falls_silent_and_speaks_again(lab: Lab) -> None:
    with KnotResolver(lab.authorities.stubs).running() as cache:
        with cache.silent():
            assert not answers(cache.endpoint, "localhost", wait=0.2)
        assert answers(cache.endpoint, "localhost", wait=LIMIT)


def test_one_that_does_not_start_shows_its_log(lab: Lab) -> None:
    broken = KnotResolver(lab.authorities.stubs, extra=["no_such_function()"])
    with pytest.raises(ServerFailed, match="no_such_function"), broken.running():
        pass
