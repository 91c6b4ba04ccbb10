import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.core.addresses import may_be_asked
from tests.core.properties import REPEATABLE

PUBLIC = ["8.8.8.8", "47.110.23.5", "2400:3200::1", "::ffff:8.8.8.8", "64:ff9b::808:808"]
PRIVATE = [
    "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "100.64.0.1", "198.18.0.1",
    "203.0.113.1",
    "192.0.0.8", "240.0.0.1", "::1", "fc00::1", "fec0::1", "2001:db8::1", "3fff::1",
    "64:ff9b:1::808:808",
]  # fmt: skip
IN_DISGUISE = [
    "::ffff:127.0.0.1",
    "::ffff:100.64.0.1",
    "::10.0.0.1",
    "2002:7f00:1::1",  # 6to4 of 127.0.0.1
    "64:ff9b::a00:1",  # NAT64 of 10.0.0.1
]
NEVER = [
    "169.254.169.254", "100.100.100.200", "0.0.0.0", "255.255.255.255", "224.0.0.1", "239.1.1.1",
    "::", "fe80::1", "fe80::1%eth0", "ff02::1", "::ffff:169.254.169.254", "64:ff9b::6464:64c8",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_be_asked(address: str) -> None:
    assert may_be_asked(address)


@pytest.mark.parametrize("address", PRIVATE + IN_DISGUISE)
def test_a_private_address_may_be_asked_only_where_that_is_allowed(address: str) -> None:
    assert not may_be_asked(address)
    assert may_be_asked(address, allow_private=True)


@pytest.mark.parametrize("address", NEVER)
def test_some_addresses_may_never_be_asked(address: str) -> None:
    assert not may_be_asked(address, allow_private=True)


@pytest.mark.parametrize(
    "text", ["", "localhost", "127.1", "0177.0.0.1", "8.8.8.8/32", "8.8.8.8 "]
)
def test_what_is_no_address_may_not_be_asked(text: str) -> None:
    assert not may_be_asked(text, allow_private=True)


@REPEATABLE
@given(st.ip_addresses(v=4))
def test_an_address_is_the_same_in_every_disguise(address: object) -> None:
    assert may_be_asked(f"::ffff:{address}") == may_be_asked(f"{address}")
