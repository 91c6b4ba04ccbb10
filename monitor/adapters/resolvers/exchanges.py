"""How each transport is asked over; what few use is loaded when it is used."""

from collections.abc import Collection, Mapping

from monitor.adapters.resolvers.transports import Exchange, over_tcp, over_tls, over_udp
from monitor.core.servers import Transport

_PLAIN: Mapping[Transport, Exchange] = {
    Transport.UDP: over_udp,
    Transport.TCP: over_tcp,
    Transport.DOT: over_tls,
}


def exchange_over(transport: Transport) -> Exchange:
    """Return how to ask over a transport that is not missing."""
    return _PLAIN.get(transport) or _carriers()[transport]


def missing_transports(wanted: Collection[Transport]) -> frozenset[Transport]:
    """Return those of the wanted transports whose libraries are not installed."""
    carried = frozenset(wanted).difference(_PLAIN)
    return carried.difference(_carriers()) if carried else carried


def _carriers() -> Mapping[Transport, Exchange]:
    # The libraries of HTTP and QUIC take 16 MiB, and a tenth of a second.
    from monitor.adapters.resolvers.carriers import CARRIERS  # noqa: PLC0415 - who uses it

    return CARRIERS
