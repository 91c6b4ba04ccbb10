import socket
import subprocess
import sys

import pytest

from monitor.demo.ports import free_port, loopback_addresses
from tests.cli.commands import environment

HERE = "127.0.0.1"
CHOOSE = f"""
from monitor.demo.ports import free_port
print(*(free_port(["{HERE}"]) for _ in range(600)))
"""


def test_a_free_port_can_be_bound_everywhere_at_once() -> None:
    addresses = loopback_addresses(3)
    port = free_port(addresses)
    assert 1024 < port < 65536
    for address in set(addresses):
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            with socket.socket(socket.AF_INET, kind) as probe:
                probe.bind((address, port))


def test_a_port_is_not_chosen_again_while_there_are_others() -> None:
    ports = [free_port([HERE]) for _ in range(300)]
    assert len(set(ports)) == len(ports)


def test_two_processes_side_by_side_never_choose_the_same_port() -> None:
    other = subprocess.run(
        [sys.executable, "-c", CHOOSE], env=environment(), capture_output=True, check=True
    )
    theirs = set(map(int, other.stdout.split()))
    ours = {free_port([HERE]) for _ in range(600)}
    assert theirs and ours and not theirs & ours


def test_servers_get_an_address_each_or_all_the_same() -> None:
    addresses = loopback_addresses(5)
    assert len(addresses) == 5
    assert len(set(addresses)) in (1, 5)
    assert all(address.startswith("127.0.0.") for address in addresses)


def test_where_no_port_is_free_it_says_so() -> None:
    # 192.0.2.0/24 is for documentation: no host has it (RFC 5737).
    with pytest.raises(OSError, match=r"192\.0\.2\.1"):
        free_port(["192.0.2.1"])
