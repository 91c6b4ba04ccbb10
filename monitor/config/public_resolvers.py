"""Public resolvers known by address or host: many caches stand behind each of them.

From the operators' own pages; carriers' resolvers are not in it, they belong in configuration.
"""

import ipaddress

_ADDRESSES = {
    "AliDNS": "223.5.5.5 223.6.6.6 2400:3200::1 2400:3200:baba::1",
    "DNSPod": "119.29.29.29 1.12.12.12 120.53.53.53 182.254.116.116 119.28.28.28 2402:4e00::",
    "114DNS": "114.114.114.114 114.114.115.115 114.114.114.119 114.114.115.119 "
    "114.114.114.110 114.114.115.110",
    "Baidu": "180.76.76.76 2400:da00::6666",
    "CNNIC": "1.2.4.8 210.2.4.8 2001:dc7:1000::1",
    "360": "101.226.4.6 218.30.118.6 123.125.81.6 140.207.198.6 101.198.198.198",
    "OneDNS": "117.50.10.10 52.80.52.52 117.50.11.11 117.50.22.22",
    "Volcengine": "180.184.1.1 180.184.2.2",
    "CFIEC": "240c::6666 240c::6644",
    "TUNA": "101.6.6.6",
    "Google": "8.8.8.8 8.8.4.4 2001:4860:4860::8888 2001:4860:4860::8844",
    "Cloudflare": "1.1.1.1 1.0.0.1 2606:4700:4700::1111 2606:4700:4700::1001",
    "Quad9": "9.9.9.9 149.112.112.112 9.9.9.10 149.112.112.10 9.9.9.11 149.112.112.11 2620:fe::fe",
    "OpenDNS": "208.67.222.222 208.67.220.220 2620:119:35::35 2620:119:53::53",
    "AdGuard": "94.140.14.14 94.140.15.15",
    "Yandex": "77.88.8.8 77.88.8.1",
    "HiNet": "168.95.1.1 168.95.192.1",
    "KT": "168.126.63.1 168.126.63.2",
}
_HOSTS = frozenset(
    {
        "dns.alidns.com",
        "doh.pub",
        "dot.pub",
        "doh.360.cn",
        "dot.360.cn",
        "dns.ipv6dns.com",
        "dns.google",
        "cloudflare-dns.com",
        "one.one.one.one",
        "dns.quad9.net",
        "dns11.quad9.net",
        "doh.opendns.com",
        "dns.adguard-dns.com",
        "common.dot.dns.yandex.net",
    }
)
_IPS = frozenset(
    ipaddress.ip_address(text) for texts in _ADDRESSES.values() for text in texts.split()
)


def is_public_resolver(host: str) -> bool:
    """True for an address or a host name of a known public resolver."""
    try:
        return ipaddress.ip_address(host) in _IPS
    except ValueError:
        return host in _HOSTS
