"""Which addresses out of DNS may be connected to."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

# What a name of somebody else's zone must never make us talk to, whatever the configuration
# allows: the metadata servers of machines answer whoever asks.
_NEVER = (
    ip_network("169.254.0.0/16"),  # link-local, RFC 3927
    ip_network("100.100.100.200/32"),  # Alibaba Cloud's metadata server
    ip_network("0.0.0.0/8"),  # this network, RFC 1122 §3.2.1.3
    ip_network("255.255.255.255/32"),
)
_NAT64 = ip_network("64:ff9b::/96")  # RFC 6052 §2.1
# Not public either, though some versions of the standard library take them for that.
_NOT_PUBLIC = (
    ip_network("192.0.0.0/24"),  # RFC 6890 §2.1
    ip_network("64:ff9b:1::/48"),  # RFC 8215
    ip_network("3fff::/20"),  # RFC 9637
)


def may_be_asked(address: str, *, allow_private: bool = False) -> bool:
    """Tell whether an address out of DNS may be connected to; False for what is no address.

    Public ones only, unless others are allowed. An IPv6 address that holds an IPv4 address is
    judged by that one.
    """
    try:
        found = ip_address(address)
    except ValueError:
        return False
    inner = _inner(found)
    if inner.is_multicast or inner.is_link_local or inner.is_unspecified:
        return False
    if any(inner in network for network in _NEVER):
        return False
    return allow_private or _is_public(inner)


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address) and address.is_site_local:
        return False
    if any(address in network for network in _NOT_PUBLIC):
        return False
    return address.is_global and not address.is_reserved


def _inner(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or _compatible(address) or address


def _compatible(address: IPv6Address) -> IPv4Address | None:
    """Return the IPv4 address of `::a.b.c.d` (RFC 4291 §2.5.5.1, deprecated)."""
    number = int(address)
    return IPv4Address(number) if 1 < number <= 0xFFFFFFFF else None
