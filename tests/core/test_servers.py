from monitor.core.names import DomainName
from monitor.core.servers import Authority, Transport

ZONE = DomainName("shop.example")


def test_every_transport_has_the_port_of_its_rfc() -> None:
    ports = {transport.value: transport.default_port for transport in Transport}
    assert ports == {"udp": 53, "tcp": 53, "dot": 853, "doh": 443, "doq": 853}


def test_an_authority_is_called_by_name_and_address() -> None:
    server = DomainName("ns1.shop.example")
    assert Authority(ZONE, server, "192.0.2.1").name == "ns1.shop.example (192.0.2.1:53)"
    assert Authority(ZONE, None, "2001:db8::1", 5353).name == "[2001:db8::1]:5353"
