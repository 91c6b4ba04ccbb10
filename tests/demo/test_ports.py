import socket

import pytest

from monitor.demo.ports import free_port, loopback_addresses


def test_a_free_port_can_be_bound_everywhere_at_once() -> None:
    addresses = loopback_addresses(3)
    port = free_port(addresses)
    assert 1024 < port < 65536
    for address in set(addresses):
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            with socket.socket(socket.AF_INET, kind) as probe:
                probe.bind((address, port))


def test_servers_get_an_address_each_or_all_the_same() -> None:
    addresses = loopback_addresses(5)
    assert len(addresses) == 5
    assert len(set(addresses)) in (1, 5)
    assert all(address.startswith("127.0.0.") for address in addresses)


def test_where_no_port_is_free_it_says_so() -> None:
    # 192.0.2.0/24 is for documentation: no host has it (RFC 5737).
    with pytest.raises(OSError, match=r"192\.0\.2\.1"):
        free_port(["192.0.2.1"])
