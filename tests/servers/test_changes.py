"""What authorities and caches of the lab do while a zone changes or a server falls silent."""

import pytest
from dns.rcode import NXDOMAIN

from tests.servers.cache_server import CacheServer
from tests.servers.lab import Authorities, Lab
from tests.servers.process import ServerFailed, came_true
from tests.servers.questions import answers, ask
from tests.servers.reading import is_stale, told
from tests.servers.unbound import Unbound
from tests.servers.zone_server import ZoneServer
from tests.servers.zone_text import lab_zone

BEFORE = "shop-images.oss-cn-hangzhou.aliyuncs.com."
AFTER = "shop-attic.oss-cn-hangzhou.aliyuncs.com."
LIMIT = 30.0


def test_a_changed_zone_is_served_by_the_authority_at_once(own_authorities: Authorities) -> None:
    for server in (own_authorities.ns1, own_authorities.ns2):
        server.change("shop.test", "exact.shop.test", f"60 CNAME {AFTER}")
        assert _target(server, "exact") == AFTER
        server.change("shop.test", "cdn.shop.test")
        assert ask(server.endpoint, "cdn.shop.test").rcode() is NXDOMAIN


def test_one_authority_may_lag_behind_the_other(own_authorities: Authorities) -> None:
    own_authorities.ns1.change("shop.test", "exact.shop.test", f"60 CNAME {AFTER}")
    assert _target(own_authorities.ns1, "exact") == AFTER
    assert _target(own_authorities.ns2, "exact") == BEFORE


def test_a_zone_is_not_replaced_under_its_old_serial(own_authorities: Authorities) -> None:
    with pytest.raises(ValueError, match="has the serial of the old one"):
        own_authorities.ns2.replace("shop.test", lab_zone("shop.test"))


def test_a_cache_keeps_the_old_value_until_its_ttl_is_over(own_lab: Lab) -> None:
    for label in ("ttl-day", "ttl-1"):
        assert {_target(cache, label) for cache in own_lab.caches} == {BEFORE}
        own_lab.authorities.point(f"{label}.shop.test", f"60 CNAME {AFTER}")
    for cache in own_lab.caches:
        _wait_for_the_new_value(cache, "ttl-1")
        assert _target(cache, "ttl-day") == BEFORE
        cache.flush()
        assert _target(cache, "ttl-day") == AFTER


def test_a_record_of_ttl_zero_is_fetched_afresh(own_lab: Lab) -> None:
    assert {_target(cache, "ttl-0") for cache in own_lab.caches} == {BEFORE}
    own_lab.authorities.point("ttl-0.shop.test", f"0 CNAME {AFTER}")
    for cache in own_lab.caches:
        # Unbound counts in whole seconds, so zero lasts until the next one begins.
        _wait_for_the_new_value(cache, "ttl-0")


def test_a_cache_serves_stale_answers_and_says_so(own_authorities: Authorities) -> None:
    with Unbound(own_authorities.stubs, serves_stale=True).running() as cache:
        assert _target(cache, "ttl-1") == BEFORE
        with own_authorities.ns1.silent(), own_authorities.ns2.silent():
            assert came_true(lambda: is_stale(ask(cache.endpoint, "ttl-1.shop.test")), LIMIT)
            assert _target(cache, "ttl-1") == BEFORE
        own_authorities.point("ttl-1.shop.test", f"1 CNAME {AFTER}")
        _wait_for_the_new_value(cache, "ttl-1")


def test_a_flushed_cache_has_nothing_stale_either(own_authorities: Authorities) -> None:
    with Unbound(own_authorities.stubs, serves_stale=True).running() as cache:
        assert _target(cache, "exact") == BEFORE
        own_authorities.point("exact.shop.test", f"60 CNAME {AFTER}")
        cache.flush()
        assert _target(cache, "exact") == AFTER


def test_a_cache_may_have_a_floor_under_ttls(lab: Lab) -> None:
    with Unbound(lab.authorities.stubs, min_ttl=900).running() as cache:
        assert ask(cache.endpoint, "ttl-1.shop.test").answer[0].ttl in {899, 900}


def test_a_cache_may_tell_something_else_than_the_truth(lab: Lab) -> None:
    override = "exact.shop.test. 60 IN A 192.0.2.1"
    with Unbound(lab.authorities.stubs, overrides=[override]).running() as cache:
        assert told(ask(cache.endpoint, "exact.shop.test")).values == {"192.0.2.1"}
        assert _target(cache, "far") == "exact.shop.test."


def test_a_silent_server_leaves_questions_open_until_it_speaks_again(own_lab: Lab) -> None:
    for server in (own_lab.authorities.ns1, own_lab.authorities.ns2, *own_lab.caches):
        with server.silent():
            assert not answers(server.endpoint, "localhost", wait=0.2)
        assert answers(server.endpoint, "localhost", wait=LIMIT)


def test_a_server_that_does_not_start_shows_its_log(lab: Lab) -> None:
    broken = Unbound(lab.authorities.stubs, extra=["no-such-option: 1"])
    with pytest.raises(ServerFailed, match="no-such-option"), broken.running():
        pass


def _target(server: ZoneServer | CacheServer, label: str) -> str:
    return told(ask(server.endpoint, f"{label}.shop.test")).targets[0]


def _wait_for_the_new_value(cache: CacheServer, label: str) -> None:
    assert came_true(lambda: _target(cache, label) == AFTER, LIMIT)
