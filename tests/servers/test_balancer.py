"""How the load balancer of the lab hands out questions, told by the NSID of who answers."""

import dns.edns
import dns.message
import dns.query
import pytest
from dns.flags import TC

from tests.servers.balancer import Balancer, Routing
from tests.servers.endpoints import Endpoint, free_endpoint
from tests.servers.lab import Lab
from tests.servers.questions import answers, ask, ask_whole
from tests.servers.reading import has_flag, values

NSD, KNOT = b"nsd.test", b"knot.test"
CLIENTS = 12


def test_it_takes_turns(lab: Lab) -> None:
    with Balancer(both(lab)).running() as front:
        assert [who(front.endpoint) for _ in range(4)] == [NSD, KNOT, NSD, KNOT]
        assert front.queries == (2, 2)


def test_turns_may_be_weighted(lab: Lab) -> None:
    with Balancer(both(lab), weights=(3, 1)).running() as front:
        assert [who(front.endpoint) for _ in range(8)] == [NSD, NSD, NSD, KNOT] * 2
        assert front.queries == (6, 2)


def test_the_same_seed_draws_the_same_lots(lab: Lab) -> None:
    def drawn(seed: int) -> list[bytes | None]:
        with Balancer(both(lab), Routing.RANDOM, seed=seed).running() as front:
            return [who(front.endpoint) for _ in range(20)]

    first = drawn(1)
    assert set(first) == {NSD, KNOT}
    assert drawn(1) == first
    assert drawn(2) != first


def test_a_client_that_keeps_its_port_keeps_its_instance(lab: Lab) -> None:
    with Balancer(both(lab), Routing.STICKY).running() as front:
        ports = [free_endpoint().port for _ in range(CLIENTS)]
        found = [{who(front.endpoint, port) for _ in range(3)} for port in ports]
        assert {len(instances) for instances in found} == {1}
        assert sorted(front.queries) != [0, 3 * CLIENTS]


def test_an_answer_too_large_for_a_datagram_comes_over_tcp(lab: Lab) -> None:
    with Balancer(both(lab)).running() as front:
        assert has_flag(ask(front.endpoint, "huge.shop.test"), TC)
        assert len(values(ask_whole(front.endpoint, "huge.shop.test").answer)) == 100
        assert sum(front.queries) == 3


def test_the_share_of_an_instance_that_is_gone_is_lost(lab: Lab) -> None:
    nobody = Endpoint("127.255.255.254", 53)
    with Balancer((lab.authorities.ns1.endpoint, nobody)).running() as front:
        heard = [answers(front.endpoint, "shop.test", wait=0.3) for _ in range(4)]
        assert heard == [True, False, True, False]


def test_it_ends_while_questions_are_open_and_leaves_its_address(lab: Lab) -> None:
    with lab.bind.silent(), Balancer((lab.bind.endpoint,)).running() as front:
        assert not answers(front.endpoint, "shop.test", wait=0.1)
    with Balancer(both(lab), at=front.endpoint).running() as again:
        assert answers(again.endpoint, "shop.test", wait=5.0)


def test_an_occupied_address_is_an_error(lab: Lab) -> None:
    late = Balancer(both(lab), at=lab.bind.endpoint)
    with pytest.raises(OSError, match="in use"), late.running():
        pass


def both(lab: Lab) -> tuple[Endpoint, Endpoint]:
    return lab.authorities.ns1.endpoint, lab.authorities.ns2.endpoint


def who(at: Endpoint, source_port: int = 0) -> bytes | None:
    """Return the name of the instance that answers."""
    query = dns.message.make_query("shop.test", "SOA", options=[dns.edns.NSIDOption(b"")])
    answer = dns.query.udp(query, at.address, 5, at.port, source_port=source_port)
    return next(o.nsid for o in answer.options if isinstance(o, dns.edns.NSIDOption))
